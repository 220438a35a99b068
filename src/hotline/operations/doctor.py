"""Checks of a running system: read-only queries, each by an index, and what each finds. Cheap enough to run all the
time."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hotline.database.columns import read_instant
from hotline.delivery import registry
from hotline.delivery import store as outbox_store
from hotline.delivery.message_kinds import MessageKinds
from hotline.delivery.model import Message, Reach
from hotline.delivery.provider import GatewayProvider
from hotline.inbound import store as inbound_store
from hotline.locales import pair, text
from hotline.organisation.model import duty
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.holidays import unannounced
from hotline.organisation.model.items import Roster
from hotline.refusals import Refused
from hotline.storage.permissions import exposed, is_shared, told
from hotline.text.numbering import Number
from hotline.tickets.context import Services
from hotline.tickets.sla import store as sla_store

UNFIRED = timedelta(seconds=60)  # a timer step that has been due for longer is overdue
WAITING = timedelta(minutes=5)  # a message that has been due for longer is overdue
SKEW = timedelta(seconds=2)
AHEAD = timedelta(days=7)  # how far gaps in the rosters are looked for
BEHIND = timedelta(days=14)  # and how far back, to know when one began


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `wrong`: somebody must act now; `warns`: somebody must act before long."""

    check: str
    says: str
    says_zh: str
    wrong: bool = False
    warns: bool = False


def finding(
    check: str,
    key: str,
    *,
    wrong: bool = False,
    warns: bool = False,
    chinese: Mapping[str, object] | None = None,
    **values: object,
) -> Finding:
    """A finding in words: the text of a key. `chinese`: the values that read otherwise in Chinese."""
    said, said_zh = text(key, "en", **values), text(key, "zh-Hans", **{**values, **(chinese or {})})
    return Finding(check, said, said_zh, wrong, warns)


def _at_least(count: int, bound: int) -> tuple[object, object]:
    """A count that is only known up to a bound, in English and in Chinese."""
    if count < bound:
        return count, count
    return text("doctor.at_least", "en", count=bound), text("doctor.at_least", "zh-Hans", count=bound)


Check = Callable[[Services, Directory, datetime], Awaitable[list[Finding]]]


