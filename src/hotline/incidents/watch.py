"""The worker's part in incidents: proposes them from the calls of the last minutes, brings their tickets together, and
tells those who must know. Every step may be repeated."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from hotline.incidents import member_store, store
from hotline.incidents.cache import IncidentCache
from hotline.incidents.member_store import MemberSummary
from hotline.incidents.members import (
    act_by_rule,
    count_joined,
    dispatch_parent,
    find_parent,
    load_ticket,
    merge,
    move,
    note_state,
)
from hotline.incidents.model.codes import IncidentCode
from hotline.incidents.model.grouping import (
    MARGIN_UNSEEN,
    CallReport,
    Proposal,
    common_area,
    common_unit,
    is_same_outage,
    known_incident,
    likely_incidents,
    propose,
    rule_for,
    teach_wording,
    tells_more,
    wording_data,
)
from hotline.incidents.model.incident import Incident, IncidentMember
from hotline.incidents.model.vocabulary import CONFIRMED_STATES, ENDED_STATES, IncidentAction, IncidentState
from hotline.incidents.model.wording import features
from hotline.incidents.notices import announce, tell_callers, tell_reopened
from hotline.incidents.service import act_as_system, open_proposal
from hotline.locales import translate_pair
from hotline.organisation.model.actors import CLOCK, RULES
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import OPEN, Action, Field, TicketStatus
from hotline.triage.model.households import build_household_lexicon
from hotline.triage.model.lexicon import build_lexicon

OVERLAP = timedelta(seconds=30)  # read again: a call may be committed after a later one
READ_ALL_EVERY = timedelta(minutes=1)  # a call from the spool is of the minute in which it was taken
NEVER = datetime.min.replace(tzinfo=UTC)
SHORTEST_WINDOW = timedelta(minutes=10)
PROPOSAL_LIFETIME = timedelta(hours=6)  # a proposal that nobody looked at and no call came to since
MERGED_AT_ONCE = 100  # tickets of one incident in one step
MOVED_AT_ONCE = 100
FAULTY_PAUSE = timedelta(minutes=5)  # a ticket that could not be worked on is left alone, so that the others go on
RELEASED_WITHIN = timedelta(hours=1)  # of the end; a ticket that cannot be worked on until then stays where it is
MOST_MERGERS = 20  # of incidents into one another that are followed
LATE_JOINERS = timedelta(hours=1)
WOUND_UP_WITHIN = timedelta(minutes=10)  # of the end: a call may be committed after the others are told
REOPENED_WITHIN = timedelta(days=60)  # of its end; a ticket is reopened within 30 days of its own
COUNT_EVERY = timedelta(minutes=1)  # the parent's version moves as its calls are counted
log = structlog.get_logger("hotline.incidents")


@dataclass
class IncidentWatch:
    """One worker's view of what people call about now. `window`: the calls of the last minutes that belong to no
    incident; `unseen`: those of them that no wording was held against yet; `undecided`: those that may belong to
    several incidents alike, and therefore make none of their own; `read_to`: up to when they were read;
    `read_all_at`: when they were last read from the beginning of the window; `counted`: in which state and when the
    calls of an incident were last counted on its parent; `faulty`: tickets that could not be worked on, and until
    when they are left alone; `wound_up`: when an ended incident was last looked at."""

    services: Services
    window: dict[str, CallReport] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    undecided: set[str] = field(default_factory=set)
    read_to: datetime = NEVER
    read_all_at: datetime = NEVER
    counted: dict[str, tuple[IncidentState, datetime]] = field(default_factory=dict)
    faulty: dict[str, datetime] = field(default_factory=dict)
    wound_up: dict[str, datetime] = field(default_factory=dict)

    async def step(self) -> bool:
        """One round; True: there is more to do at once."""
        services, now = self.services, self.services.clock()
        directory = await services.directory.now(now)
        self.faulty = {number: until for number, until in self.faulty.items() if until > now}
        self.wound_up = {code: at for code, at in self.wound_up.items() if now - at < WOUND_UP_WITHIN}
        await self._read(directory, now)
        active = await store.load_active(services.db)
        await self._join(directory, [i for i, joinable in active if joinable or i.state is IncidentState.PROPOSED])
        proposed = await self._propose(directory, now)
        busy = False
        for incident, joinable in active:
            busy |= bool(await _unless_faulty(incident.code, self._settle(directory, incident, joinable)))
        busy |= await self._merge_effects(directory, active)
        for incident in await store.load_untold(services.db):
            busy |= bool(await _unless_faulty(incident.code, self._wind_up(incident, now)))
        for incident in await store.load_just_ended(services.db, now - WOUND_UP_WITHIN):
            if now - self.wound_up.get(incident.code, NEVER) >= COUNT_EVERY:
                self.wound_up[incident.code] = now
                busy |= bool(await _unless_faulty(incident.code, self._wind_up(incident, now)))
        for ended in await store.load_reopened(services.db, now - REOPENED_WITHIN):
            reason = f"ticket {ended.parent} was reopened"
            again = act_as_system(services, ended, IncidentAction.REOPEN, RULES, reason=reason)
            busy |= await _unless_faulty(ended.code, again) is not None
        for late in await store.load_late(services.db, now - LATE_JOINERS):
            await _unless_faulty(late.incident, _release_late(services, late.number, late.incident))
        return busy or proposed

    async def _read(self, directory: Directory, now: datetime) -> None:
        minutes = [timedelta(minutes=rule.minutes) for rule in directory.incident_rules.values()]
        oldest = now - max([SHORTEST_WINDOW, *minutes])
        if now - self.read_all_at >= READ_ALL_EVERY:
            self.read_to, self.read_all_at = oldest, now
        derived = self.services.directory.derived
        households, lexicon = derived(build_household_lexicon), derived(build_lexicon)
        since = max(oldest, self.read_to - OVERLAP)
        reports, last = await store.load_reports(self.services.db, households, lexicon, since)
        self.unseen = set()
        for report in reports:
            if report.number in self.faulty:
                continue
            if report.number not in self.window:
                self.unseen.add(report.number)
            self.window[report.number] = report
        self.window = {number: report for number, report in self.window.items() if report.at > oldest}
        self.read_to = now if last is None else last

    async def _join(self, directory: Directory, active: Sequence[Incident]) -> None:
        """Calls of an incident that came in before it was known, or were not recognised then."""
        self.undecided = set()
        if not active:
            return
        known = {incident.code: known_incident(directory, incident) for incident in active}
        incidents = {str(incident.code): incident for incident in active}
        matched: dict[str, str] = {}
        for report in self.window.values():
            margin = MARGIN_UNSEEN if report.number in self.unseen else 0.0
            found = likely_incidents(directory, known.values(), report, margin)
            if any(tells_more(directory, incident, report) for incident in found):
                self.undecided.add(report.number)
                continue
            if len(found) == 1:
                matched[report.number] = found[0].code
            elif found:
                self.undecided.add(report.number)
        # since they were read somebody may have closed them, or put them elsewhere
        for number in await store.load_still_waiting(self.services.db, list(matched)):
            code = matched[number]
            await self._attempt(number, code, move(self.services, number, code, incidents[code], ""))
        for number in matched:
            del self.window[number]

    async def _propose(self, directory: Directory, now: datetime) -> bool:
        """Incidents of what is left. True: there is one."""
        proposals = propose(directory, [r for r in self.window.values() if r.number not in self.undecided], now)
        found = False
        for proposal in proposals:
            waiting = await store.load_still_waiting(self.services.db, [r.number for r in proposal.reports])
            for report in proposal.reports:
                if report.number not in waiting:
                    self.window.pop(report.number, None)
            if len(waiting) == len(proposal.reports):
                found |= await self._open(proposal, now)
        return found

    async def _open(self, proposal: Proposal, now: datetime) -> bool:
        incident = await open_proposal(self.services, proposal, now)
        if incident is None:
            return False
        log.warning("incident.proposed", code=incident.code, category=incident.category, callers=incident.callers)
        for report in proposal.reports:
            self.window.pop(report.number, None)
        return True

    async def _settle(self, directory: Directory, incident: Incident, joinable: bool) -> bool:
        """Bring an incident's tickets where they belong. True: more of them wait."""
        services, now = self.services, self.services.clock()
        more_to_move = not await self._apply_moves(incident) and len(incident.moves) > MOVED_AT_ONCE
        summary = await member_store.load_summary(services.db, incident.code)
        if incident.state is IncidentState.PROPOSED:
            await self._count(directory, incident, summary)
            callers = summary.callers if summary is not None else 0
            return await _decide_proposal(services, directory, incident, callers, now) or more_to_move
        if not joinable and await _end_with_parent(services, incident):
            return True
        if (parent := await find_parent(services, incident)) is None:
            return False
        if parent != incident.parent:
            log.warning("incident.parent_replaced", code=incident.code, was=incident.parent, now=parent)
            await _store(services, incident, {"parent": parent})
            services.part(IncidentCache).forget()
            return True
        await dispatch_parent(services, incident)
        await tell_reopened(services, incident, now)
        await note_state(services, incident)
        most = MERGED_AT_ONCE + 1 + len(self.faulty)
        unmerged = await member_store.load_unmerged(services.db, incident.code, parent, most)
        waiting = self._workable(unmerged)
        merged_codes = await store.load_merged_codes(services.db, incident.code) if waiting else ()
        merged = 0
        for member in waiting[:MERGED_AT_ONCE]:
            done = await self._attempt(member.number, incident.code, merge(services, incident, member, merged_codes))
            merged += done is True
        state, at = self.counted.get(incident.code, (None, now))
        if state is not incident.state or now - at >= COUNT_EVERY:
            await count_joined(services, incident)
            self.counted[incident.code] = (incident.state, now)
        await announce(services, incident, now)
        await self._count(directory, incident, summary)
        return more_to_move or (merged > 0 and len(waiting) > MERGED_AT_ONCE)

    async def _attempt(self, number: str, code: str, work: Coroutine[Any, Any, bool]) -> bool | None:
        """Work on one ticket of an incident; None: it failed, and is left alone for FAULTY_PAUSE."""
        done: bool | None = await _unless_faulty(code, work)
        if done is None:
            self.faulty[number] = self.services.clock() + FAULTY_PAUSE
        return done

    async def _count(self, directory: Directory, incident: Incident, summary: MemberSummary | None) -> None:
        """What is shown of it: how many tickets and callers, the last call, the area; and how it is told."""
        if summary is None:
            return
        learned = [summary.tickets, next(reversed(self.window), "")]
        if incident.wording.get("learned") == learned:
            return
        texts = await member_store.load_member_texts(self.services.db, incident.code)
        others = [report.found for report in self.window.values()]
        wording = teach_wording(directory, incident.category, map(features, texts), others)
        reach = directory.area_subtrees.get(incident.reach or "")
        areas = [area for area in summary.areas if reach is None or area in reach]  # a street names no place of it
        counted = {
            "tickets": summary.tickets,
            "callers": summary.callers,
            "first_call_at": summary.first_call_at,
            "last_call_at": summary.last_call_at,
            "area": common_area(directory, areas) or incident.area,
            "unit": common_unit(rule_for(directory, incident.category), summary.units),
            "wording": {**wording_data(wording), "learned": learned},
        }
        await _store(self.services, incident, counted)

    async def _merge_effects(self, directory: Directory, active: Sequence[tuple[Incident, bool]]) -> bool:
        """An incident that is the effect of another one is the same outage: it goes into that of the cause. True: there
        was one."""
        merged = False
        causes = [incident for incident, joinable in active if joinable and incident.state in CONFIRMED_STATES]
        for effect, _ in active:
            if effect.state is IncidentState.CONTAINED:
                continue  # somebody has looked at it already
            cause = next((c for c in causes if is_same_outage(directory, c, effect)), None)
            if cause is None or (seen := await _reload(self.services, cause)) is None:
                continue
            done = await act_as_system(self.services, effect, IncidentAction.MERGE, RULES, seen)
            merged |= done is not None
        return merged

    async def _wind_up(self, incident: Incident, now: datetime) -> bool:
        """An incident that has ended: what was asked for before is done first; then its callers have the last word. One
        that was none lets its tickets go, one that was merged gives them to the other. No ticket that cannot be worked
        on stops this. True: there is more to do."""
        services, parent = self.services, incident.parent or ""
        if not await self._apply_moves(incident):
            return len(incident.moves) > MOVED_AT_ONCE
        if incident.state is not IncidentState.OVER:
            most = MOVED_AT_ONCE + len(self.faulty)
            leaving = await member_store.load_leaving(services.db, incident.code, incident.parent, most)
            if workable := self._workable(leaving)[:MOVED_AT_ONCE]:
                to, why = await _destination(services, incident)
                for member in workable:
                    await self._try_once(member.number, incident, move(services, member.number, to, incident, why))
                return True
            if leaving and now - (incident.ended_at or now) < RELEASED_WITHIN:
                return False  # tried again after FAULTY_PAUSE
        else:
            if await self._merge_last(incident):
                return True
            if parent not in self.faulty:
                await self._attempt(parent, incident.code, count_joined(services, incident))
            if (
                parent not in self.faulty
                and await self._attempt(parent, incident.code, note_state(services, incident)) is False
            ):
                return False
        self.counted.pop(incident.code, None)
        self.wound_up[incident.code] = now
        told = await tell_callers(self.services, incident, now)
        if told or incident.told_at is None:
            log.info("incident.ended", code=incident.code, state=incident.state, told=told)
        return False

    async def _merge_last(self, incident: Incident) -> bool:
        """Merge what joined just before the end; where the parent is closed already, it is independent again. True:
        there was something."""
        services, parent = self.services, incident.parent or ""
        facts = await load_ticket(services, parent)
        most = MERGED_AT_ONCE + len(self.faulty)
        unmerged = await member_store.load_unmerged(services.db, incident.code, parent, most)
        workable = self._workable(unmerged)[:MERGED_AT_ONCE]
        for member in workable:
            is_open = facts is not None and facts.ticket.status in OPEN
            work = merge(services, incident, member) if is_open else _release(services, incident, member)
            await self._try_once(member.number, incident, work)
        return bool(workable)

    def _workable(self, members: Sequence[IncidentMember]) -> list[IncidentMember]:
        return [member for member in members if member.number not in self.faulty]

    async def _try_once(self, number: str, incident: Incident, work: Coroutine[Any, Any, bool]) -> bool:
        """Work on one ticket of an ended incident; what is not done now is left alone for FAULTY_PAUSE, so that the end
        does not wait for it."""
        done = await self._attempt(number, incident.code, work)
        if not done:
            self.faulty[number] = self.services.clock() + FAULTY_PAUSE
        return bool(done)

    async def _apply_moves(self, incident: Incident) -> bool:
        """Take tickets in and out as was asked for, MOVED_AT_ONCE in one step; what was not done stays stored. False:
        the next step goes on with it."""
        tried = [asked for asked in incident.moves if asked[0] not in self.faulty][:MOVED_AT_ONCE]
        left = [asked for asked in incident.moves if asked not in tried]
        ended = incident.state in ENDED_STATES
        for number, to, why in tried:
            work = move(self.services, number, to, incident, why)
            if not await (
                self._try_once(number, incident, work) if ended else self._attempt(number, incident.code, work)
            ):
                left.append((number, to, why))
        if len(left) < len(incident.moves):
            await _store(self.services, incident, {"moves": left})
        return all(number in self.faulty for number, _, _ in left)


