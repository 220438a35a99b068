"""Orders that another hotline sends by incoming webhook."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.database.deadlines import database_deadline
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import parse_json
from hotline.inbound.rows import NOT_AUTHENTIC
from hotline.inbound.signatures import check_address, check_standard_webhook
from hotline.inbound.webhook_endpoint import ANY_BODY, WEBHOOK_REFUSALS, GatewayPath, read_webhook_request
from hotline.inbound.webhook_request import AuthenticationFailed
from hotline.organisation.dependencies import AuthenticatedRoute, allow_anonymous
from hotline.partners.schemas import AcceptedOrder, KnownOrder
from hotline.partners.service import take_order
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.schemas.tickets import render_unread
from hotline.web.responses import json_reply

Hook = Annotated[TicketContext, allow_anonymous("hooks.push")]
router = APIRouter(prefix="/v1/hooks", tags=["hooks"], route_class=AuthenticatedRoute)


@router.post(
    "/orders/{gateway}",
    operation_id="push_order",
    response_model=AcceptedOrder | KnownOrder,
    responses=WEBHOOK_REFUSALS,
    openapi_extra=ANY_BODY,
)
async def push_order(gateway: GatewayPath, context: Hook) -> Response:
    """Another hotline's order, signed as Standard Webhooks: one ticket for each order number, with its own deadline.
    Answers are sent by a subscription of form `12345`."""
    request = await read_webhook_request(context, gateway, GatewayKind.ORDERS)
    found = await context.services.gateways.named(gateway, GatewayKind.ORDERS, request.at)
    try:
        check_address(found.account, request)
        check_standard_webhook(found.account.secret_values("secret"), request)
    except AuthenticationFailed:
        raise Refused(NOT_AUTHENTIC) from None
    try:
        body = parse_json(request.body, request.charset)
    except ValueError:
        raise Refused(Refusal(Code.BAD_REQUEST, "the body is no JSON", errors=(("body", "not valid JSON"),))) from None
    system, area = found.account.setting("system", gateway), found.account.settings.get("area")
    try:
        async with database_deadline(context.services.deadlines.write, writes=True):
            result, unread = await take_order(context.services, gateway, system, body, area, request.at)
    except Refused as refused:
        if refused.refusal.code is not Code.CONFLICT:
            raise
        return json_reply(KnownOrder(accepted=True, known=True))
    order = AcceptedOrder(
        accepted=True, known=result.replayed, work_no=result.answer.body, unread=render_unread(unread)
    )
    return json_reply(order)
