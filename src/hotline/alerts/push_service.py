"""Devices that are told of dangers by Web Push: added, removed, and sent to from the outbox."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from hotline.alerts import service, web_push
from hotline.alerts.model import Alert
from hotline.alerts.texts import push_texts
from hotline.alerts.web_push import PushTarget
from hotline.database.columns import Instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.prepared import PreparedQuery, Row
from hotline.database.tables import stored_key
from hotline.delivery import store as outbox_store
from hotline.delivery.model import Message
from hotline.delivery.tables import outbox
from hotline.locales import translate
from hotline.organisation.model.actors import Actor, ActorKind
from hotline.organisation.service.account_events import device_removed
from hotline.organisation.service.credentials import actor_of, grant_of
from hotline.organisation.store.people import load_person
from hotline.organisation.tables import push_device as d
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.secret_box import SealedColumn, seal, unseal
from hotline.security_log.store import record_deed
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

TURN_BEGAN_WITHIN = timedelta(minutes=10)  # a worker that was away for so long still tells who has come on duty
TELLS_WITHIN = timedelta(minutes=2)  # a danger that begins tells the devices itself in this time
MOST_AT_TURN = 10  # dangers told to one browser as a turn begins; the page lists all
MAX_DEVICES = 20  # of one person; beyond them the oldest goes
VAPID = "vapid"  # the name of the stored key
SEALED = (SealedColumn(d, "sealed", lambda row: f"push {row['id']}"),)
UNKNOWN_DEVICE = Refusal(Code.NOT_FOUND, "no such device")
NO_PERSON = Refusal(Code.NOT_YOUR_ROLE, "a key has no browser that could be told")

_SERVER_KEY = PreparedQuery(
    sa.select(stored_key.c.sealed).where(stored_key.c.name == sa.bindparam("name", type_=sa.String))
)
_ALL = PreparedQuery(sa.select(*d.c).order_by(d.c.created_at, d.c.id))
_ONE = PreparedQuery(sa.select(*d.c).where(d.c.id == sa.bindparam("id", type_=sa.String)))
# no index: it is asked only while somebody's turn begins and a danger waits
_TOLD = PreparedQuery(
    sa.select(outbox.c.partition, outbox.c.number, outbox.c.created_at)
    .where(outbox.c.kind == "push", outbox.c.created_at > sa.bindparam("since", type_=Instant))
    .order_by(outbox.c.created_at)
)
_OWN = PreparedQuery(
    sa.select(*d.c).where(d.c.person == sa.bindparam("person", type_=sa.String)).order_by(d.c.created_at, d.c.id)
)


async def load_device(db: Database, device: str) -> Row | None:
    """A device by its id; None: it is gone."""
    return await fetch_first(db, _ONE, id=device)


async def load_devices(db: Database, person: str | None = None) -> Sequence[Row]:
    """The devices of a person, or every one, oldest first."""
    return await (db.rows(_ALL) if person is None else db.rows(_OWN, person=person))


async def server_key(services: Services, now: datetime) -> "EllipticCurvePrivateKey":
    """The key by which push services know this server: made when it is first asked for, kept sealed. It is the same for
    good, so it is written once and read outside any transaction."""
    row = await fetch_first(services.db, _SERVER_KEY, name=VAPID)
    if row is None:
        sealed = seal(services.secret, f"key {VAPID}", web_push.new_private_key())
        made = {"name": VAPID, "sealed": sealed, "created_at": now}
        await services.db.transact(lambda c: insert_ignoring_duplicates(c, stored_key, [made]))
        row = await fetch_first(services.db, _SERVER_KEY, name=VAPID)  # another process may have been quicker
    if row is None:
        raise LookupError("the server's key for Web Push was removed")
    return web_push.load_private_key(unseal(services.secret, f"key {VAPID}", row.sealed))


def device_id(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()[:40]


async def add_device(
    services: Services, actor: Actor, target: PushTarget, about: Mapping[str, Any], now: datetime
) -> str:
    """Tell this browser of dangers from now on, and send it a first message that says so; its id. The same browser
    again is one device, which gets no first message; under another person it is theirs. `about`: `device`, `language`
    and `session`, the hash of the log-in that it goes with."""
    if actor.kind is not ActorKind.PERSON:
        raise Refused(NO_PERSON)
    device = device_id(target.endpoint)
    sealed = seal(services.secret, f"push {device}", [target.endpoint, target.p256dh, target.auth])
    row = {"id": device, "person": actor.id, "sealed": sealed, "created_at": now, **about}
    language = about["language"]
    texts = {"title": translate("alert.push_title", language), "body": translate("alert.push_first", language)}
    first = _message(f"ap.{device[:20]}.{now:%y%m%d%H%M%S}", device, TicketNumber(""), texts, now)

    def write(c: sa.Connection) -> None:
        is_known = c.execute(sa.delete(d).where(d.c.id == device).returning(d.c.person)).scalar() == actor.id
        mine = sa.select(d.c.id).where(d.c.person == actor.id).order_by(d.c.created_at.desc(), d.c.id)
        old = c.execute(mine.offset(MAX_DEVICES - 1)).scalars().all()
        c.execute(sa.delete(d).where(d.c.id.in_(old)))
        c.execute(sa.insert(d).values(**row))
        if not is_known:
            outbox_store.add_messages(c, [first])

    await services.db.transact(write)
    return device


async def remove_device(services: Services, actor: Actor, device: str) -> None:
    """Raises Refused where it is not one of theirs."""
    gone = sa.delete(d).where(d.c.id == device, d.c.person == actor.id)
    if not await services.db.transact(lambda c: c.execute(gone).rowcount):
        raise Refused(UNKNOWN_DEVICE)


async def end_device(services: Services, person: str, device: str, actor: Actor, now: datetime) -> None:
    """A device of somebody else is told no more, and the security log says so. Raises Refused where the person has
    none of that id."""
    gone = sa.delete(d).where(d.c.id == device, d.c.person == person)

    def end(c: sa.Connection) -> bool:
        ended = bool(c.execute(gone).rowcount)
        if ended:
            record_deed(c, device_removed(person, device, actor, now))
        return ended

    if not await services.db.transact(end):
        raise Refused(UNKNOWN_DEVICE)


def forget_device(c: sa.Connection, device: str) -> None:
    c.execute(sa.delete(d).where(d.c.id == device))


def target_of(services: Services, row: Row) -> PushTarget:
    return PushTarget(*unseal(services.secret, f"push {row.id}", row.sealed))


async def push_begun_turns(services: Services, now: datetime) -> int:
    """Tell whoever has just come on duty of the dangers that wait, the longest waiting first: one message for each
    danger and device, once for each turn, and none where the danger itself has told them since. How many were added."""
    devices = await load_devices(services.db)
    directory = await services.directory.now(now)
    begun = service.turns_begun(directory, now - TURN_BEGAN_WITHIN, now) if devices else {}
    of_person: dict[str, list[Row]] = {}
    for row in devices if begun else ():
        of_person.setdefault(row.person, []).append(row)
    found = []
    for theirs in of_person.values():
        person = await load_person(services.db, theirs[0].person)
        if person is None or not person.active or person.login not in begun:
            continue
        turn = begun[person.login]
        actor = actor_of(directory, ActorKind.PERSON, person.id, person.name, grant_of(person))
        alerts = (await service.alerts_for(services, actor, now))[:MOST_AT_TURN]
        for row, alert in product(theirs, alerts):
            if alert.created_at <= max(turn, now - TELLS_WITHIN):
                name = f"at.{alert.number}.{turn:%y%m%d%H%M}~{row.id[:10]}"
                texts = push_texts(alert, directory, row.language)
                found.append((turn, _message(name, row.id, TicketNumber(alert.number), texts, now)))
    if not found:
        return 0
    told = await services.db.rows(_TOLD, since=min(turn for turn, _ in found))
    last = {(row.partition, row.number): row.created_at for row in told}
    messages = [m for turn, m in found if last.get((m.partition, m.number), turn) <= turn]
    return await services.db.transact(lambda c: outbox_store.add_messages(c, messages)) if messages else 0


async def push_messages(services: Services, cause: Row, alert: Alert, now: datetime) -> list[Message]:
    """One message for each device of whoever must know of a danger: by the same rule as the bar on their pages."""
    directory = await services.directory.now(now)
    told: dict[str, bool] = {}
    messages = []
    for row in await load_devices(services.db):
        if row.person not in told:
            person = await load_person(services.db, row.person)
            knows = False
            if person is not None and person.active:
                actor = actor_of(directory, ActorKind.PERSON, person.id, person.name, grant_of(person))
                knows = bool(await service.alerts_for(services, actor, now, alert.number))
            told[row.person] = knows
        if told[row.person]:
            texts = push_texts(alert, directory, row.language)
            name = f"{cause.id}~p{row.id[:12]}"[:40]
            messages.append(_message(name, row.id, TicketNumber(alert.number), texts, cause.created_at))
    return messages


def _message(name: str, device: str, number: TicketNumber, texts: Mapping[str, str], at: datetime) -> Message:
    payload = {"device": device, "texts": {**texts, "number": number}}
    return Message(name, "push", number, f"push:{device}", payload, at)


def body_of(m: Row) -> bytes:
    """What the service worker shows: title, body and the ticket's number. Nothing of a caller."""
    return orjson.dumps(m.payload["texts"])


def contact_of(public_url: str) -> str:
    """How the operator of a push service reaches us: the address of this server."""
    return public_url if public_url.startswith("https://") else "mailto:hotline@localhost"
