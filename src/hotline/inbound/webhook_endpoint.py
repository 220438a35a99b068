"""Reads the HTTP request of a gateway for its provider module, and renders the acknowledgement."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import Path
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from hotline.delivery.context import DeliveryServices
from hotline.delivery.model import GatewayKind
from hotline.inbound.rows import NOT_AUTHENTIC
from hotline.inbound.signatures import is_from_gateway
from hotline.inbound.webhook_request import Acknowledgement, PushReceipt, WebhookRequest
from hotline.organisation.dependencies import RequestContext
from hotline.refusals import Code, Refusal, Refused
from hotline.web.forwarded import client_address
from hotline.web.responses import refusal_responses

ANY_BODY: dict[str, Any] = {"requestBody": {"content": {"*/*": {"schema": {}}}, "required": False}}  # for OpenAPI
_ACKNOWLEDGED: dict[str, Any] = {
    "description": "Kept. What its provider takes for success, in the provider's own form",
    "model": PushReceipt | Mapping[str, str | int | bool],  # a provider's own is one flat object
    "content": {"text/plain": {"schema": {"type": "string"}}, "text/xml": {"schema": {"type": "string"}}},
}
WEBHOOK_REFUSALS = refusal_responses(Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED, Code.TOO_LARGE, Code.STORAGE_FULL)
WEBHOOK_RESPONSES: dict[int | str, dict[str, Any]] = {200: _ACKNOWLEDGED, **WEBHOOK_REFUSALS}
D = TypeVar("D", bound=DeliveryServices)
GatewayPath = Annotated[str, Path(max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$", description="The gateway's name")]
log = structlog.get_logger("hotline.hooks")


async def read_webhook_request(context: RequestContext[D], gateway: str, kind: GatewayKind) -> WebhookRequest:
    """The request as its gateway reads it. `url` is our public address of it: a proxy in between changes nothing. The
    body is read for a gateway that is there, from an address of its list. Raises Refused."""
    request = context.request
    found = await context.services.gateways.named(gateway, kind, context.now)
    if not is_from_gateway(found.account, client_address(request)):
        log.warning("hook.refused", gateway=gateway, why="not from an address of this gateway")
        raise Refused(NOT_AUTHENTIC)
    url = f"{context.services.public_url.rstrip('/')}{request.scope['raw_path'].decode('latin-1').partition('?')[0]}"
    query: bytes = request.scope["query_string"]
    if query:
        url += f"?{query.decode('latin-1')}"
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in request.scope["headers"]}
    remote = client_address(request) or ""
    try:
        body = await request.body()
    except ClientDisconnect:
        raise Refused(Refusal(Code.BAD_REQUEST, "the body broke off; nothing was kept")) from None
    return WebhookRequest(request.method, url, query, headers, body, remote, context.now)


def acknowledgement_response(reply: Acknowledgement) -> Response:
    return Response(reply.body, reply.status, media_type=reply.media_type)