async def _unless_faulty(code: str, work: Coroutine[Any, Any, Any]) -> Any:
    """Work on one incident or ticket; None: it failed. That is logged, and must not stop the others."""
    try:
        return await work
    except Exception as fault:
        log.error("incident.fault", code=code, kind=type(fault).__name__, exc_info=fault)
        return None


async def _reload(services: Services, incident: Incident) -> Incident | None:
    """An incident as it stands now. None: it takes no calls any more."""
    found = await store.load_incident(services.db, SYSTEM_SCOPE, incident.code)
    return found if found is not None and found.state in CONFIRMED_STATES else None


async def _destination(services: Services, incident: Incident) -> tuple[str | None, str]:
    """Where the tickets of an incident go that was dismissed or merged, and why: the code of an incident that has not
    ended; None: the tickets are independent again."""
    code = incident.merged_into
    for _ in range(MOST_MERGERS):
        into = await store.load_incident(services.db, SYSTEM_SCOPE, IncidentCode(code)) if code is not None else None
        if into is None or into.state not in ENDED_STATES:
            break
        code = into.merged_into
    return (None, "dismissed") if code is None else (code, f"merged into incident {code}")


def _release(services: Services, incident: Incident, member: IncidentMember) -> Coroutine[Any, Any, bool]:
    return move(services, member.number, None, incident, "it had ended")