async def _directory(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    if directory.home is None:
        return [finding("directory", "doctor.directory.empty", wrong=True)]
    return [finding("directory", "doctor.directory.good", version=directory.version)]


async def _unfired(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    count, oldest = await sla_store.unfired(services.db, now - UNFIRED)
    if not count or oldest is None:
        return [finding("clocks", "doctor.clocks.good")]
    ago = int((now - oldest).total_seconds())
    return [finding("clocks", "doctor.clocks.late", wrong=True, count=count, seconds=ago)]


async def _stuck(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found = await sla_store.stuck(services.db)
    if not found:
        return [finding("ladders", "doctor.ladders.good")]
    which = ", ".join(r.id for r in found[:5])
    return [finding("ladders", "doctor.ladders.stuck", wrong=True, count=len(found), which=which)]


async def _lost(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found = await sla_store.without_clock(services.db, 5)
    if not found:
        return [finding("tickets", "doctor.tickets.good")]
    return [finding("tickets", "doctor.tickets.without_clock", wrong=True, which=", ".join(found))]


async def _behind(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    for code in directory.calendars:
        version = directory.versions.get(("calendars", code), directory.version)
        if await sla_store.counted_otherwise(services.db, code, version, 1):
            return [finding("reckoning", "doctor.reckoning.behind", warns=True, calendar=code)]
    return [finding("reckoning", "doctor.reckoning.good")]


async def _outbox(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    texts = bool(await services.gateways.senders(now))
    kinds = services.part(MessageKinds)
    ways = kinds.ways(Reach(texts, services.speaks, hooks=True))
    oldest = await outbox_store.oldest_due(services.db, now, ways)
    stranded = not services.speaks and await outbox_store.oldest_due(services.db, now) is not None
    if stranded and not texts:
        found.append(finding("outbox", "doctor.outbox.no_address", warns=True))
    elif stranded and await outbox_store.oldest_due(services.db, now, kinds.ways(Reach(notices=True))) is not None:
        found.append(finding("outbox", "doctor.outbox.texts_alone", warns=True))
    elif oldest is not None and now - oldest > WAITING:
        ago = int((now - oldest).total_seconds())
        found.append(finding("outbox", "doctor.outbox.late", wrong=True, seconds=ago))
    waits = await outbox_store.waiting(services.db, ways)
    for kind in (w for w in waits if not w.sendable or w.count >= outbox_store.COUNTED):
        key = "doctor.outbox.waits" if kind.sendable else "doctor.outbox.stranded"
        since = f"{kind.oldest:%Y-%m-%dT%H:%M}Z"
        count, count_zh = _at_least(kind.count, outbox_store.COUNTED)
        chinese = {"count": count_zh}
        found.append(finding("outbox", key, warns=True, kind=kind.kind, since=since, count=count, chinese=chinese))
    if dead := len(await outbox_store.listed(services.db, "dead", "", 100)):
        count, count_zh = _at_least(dead, 100)
        found.append(finding("outbox", "doctor.outbox.dead", warns=True, count=count, chinese={"count": count_zh}))
    return found or [finding("outbox", "doctor.outbox.good")]


async def _inbound(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    waiting = await inbound_store.oldest_waiting(services.db, now)
    oldest = read_instant(waiting.at) if waiting else None
    if oldest is not None and now - oldest > WAITING:
        ago = int((now - oldest).total_seconds())
        found.append(finding("inbound", "doctor.inbound.late", wrong=True, seconds=ago))
    if odd := await inbound_store.odd_ones(services.db):
        found.append(finding("inbound", "doctor.inbound.odd", warns=True, count=odd))
    return found or [finding("inbound", "doctor.inbound.good")]


async def _spool(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    if services.spool is None:
        return [finding("spool", "doctor.spool.none", warns=True)]
    found: list[Finding] = []
    if bad := services.spool.bad():
        found.append(finding("spool", "doctor.spool.bad", wrong=True, count=bad))
    if services.spool.size():
        waiting = await asyncio.to_thread(services.spool.waiting)
        found.append(finding("spool", "doctor.spool.waits", warns=True, count=waiting))
    return found or [finding("spool", "doctor.spool.good")]


async def _gateways(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    gateways = await services.gateways.now(now)
    all_beside_us = True
    for g in gateways.values():
        try:
            declared = registry.provider(g.kind, g.provider, GatewayProvider)
            all_beside_us &= declared.same_machine or not g.active
        except Refused:
            found.append(
                finding(
                    "gateways",
                    "doctor.gateways.package",
                    wrong=g.active,
                    gateway=g.name,
                    provider=g.provider,
                )
            )
        if g.account.settings.get("wanted_certificate"):
            found.append(finding("gateways", "doctor.gateways.certificate", warns=True, gateway=g.name))
        strange = sorted(set((g.account.settings.get("numbers") or {}).values()) - set(directory.areas))
        if strange:
            areas, areas_zh = ", ".join(strange[:3]), "、".join(strange[:3])
            found.append(
                finding(
                    "gateways", "doctor.gateways.areas", warns=True, gateway=g.name, areas=areas,
                    chinese={"areas": areas_zh},
                )
            )  # fmt: skip
        if g.weight != g.resting:
            key = "doctor.gateways.weight"
            found.append(finding("gateways", key, warns=True, gateway=g.name, weight=g.weight, usual=g.resting))
    if any(g.sends and g.active for g in gateways.values()):
        if services.public_url.startswith("http://127.0.0.1") and not all_beside_us:
            found.append(finding("gateways", "doctor.gateways.local", warns=True))
        rosters = [r for r in directory.rosters.values() if r.active]
        silent = [f"{r.code}:{m.code}" for r in rosters for m in r.members if not m.phone]
        if silent and not services.speaks:
            found.append(finding("gateways", "doctor.gateways.no_phone", wrong=True, who=", ".join(silent[:5])))
    return found or [finding("gateways", "doctor.gateways.good")]


async def _calendars(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    for c in directory.calendars.values():
        today = now.astimezone(ZoneInfo(c.zone)).date()
        year = unannounced(c, today)
        if year is not None:
            until, until_zh = (c.confirmed_to,) * 2 if c.confirmed_to else reversed(pair("doctor.today"))
            found.append(
                finding(
                    "calendar", "doctor.calendar.missing", wrong=year == today.year, warns=year != today.year,
                    calendar=c.code, year=year, until=until, chinese={"until": until_zh},
                )
            )  # fmt: skip
    return found or [finding("calendar", "doctor.calendar.good")]


async def _duty(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    for roster in directory.rosters.values():
        if not roster.active:
            continue
        for start, end in duty.gaps(roster, now, now + AHEAD):
            en, zh = gap_said(roster, start, end)
            found.append(Finding("duty", en, zh, wrong=start <= now, warns=start > now))
    return found or [finding("duty", "doctor.duty.good")]


def gap_said(roster: Roster, start: datetime, end: datetime) -> tuple[str, str]:
    """A gap in words, in English and Chinese."""
    zone = ZoneInfo(roster.zone)
    a, b = start.astimezone(zone), end.astimezone(zone)
    key = "doctor.duty.gap" if a.date() == b.date() else "doctor.duty.gap_over_days"

    def said(language: str, name: str) -> str:
        weekday, last = (text(f"weekday.{day.weekday()}", language) for day in (a, b))
        return text(key, language, roster=name, start=a, end=b, weekday=weekday, last_weekday=last)

    return said("en", roster.name_en), said("zh-Hans", roster.name)


async def skew_of(services: Services) -> tuple[datetime, timedelta]:
    """The database's time, and how far this process's clock is ahead of it (negative: behind), less what asking
    took."""
    before = services.clock()
    theirs = await services.db.time()
    after = services.clock()
    return theirs, before - theirs if before > theirs else min(after - theirs, timedelta(0))


async def _skew(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    theirs, ahead = await skew_of(services)
    apart = abs(ahead)
    if apart > SKEW:
        return [finding("skew", "doctor.skew.apart", wrong=True, seconds=f"{apart.total_seconds():.1f}")]
    newest = await sla_store.newest_entry(services.db)  # other processes write too, with clocks of their own
    if newest is not None and newest - theirs > SKEW:
        seconds = f"{(newest - theirs).total_seconds():.1f}"
        return [finding("skew", "doctor.skew.ahead", wrong=True, seconds=seconds)]
    return [finding("skew", "doctor.skew.good")]


async def _durability(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    weak = [f"{name} = {value}" for name, value, safe in await services.db.durability() if not safe]
    if weak:
        return [finding("durability", "doctor.durability.weak", wrong=True, settings=", ".join(weak))]
    return [finding("durability", "doctor.durability.good")]


async def _permissions(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found = await asyncio.to_thread(exposed, services.data_dir, services.database_file)
    if not found:
        return [finding("permissions", "doctor.permissions.good")]
    listed, folder = told(found), services.data_dir
    if folder is not None and found == [folder] and is_shared(folder):
        return [finding("permissions", "doctor.permissions.shared", warns=True, files=listed)]
    remedy = f"chmod -R go= {folder or ''}".strip() if folder is not None and folder in found else f"chmod go= {listed}"
    return [finding("permissions", "doctor.permissions.exposed", wrong=True, files=listed, remedy=remedy)]


# for every look at /readyz
QUICK: Sequence[Check] = (
    _directory,
    _unfired,
    _stuck,
    _outbox,
    _inbound,
    _spool,
    _calendars,
    _duty,
)
# for the worker, every few minutes
WATCH: Sequence[Check] = (
    *QUICK,
    _gateways,
    _behind,
    _skew,
    _durability,
    _permissions,
)
CHECKS: Sequence[Check] = (*WATCH, _lost)  # the last reads every open ticket: for `hotline doctor`


async def examine(services: Services, now: datetime, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Every check's findings, in order. Changes nothing."""
    directory = await services.directory.now(now)
    found: list[Finding] = []
    for check in checks:
        found += await check(services, directory, now)
    return found


async def warn_of_gaps(services: Services, now: datetime) -> int:
    """Notify the supervisors of hours without anybody on duty, once for each; how many were new. A gap is known by its
    roster and its beginning, which no later check moves; a roster that never had anybody is notified once."""
    directory = await services.directory.now(now)
    messages: list[Message] = []
    for roster in directory.rosters.values():
        window = now - BEHIND
        for start, end in duty.gaps(roster, window, now + AHEAD + BEHIND) if roster.active else ():
            if end <= now or start > now + AHEAD:
                continue
            if start == window and duty.turns(roster, window, now + AHEAD + BEHIND):
                continue  # it began long ago, and was notified then
            begins = "ever" if start == window else f"{start.astimezone(UTC):%Y%m%dT%H%M}"
            key = f"gap.{hashlib.sha256(f'{roster.code} {begins}'.encode()).hexdigest()[:32]}"
            en, zh = gap_said(roster, max(start, now), end)
            payload = {"roster": roster.code, "from": max(start, now), "to": end, "text": en, "text_zh": zh}
            messages.append(Message(key, "gap", Number(""), "role:supervisor", payload, now))
    return await services.db.transact(lambda c: outbox_store.add_once(c, messages)) if messages else 0
