"""What makes the console an app of its own on a phone: the manifest, the service worker, a page for when it is offline.

None of it tells of a person or a ticket: anybody may read it, and a browser may keep it after a session has ended.
"""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hotline.console.rendering import render_page, request_language, static_files, static_version
from hotline.locales import translate

OFFLINE = "/console/offline"
# what the board needs without a line, beside the texts of the language
SHELL = (
    "blur.js", "board.css", "board.js", "components.css", "conflict.js", "console.css", "core.js", "deed.js",
    "deed_store.js", "forms.js", "icons.svg", "find.js", "kept.js", "leaving.js", "mark.svg", "offline.js", "order.js",
    "outbox.css", "outbox.js", "panel.js", "photos.css", "photos.js", "reasons.js", "report_draft.js", "report_form.js",
    "schema_fields.js", "sealing.js", "tokens.css",
)  # fmt: skip
_COLOURS = {"theme_color": "#1a2433", "background_color": "#f3f4f6"}  # of `--rail` and `--bg`
_ICONS = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-512.png", "512x512", "maskable"),
)


def install_routes() -> list[Route]:
    return [
        Route("/console/app.webmanifest", _manifest, name="console manifest"),
        Route("/console/worker.js", _worker, name="console worker"),
        Route(OFFLINE, _offline_page, name="console offline"),
    ]


async def _manifest(request: Request) -> Response:
    language, at = request_language(request), f"/console/static/{static_version()}"
    told: dict[str, Any] = {
        "id": "/console",
        "name": translate("app.name", language),
        "short_name": "24365",
        "lang": language,
        "start_url": "/console",
        "scope": "/console",
        "display": "standalone",
        "icons": [
            {"src": f"{at}/{name}", "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in _ICONS
        ],
        **_COLOURS,
    }
    headers = {"cache-control": "no-cache", "vary": "cookie, accept-language"}
    return Response(orjson.dumps(told), headers=headers, media_type="application/manifest+json")


async def _worker(request: Request) -> Response:
    """The service worker, with the files it keeps: another version or language is another worker."""
    at = f"/console/static/{static_version()}"
    language = request_language(request)
    names = [name for name in (*SHELL, f"words.{language}.json", f"queue.{language}.json") if name in static_files()]
    shell = [OFFLINE, *(f"{at}/{name}" for name in names)]
    told = (("AT", at), ("OFFLINE", OFFLINE), ("LANGUAGE", language), ("SHELL", shell))
    first = "".join(f"const {name} = {orjson.dumps(value).decode()};\n" for name, value in told)
    headers = {
        "cache-control": "no-cache",
        "vary": "cookie, accept-language",
        "service-worker-allowed": "/console",  # the app starts there, above the worker's own folder
        "content-security-policy": "default-src 'none'; connect-src 'self'",  # what the worker itself may request
    }
    return Response(first.encode() + static_files()["worker.js"][0], headers=headers, media_type="text/javascript")


async def _offline_page(request: Request) -> Response:
    return render_page(request, "offline.html", request_language(request), name="offline")
