"""Webhooks: an event is written with its change, copied to every subscription that wants it in one transaction, and
delivered in order to each subscriber."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
import sqlalchemy as sa

from hotline.database.cache import NO_AGE
from hotline.database.identifiers import new_reference
from hotline.database.prepared import Row
from hotline.delivery import store as outbox_store
from hotline.delivery.egress import EgressRules, is_web_address
from hotline.delivery.model import Message
from hotline.delivery.notices import new_signing_secret
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.grants import scope_errors
from hotline.organisation.write_request import WriteRequest
from hotline.partners.platforms.hotline_12345 import answer_payload
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.secret_box import seal
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once
from hotline.webhooks import store as subscription_store
from hotline.webhooks.cache import Subscription, SubscriptionCache
from hotline.webhooks.model import EVENT_TYPES, TEST_TYPE, matches_filter, webhook_event

FORMS = ("events", "12345")  # ours, or the answer as another hotline's platform reads it
SECRET_OVERLAP = timedelta(hours=24)  # how long the old secret still signs after a change
UNKNOWN_SUBSCRIPTION = Refusal(Code.NOT_FOUND, "no such subscription")


async def fan_out_event(services: Services, message: Row, token: str) -> None:
    """An event into one delivery for each that wants it; with the event marked in the same transaction, once."""
    now = services.clock()
    event = message.payload
    found = [
        s
        for s in await services.part(SubscriptionCache).now(now, NO_AGE)
        if s.active and matches_filter(s.event_filter, event)
    ]
    payload = {"event": message.id, **event}
    number = TicketNumber(message.number)
    deliveries = [
        Message(
            f"{message.id}~{s.id[-12:]}"[:40], "webhook", number, f"subscription:{s.id}", payload, message.created_at
        )
        for s in found
    ]

    def write(c: Any) -> None:
        if outbox_store.mark_sent(c, message.id, token) and deliveries:
            outbox_store.add_messages(c, deliveries)

    await services.db.transact(write)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one try of one delivery needs."""

    subscription: str
    url: str
    secrets: list[str]
    body: bytes


async def prepare_delivery(services: Services, message: Row) -> Delivery | None:
    """None: the subscription is gone, or switched off."""
    now = services.clock()
    wanted = message.partition.partition(":")[2]
    found = next((s for s in await services.part(SubscriptionCache).now(now) if s.id == wanted), None)
    if found is None or not found.active:
        return None
    return Delivery(found.id, found.url, found.active_secrets(now), _delivery_body(found.form, message))


def _delivery_body(form: str, message: Row) -> bytes:
    return orjson.dumps(
        answer_payload(message.payload, message.id) if form == "12345" else webhook_event(message.id, message.payload)
    )


async def disable_subscription(services: Services, id: str, reason: str) -> None:  # noqa: A002
    """Switch a subscription off; its messages end dead, and can be replayed once it is on again."""
    await services.db.transact(
        lambda c: subscription_store.update_subscription(c, id, {"active": False, "disabled": reason})
    )
    services.part(SubscriptionCache).forget()


def _subscription_errors(directory: Directory, values: Mapping[str, Any], rules: EgressRules) -> list[tuple[str, str]]:
    errors: list[tuple[str, str]] = []
    if "url" in values and not is_web_address(values["url"]):
        errors.append(("url", "an http or https address, without user and fragment"))
    elif "url" in values and (rule := rules.broken_by(values["url"])):
        errors.append(("url", rule))
    unknown = [e for e in values.get("events") or () if e != "*" and e not in EVENT_TYPES]
    if unknown:
        errors.append(("events", "any of " + ", ".join(EVENT_TYPES) + ", or *"))
    if values.get("department") and values["department"] not in directory.departments:
        errors.append(("department", "unknown department"))
    if values.get("area") and values["area"] not in directory.areas:
        errors.append(("area", "unknown area"))
    if values.get("form", "events") not in FORMS:
        errors.append(("form", "one of " + ", ".join(FORMS)))
    if values.get("form") == "12345" and not values.get("outer_system"):
        errors.append(("outer_system", "the hotline whose orders are answered"))
    return errors


async def subscribe(
    services: Services,
    values: Mapping[str, Any],
    request: WriteRequest,
    render: Callable[[Mapping[str, Any], str], str],
) -> ActionResult:
    """A new subscription; `show(row, secret)` renders it with its secret, told this once. Raises Refused with all that
    is wrong, or where it would tell more than its maker may see."""
    actor, now = request.actor, request.now
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    if faults := scope_errors(actor, values.get("department"), values.get("area")):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "nobody gives more than they hold", errors=faults))
    directory = await services.directory.now(now)
    if errors := _subscription_errors(directory, values, services.part(EgressRules)):
        raise Refused(Refusal(Code.INVALID, "the subscription is not right", errors=tuple(errors)))
    id, secret = new_reference(now), new_signing_secret()  # noqa: A001
    row = {
        "id": id, "name": values["name"], "url": values["url"], "form": values.get("form") or "events",
        "events": list(values.get("events") or ()), "department": values.get("department"), "area": values.get("area"),
        "outer_system": values.get("outer_system"),
        "sealed": seal(services.secret, f"subscription {id}", [[secret, None]]),
        "active": True, "disabled": None, "version": 1, "created_at": now, "created_by": actor.id,
    }  # fmt: skip

    def add(c: sa.Connection) -> Reply:
        subscription_store.insert_subscription(c, row)
        record_deed(c, _event(Deed.WEBHOOK_ADDED, id, actor, now, {"host": urlsplit(row["url"]).hostname}))
        return Reply(201, render(row, secret), "1")

    result = await write_once(services, request.key, add, now, secret=True)
    services.part(SubscriptionCache).forget()
    return result


