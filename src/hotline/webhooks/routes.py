"""Routes of webhooks: subscriptions, and the state of each delivery."""

from collections.abc import Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.database.prepared import Row
from hotline.delivery import attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.egress import EgressRules
from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, require_roles
from hotline.organisation.model.actors import Role
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.web.field_types import PlainLine
from hotline.web.idempotency import Reply, write_once
from hotline.web.paging import Limit
from hotline.web.responses import (
    POST_REFUSALS,
    READ_REFUSALS,
    WRITE_REFUSALS,
    action_reply,
    etag_responses,
    json_reply,
    refusal_responses,
)
from hotline.web.schemas import dump_json
from hotline.webhooks import service as subscription_service
from hotline.webhooks import store as subscription_store
from hotline.webhooks.cache import SubscriptionCache
from hotline.webhooks.schemas import (
    DeliveryOut,
    DeliveryPage,
    QueuedDelivery,
    SecretOut,
    SubscriptionChange,
    SubscriptionIn,
    SubscriptionMade,
    SubscriptionOut,
    SubscriptionPage,
    created_subscription_reply,
    delivery_line_reply,
    delivery_reply,
    subscription_reply,
)

router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"], route_class=AuthenticatedRoute)
Admin = Annotated[TicketContext, require_roles("subscriptions.manage", Role.ADMIN)]


@router.get("", operation_id="list_subscriptions", response_model=SubscriptionPage, responses=refusal_responses())
async def list_subscriptions(context: Admin) -> Response:
    """Every subscription, without its secrets; for an administrator of an area or department, those within it."""
    context.services.part(SubscriptionCache).forget()
    found = await context.services.part(SubscriptionCache).now(context.now)
    rules = context.services.part(EgressRules)
    mine = (s for s in found if subscription_service.can_manage(context.actor, s))
    return json_reply(SubscriptionPage(tuple(subscription_reply(s, rules) for s in mine), None))


@router.post(
    "",
    operation_id="subscribe",
    response_model=SubscriptionMade,
    status_code=201,
    responses={**etag_responses(201), **refusal_responses(*POST_REFUSALS)},
)
async def subscribe(body: SubscriptionIn, context: Admin) -> Response:
    """Subscribe an address. Deliveries are signed as Standard Webhooks with the secret, which is in this reply only; a
    repeat with the same Idempotency-Key gets the same secret. Attempts go on for about 75 hours; 410 ends the
    subscription."""

    def show(row: Mapping[str, Any], secret: str) -> str:
        return dump_json(created_subscription_reply(row, secret))

    request = await context.write_request()
    return action_reply(await subscription_service.subscribe(context.services, body.model_dump(), request, show))


@router.get(
    "/{subscription}",
    operation_id="read_subscription",
    response_model=SubscriptionOut,
    responses={**etag_responses(200), **refusal_responses(*READ_REFUSALS)},
)
async def read_subscription(subscription: CodePath, context: Admin) -> Response:
    """One subscription."""
    found = await subscription_service.load_subscription(context.services, subscription, context.actor, context.now)
    return json_reply(subscription_reply(found, context.services.part(EgressRules)), version=found.version)


@router.patch(
    "/{subscription}",
    operation_id="change_subscription",
    response_model=SubscriptionOut,
    responses=refusal_responses(*WRITE_REFUSALS),
)
async def change_subscription(subscription: CodePath, body: SubscriptionChange, context: Admin) -> Response:
    """Change the fields that are sent. `active` true resumes one that was switched off."""
    values = {name: getattr(body, name) for name in body.model_fields_set}
    empty = [name for name in values if values[name] is None]
    if empty:
        raise Refused(Refusal(Code.INVALID, "these cannot be empty", errors=tuple((n, "not null") for n in empty)))
    found = await subscription_service.change_subscription(
        context.services, subscription, context.version(), values, context.actor, context.now
    )
    return json_reply(subscription_reply(found, context.services.part(EgressRules)), version=found.version)


@router.delete(
    "/{subscription}", operation_id="unsubscribe", status_code=204, responses=refusal_responses(*READ_REFUSALS)
)
async def unsubscribe(subscription: CodePath, context: Admin) -> Response:
    """End a subscription. Pending deliveries are not sent."""
    await subscription_service.unsubscribe(context.services, subscription, context.actor, context.now)
    return Response(status_code=204)


