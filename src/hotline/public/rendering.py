"""How the residents' pages are written: templates, three languages, large type, and static files by the hash of their
content. No cookie is set: what a page must remember stands in its address and its forms."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from hotline.locales import LANGUAGES, negotiate_language, translate
from hotline.text.bidi import isolate_text

STATIC = "/resident/static"
_KINDS = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def _isolate_value(value: Any) -> Any:
    """Text that people wrote must not reverse what is beside it; what is markup already is left."""
    return isolate_text(value) if type(value) is str else value


_ENVIRONMENT = Environment(
    loader=PackageLoader("hotline.public"),
    autoescape=True,
    finalize=_isolate_value,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@lru_cache(maxsize=1)
def static_files() -> Mapping[str, tuple[bytes, bytes, str]]:
    """The static files by name: bytes, compressed bytes, media type. Colours and icons are those of every page."""
    found = {}
    shared, own = files("hotline.web") / "static", files("hotline.public") / "static"
    for file in (shared / "tokens.css", shared / "icons.svg", *own.iterdir()):
        kind = _KINDS.get(file.name.rpartition(".")[2])
        if kind is not None:
            data = file.read_bytes()
            found[file.name] = (data, gzip.compress(data, 9, mtime=0), kind)
    return found


@lru_cache(maxsize=1)
def static_version() -> str:
    """A hash of all static files, part of their address: browsers may cache them for ever."""
    digest = hashlib.sha256()
    for name, (data, _, _) in sorted(static_files().items()):
        digest.update(name.encode() + b"\0" + data)
    return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody reads: language, large type, and whether the page is shown within another site's."""

    language: str
    elder: bool = False
    embedded: bool = False

    @classmethod
    def of(cls, request: Request, form: Mapping[str, str] | None = None, *, embedded: bool = False) -> "Look":
        """As the form says, else the address, else the browser."""
        given = {**request.query_params, **(form or {})}
        language = given.get("lang", "")
        if language not in LANGUAGES:
            language = negotiate_language(request.headers.get("accept-language", ""))
        return cls(language, given.get("elder") == "1", embedded)

    def query(self, **changed: str) -> str:
        """For the address of another page: `?lang=en&elder=1`."""
        values = {"lang": self.language, "elder": "1" if self.elder else "", **changed}
        return "?" + "&".join(f"{name}={value}" for name, value in values.items() if value)


def policy(frames: tuple[str, ...] = ()) -> str:
    """What a page may load and do; `frames`: the origins whose pages may show it."""
    ancestors = " ".join(frames) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; "
        f"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )


def render(look: Look, template: str, **values: Any) -> str:
    """A page, or a part of one."""

    def t(key: str, **named: object) -> str:
        return translate(key, look.language, **named)

    def name(item: Any) -> str:
        """An item of the directory, or a name and its English."""
        return str((item.name_en or item.name) if look.language == "en" else item.name)

    return _ENVIRONMENT.get_template(template).render(
        t=t,
        name=name,
        look=look,
        gap=" " if look.language == "en" else "",
        languages=LANGUAGES,
        static=f"{STATIC}/{static_version()}",
        **values,
    )


def page_response(page: str, frames: tuple[str, ...] = (), status: int = 200, retry_after: int = 0) -> Response:
    headers = {"content-security-policy": policy(frames)}
    if retry_after:
        headers["retry-after"] = str(retry_after)
    return Response(page, status, headers, media_type="text/html")