async def send_test(
    services: Services,
    id: str,  # noqa: A002
    request: WriteRequest,
    render: Callable[[str], str],
) -> ActionResult:
    """Queue a test delivery: a job sends it from the outbox, signed and tried as every other, and waits for no event
    before it. Raises Refused where there is none that is the actor's, it is switched off, or it would answer another
    hotline's orders."""
    now = request.now
    subscription = await load_subscription(services, id, request.actor, now)
    if not subscription.active:
        raise Refused(Refusal(Code.NOT_NOW, "the subscription is switched off"))
    if subscription.form != FORMS[0]:
        raise Refused(Refusal(Code.NOT_NOW, "another hotline would take a test for an answer"))
    test = new_reference(now)
    payload = {"type": TEST_TYPE, "at": now, "subscription": subscription.name}
    message = Message(test, "webhook", TicketNumber(""), subscription_store.partitions_of(id)[1], payload, now)

    def add(c: sa.Connection) -> Reply:
        outbox_store.add_messages(c, [message])
        record_deed(c, _event(Deed.WEBHOOK_TESTED, id, request.actor, now))
        return Reply(202, render(test))

    return await write_once(services, request.key, add, now)


def _event(
    deed: Deed,
    subscription: str,
    actor: Actor,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> SecurityEvent:
    return SecurityEvent(deed, actor, now, ("subscription", subscription), details or {})


def can_manage(actor: Actor, subscription: Subscription) -> bool:
    """Whether a subscription tells no more than this administrator may see."""
    return not scope_errors(actor, subscription.department, subscription.area)


async def load_subscription(services: Services, id: str, actor: Actor, now: datetime) -> Subscription:  # noqa: A002
    """Raises Refused where there is none that is the actor's to manage."""
    services.part(SubscriptionCache).forget()
    for subscription in await services.part(SubscriptionCache).now(now):
        if subscription.id == id and can_manage(actor, subscription):
            return subscription
    raise Refused(UNKNOWN_SUBSCRIPTION)


async def change_subscription(
    services: Services,
    id: str,  # noqa: A002
    version: int,
    values: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> Subscription:
    """Set what was sent. Raises Refused: unknown, wrong, or changed since."""
    await load_subscription(services, id, actor, now)
    directory = await services.directory.now(now)
    if errors := _subscription_errors(directory, values, services.part(EgressRules)):
        raise Refused(Refusal(Code.INVALID, "the subscription is not right", errors=tuple(errors)))
    row = dict(values)
    if row.get("active"):
        row["disabled"] = None

    def change(c: sa.Connection) -> bool:
        changed = subscription_store.update_subscription(c, id, row, version)
        if changed:
            record_deed(c, _event(Deed.WEBHOOK_CHANGED, id, actor, now, {"fields": sorted(values)}))
        return bool(changed)

    if not await services.db.transact(change):
        raise Refused(Refusal(Code.STALE, "the subscription has changed since the version you saw"))
    return await load_subscription(services, id, actor, now)


async def rotate_secret(
    services: Services,
    id: str,  # noqa: A002
    request: WriteRequest,
    render: Callable[[str], str],
) -> ActionResult:
    """A new secret, told this once; both sign for a day."""
    now = request.now
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    subscription = await load_subscription(services, id, request.actor, now)
    secret = new_signing_secret()
    until = (now + SECRET_OVERLAP).isoformat()
    old = [[s, u or until] for s, u in subscription.secrets if u is None or datetime.fromisoformat(u) > now]
    sealed = seal(services.secret, f"subscription {id}", [*old[-1:], [secret, None]])

    def turn(c: sa.Connection) -> Reply:
        if not subscription_store.update_subscription(c, id, {"sealed": sealed}, subscription.version):
            raise Refused(Refusal(Code.STALE, "somebody else changed the subscription just now: look again"))
        record_deed(c, _event(Deed.WEBHOOK_SECRET_ROTATED, id, request.actor, now))
        return Reply(200, render(secret))

    result = await write_once(services, request.key, turn, now, secret=True)
    services.part(SubscriptionCache).forget()
    return result


async def unsubscribe(services: Services, id: str, actor: Actor, now: datetime) -> None:  # noqa: A002
    """Raises Refused where there is none that is the actor's to end."""
    await load_subscription(services, id, actor, now)

    def remove(c: sa.Connection) -> bool:
        removed = subscription_store.delete_subscription(c, id)
        if removed:
            record_deed(c, _event(Deed.WEBHOOK_REMOVED, id, actor, now))
        return bool(removed)

    if not await services.db.transact(remove):
        raise Refused(UNKNOWN_SUBSCRIPTION)
    services.part(SubscriptionCache).forget()
