"""How the console's pages are written: templates, languages, and static files by the hash of their content."""

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from hotline.locales import LANGUAGES, negotiate_language, text_keys, translate
from hotline.organisation.model.vocabulary import Channel, Kind, Level, Priority
from hotline.tickets.model.vocabulary import (
    DeclineReason,
    DepartureReason,
    Fault,
    Funding,
    Reached,
    ReturnReason,
    Satisfaction,
    TicketStatus,
    VoidReason,
)
from hotline.web.responses import pack_reply
from hotline.web.templating import StaticFiles, pack_files, page_environment, version_of

LANGUAGE = "hotline_language"
THEME = "hotline_theme"
THEMES: Mapping[str, str] = {"auto": "eye", "light": "sun", "dark": "moon"}  # each with its icon
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ORDERED_VOCABULARIES: Mapping[str, type[StrEnum]] = {
    "status": TicketStatus,
    "kind": Kind,
    "priority": Priority,
    "level": Level,
    "channel": Channel,
    "satisfaction": Satisfaction,
    "reached": Reached,
    "fault": Fault,
    "funding": Funding,
    "decline_reason": DeclineReason,
    "void_reason": VoidReason,
    "return_reason": ReturnReason,
    "departure_reason": DepartureReason,
}
# texts no module asks for: what a broken rule says comes with the refusal, figures and drawings come ready made
_SERVED = (
    "acd.", "alarm.", "chart.", "danger_ask.", "danger_say.", "doctor.", "emergency_service.", "drift_alarm.",
    "figures.", "forbidden.", "gate_reason.", "use_reason.", "incident_field.",
    "incident_say.", "language.", "message_template.", "message_part.", "measure.",
    "model.", "model_state.", "moment.", "outcome.",
    "open311_action.", "open311_said.", "public_action.", "public_status.", "reach.", "reports.", "resident.", "rule.",
    "weekday.",
    "lowered.", "place_role.", "system_said.", "system_text.",  # in `reasons.<language>.json`
    "privacy.", "retention.",  # of the command line
)  # fmt: skip
# texts of some pages alone, in a file of their own: `core.js` loads it for them, `outbox.js` that of the queue
_PARTS: Mapping[str, tuple[str, ...]] = {
    "admin": ("admin.", "area_level.", "department_kind."),
    "forms": ("attribute_type.", "item.", "item_form.", "receiver.", "unit."),
    "deeds": ("deed.", "subject."),
    "nouns": ("noun.",),
    "views": ("calendar.", "delivery.", "delivery_fault.", "event.", "robot.", "roster.", "webhook."),
    "queue": ("outbox.", "photo.", "report_form."),
}
_REASON_WORDS = ("lowered.", "place_role.", "unit.")


_ENVIRONMENT = page_environment("hotline.console")


def request_language(request: Request) -> str:
    """The language chosen, else the browser's first language with a catalogue, else simplified Chinese."""
    chosen = request.cookies.get(LANGUAGE)
    if chosen in LANGUAGES:
        return chosen
    return negotiate_language(request.headers.get("accept-language", ""))


def request_theme(request: Request) -> str | None:
    """Light or dark, as chosen; None: as the device is set."""
    chosen = request.cookies.get(THEME)
    return chosen if chosen in THEMES and chosen != "auto" else None


def icon(name: str, size: int = 18) -> Markup:
    """A drawing of icons.svg, `size` pixels wide: 14, 16, 18, 20, 24 or 32. It is beside a text that says the same."""
    href = f"/console/static/{static_version()}/icons.svg#{name}"
    return Markup('<svg class="i i-{}" aria-hidden="true"><use href="{}"></use></svg>').format(size, href)


@lru_cache(maxsize=1)
def static_files() -> StaticFiles:
    """The static files: bytes, compressed bytes, media type; one of them for the texts of each language."""
    found: dict[str, tuple[bytes, str]] = {}
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "png": "image/png"}
    shared, own = files("hotline.web") / "static", files("hotline.console") / "static"
    for file in (*shared.iterdir(), *own.iterdir()):
        kind = kinds.get(file.name.rpartition(".")[2])
        if kind is not None:
            found[file.name] = (file.read_bytes(), kind)
    for language in LANGUAGES:
        # a list is offered in the order of the vocabulary: by meaning, not by the letters of its codes
        first = [f"{family}.{word}" for family, words in ORDERED_VOCABULARIES.items() for word in words]
        keys = (key for key in (*first, *text_keys()) if not key.startswith(_SERVED))
        # what a figure counts is told by pages that come ready made
        words = {key: translate(key, language) for key in keys if not fnmatchcase(key, "figure.*.note")}
        for part, prefixes in _PARTS.items():
            texts = {key: words.pop(key) for key in tuple(words) if key.startswith(prefixes)}
            found[f"{part}.{language}.json"] = (orjson.dumps(texts), "application/json")
        found[f"words.{language}.json"] = (orjson.dumps(words), "application/json")
        found[f"reasons.{language}.json"] = (orjson.dumps(_reason_texts(language)), "application/json")
    return pack_files(found)


def _reason_texts(language: str) -> Mapping[str, Any]:
    """The templates of what the system writes into histories and explanations, as stored and in a language, and the
    words that stand in them."""
    return {
        "templates": [(translate(key, "en"), _shown(key, language)) for key in text_keys("system_text.")],
        "words": {key: translate(key, language) for prefix in _REASON_WORDS for key in text_keys(prefix)},
    }


def _shown(key: str, language: str) -> str:
    """What is shown of a stored text: some are stored as marks and codes, which people read in words."""
    said = key.replace("system_text.", "system_said.")
    return translate(said if said in text_keys("system_said.") else key, language)


@lru_cache(maxsize=1)
def static_version() -> str:
    return version_of(static_files())


def render_page(request: Request, template: str, language: str, status: int = 200, **more: Any) -> Response:
    page = _ENVIRONMENT.get_template(template).render(
        t=lambda key, **values: translate(key, language, **values),
        language=language,
        languages=LANGUAGES,
        theme=request_theme(request),
        themes=THEMES,
        icon=icon,
        static=f"/console/static/{static_version()}",
        path=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        **more,
    )
    reply = Response(page, status, {"content-security-policy": POLICY}, media_type="text/html")
    return pack_reply(request, reply, secrets=[*more.get("queue_keys", ()), *more.get("draft_keys", ())])
