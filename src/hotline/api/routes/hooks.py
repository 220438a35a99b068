"""What providers push: texts, delivery reports, calls on the exchange, another hotline's orders. Each is authenticated
by its gateway, kept, and answered exactly as its provider expects."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from hotline.api.deps import Asking, AuthenticatedRoute, anybody
from hotline.api.errors import field_rule
from hotline.api.pushes import GatewayPath, acknowledged, pushed
from hotline.domain.vocabulary import GatewayKind
from hotline.gateways.payloads import document
from hotline.gateways.push import Unauthentic
from hotline.gateways.signatures import check_address, check_standard
from hotline.refusals import Code, Refusal, Refused
from hotline.services.deadlines import within
from hotline.services.handover import take_order
from hotline.services.inbound_rows import NOT_THEIRS
from hotline.services.receiving import receive

from .answers import refusals

router = APIRouter(prefix="/v1/hooks", tags=["hooks"], route_class=AuthenticatedRoute)
Hook = Annotated[Asking, anybody("hooks.push")]
_SAID = refusals(Code.NOT_FOUND, Code.TOO_LARGE, Code.STORAGE_FULL)
_ANY: dict[str, Any] = {"requestBody": {"content": {"*/*": {"schema": {}}}, "required": False}}


@router.post("/sms/{gateway}", operation_id="push_text", response_class=Response, responses=_SAID, openapi_extra=_ANY)
async def push_text(gateway: GatewayPath, ask: Hook) -> Response:
    """A resident's text, or a batch of them. 2xx: kept, exactly as the provider takes success; a repeat is answered the
    same and does nothing. Items that cannot be read are set aside for an operator."""
    return acknowledged(await receive(ask.house, gateway, await pushed(ask, gateway, GatewayKind.SMS), reports=False))


@router.get("/sms/{gateway}", operation_id="push_text_by_get", response_class=Response, responses=_SAID)
async def push_text_by_get(gateway: GatewayPath, ask: Hook) -> Response:
    """The same, for providers that put all of it in the query (Kannel, Vonage)."""
    return acknowledged(await receive(ask.house, gateway, await pushed(ask, gateway, GatewayKind.SMS), reports=False))


@router.post(
    "/sms/{gateway}/status", operation_id="push_report", response_class=Response, responses=_SAID, openapi_extra=_ANY
)
async def push_report(gateway: GatewayPath, ask: Hook) -> Response:
    """Delivery reports. A late or double one never lowers what is known."""
    return acknowledged(await receive(ask.house, gateway, await pushed(ask, gateway, GatewayKind.SMS), reports=True))


@router.get("/sms/{gateway}/status", operation_id="push_report_by_get", response_class=Response, responses=_SAID)
async def push_report_by_get(gateway: GatewayPath, ask: Hook) -> Response:
    """The same, for providers that put all of it in the query."""
    return acknowledged(await receive(ask.house, gateway, await pushed(ask, gateway, GatewayKind.SMS), reports=True))


@router.post("/orders/{gateway}", operation_id="push_order", responses=_SAID, openapi_extra=_ANY)
async def push_order(gateway: GatewayPath, ask: Hook) -> Response:
    """Another hotline's order, signed as Standard Webhooks: taken in once for its number, with its own deadline. Its
    answers go out by a subscription of form `12345`."""
    push = await pushed(ask, gateway, GatewayKind.ORDERS)
    found = await ask.house.gateways.named(gateway, GatewayKind.ORDERS, push.at)
    try:
        check_address(found.account, push)
        check_standard(found.account.all_of("secret"), push)
    except Unauthentic:
        raise Refused(NOT_THEIRS) from None
    try:
        body = document(push.body)
    except ValueError:
        raise Refused(Refusal(Code.BAD_REQUEST, "the body is no JSON", errors=(("body", "not valid JSON"),))) from None
    system, area = found.account.setting("system", gateway), found.account.settings.get("area")
    try:
        async with within(ask.house.deadlines.write, writes=True):
            done, unread = await take_order(ask.house, gateway, system, body, area, push.at)
    except Refused as refused:
        if refused.refusal.code is not Code.CONFLICT:
            raise
        return Response(orjson.dumps({"accepted": True, "known": True}), 200, media_type="application/json")
    answer = {
        "accepted": True, "known": done.replayed, "work_no": done.answer.body,
        "unread": [field_rule(field, rule) for field, rule in unread],
    }  # fmt: skip
    return Response(orjson.dumps(answer), 200, media_type="application/json")
