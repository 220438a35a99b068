"""Checks of a running system, for `hotline doctor` and the worker: read-only queries, each by an index, and what each
finds."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hotline.database.columns import parse_instant
from hotline.delivery import registry
from hotline.delivery import store as outbox_store
from hotline.delivery.message_kinds import MessageKinds
from hotline.delivery.model import AvailableChannels, Message
from hotline.delivery.provider import GatewayProvider
from hotline.inbound import store as inbound_store
from hotline.learning.in_use import load_model_status
from hotline.locales import translate, translate_pair
from hotline.locales.labels import label_key
from hotline.operations.account_checks import check_factors, check_feeds, check_keys, check_passwords
from hotline.operations.audit_checks import check_history, check_verified
from hotline.operations.departure_checks import check_names_of_departed, check_orders_of_departed
from hotline.operations.findings import Check, Finding, at_least, build_finding
from hotline.operations.security_checks import check_scanner, check_sealing, check_secret
from hotline.organisation.model import duty
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.holidays import missing_notice_year
from hotline.organisation.model.items import Roster
from hotline.refusals import Refused
from hotline.runtime.settings import HotlineNumber
from hotline.storage.permissions import exposed_paths, format_paths, is_shared
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.tickets.sla import store as sla_store

STEP_GRACE = timedelta(seconds=60)  # a timer step that has been due for longer is overdue
WAITING = timedelta(minutes=5)  # a message that has been due for longer is overdue
MAX_CLOCK_SKEW = timedelta(seconds=2)
AHEAD = timedelta(days=7)  # how far gaps in the rosters are looked for
BEHIND = timedelta(days=14)  # and how far back, to know when one began


async def _check_directory_is_loaded(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    if directory.home is None:
        return [build_finding("directory", "doctor.directory.empty", wrong=True)]
    if not directory.danger_frames:
        return [build_finding("directory", "doctor.directory.no_frames", warns=True)]
    return [build_finding("directory", "doctor.directory.good", version=directory.version)]


async def _check_overdue_escalation_steps(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    count, oldest = await sla_store.load_overdue_steps(services.db, now - STEP_GRACE)
    if not count or oldest is None:
        return [build_finding("clocks", "doctor.clocks.good")]
    ago = int((now - oldest).total_seconds())
    return [build_finding("clocks", "doctor.clocks.late", wrong=True, count=count, seconds=ago)]


async def _check_clocks_without_next_step(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found = await sla_store.load_stuck_clocks(services.db)
    if not found:
        return [build_finding("ladders", "doctor.ladders.good")]
    which = ", ".join(r.id for r in found[:5])
    return [build_finding("ladders", "doctor.ladders.stuck", wrong=True, count=len(found), which=which)]


async def _check_open_tickets_without_clock(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found = await sla_store.load_tickets_without_clock(services.db, 5)
    if not found:
        return [build_finding("tickets", "doctor.tickets.good")]
    return [build_finding("tickets", "doctor.tickets.without_clock", wrong=True, which=", ".join(found))]


async def _check_clocks_of_old_calendars(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    for code in directory.calendars:
        version = directory.versions.get(("calendars", code), directory.version)
        if await sla_store.load_outdated_tickets(services.db, code, version, 1):
            return [build_finding("reckoning", "doctor.reckoning.behind", warns=True, calendar=code)]
    return [build_finding("reckoning", "doctor.reckoning.good")]


async def _check_waiting_messages(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    texts = bool(await services.gateways.sms_senders(now))
    kinds = services.part(MessageKinds)
    ways = kinds.ways(AvailableChannels(texts, services.has_notice_address, hooks=True))
    oldest = await outbox_store.load_oldest_due_at(services.db, now, ways)
    stranded = not services.has_notice_address and await outbox_store.load_oldest_due_at(services.db, now) is not None
    if stranded and not texts:
        found.append(build_finding("outbox", "doctor.outbox.no_address", warns=True))
    elif (
        stranded
        and await outbox_store.load_oldest_due_at(services.db, now, kinds.ways(AvailableChannels(notices=True)))
        is not None
    ):
        found.append(build_finding("outbox", "doctor.outbox.texts_alone", warns=True))
    elif oldest is not None and now - oldest > WAITING:
        ago = int((now - oldest).total_seconds())
        found.append(build_finding("outbox", "doctor.outbox.late", wrong=True, seconds=ago))
    waits = await outbox_store.load_waiting_messages(services.db, ways)
    for kind in (w for w in waits if not w.sendable or w.count >= outbox_store.MAX_COUNTED):
        key = "doctor.outbox.waits" if kind.sendable else "doctor.outbox.stranded"
        since = f"{kind.oldest:%Y-%m-%dT%H:%M}Z"
        count, count_zh = at_least(kind.count, outbox_store.MAX_COUNTED)
        chinese = {"count": count_zh}
        found.append(
            build_finding("outbox", key, warns=True, kind=kind.kind, since=since, count=count, chinese=chinese)
        )
    if dead := len(await outbox_store.load_messages(services.db, "dead", "", 100)):
        count, count_zh = at_least(dead, 100)
        found.append(
            build_finding("outbox", "doctor.outbox.dead", warns=True, count=count, chinese={"count": count_zh})
        )
    return found or [build_finding("outbox", "doctor.outbox.good")]


async def _check_waiting_items(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    waiting = await inbound_store.load_waiting_summary(services.db, now)
    oldest = parse_instant(waiting.at) if waiting else None
    if oldest is not None and now - oldest > WAITING:
        ago = int((now - oldest).total_seconds())
        found.append(build_finding("inbound", "doctor.inbound.late", wrong=True, seconds=ago))
    if count := await inbound_store.count_items_for_review(services.db):
        found.append(build_finding("inbound", "doctor.inbound.odd", warns=True, count=count))
    return found or [build_finding("inbound", "doctor.inbound.good")]


async def _check_spooled_records(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    if services.spool is None:
        return [build_finding("spool", "doctor.spool.none", warns=True)]
    found: list[Finding] = []
    if bad := services.spool.count_bad_files():
        found.append(build_finding("spool", "doctor.spool.bad", wrong=True, count=bad))
    if services.spool.size():
        waiting = await asyncio.to_thread(services.spool.count_records)
        found.append(build_finding("spool", "doctor.spool.waits", warns=True, count=waiting))
    return found or [build_finding("spool", "doctor.spool.good")]


async def _check_gateway_health(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    gateways = await services.gateways.now(now)
    all_beside_us = True
    for g in gateways.values():
        try:
            declared = registry.find_provider(g.kind, g.provider, GatewayProvider)
            all_beside_us &= declared.same_machine or not g.active
        except Refused:
            found.append(
                build_finding(
                    "gateways",
                    "doctor.gateways.package",
                    wrong=g.active,
                    gateway=g.name,
                    provider=g.provider,
                )
            )
        if g.account.settings.get("wanted_certificate"):
            found.append(build_finding("gateways", "doctor.gateways.certificate", warns=True, gateway=g.name))
        strange = sorted(set((g.account.settings.get("numbers") or {}).values()) - set(directory.areas))
        if strange:
            areas, areas_zh = ", ".join(strange[:3]), "、".join(strange[:3])
            found.append(
                build_finding(
                    "gateways", "doctor.gateways.areas", warns=True, gateway=g.name, areas=areas,
                    chinese={"areas": areas_zh},
                )
            )  # fmt: skip
        if g.weight != g.resting:
            key = "doctor.gateways.weight"
            found.append(build_finding("gateways", key, warns=True, gateway=g.name, weight=g.weight, usual=g.resting))
    if any(g.sends and g.active for g in gateways.values()):
        if services.public_url.startswith("http://127.0.0.1") and not all_beside_us:
            found.append(build_finding("gateways", "doctor.gateways.local", warns=True))
        rosters = [r for r in directory.rosters.values() if r.active]
        silent = [f"{r.code}:{m.code}" for r in rosters for m in r.members if not m.phone]
        if silent and not services.has_notice_address:
            found.append(build_finding("gateways", "doctor.gateways.no_phone", wrong=True, who=", ".join(silent[:5])))
    return found or [build_finding("gateways", "doctor.gateways.good")]


async def _check_hotline_number(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    known = services.part(HotlineNumber).number or (directory.home.phone if directory.home is not None else None)
    return [build_finding("phone", "doctor.phone.good" if known else "doctor.phone.none", warns=not known)]


async def _check_calendar_coverage(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    for c in directory.calendars.values():
        today = now.astimezone(ZoneInfo(c.zone)).date()
        year = missing_notice_year(c, today)
        if year is not None:
            until, until_zh = (c.confirmed_to,) * 2 if c.confirmed_to else reversed(translate_pair("doctor.today"))
            found.append(
                build_finding(
                    "calendar", "doctor.calendar.missing", wrong=year == today.year, warns=year != today.year,
                    calendar=c.code, year=year, until=until, chinese={"until": until_zh},
                )
            )  # fmt: skip
    return found or [build_finding("calendar", "doctor.calendar.good")]


async def _check_roster_gaps(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    for roster in directory.rosters.values():
        if not roster.active:
            continue
        for start, end in duty.duty_gaps(roster, now, now + AHEAD):
            en, zh = gap_texts(roster, start, end)
            found.append(Finding("duty", en, zh, wrong=start <= now, warns=start > now))
    return found or [build_finding("duty", "doctor.duty.good")]


def gap_texts(roster: Roster, start: datetime, end: datetime) -> tuple[str, str]:
    """A gap in words, in English and Chinese."""
    zone = ZoneInfo(roster.zone)
    a, b = start.astimezone(zone), end.astimezone(zone)
    key = "doctor.duty.gap" if a.date() == b.date() else "doctor.duty.gap_over_days"

    def said(language: str, name: str) -> str:
        weekday, last = (translate(f"weekday.{day.weekday()}", language) for day in (a, b))
        return translate(key, language, roster=name, start=a, end=b, weekday=weekday, last_weekday=last)

    return said("en", roster.name_en), said("zh-Hans", roster.name)


async def measure_clock_skew(services: Services) -> tuple[datetime, timedelta]:
    """The database's time, and how far this process's clock is ahead of it (negative: behind), less what asking
    took."""
    before = services.clock()
    theirs = await services.db.time()
    after = services.clock()
    return theirs, before - theirs if before > theirs else min(after - theirs, timedelta(0))


async def _check_clock_skew(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    theirs, ahead = await measure_clock_skew(services)
    apart = abs(ahead)
    if apart > MAX_CLOCK_SKEW:
        return [build_finding("skew", "doctor.skew.apart", wrong=True, seconds=f"{apart.total_seconds():.1f}")]
    newest = await sla_store.load_newest_entry_time(services.db)  # other processes write too, with clocks of their own
    if newest is not None and newest - theirs > MAX_CLOCK_SKEW:
        seconds = f"{(newest - theirs).total_seconds():.1f}"
        return [build_finding("skew", "doctor.skew.ahead", wrong=True, seconds=seconds)]
    return [build_finding("skew", "doctor.skew.good")]


async def _check_durable_commits(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    weak = [f"{name} = {value}" for name, value, safe in await services.db.durability() if not safe]
    if weak:
        return [build_finding("durability", "doctor.durability.weak", wrong=True, settings=", ".join(weak))]
    return [build_finding("durability", "doctor.durability.good")]


async def _check_wire(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    address = await services.db.plain_wire()
    if address is not None:
        return [build_finding("wire", "doctor.wire.plain", warns=True, address=address)]
    return [build_finding("wire", "doctor.wire.good")]


async def _check_file_permissions(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    found = await asyncio.to_thread(exposed_paths, services.data_dir, services.database_file)
    if not found:
        return [build_finding("permissions", "doctor.permissions.good")]
    listed, folder = format_paths(found), services.data_dir
    if folder is not None and found == [folder] and is_shared(folder):
        return [build_finding("permissions", "doctor.permissions.shared", warns=True, files=listed)]
    remedy = f"chmod -R go= {folder or ''}".strip() if folder is not None and folder in found else f"chmod go= {listed}"
    return [build_finding("permissions", "doctor.permissions.exposed", wrong=True, files=listed, remedy=remedy)]


async def _check_model(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    status = await load_model_status(services.db)
    if status is None:
        return [build_finding("model", "doctor.model.none")]
    if status.alarms:
        pairs = [translate_pair(f"drift_alarm.{alarm}") for alarm in status.alarms]
        alarms, alarms_zh = ", ".join(english for _, english in pairs), "、".join(chinese for chinese, _ in pairs)
        return [
            build_finding(
                "model", "doctor.model.drift", warns=True, version=status.version, alarms=alarms,
                chinese={"alarms": alarms_zh},
            )
        ]  # fmt: skip
    state, state_zh = translate_pair(label_key(status.state))[::-1]
    key = "doctor.model.held" if status.held else "doctor.model.good"
    return [build_finding("model", key, version=status.version, state=state, chinese={"state": state_zh})]


# for every look at /readyz
READINESS_CHECKS: Sequence[Check] = (
    _check_directory_is_loaded,
    _check_overdue_escalation_steps,
    _check_clocks_without_next_step,
    _check_waiting_messages,
    _check_waiting_items,
    _check_spooled_records,
    _check_calendar_coverage,
    _check_roster_gaps,
)
# for the worker, every few minutes
WORKER_CHECKS: Sequence[Check] = (
    *READINESS_CHECKS,
    _check_gateway_health,
    check_orders_of_departed,
    check_names_of_departed,
    _check_clocks_of_old_calendars,
    _check_clock_skew,
    _check_durable_commits,
    _check_wire,
    _check_file_permissions,
    _check_model,
    check_scanner,
)
ALL_CHECKS: Sequence[Check] = (
    _check_hotline_number,
    *WORKER_CHECKS,
    check_secret,
    check_sealing,
    check_keys,
    check_passwords,
    check_factors,
    check_feeds,
    check_verified,
    check_history,
    _check_open_tickets_without_clock,
)  # the last two read a day's history and every open ticket: for `hotline doctor`


async def run_checks(services: Services, now: datetime, checks: Sequence[Check] = ALL_CHECKS) -> list[Finding]:
    """Every check's findings, in order. Changes nothing."""
    directory = await services.directory.now(now)
    found: list[Finding] = []
    for check in checks:
        found += await check(services, directory, now)
    return found


async def notify_roster_gaps(services: Services, now: datetime) -> int:
    """Notify the supervisors of hours without anybody on duty, once for each; how many were new. A gap is known by its
    roster and its beginning, which no later check moves; a roster that never had anybody is notified once."""
    directory = await services.directory.now(now)
    messages: list[Message] = []
    for roster in directory.rosters.values():
        window = now - BEHIND
        for start, end in duty.duty_gaps(roster, window, now + AHEAD + BEHIND) if roster.active else ():
            if end <= now or start > now + AHEAD:
                continue
            if start == window and duty.duty_turns(roster, window, now + AHEAD + BEHIND):
                continue  # it began long ago, and was notified then
            begins = "ever" if start == window else f"{start.astimezone(UTC):%Y%m%dT%H%M}"
            key = f"gap.{hashlib.sha256(f'{roster.code} {begins}'.encode()).hexdigest()[:32]}"
            en, zh = gap_texts(roster, max(start, now), end)
            payload = {"roster": roster.code, "from": max(start, now), "to": end, "text": en, "text_zh": zh}
            messages.append(Message(key, "gap", TicketNumber(""), "role:supervisor", payload, now))
    return await services.db.transact(lambda c: outbox_store.add_messages(c, messages)) if messages else 0
