"""A resident's own ticket, by number and query code: how it stands, what comes next, and what they may do about it. The
steps are those of the tables for a resident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from hotline.locales import translate
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import Channel, Metric
from hotline.organisation.write_request import WriteRequest
from hotline.public.allowance import URGED_DAILY, spend, spend_danger, spend_step
from hotline.public.dangers import DangerTicket, has_danger_ticket, new_dangers, take_danger
from hotline.public.model import Lateness, ResidentReport, late_by
from hotline.public.photos import NO_PHOTOS, SentPhotos, attach_photos
from hotline.public.reports import Heard, hear
from hotline.public.store import OWN_WORDS
from hotline.refusals import Code, Refusal, Refused
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.act import act
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.lifecycle import allowed_moves
from hotline.tickets.lookup import (
    PublicTicket,
    load_carried_answer,
    load_public_steps,
    promise_of,
    render_public_ticket,
)
from hotline.tickets.model.address import ToldPlace, has_exact_place, told_place_fields
from hotline.tickets.model.calling import NO_DANGER, AlertState, DangerAdvice, advise_in_danger
from hotline.tickets.model.dangers import dangers_of
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import OPEN, Action, Field, Part, Satisfaction, TicketStatus
from hotline.tickets.reading_anew import is_place_read
from hotline.tickets.sla.policies import limit_if_reopened
from hotline.tickets.store import facts as ticket_facts
from hotline.tickets.store.history import load_calls, load_words_of_reopening
from hotline.web.idempotency import RequestKey, load_earlier_answer

F = Field
ASKED_RATINGS = (
    Satisfaction.VERY_SATISFIED,
    Satisfaction.SATISFIED,
    Satisfaction.FAIR,
    Satisfaction.DISSATISFIED,
    Satisfaction.VERY_DISSATISFIED,
)
_PAUSED = frozenset({TicketStatus.AWAITING_INFO, TicketStatus.SHELVED})
_ENDED_WELL = frozenset({TicketStatus.CLOSED, TicketStatus.RESOLVED})


class ResidentStep(StrEnum):
    """What a resident does on the page of their ticket."""

    FIXED = "fixed"
    BROKEN = "broken"
    URGE = "urge"
    TELL = "tell"


_VERDICTS = frozenset({ResidentStep.FIXED, ResidentStep.BROKEN})


class StepResult(StrEnum):
    """What became of it, as the page says it (`resident.done.<word>`)."""

    FIXED = "fixed"
    BROKEN = "broken"
    URGED = "urged"
    URGED_BEFORE = "urged_before"
    TOLD = "told"
    TOLD_DANGER = "told_danger"  # of a danger that is acted on
    TOLD_NUMBER = "told_number"  # the number to call back in that danger
    LATE = "late"  # somebody moved it meanwhile: the page shows how it stands


@dataclass(frozen=True, slots=True)
class OwnTicket:
    """A ticket as its resident is shown it. `late`: by how much the promise is missed; `paused`: the time does not
    count now; `escalated`: its lateness was reported upwards; `silent_until`: when it closes by itself if nobody rates
    it; `steps_open`: what they may do now; `carried`: another ticket has its matter; `words`: their own, None where
    others told of the matter too; `before`: what was promised first, where that was put off; `done_at`: when the
    department had done it; `done_late`: by how much later than promised; `department`: who acts, or acted last;
    `danger`: what to do and whom to call while it is open: no time is promised then; `limit_if_broken`: when the
    limit ends if they say now that it is not fixed; `words_of_reopening`: what they wrote when they last said so;
    `asks_place`: it is a danger, and nobody who is sent would know where to go."""

    facts: Facts
    view: PublicTicket
    late: Lateness | None
    paused: bool
    escalated: bool
    silent_until: datetime | None
    steps_open: frozenset[ResidentStep]
    carried: bool
    words: str | None = None
    before: datetime | None = None
    done_at: datetime | None = None
    done_late: Lateness | None = None
    department: Named | None = None
    danger: DangerAdvice = NO_DANGER
    limit_if_broken: datetime | None = None
    words_of_reopening: str | None = None
    asks_place: bool = False

    @property
    def asks_phone(self) -> bool:
        """Whether nobody could call back."""
        return bool(self.danger) and not self.facts.ticket.phone


async def load_own_ticket(services: Services, facts: Facts, directory: Directory, now: datetime) -> OwnTicket:
    """The ticket of somebody who has shown its code."""
    carried = await load_carried_answer(services, facts.ticket)
    stage = carried.stage_of(facts.ticket)
    steps = await load_public_steps(services, facts.ticket)
    view = render_public_ticket(directory, facts, carried, steps)
    open_still = stage.status in OPEN - {TicketStatus.RESOLVED}
    paused = stage.status in _PAUSED
    lead = next((a for a in reversed(facts.assignments) if a.part is Part.LEAD), None)
    done_at = lead.reported_at if lead is not None and facts.ticket.status in _ENDED_WELL else facts.ticket.closed_at
    silence = next((c.due_at for c in facts.clocks if c.metric is Metric.SILENCE), None)
    words = await _own_words(services, facts)
    put_off = lead is not None and lead.extensions and stage is facts.ticket and stage.promised_at is not None
    first = lead.first_due_at if lead is not None and put_off else None
    danger = advise_in_danger(
        directory, dangers_of(stage) if open_still else (), facts.ticket.area, now, AlertState.ALERTED
    )
    return OwnTicket(
        facts,
        view,
        late_by(promise_of(facts, stage), now) if open_still and not paused else None,
        paused,
        stage.escalated is not None or stage.supervised is not None,
        silence if facts.ticket.status is TicketStatus.RESOLVED else None,
        steps_open(facts, stage.status, now),
        stage is not facts.ticket,
        words,
        first,
        done_at,
        late_by(stage.promised_at, done_at) if done_at is not None else None,
        view.department or directory.optional_item_name("departments", lead.department if lead is not None else None),
        danger,
        limit_if_reopened(directory, facts.ticket, now) if facts.ticket.outer_due_at is None else None,
        await load_words_of_reopening(services.db, facts.ticket.number) if words and facts.ticket.reopens else None,
        bool(danger) and stage is facts.ticket and not has_exact_place(directory, facts.ticket),
    )


async def _own_words(services: Services, facts: Facts) -> str | None:
    """What the resident told. Nothing where somebody else told of the matter too: the code may be theirs."""
    calls = await load_calls(services.db, facts.ticket.number)
    told_by = {
        each.caller or each.id
        for each in calls
        if each.number == facts.ticket.number and (each.caller is not None or each.channel != Channel.WEB)
    }
    return facts.ticket.narrative if len(told_by) <= 1 and not facts.ticket.confidential else None


def steps_open(facts: Facts, stage: TicketStatus, now: datetime) -> frozenset[ResidentStep]:
    """What the tables let a resident do now, as the page offers it. Words are always taken while the matter is open."""
    actions = {move.action for move in allowed_moves(facts, resident_of(facts), now)}
    offered = {
        ResidentStep.FIXED: Action.CONFIRM in actions,
        ResidentStep.BROKEN: Action.REOPEN in actions,
        ResidentStep.URGE: Action.URGE in actions and facts.ticket.status not in _ENDED_WELL,
        ResidentStep.TELL: stage in OPEN,
    }
    return frozenset(step for step, is_open in offered.items() if is_open)


def resident_of(facts: Facts) -> Actor:
    """Whoever has the code of this ticket."""
    name = translate("role.resident", "zh-Hans")
    caller, roles = facts.ticket.caller or OWN_WORDS, frozenset({Role.RESIDENT})
    return Actor(ActorKind.RESIDENT, caller, name, roles, home_area=facts.ticket.area)


@dataclass(frozen=True, slots=True)
class StepForm:
    """What was sent with a step. `key`: of the form, so that it is done once; `plain_reports`: an hour, of which the
    dangers of one address are a multiple."""

    step: ResidentStep
    key: str
    words: str = ""
    rating: Satisfaction | None = None
    photos: SentPhotos = NO_PHOTOS
    plain_reports: int = 12
    phone: str | None = None
    place: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """`call`: what to do in the dangers in what was written, and whom to call; `danger`: the ticket these have;
    `lost`: how many photos could not be taken; `words`: what was written, where the step could not be done."""

    result: StepResult
    call: DangerAdvice = NO_DANGER
    danger: DangerTicket | None = None
    lost: int = 0
    words: str = ""


async def take_step(services: Services, facts: Facts, form: StepForm, now: datetime) -> StepOutcome:
    """Do it durably, once for the form's key. Dangers in the words that nobody acts on have a ticket of their own,
    which gets the photos; of the others the operators are alarmed again, as on every channel. Raises Refused where too
    many were sent, and for what another try can mend."""
    number, actor = facts.ticket.number, resident_of(facts)
    key = RequestKey(f"resident:{number}", form.key, f"resident {form.step}")
    request = WriteRequest(actor, key, now, SYSTEM_SCOPE)
    form = replace(form, words=await _words_of(services, facts, form, now))
    told = ResidentReport(form.words, place=form.place or facts.ticket.area, where=form.where)
    heard = await hear(services, told, now) if form.words else None
    fresh = new_dangers(facts, heard.dangers) if heard is not None else ()
    is_new = await load_earlier_answer(services, key) is None
    if is_new:
        await _spend(services, facts, form, fresh, now)
    danger = await take_danger(services, facts, form.words, fresh, request) if fresh else None
    if danger is not None and form.step is ResidentStep.TELL and facts.ticket.status is not TicketStatus.AWAITING_INFO:
        result = StepResult.TOLD
    elif form.step is ResidentStep.URGE and danger is None and heard is not None and heard.dangers:
        # as a call, which alarms, and which no urge before forbids
        result = await _tell(services, facts, form, request, heard)
    elif is_new and form.step in _VERDICTS and form.step not in steps_open(facts, facts.ticket.status, now):
        result = StepResult.LATE  # also where the approval of the result can still be undone
    else:
        result = await _take_step(services, facts, form, request, heard)
    reached = danger.number if danger is not None else number
    late = result is StepResult.LATE and danger is None
    attached = 0 if late else await attach_photos(services, reached, form.photos, request)
    alert = AlertState.UNREACHED if late else AlertState.ALERTED
    return StepOutcome(
        result,
        replace(heard.call, alert=alert) if heard is not None else NO_DANGER,
        danger,
        len(form.photos) - attached,
        form.words if late else "",
    )


async def _words_of(services: Services, facts: Facts, form: StepForm, now: datetime) -> str:
    """What stands on the ticket: what was written, and the place that was chosen beside it."""
    directory = await services.directory.current_or_last_known(now)
    area = directory.areas.get(form.place or "")
    where = " ".join(part for part in (area.name if area is not None else None, form.where) if part)
    place = translate("resident.place_left", "zh-Hans", where=where) if where else ""
    return "\n".join(filter(None, (form.words, place))) or _words_of_number(services, facts, form)


def _words_of_number(services: Services, facts: Facts, form: StepForm) -> str:
    """What stands on the ticket where a number alone was sent: the number itself only where nothing else keeps it."""
    if form.step is not ResidentStep.TELL or not form.phone:
        return ""
    is_call = facts.ticket.status is not TicketStatus.AWAITING_INFO  # which keeps what was written
    is_read = parse_phone(form.phone, services.region, services.area_code).phone is not None
    if is_call or (is_read and facts.ticket.phone is None):
        return translate("resident.phone_left", "zh-Hans")
    return translate("resident.phone_words", "zh-Hans", phone=form.phone)


async def _spend(services: Services, facts: Facts, form: StepForm, fresh: Sequence[str], now: datetime) -> None:
    """Count the step. A danger has a count of its own, that of the dangers reported from its address, and counts once
    while its ticket is open. Raises Refused where there were too many."""
    address = form.photos.address
    wait = 0
    if fresh and not await has_danger_ticket(services, facts, fresh):
        wait = await spend_danger(services, form.plain_reports, address, now)
    elif form.words or form.photos:
        wait = await spend_step(services, facts.ticket.number, address, now)
    if wait:
        raise Refused(Refusal(Code.TOO_MANY, "too many from one address", retry_after=wait))


async def _take_step(
    services: Services, facts: Facts, form: StepForm, request: WriteRequest, heard: Heard | None
) -> StepResult:
    match form.step:
        case ResidentStep.FIXED:
            fields = {F.SATISFACTION: form.rating, **({F.TEXT: form.words} if form.words else {})}
            done = await _act(services, facts, Action.CONFIRM, fields, request)
            return StepResult.FIXED if done else StepResult.LATE
        case ResidentStep.BROKEN:
            said = form.words or translate("resident.broken_words", "zh-Hans")
            done = await _act(services, facts, Action.REOPEN, {F.REASON: said[:1000]}, request)
            return StepResult.BROKEN if done else StepResult.LATE
        case ResidentStep.URGE:
            urged = await load_earlier_answer(services, request.key) is not None
            if not urged and await spend(services, ("urge", facts.ticket.number), URGED_DAILY, request.now):
                return StepResult.URGED_BEFORE
            reason = form.words or translate("resident.urge_words", "zh-Hans")
            done = await _act(services, facts, Action.URGE, {F.REASON: reason}, request)
            return StepResult.URGED if done else StepResult.LATE
        case ResidentStep.TELL:
            words = form.words or translate("resident.photo_words", "zh-Hans")
            return await _tell(services, facts, replace(form, words=words), request, heard)


async def _tell(
    services: Services, facts: Facts, form: StepForm, request: WriteRequest, heard: Heard | None
) -> StepResult:
    """What was asked for, or one more call about the matter."""
    done = StepResult.TOLD if not dangers_of(facts.ticket) else StepResult.TOLD_DANGER
    if done is StepResult.TOLD_DANGER and _is_called_back(services, facts, form):
        done = StepResult.TOLD_NUMBER
    if facts.ticket.status is TicketStatus.AWAITING_INFO:
        left: dict[Any, Any] = {F.PHONE: form.phone} if form.phone else {}
        if heard is not None:
            directory = await services.directory.now(request.now)
            area = form.place if form.place in directory.areas else None
            place = ToldPlace(form.words, area, form.where, answers=True)
            was_read = area is not None and await is_place_read(services, facts.ticket)
            left |= told_place_fields(directory, facts.ticket, place, heard.advice, was_read=was_read)
        told = await _act(services, facts, Action.PROVIDE_INFO, {F.TEXT: form.words, **left}, request)
        if told:
            return done
    area = form.place if form.place in (await services.directory.now(request.now)).areas else None
    intake_request = IntakeRequest(
        Channel.WEB,
        form.words,
        phone=form.phone,
        area=area,
        address=form.where,
        attach_to=facts.ticket.number,
        by_caller=True,
    )
    try:
        await take_call(services, intake_request, request, number_shown)
    except Refused as refused:
        if refused.refusal.code not in (Code.NOT_NOW, Code.INVALID):
            raise
        return StepResult.LATE
    return done


def _is_called_back(services: Services, facts: Facts, form: StepForm) -> bool:
    """Whether the number that was left is the one of the ticket: one that is left beside it stands with the call
    alone."""
    phone = parse_phone(form.phone or "", services.region, services.area_code).phone
    return phone is not None and facts.ticket.phone in (None, phone)


async def _act(
    services: Services, facts: Facts, action: Action, fields: Mapping[Any, Any], request: WriteRequest
) -> bool:
    """Whether it is done: False where the tables do not allow it any more. A form carries no version."""
    for _ in range(5):
        command = Command(action, facts.ticket.version, fields)
        try:
            await act(services, facts.ticket.number, command, request, _nothing)
        except Refused as refused:
            if refused.refusal.code is Code.STALE:
                again = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, facts.ticket.number)
                if again is None:
                    return False
                facts = again
                continue
            if refused.refusal.code in (Code.NOT_NOW, Code.NOT_YOUR_ROLE, Code.INCOMPLETE, Code.INVALID):
                return False
            raise
        return True
    raise Refused(Refusal(Code.OVERLOADED, "the ticket changes too fast just now; nothing was written, try again"))


def _nothing(*_: Any) -> str:
    return ""
