"""Incoming webhooks of providers: texts, delivery reports, calls on the exchange, another hotline's orders. Each is
authenticated by its gateway, kept, and answered exactly as its provider expects."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.delivery.model import GatewayKind
from hotline.inbound.webhook_endpoint import (
    ANY_BODY,
    WEBHOOK_RESPONSES,
    GatewayPath,
    acknowledgement_response,
    read_webhook_request,
)
from hotline.organisation.dependencies import AuthenticatedRoute, allow_anonymous
from hotline.sms.webhook_intake import receive_webhook
from hotline.tickets.dependencies import TicketContext

router = APIRouter(prefix="/v1/hooks", tags=["hooks"], route_class=AuthenticatedRoute)
Hook = Annotated[TicketContext, allow_anonymous("hooks.push")]


@router.post(
    "/sms/{gateway}",
    operation_id="push_text",
    response_class=Response,
    responses=WEBHOOK_RESPONSES,
    openapi_extra=ANY_BODY,
)
async def push_text(gateway: GatewayPath, context: Hook) -> Response:
    """A resident's text, or a batch of texts. 2xx means stored, in the form the provider expects; a repeat is answered
    the same and has no effect. Items that cannot be read are set aside for an operator."""
    return acknowledgement_response(
        await receive_webhook(
            context.services, gateway, await read_webhook_request(context, gateway, GatewayKind.SMS), is_report=False
        )
    )


@router.get("/sms/{gateway}", operation_id="push_text_by_get", response_class=Response, responses=WEBHOOK_RESPONSES)
async def push_text_by_get(gateway: GatewayPath, context: Hook) -> Response:
    """The same, for providers that send everything in the query (Kannel, Vonage)."""
    return acknowledgement_response(
        await receive_webhook(
            context.services, gateway, await read_webhook_request(context, gateway, GatewayKind.SMS), is_report=False
        )
    )


@router.post(
    "/sms/{gateway}/status",
    operation_id="push_report",
    response_class=Response,
    responses=WEBHOOK_RESPONSES,
    openapi_extra=ANY_BODY,
)
async def push_report(gateway: GatewayPath, context: Hook) -> Response:
    """Delivery reports. A late or repeated report never lowers a known status."""
    return acknowledgement_response(
        await receive_webhook(
            context.services, gateway, await read_webhook_request(context, gateway, GatewayKind.SMS), is_report=True
        )
    )


@router.get(
    "/sms/{gateway}/status", operation_id="push_report_by_get", response_class=Response, responses=WEBHOOK_RESPONSES
)
async def push_report_by_get(gateway: GatewayPath, context: Hook) -> Response:
    """The same, for providers that send everything in the query."""
    return acknowledgement_response(
        await receive_webhook(
            context.services, gateway, await read_webhook_request(context, gateway, GatewayKind.SMS), is_report=True
        )
    )