async def _release_late(services: Services, number: str, code: str) -> None:
    """A ticket that was merged at the moment its incident ended is independent again."""
    facts = await load_ticket(services, number)
    if facts is not None and facts.ticket.status is TicketStatus.MERGED:
        await act_by_rule(services, facts.ticket, Action.UNMERGE, {Field.REASON: f"incident {code} had ended"})


async def _store(services: Services, incident: Incident, values: dict[str, object]) -> None:
    """Where the incident has changed meanwhile, nothing is written: the next step begins from what it is then."""
    await services.db.transact(lambda c: store.update_worker_columns(c, incident.code, incident.version, values))


async def _decide_proposal(
    services: Services, directory: Directory, incident: Incident, callers: int, now: datetime
) -> bool:
    """Confirm a proposal where the directory says at how many callers; give up one that nobody looked at."""
    confirm_at = rule_for(directory, incident.category).confirm_at
    if confirm_at is not None and callers >= confirm_at:
        confirmed = await act_as_system(services, incident, IncidentAction.CONFIRM, RULES)
        return confirmed is not None
    if now - max(incident.last_call_at, incident.updated_at) > PROPOSAL_LIFETIME:
        await act_as_system(services, incident, IncidentAction.DISMISS, CLOCK, reason="nobody confirmed it")
    return False


async def _end_with_parent(services: Services, incident: Incident) -> bool:
    """The parent is solved or closed: that is the end of the incident, and its answer the final word. Where the parent
    ended without an answer, a person decides."""
    facts = await load_ticket(services, incident.parent or "")
    if facts is None or facts.ticket.status not in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        return False
    zh, en = translate_pair("incident_say.solved")
    reply = facts.ticket.public_reply
    words: dict[str, Any] = {"text": reply} if reply else {"text": zh, "text_en": en}
    ended = await act_as_system(services, incident, IncidentAction.END, CLOCK, **words)
    services.part(IncidentCache).forget()
    return ended is not None
