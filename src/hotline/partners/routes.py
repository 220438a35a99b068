"""Orders that another hotline pushes."""

from typing import Annotated

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from hotline.database.deadlines import within
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import document
from hotline.inbound.push import Unauthentic
from hotline.inbound.pushes import ANY_BODY, GatewayPath, pushed
from hotline.inbound.rows import NOT_THEIRS
from hotline.inbound.signatures import check_address, check_standard
from hotline.organisation.dependencies import AuthenticatedRoute, anybody
from hotline.partners.service import take_order
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.web.problems import field_rule
from hotline.web.responses import refusals

Hook = Annotated[TicketContext, anybody("hooks.push")]
_SAID = refusals(Code.NOT_FOUND, Code.TOO_LARGE, Code.STORAGE_FULL)
router = APIRouter(prefix="/v1/hooks", tags=["hooks"], route_class=AuthenticatedRoute)


@router.post("/orders/{gateway}", operation_id="push_order", responses=_SAID, openapi_extra=ANY_BODY)
async def push_order(gateway: GatewayPath, context: Hook) -> Response:
    """Another hotline's order, signed as Standard Webhooks: taken in once for its number, with its own deadline. Its
    answers go out by a subscription of form `12345`."""
    push = await pushed(context, gateway, GatewayKind.ORDERS)
    found = await context.services.gateways.named(gateway, GatewayKind.ORDERS, push.at)
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
        async with within(context.services.deadlines.write, writes=True):
            done, unread = await take_order(context.services, gateway, system, body, area, push.at)
    except Refused as refused:
        if refused.refusal.code is not Code.CONFLICT:
            raise
        return Response(orjson.dumps({"accepted": True, "known": True}), 200, media_type="application/json")
    answer = {
        "accepted": True, "known": done.replayed, "work_no": done.answer.body,
        "unread": [field_rule(field, rule) for field, rule in unread],
    }  # fmt: skip
    return Response(orjson.dumps(answer), 200, media_type="application/json")
