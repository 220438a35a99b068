"""Changes to duty rosters: substitutions and swaps. A roster stays an item of the directory, and each change is
logged."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import orjson

from hotline.database import idempotency
from hotline.database.write_plan import StoredAnswer
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.duty import duty_turns, member_on_shift
from hotline.organisation.model.hours import parse_hours
from hotline.organisation.model.items import Override, Roster, Shift
from hotline.organisation.service.directory import change, item_as_json
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.web.idempotency import ActionResult, replay_answer

# an override is kept this long after its end, then leaves the roster; the log keeps it
OVERRIDE_RETENTION = timedelta(days=62)
MAX_ATTEMPTS = 5  # attempts to store a change, each on the newest version of the directory


def department_roster(directory: Directory, department: str, code: str) -> Roster:
    """That roster of that department. Raises Refused naming the field."""
    roster = directory.rosters.get(code)
    if roster is None or roster.department != department or not roster.active:
        rule = "no such roster of this department"
        raise Refused(Refusal(Code.INVALID, "the duty cannot be changed", errors=(("roster", rule),)))
    return roster


def swap_overrides(
    roster: Roster, first: tuple[date, str], second: tuple[date, str], reason: str
) -> tuple[Override, Override]:
    """Two turns (date, shift) given to each other's member. Raises Refused where one is no turn."""
    shifts = {s.code: s for s in roster.shifts}
    turns: list[tuple[Shift, date, str]] = []
    for name, (day, code) in (("first", first), ("second", second)):
        shift = shifts.get(code)
        if shift is None or member_on_shift(shift, day) is None:
            worked = ", ".join(s.code for s in roster.shifts if member_on_shift(s, day) is not None)
            rule = f"no such shift on that day; there is {worked or 'none'}"
            raise Refused(Refusal(Code.INVALID, "the turns cannot be swapped", errors=((name, rule),)))
        zone = ZoneInfo(roster.zone)
        begins, ends = (m.replace(tzinfo=zone).astimezone(UTC) for m in _local_hours(shift, day))
        there = {t.member.code for t in duty_turns(roster, begins, ends) if t.shift == code}
        if len(there) != 1:  # as it stands now, after whatever was changed before
            rule = "that turn is split or empty already: change it by overrides"
            raise Refused(Refusal(Code.INVALID, "the turns cannot be swapped", errors=((name, rule),)))
        turns.append((shift, day, there.pop()))
    (a, on_a, one), (b, on_b, other) = turns
    if one == other:
        rule = "both turns are the same member's"
        raise Refused(Refusal(Code.INVALID, "the turns cannot be swapped", errors=(("second", rule),)))
    return _substitution(a, on_a, one, other, reason), _substitution(b, on_b, other, one, reason)


def _substitution(shift: Shift, day: date, absent: str, substitute: str, reason: str) -> Override:
    start, end = _local_hours(shift, day)
    return Override(
        start=start.isoformat(timespec="minutes"),
        end=end.isoformat(timespec="minutes"),
        member=substitute,
        instead_of=absent,
        reason=reason,
    )


def _local_hours(shift: Shift, day: date) -> tuple[datetime, datetime]:
    """When that day's shift begins and ends, in local time of the roster's zone."""
    ((opens, closes),) = parse_hours((shift.hours,))
    last = day + timedelta(days=1) if closes is None or closes <= opens else day
    return datetime.combine(day, opens), datetime.combine(last, closes or opens.min)


async def add_overrides(
    services: OrganisationServices,
    department: str,
    roster: str,
    make_overrides: Callable[[Roster], tuple[Override, ...]],
    request: WriteRequest,
) -> ActionResult:
    """Put overrides (what `make_overrides(roster)` returns) into a roster, if the whole directory stays right. The
    request carries no version: a change in between is no reason to refuse."""
    key, now = request.key, request.now
    if earlier := await idempotency.load_stored_answer(services.db, key.owner, key.key):
        return replay_answer(earlier, key)
    for left in reversed(range(MAX_ATTEMPTS)):
        directory = await services.directory.now(now)
        before = department_roster(directory, department, roster)
        oldest = (now - OVERRIDE_RETENTION).astimezone(ZoneInfo(before.zone)).replace(tzinfo=None)
        kept = tuple(o for o in before.overrides if datetime.fromisoformat(o.end) > oldest)
        after = replace(before, overrides=(*kept, *make_overrides(before)))
        body = orjson.dumps(item_as_json("rosters", after)).decode()
        answer = StoredAnswer(key.owner, key.key, key.fingerprint, 201, body, now)
        try:
            await change(
                services.directory,
                [("rosters", roster, after)],
                request.actor,
                now,
                version=directory.version,
                write_also=partial(idempotency.store_answer, answer=answer),
            )
        except Refused as refused:
            if refused.refusal.code is not Code.STALE or not left:
                raise
            if earlier := await idempotency.load_stored_answer(
                services.db, key.owner, key.key
            ):  # the same key, a moment ago
                return replay_answer(earlier, key)
            await services.directory.reload()
            continue
        return ActionResult(answer, replayed=False)
    raise AssertionError("the last try either returns or raises")