@router.post(
    "/{subscription}/rotate",
    operation_id="rotate_subscription",
    response_model=SecretOut,
    responses=refusal_responses(*POST_REFUSALS, Code.STALE),
)
async def rotate_subscription(subscription: CodePath, context: Admin) -> Response:
    """Create a new secret, shown in this reply only. For a day deliveries carry both signatures."""
    request = await context.write_request()
    return action_reply(
        await subscription_service.rotate_secret(
            context.services, subscription, request, lambda s: dump_json(SecretOut(s))
        )
    )


@router.post(
    "/{subscription}/test",
    operation_id="test_subscription",
    response_model=QueuedDelivery,
    status_code=202,
    responses=refusal_responses(*POST_REFUSALS, Code.NOT_NOW),
)
async def test_subscription(subscription: CodePath, context: Admin) -> Response:
    """Send a test delivery of type `webhook.test`, signed as every other and without a ticket. It waits for no event;
    what came of it stands in the delivery log."""
    request = await context.write_request()
    return action_reply(
        await subscription_service.send_test(
            context.services, subscription, request, lambda queued: dump_json(QueuedDelivery(queued))
        )
    )


async def _load_delivery(context: TicketContext, subscription: str, delivery: str) -> Row:
    row = await outbox_store.load_message(context.services.db, delivery)
    if row is None or row.partition not in subscription_store.partitions_of(subscription):
        raise Refused(Refusal(Code.NOT_FOUND, "no such delivery"))
    return row


@router.get(
    "/{subscription}/deliveries",
    operation_id="list_deliveries",
    response_model=DeliveryPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_deliveries(
    subscription: CodePath,
    context: Admin,
    after: Annotated[PlainLine, Query(max_length=40, description="`next` of the page before")] = "",
    newest: Annotated[bool, Query(description="The latest alone, the newest first, without a next page")] = False,
    limit: Limit = 50,
) -> Response:
    """The delivery log: events and tests, attempts, results."""
    await subscription_service.load_subscription(context.services, subscription, context.actor, context.now)
    db = context.services.db
    if newest:
        rows = await subscription_store.newest_deliveries(db, subscription, limit)
    else:
        rows = await subscription_store.deliveries(db, subscription, after, limit)
    tries = await subscription_store.last_tries(db, [row.id for row in rows])
    items = tuple(delivery_line_reply(row, tries.get(row.id)) for row in rows)
    return json_reply(DeliveryPage(items, rows[-1].id if len(rows) == limit and not newest else None))


@router.get(
    "/{subscription}/deliveries/{delivery}",
    operation_id="read_delivery",
    response_model=DeliveryOut,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_delivery(subscription: CodePath, delivery: CodePath, context: Admin) -> Response:
    """One delivery with every try."""
    await subscription_service.load_subscription(context.services, subscription, context.actor, context.now)
    row = await _load_delivery(context, subscription, delivery)
    tries = await attempts.load_attempts(context.services.db, delivery)
    return json_reply(delivery_reply(row, tries))


@router.post(
    "/{subscription}/deliveries/{delivery}/replay",
    operation_id="replay_delivery",
    response_model=QueuedDelivery,
    status_code=202,
    responses=refusal_responses(*POST_REFUSALS, Code.NOT_NOW),
)
async def replay_delivery(subscription: CodePath, delivery: CodePath, context: Admin) -> Response:
    """Send a failed or completed delivery again, under the same id, by which its receiver recognises it."""
    await subscription_service.load_subscription(context.services, subscription, context.actor, context.now)
    await _load_delivery(context, subscription, delivery)

    def replay(c: sa.Connection) -> Reply:
        if not outbox_store.requeue(c, delivery, context.now, include_sent=True):
            raise Refused(Refusal(Code.NOT_NOW, "it is on its way already"))
        return Reply(202, dump_json(QueuedDelivery(delivery)))

    request = await context.write_request()
    return action_reply(await write_once(context.services, request.key, replay, request.now))
