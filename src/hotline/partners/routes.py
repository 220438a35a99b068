"""Orders that another hotline pushes."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.database.deadlines import within
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import document
from hotline.inbound.push import Unauthentic
from hotline.inbound.pushes import ANY_BODY, REFUSED_PUSHES, GatewayPath, pushed
from hotline.inbound.rows import NOT_THEIRS
from hotline.inbound.signatures import check_address, check_standard
from hotline.organisation.dependencies import AuthenticatedRoute, anybody
from hotline.partners.schemas import AcceptedOrder, KnownOrder
from hotline.partners.service import take_order
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.schemas.tickets import unread_shown
from hotline.web.responses import reply

Hook = Annotated[TicketContext, anybody("hooks.push")]
router = APIRouter(prefix="/v1/hooks", tags=["hooks"], route_class=AuthenticatedRoute)


@router.post(
    "/orders/{gateway}",
    operation_id="push_order",
    response_model=AcceptedOrder | KnownOrder,
    responses=REFUSED_PUSHES,
    openapi_extra=ANY_BODY,
)
async def push_order(gateway: GatewayPath, context: Hook) -> Response:
    """Another hotline's order, signed as Standard Webhooks: one ticket for each order number, with its own deadline.
    Answers are sent by a subscription of form `12345`."""
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
        return reply(KnownOrder(accepted=True, known=True))
    order = AcceptedOrder(accepted=True, known=done.replayed, work_no=done.answer.body, unread=unread_shown(unread))
    return reply(order)
