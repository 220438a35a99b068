"""Processes a resident's text: it opens a ticket, adds to one, answers our question or asks one. It uses the same
intake and the same `act` as every other channel, under the text's own key, so that processing it twice has one
effect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hotline.database.prepared import Row
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import Message
from hotline.inbound import store as inbound_store
from hotline.inbound.model import Effect, InboundStatus
from hotline.inbound.outcome import InboundOutcome, needs_review
from hotline.locales import bilingual, translate
from hotline.organisation.model.actors import Actor, ActorKind, Role, gateway_actor
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refused
from hotline.server_secret import lookup_variants
from hotline.sms import store as sms_store
from hotline.sms.model.keywords import OPT_OUT, ProviderKeyword, provider_keyword
from hotline.sms.model.requests import (
    EITHER_FORM,
    Intent,
    TextEffect,
    TextRequest,
    detect_language,
    effect_on_ticket,
    parse_text,
    settle_language,
)
from hotline.sms.stop_words import TOO_MANY, has_opted_within_hour, is_above_hourly_limit, stop_list_change
from hotline.text.numbering import TicketNumber
from hotline.text.phones import ParsedPhone, caller_id
from hotline.tickets.act import Additions, act
from hotline.tickets.context import Services
from hotline.tickets.duplicates import SoughtMatter, find_open_repeat, profile_of
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.lookup import Requester, check_query_code, format_moment, load_carried_answer, progress_fields
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import OPEN, Action, Field
from hotline.tickets.store import facts as ticket_facts
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon, build_lexicon
from hotline.triage.model.same_matter import is_other_place, profile_of_advice
from hotline.web.idempotency import RequestKey

F = Field
MAX_NARRATIVE = 10_000
LONGEST_MARKED = 20  # characters of a keyword that a provider knows and we do not; a longer text is about something
_INTENTS = {
    ProviderKeyword.STOP: Intent.OPT_OUT,
    ProviderKeyword.START: Intent.OPT_IN,
    ProviderKeyword.HELP: Intent.HELP,
}
_STOP_LIST_EFFECTS = {Intent.OPT_OUT: Effect.OPTED_OUT, Intent.OPT_IN: Effect.OPTED_IN}
_EFFECTS_OF_STEPS = frozenset({Effect.TOLD, Effect.RATED, Effect.REOPENED})
UNKNOWN_LINE_REASON = "the receiving number belongs to no area: see `numbers` of the gateway"


# answered by a text; what a sender writes to ask for them says little of their language
_KEYWORD_INTENTS = frozenset({Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP, Intent.PROGRESS})


def resident_actor(services: Services, phone: str) -> Actor:
    return Actor(
        ActorKind.RESIDENT,
        caller_id(phone, services.secret),
        translate("role.resident", "zh-Hans"),
        frozenset({Role.RESIDENT}),
    )


async def process_text(services: Services, row: Row, gateway: Gateway | None, now: datetime) -> InboundOutcome:
    """One text. Raises Refused only for what another try can mend."""
    directory = await services.directory.now(now)
    sender = ParsedPhone(
        row.sender if row.details.get("caller") else None,
        row.details.get("raw_sender"),
        bool(row.details.get("caller")),
    )
    settings = gateway.account.settings if gateway else {}
    opt_out = frozenset(settings.get("opt_out") or OPT_OUT)
    request = await services.offload.run(len(row.text), parse_text, row.text, opt_out)
    home = directory.home.area if directory.home else None
    text = IncomingText(services, row, sender, request, settings, home, now)
    marked = provider_keyword(row.details.get("opt_out_type"))
    if marked is None:
        return await text.process()
    if not await text.is_about_something():
        return await replace(text, request=replace(request, intent=_INTENTS[marked])).process()
    outcome = await text.process()
    if marked is not ProviderKeyword.STOP or sender.phone is None:
        return outcome
    return replace(outcome, writes=(*outcome.writes, stop_list_change(Intent.OPT_OUT, sender.phone, now)))


@dataclass(frozen=True)
class IncomingText:
    """One text, its sender and what its words ask for."""

    services: Services
    row: Row
    who: ParsedPhone
    request: TextRequest
    settings: Mapping[str, Any]
    home: str | None
    now: datetime

    async def process(self) -> InboundOutcome:
        row, request, sender = self.row, self.request, self.who
        if request.intent is Intent.NOTHING:
            return needs_review("empty: it says nothing")
        if not sender.caller or sender.phone is None:
            return await self._from_unusable_sender()
        numbers = self.settings.get("numbers") or {}
        if numbers and (row.receiver or "") not in numbers and not row.urgent:
            return needs_review(UNKNOWN_LINE_REASON)
        too_many = await is_above_hourly_limit(self.services.db, sender.phone, row.id, self.now)
        if request.intent in _STOP_LIST_EFFECTS:
            return await self._change_stop_list(sender.phone, too_many)
        if request.intent is Intent.HELP:
            said, why = ((), TOO_MANY) if too_many else (await self._reply("help"), None)
            return InboundOutcome(InboundStatus.DONE, Effect.ASKED, why=why, messages=said)
        if too_many and not row.urgent:
            return needs_review(TOO_MANY)
        if request.intent is Intent.PROGRESS and not row.urgent:
            return await self._answer_progress(sender.phone)
        target, named = await self._find_ticket(sender.phone)
        if request.intent is Intent.THANKS and not row.urgent:
            return InboundOutcome(InboundStatus.DONE, Effect.NOTED, target.ticket.number if target else None)
        if target is not None:
            outcome = await self._apply_to_ticket(target, sender.phone, named)
            if outcome is not None:
                return self._with_alarm(outcome)
        if request.intent is Intent.MATTER and (repeated := await self._find_repeated(sender.phone)) is not None:
            outcome = await self._apply_to_ticket(repeated, sender.phone, True)
            if outcome is not None:
                return self._with_alarm(outcome)
        if request.intent is Intent.RATE and not request.words and not row.urgent:
            said = await self._answer_after_end(sender.phone)
            reason, about = "an answer to a question that is not open", target.ticket.number if target else None
            return needs_review(reason, about, messages=said)
        return await self._open_ticket()

    async def _change_stop_list(self, phone: str, too_many: bool) -> InboundOutcome:
        """What they ask for is done always; above the hourly limit only the first is answered."""
        intent, opts_out = self.request.intent, self.request.intent is Intent.OPT_OUT
        # a provider that marked it takes no more texts to this number, not even the one that says so
        silent = (opts_out and bool(self.row.details.get("opt_out_type"))) or (
            too_many and await has_opted_within_hour(self.services.db, phone, self.row.id, self.now)
        )
        said = () if silent else await self._reply("opted_out" if opts_out else "opted_in")
        effect, change = _STOP_LIST_EFFECTS[intent], stop_list_change(intent, phone, self.now)
        return InboundOutcome(InboundStatus.DONE, effect, messages=said, writes=(change,))

    async def is_about_something(self) -> bool:
        """Whether it says more than a keyword that is not known here: a danger or a matter, or simply much."""
        if self.row.urgent or self.request.intent is not Intent.MATTER:
            return bool(self.row.urgent)
        advice = await self._advice(self.services.directory.derived(build_lexicon), self.row.text)
        return bool(advice.dangers or advice.category) or len(self.row.text.strip()) > LONGEST_MARKED

    async def _from_unusable_sender(self) -> InboundOutcome:
        """A service number or a name: stored, never a caller, never answered; a danger in it alarms the operators."""
        warned: tuple[Message, ...] = ()
        if self.row.urgent:
            payload = {"inbound": self.row.id, **bilingual("alarm.danger_in_text")}
            warned = (Message(f"al.{self.row.id}", "alarm", TicketNumber(""), "role:operator", payload, self.now),)
        return needs_review("not from a caller's number", messages=warned)

    async def _reply_language(self, about: Facts | None = None) -> str:
        """In which language the sender is answered: that of their words. A keyword is written as carriers ask for it,
        and by people of any language: then that of the ticket it is about, of their newest tickets, or of our last text
        to them; only then that of the keyword."""
        own = self.request.language
        is_keyword = self.request.intent in _KEYWORD_INTENTS
        if own not in (None, EITHER_FORM) and not is_keyword:
            return str(own)
        caller = caller_id(self.who.phone or "", self.services.secret)
        narratives, last = await sms_store.load_thread_languages(self.services.db, self.who.phone or "", caller)
        if about is not None and about.ticket.caller in lookup_variants(caller):
            narratives = [about.ticket.narrative, *narratives]
        thread = [*map(detect_language, narratives), last]
        return settle_language([*thread, own] if is_keyword else [own, last, *thread])

    async def _reply(
        self, template: str, about: Facts | None = None, values: Mapping[str, str] | None = None, number: str = ""
    ) -> tuple[Message, ...]:
        """A text back to the sender, once for each text of theirs. `about`: the ticket it tells of; `number`: the one
        that carries its matter, where that is another."""
        language = await self._reply_language(about)
        if about is not None and not number:
            number = about.ticket.number
        payload = {
            "to": self.who.phone, "template": template, "values": dict(values or {}), "language": language,
            "gateway": self.row.gateway,
        }  # fmt: skip
        of_ticket, partition = TicketNumber(number), f"text:{caller_id(self.who.phone or '', self.services.secret)}"
        return (Message(f"re.{self.row.id}", "text", of_ticket, partition, payload, self.now),)

    async def _answer_progress(self, phone: str) -> InboundOutcome:
        """How it goes: of the number they name, if it is theirs or the code is right; else of their newest."""
        facts: Facts | None = None
        recent_tickets = await sms_store.load_recent_tickets(self.services.db, caller_id(phone, self.services.secret))
        if self.request.numbers:
            found = await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, self.request.numbers[0])
            if found is not None and (self._is_own_ticket(found, phone) or await self._has_code(found, phone)):
                facts = found
        elif recent_tickets:
            still = [r for r in recent_tickets if r.status in OPEN] or list(recent_tickets)[:1]
            facts = await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, still[0].number)
        if facts is None:
            return InboundOutcome(InboundStatus.DONE, Effect.ASKED, messages=await self._reply("progress_none"))
        directory = await self.services.directory.now(self.now)
        carried = await load_carried_answer(self.services, facts.ticket)
        values = progress_fields(directory, facts, await self._reply_language(facts), carried)
        said = await self._reply("progress", facts, values)
        return InboundOutcome(InboundStatus.DONE, Effect.ASKED, facts.ticket.number, messages=said)

    async def _answer_after_end(self, phone: str) -> tuple[Message, ...]:
        """What who rates an incident that is over is told: when that was, and how to tell that it is not. Nothing to
        whose newest ticket belongs to no such incident."""
        recent_tickets = await sms_store.load_recent_tickets(self.services.db, caller_id(phone, self.services.secret))
        if not recent_tickets:
            return ()
        facts = await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, recent_tickets[0].number)
        standing = (await load_carried_answer(self.services, facts.ticket)).standing if facts is not None else None
        if facts is None or standing is None or standing.ended_at is None:
            return ()
        directory = await self.services.directory.now(self.now)
        ended = format_moment(directory, standing.ended_at, await self._reply_language(facts))
        return await self._reply("incident_after_end", facts, {"incident": standing.code, "ended": ended})

    def _is_own_ticket(self, facts: Facts, phone: str) -> bool:
        return facts.ticket.caller in lookup_variants(caller_id(phone, self.services.secret))

    async def _has_code(self, facts: Facts, phone: str) -> bool:
        """The right query code; none at all is no wrong one, and after too many wrong ones none is right."""
        if self.request.code is None:
            return False
        try:
            return await check_query_code(
                self.services, facts.ticket.number, self.request.code, Requester.by_text(phone), self.now
            )
        except Refused as refused:
            if refused.refusal.code is not Code.TOO_MANY:
                raise
            return False

    async def _find_ticket(self, phone: str) -> tuple[Facts | None, bool]:
        """The ticket this text refers to, and whether it names it: by number where it is theirs, else the one of theirs
        last spoken of on this line. That an officer, or somebody with a query code, was sent a text about a ticket does
        not make it theirs."""
        for number in self.request.numbers:
            facts = await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, number)
            if facts is not None and self._is_own_ticket(facts, phone):
                return await self._surviving_ticket(facts), True
        if self.row.details.get("continues"):  # a late part of a long text belongs where its others went
            joined_text = await inbound_store.load_item(self.services.db, self.row.details["continues"])
            facts = (
                await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, joined_text.number)
                if joined_text and joined_text.number
                else None
            )
            if facts is not None and self._is_own_ticket(facts, phone):
                return await self._surviving_ticket(facts), True
        is_rating = self.request.intent is Intent.RATE
        line = self.row.receiver or ""
        for spoken_of in await sms_store.load_thread_tickets(
            self.services.db, phone, line, self.row.gateway, rating_requested=is_rating
        ):
            facts = await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, spoken_of)
            if facts is not None and self._is_own_ticket(facts, phone):
                return await self._surviving_ticket(facts), False
        return None, False

    async def _find_repeated(self, phone: str) -> Facts | None:
        """The sender's own open ticket that says the same already, by whatever channel it came: the phone, the web, or
        a text before the last."""
        advice = await self._advice(self.services.directory.derived(build_lexicon), self.row.text)
        if len(advice.matters) > 1:
            return None  # what is new in it would be lost among the words of the other
        profile = profile_of_advice(advice, self.row.text[:MAX_NARRATIVE])
        sought = SoughtMatter(profile, caller_id(phone, self.services.secret))
        found = await find_open_repeat(self.services, sought, self.now)
        return await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, found.number) if found else None

    def _with_alarm(self, outcome: InboundOutcome) -> InboundOutcome:
        """A text that is added to a ticket without a step of its own alarms the operators too."""
        if outcome.number is None or outcome.effect in _EFFECTS_OF_STEPS:
            return outcome
        return replace(outcome, messages=(*outcome.messages, *self._alarms(outcome.number)))

    def _alarms(self, number: str) -> tuple[Message, ...]:
        """A text that is added to a ticket starts nothing by itself: a danger in it alarms the operators, though the
        ticket is known to be dangerous. With a step of the resident it goes in that step's change: it is committed with
        it, and stands for the alarm of a danger told with a step, so that the operators are told once."""
        if not self.row.urgent:
            return ()
        payload = {"inbound": self.row.id, **bilingual("alarm.danger_in_joined", number=number)}
        return (Message(f"al.{self.row.id}", "alarm", TicketNumber(number), "role:operator", payload, self.now),)

    async def _surviving_ticket(self, facts: Facts) -> Facts:
        """The ticket, or the one that carries its matter now."""
        if facts.ticket.parent is None:
            return facts
        chain = await ticket_facts.load_parent_chain(self.services.db, facts.ticket.number)
        return (await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, chain[-1]) if chain else None) or facts

    async def _apply_to_ticket(self, facts: Facts, phone: str, is_named: bool) -> InboundOutcome | None:
        """What the text does to this ticket; None: it is another matter. `is_named`: it is surely about this one."""
        lexicon, meaning, number = self.services.directory.derived(build_lexicon), self.request, facts.ticket.number
        advice = await self._advice(lexicon, self.row.text)
        if not is_named:
            directory = await self.services.directory.now(self.now)
            said = profile_of_advice(advice)
            if is_other_place(said, profile_of(facts.ticket), directory):
                return None
            if len(advice.matters) > 1 and meaning.intent is Intent.MATTER:
                return None
        comment_advice = await self._advice(lexicon, meaning.words) if meaning.words else None
        effect, satisfaction = effect_on_ticket(
            facts.ticket,
            meaning,
            advice,
            comment_advice,
            is_own_ticket=self._is_own_ticket(facts, phone),
            is_named=is_named,
        )
        if effect is TextEffect.NOTE:
            return InboundOutcome(InboundStatus.DONE, Effect.NOTED, number, "rated after it was closed")
        if effect is TextEffect.JOIN:
            return await self._attach_to_ticket(facts)
        if effect is TextEffect.TELL:
            return await self._act_as_resident(Action.PROVIDE_INFO, {F.TEXT: self._words}, facts, phone, Effect.TOLD)
        if effect is TextEffect.RATE:
            fields = {F.SATISFACTION: satisfaction, **({F.TEXT: meaning.words} if meaning.words else {})}
            rated = await self._act_as_resident(Action.CONFIRM, fields, facts, phone, Effect.RATED)
            return rated or needs_review("an answer that came too late", number)
        if effect is TextEffect.REOPEN:
            fields = {
                F.REASON: translate("message_part.reopen_reason", "zh-Hans", text=meaning.words or self._words)[:1000],
                **({F.SATISFACTION: satisfaction} if satisfaction else {}),
            }
            reopened = await self._act_as_resident(Action.REOPEN, fields, facts, phone, Effect.REOPENED)
            if reopened is None and satisfaction is not None:
                return needs_review("not satisfied, and reopened as often as may be: a supervisor decides", number)
            return reopened
        return None

    async def _advice(self, lexicon: Lexicon, text: str) -> Advice:
        return await self.services.offload.run(len(text), advise, lexicon, text[:MAX_NARRATIVE])

    @property
    def _words(self) -> str:
        return self.row.text[:4000].strip() or "…"

    async def _act_as_resident(
        self, action: Action, fields: Mapping[Any, Any], facts: Facts, phone: str, effect: Effect
    ) -> InboundOutcome | None:
        """Apply the resident's action; None: the tables do not allow it."""
        request = WriteRequest(resident_actor(self.services, phone), self._key(), self.now, SYSTEM_SCOPE)
        for _ in range(5):  # a text carries no version: after a change in between it is added all the same
            command = Command(action, facts.ticket.version, fields)
            try:
                with_alarm = Additions(messages=self._alarms(facts.ticket.number))
                await act(self.services, facts.ticket.number, command, request, _render_nothing, with_alarm)
            except Refused as refused:
                if refused.refusal.code is not Code.STALE:
                    if refused.refusal.code in (Code.NOT_NOW, Code.NOT_YOUR_ROLE, Code.INCOMPLETE, Code.INVALID):
                        return None
                    raise
                again = await ticket_facts.load_facts(self.services.db, SYSTEM_SCOPE, facts.ticket.number)
                if again is None:
                    return None
                facts = again
                continue
            return InboundOutcome(InboundStatus.DONE, effect, facts.ticket.number)
        return None

    async def _attach_to_ticket(self, facts: Facts) -> InboundOutcome | None:
        number = facts.ticket.number
        intake = IntakeRequest(Channel.SMS, self.row.text[:MAX_NARRATIVE], phone=self.who.phone, attach_to=number)
        try:
            # whose ticket it is was looked at above: the sender's, not the gateway's
            request = WriteRequest(self._gateway_actor(), self._key(), self.now, SYSTEM_SCOPE)
            result = await take_call(self.services, intake, request, _render_nothing)
        except Refused as refused:
            if refused.refusal.code in (Code.NOT_NOW, Code.INVALID):
                return None
            raise
        number = result.number or number
        said = await self._reply("joined", facts, number=number)
        return InboundOutcome(InboundStatus.DONE, Effect.JOINED, number, messages=said)

    async def _open_ticket(self) -> InboundOutcome:
        text = self.row.text
        intake = IntakeRequest(Channel.SMS, text[:MAX_NARRATIVE], phone=self.who.phone)
        try:
            request = WriteRequest(self._gateway_actor(), self._key(), self.now)
            result = await take_call(self.services, intake, request, number_shown)
        except Refused as refused:
            if refused.refusal.code is not Code.INVALID:
                raise
            return needs_review(f"refused: {refused.refusal.detail}")
        number = result.number or result.answer.body
        why = f"longer than {MAX_NARRATIVE} characters: the rest stands in raw" if len(text) > MAX_NARRATIVE else None
        if self.row.details.get("incomplete"):
            why = "a part of it never came"
        return InboundOutcome(InboundStatus.DONE, Effect.OPENED, number, why)

    def _gateway_actor(self) -> Actor:
        area = (self.settings.get("numbers") or {}).get(self.row.receiver or "")
        return gateway_actor(self.row.gateway, area, self.home)

    def _key(self) -> RequestKey:
        return RequestKey(f"gateway:{self.row.gateway}"[:60], f"in.{self.row.id}", "inbound", keep_body=True)


def _render_nothing(*_: Any) -> str:
    return ""
