"""Changing who is on duty: somebody stands in, two swap. The roster stays data of the directory, each change logged."""

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
from hotline.organisation.model.duty import turns as turns_of
from hotline.organisation.model.duty import whose
from hotline.organisation.model.hours import hours_in
from hotline.organisation.model.items import Override, Roster, Shift
from hotline.organisation.service.directory import change, plain
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.web.idempotency import ActionResult, replayed

PAST = timedelta(days=62)  # an override is kept this long after its end, then leaves the roster; the log keeps it
TRIES = 5


def roster_of(directory: Directory, department: str, code: str) -> Roster:
    """That roster of that department. Raises Refused naming the field."""
    roster = directory.rosters.get(code)
    if roster is None or roster.department != department or not roster.active:
        rule = "no such roster of this department"
        raise Refused(Refusal(Code.INVALID, "the duty cannot be changed", errors=(("roster", rule),)))
    return roster


def swapped(
    roster: Roster, first: tuple[date, str], second: tuple[date, str], reason: str
) -> tuple[Override, Override]:
    """Two turns (date, shift) given to each other's member. Raises Refused where one is no turn."""
    shifts = {s.code: s for s in roster.shifts}
    turns: list[tuple[Shift, date, str]] = []
    for name, (day, code) in (("first", first), ("second", second)):
        shift = shifts.get(code)
        if shift is None or whose(shift, day) is None:
            worked = ", ".join(s.code for s in roster.shifts if whose(s, day) is not None)
            rule = f"no such shift on that day; there is {worked or 'none'}"
            raise Refused(Refusal(Code.INVALID, "the turns cannot be swapped", errors=((name, rule),)))
        zone = ZoneInfo(roster.zone)
        begins, ends = (m.replace(tzinfo=zone).astimezone(UTC) for m in _hours(shift, day))
        there = {t.member.code for t in turns_of(roster, begins, ends) if t.shift == code}
        if len(there) != 1:  # as it stands now, after whatever was changed before
            rule = "that turn is split or empty already: change it by overrides"
            raise Refused(Refusal(Code.INVALID, "the turns cannot be swapped", errors=((name, rule),)))
        turns.append((shift, day, there.pop()))
    (a, on_a, one), (b, on_b, other) = turns
    if one == other:
        rule = "both turns are the same member's"
        raise Refused(Refusal(Code.INVALID, "the turns cannot be swapped", errors=(("second", rule),)))
    return _instead(a, on_a, one, other, reason), _instead(b, on_b, other, one, reason)


def _instead(shift: Shift, day: date, gone: str, comes: str, reason: str) -> Override:
    start, end = _hours(shift, day)
    return Override(
        start=start.isoformat(timespec="minutes"),
        end=end.isoformat(timespec="minutes"),
        member=comes,
        instead_of=gone,
        reason=reason,
    )


def _hours(shift: Shift, day: date) -> tuple[datetime, datetime]:
    """When that day's shift begins and ends, by the clock of the wall."""
    ((opens, closes),) = hours_in((shift.hours,))
    last = day + timedelta(days=1) if closes is None or closes <= opens else day
    return datetime.combine(day, opens), datetime.combine(last, closes or opens.min)


async def override(
    services: OrganisationServices,
    department: str,
    roster: str,
    make: Callable[[Roster], tuple[Override, ...]],
    request: WriteRequest,
) -> ActionResult:
    """Put overrides (what `make(roster)` gives) into a roster, if the whole directory stays right. Nobody sent a
    version: a colleague's change in between is no reason to refuse."""
    key, now = request.key, request.now
    if earlier := await idempotency.given(services.db, key.owner, key.key):
        return replayed(earlier, key)
    for left in reversed(range(TRIES)):
        directory = await services.directory.now(now)
        before = roster_of(directory, department, roster)
        oldest = (now - PAST).astimezone(ZoneInfo(before.zone)).replace(tzinfo=None)
        kept = tuple(o for o in before.overrides if datetime.fromisoformat(o.end) > oldest)
        after = replace(before, overrides=(*kept, *make(before)))
        body = orjson.dumps(plain("rosters", after)).decode()
        answer = StoredAnswer(key.owner, key.key, key.fingerprint, 201, body, now)
        try:
            await change(
                services.directory,
                [("rosters", roster, after)],
                request.actor,
                now,
                version=directory.version,
                also=partial(idempotency.keep, answer=answer),
            )
        except Refused as refused:
            if refused.refusal.code is not Code.STALE or not left:
                raise
            if earlier := await idempotency.given(services.db, key.owner, key.key):  # the same key, a moment ago
                return replayed(earlier, key)
            await services.directory.reload()
            continue
        return ActionResult(answer, replayed=False)
    raise AssertionError("the last try either returns or raises")
