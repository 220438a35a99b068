"""How the residents' pages are written: templates, three languages, large type, and static files by the hash of their
content. No cookie is set: what a page must remember stands in its address and its forms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hotline.locales import LANGUAGES, negotiate_language, text_keys, translate
from hotline.organisation.model.names import name_in
from hotline.web.templating import StaticFiles, pack_files, page_environment, version_of

STATIC = "/resident/static"
_ASKED_OF_EACH, _MOST_ASKED = 3, 5  # questions
_KINDS = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


_ENVIRONMENT = page_environment("hotline.public")


@lru_cache(maxsize=1)
def static_files() -> StaticFiles:
    """The static files by name: bytes, compressed bytes, media type. Colours and icons are those of every page."""
    found = {}
    shared, own = files("hotline.web") / "static", files("hotline.public") / "static"
    for file in (shared / "tokens.css", shared / "icons.svg", *own.iterdir()):
        kind = _KINDS.get(file.name.rpartition(".")[2])
        if kind is not None:
            found[file.name] = (file.read_bytes(), kind)
    return pack_files(found)


@lru_cache(maxsize=1)
def static_version() -> str:
    return version_of(static_files())


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

    @property
    def home(self) -> str:
        """The page of the form: of ours, or within another site's."""
        return "/embed" if self.embedded else "/"

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


def danger_questions(dangers: Iterable[str]) -> tuple[str, ...]:
    """The keys of what somebody on the telephone would be asked about these dangers, those of the worst first."""
    keys = (key for danger in dangers for key in text_keys(f"danger_ask.{danger}.")[:_ASKED_OF_EACH])
    return tuple(islice(keys, _MOST_ASKED))


def render(look: Look, template: str, **values: Any) -> str:
    """A page, or a part of one."""

    def t(key: str, **named: object) -> str:
        return translate(key, look.language, **named)

    def name(item: Any) -> str:
        """An item of the directory, or a name and its English."""
        return name_in(item, look.language)

    return _ENVIRONMENT.get_template(template).render(
        t=t,
        name=name,
        look=look,
        questions=danger_questions,
        gap=" " if look.language == "en" else "",
        languages=LANGUAGES,
        static=f"{STATIC}/{static_version()}",
        **{"path": look.home, "shown": None, "again": None, **values},
    )


def page_response(page: str, frames: tuple[str, ...] = (), status: int = 200, retry_after: int = 0) -> Response:
    headers = {"content-security-policy": policy(frames)}
    if retry_after:
        headers["retry-after"] = str(retry_after)
    return Response(page, status, headers, media_type="text/html")
