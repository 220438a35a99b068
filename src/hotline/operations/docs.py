"""The API's documentation page, served from this process: it works without any network."""

from importlib.resources import files
from typing import Annotated

import orjson
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from hotline.organisation.dependencies import allow_anonymous
from hotline.tickets.dependencies import TicketContext

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
DOCUMENT_SIZE = 400_000  # bytes, about


def serve(app: FastAPI) -> None:
    """Put /docs, its files and /openapi.json on the app."""
    document: bytes | None = None

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(context: Annotated[TicketContext, allow_anonymous("docs.read")]) -> Response:
        nonlocal document
        if document is None:  # to make it takes a third of a second
            document = await context.services.offload.run(DOCUMENT_SIZE, lambda: orjson.dumps(app.openapi()))
        return Response(document, media_type="application/json")

    app.mount("/docs-files", StaticFiles(directory=str(files("fastapi_offline") / "static")), name="docs-files")

    @app.get("/docs", include_in_schema=False)
    async def docs(context: Annotated[TicketContext, allow_anonymous("docs.read")]) -> Response:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Hotline API",
            swagger_js_url="/docs-files/swagger-ui-bundle.js",
            swagger_css_url="/docs-files/swagger-ui.css",
            swagger_favicon_url="data:,",
        )
        page.headers["Content-Security-Policy"] = POLICY
        return page
