"""What comes of a resident's text: a ticket, a word on one, an answer to our question, a question of theirs. Through
the same intake and the same act as everybody, each under the text's own key: worked off twice, it is done once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hotline.database.prepared import Row
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import Message
from hotline.inbound import store as inbound_store
from hotline.inbound.model import Effect, InboundStatus
from hotline.inbound.outcome import InboundOutcome, odd
from hotline.locales import bilingual, text
from hotline.organisation.model.actors import Actor, ActorKind, Role, gateway_actor
from hotline.organisation.model.scopes import EVERYTHING
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refused
from hotline.sms import store as sms_store
from hotline.sms.model.requests import MOST_AN_HOUR, OPT_OUT, TextEffect, TextRequest, Wish, does_to, read_text
from hotline.text.numbering import Number
from hotline.text.phones import ParsedPhone, caller_id
from hotline.tickets.act import act
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.lookup import code_matches, progress_of
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import OPEN, Action, Field
from hotline.tickets.store import facts as ticket_facts
from hotline.triage.model import Advice, Lexicon, advise, lexicon_of
from hotline.web.idempotency import RequestKey

F = Field
LONGEST = 10_000
NOT_OURS = "the receiving number belongs to no area: see `numbers` of the gateway"


def resident(services: Services, phone: str) -> Actor:
    return Actor(
        ActorKind.RESIDENT,
        caller_id(phone, services.secret),
        text("role.resident", "zh-Hans"),
        frozenset({Role.RESIDENT}),
    )


async def work_off(services: Services, row: Row, gateway: Gateway | None, now: datetime) -> InboundOutcome:
    """One text. Raises Refused only for what another try can mend."""
    directory = await services.directory.now(now)
    who = ParsedPhone(
        row.sender if row.details.get("caller") else None,
        row.details.get("raw_sender"),
        bool(row.details.get("caller")),
    )
    settings = gateway.account.settings if gateway else {}
    opt_out = frozenset(settings.get("opt_out") or OPT_OUT)
    meaning = await services.offload.run(len(row.text), read_text, row.text, opt_out)
    text = IncomingText(services, row, who, meaning, settings, directory.home.area if directory.home else None, now)
    return await text.work_off()


@dataclass(frozen=True)
class IncomingText:
    """One text, its sender and what its words ask for."""

    services: Services
    row: Row
    who: ParsedPhone
    meaning: TextRequest
    settings: Mapping[str, Any]
    home: str | None
    now: datetime

    async def work_off(self) -> InboundOutcome:
        row, meaning, who = self.row, self.meaning, self.who
        if meaning.wish is Wish.NOTHING:
            return odd("empty: it says nothing")
        if not who.caller or who.phone is None:
            return await self._from_nobody()
        numbers = self.settings.get("numbers") or {}
        if numbers and (row.receiver or "") not in numbers and not row.urgent:
            return odd(NOT_OURS)
        if meaning.wish is Wish.OPT_OUT:
            phone = who.phone
            also = (lambda c: sms_store.stop(c, phone, self.now, "sms"),)
            return InboundOutcome(InboundStatus.DONE, Effect.OPTED_OUT, messages=self._reply("opted_out"), also=also)
        if meaning.wish is Wish.OPT_IN:
            phone = who.phone
            also = (lambda c: sms_store.unstop(c, phone),)
            return InboundOutcome(InboundStatus.DONE, Effect.OPTED_IN, messages=self._reply("opted_in"), also=also)
        if meaning.wish is Wish.HELP:
            return InboundOutcome(InboundStatus.DONE, Effect.ASKED, messages=self._reply("help"))
        since = self.now - timedelta(hours=1)
        if not row.urgent and await inbound_store.lately(self.services.db, who.phone, since, row.id) > MOST_AN_HOUR:
            return odd(f"more than {MOST_AN_HOUR} texts from this number within an hour")
        if meaning.wish is Wish.PROGRESS and not row.urgent:
            return await self._progress(who.phone)
        target, named = await self._target(who.phone)
        if meaning.wish is Wish.THANKS and not row.urgent:
            return InboundOutcome(InboundStatus.DONE, Effect.NOTED, target.ticket.number if target else None)
        if target is not None:
            worked = await self._on(target, who.phone, named)
            if worked is not None:
                return worked
        if meaning.wish is Wish.RATE and not meaning.words and not row.urgent:
            return odd("an answer to a question that is not open", target.ticket.number if target else None)
        return await self._opens()

    async def _from_nobody(self) -> InboundOutcome:
        """A service number or a name: kept, never a caller, never answered; a danger in it is told to the desk."""
        warned: tuple[Message, ...] = ()
        if self.row.urgent:
            payload = {"inbound": self.row.id, **bilingual("alarm.danger_in_text")}
            warned = (Message(f"al.{self.row.id}", "alarm", Number(""), "role:operator", payload, self.now),)
        return odd("not from a caller's number", messages=warned)

    def _reply(self, template: str, number: str = "", values: Mapping[str, str] | None = None) -> tuple[Message, ...]:
        """A text back to the sender, once for each text of theirs."""
        language = self.meaning.language or "zh"
        payload = {
            "to": self.who.phone, "template": template, "values": dict(values or {}), "language": language,
            "gateway": self.row.gateway,
        }  # fmt: skip
        return (Message(f"re.{self.row.id}", "text", Number(number), f"text:{self.who.phone}", payload, self.now),)

    async def _progress(self, phone: str) -> InboundOutcome:
        """How it goes: of the number they name, if it is theirs or the code is right; else of their newest."""
        facts: Facts | None = None
        mine = await sms_store.recent_of(self.services.db, caller_id(phone, self.services.secret))
        if self.meaning.numbers:
            found = await ticket_facts.facts(self.services.db, EVERYTHING, self.meaning.numbers[0])
            if found is not None and (self._theirs(found, phone) or await self._has_code(found, phone)):
                facts = found
        elif mine:
            still = [r for r in mine if r.status in OPEN] or list(mine)[:1]
            facts = await ticket_facts.facts(self.services.db, EVERYTHING, still[0].number)
        if facts is None:
            return InboundOutcome(InboundStatus.DONE, Effect.ASKED, messages=self._reply("progress_none"))
        directory = await self.services.directory.now(self.now)
        values = progress_of(directory, facts, self.meaning.language or "zh")
        number = facts.ticket.number
        return InboundOutcome(
            InboundStatus.DONE, Effect.ASKED, number, messages=self._reply("progress", number, values)
        )

    def _theirs(self, facts: Facts, phone: str) -> bool:
        return facts.ticket.caller == caller_id(phone, self.services.secret)

    async def _has_code(self, facts: Facts, phone: str) -> bool:
        """The right query code; none at all is no wrong one, and after too many wrong ones none is right."""
        if self.meaning.code is None:
            return False
        try:
            return await code_matches(self.services, facts.ticket.number, self.meaning.code, f"sms:{phone}", self.now)
        except Refused as refused:
            if refused.refusal.code is not Code.TOO_MANY:
                raise
            return False

    async def _target(self, phone: str) -> tuple[Facts | None, bool]:
        """The ticket this text speaks of, and whether it names it: by number where it is theirs, else the one of theirs
        last spoken of on this line. That an officer, or somebody with a query code, was sent a text about a ticket does
        not make it theirs."""
        for number in self.meaning.numbers:
            facts = await ticket_facts.facts(self.services.db, EVERYTHING, number)
            if facts is not None and self._theirs(facts, phone):
                return await self._whole(facts), True
        if self.row.details.get("continues"):  # a late part of a long text belongs where its others went
            whole = await inbound_store.by_id(self.services.db, self.row.details["continues"])
            facts = (
                await ticket_facts.facts(self.services.db, EVERYTHING, whole.number) if whole and whole.number else None
            )
            if facts is not None and self._theirs(facts, phone):
                return await self._whole(facts), True
        asks = self.meaning.wish is Wish.RATE
        line = self.row.receiver or ""
        for spoken_of in await sms_store.threads_of(self.services.db, phone, line, self.row.gateway, asked=asks):
            facts = await ticket_facts.facts(self.services.db, EVERYTHING, spoken_of)
            if facts is not None and self._theirs(facts, phone):
                return await self._whole(facts), False
        return None, False

    async def _whole(self, facts: Facts) -> Facts:
        """The ticket, or the one that carries its matter now."""
        if facts.ticket.parent is None:
            return facts
        chain = await ticket_facts.chain_of(self.services.db, facts.ticket.number)
        return (await ticket_facts.facts(self.services.db, EVERYTHING, chain[-1]) if chain else None) or facts

    async def _on(self, facts: Facts, phone: str, named: bool) -> InboundOutcome | None:
        """What the text does to this ticket; None: it is another matter."""
        lexicon, meaning, number = self.services.directory.made_of(lexicon_of), self.meaning, facts.ticket.number
        advice = await self._advice(lexicon, self.row.text)
        beside = await self._advice(lexicon, meaning.words) if meaning.words else None
        does, said = does_to(facts.ticket, meaning, advice, beside, theirs=self._theirs(facts, phone), named=named)
        if does is TextEffect.NOTE:
            return InboundOutcome(InboundStatus.DONE, Effect.NOTED, number, "rated after it was closed")
        if does is TextEffect.JOIN:
            return await self._joins(facts)
        if does is TextEffect.TELL:
            return await self._acts(Action.PROVIDE_INFO, {F.TEXT: self._words}, facts, phone, Effect.TOLD)
        if does is TextEffect.RATE:
            fields = {F.SATISFACTION: said, **({F.TEXT: meaning.words} if meaning.words else {})}
            rated = await self._acts(Action.CONFIRM, fields, facts, phone, Effect.RATED)
            return rated or odd("an answer that came too late", number)
        if does is TextEffect.REOPEN:
            fields = {
                F.REASON: text("letter_part.reopen_reason", "zh-Hans", text=meaning.words or self._words)[:1000],
                **({F.SATISFACTION: said} if said else {}),
            }
            reopened = await self._acts(Action.REOPEN, fields, facts, phone, Effect.REOPENED)
            if reopened is None and said is not None:
                return odd("not satisfied, and reopened as often as may be: a supervisor decides", number)
            return reopened
        return None

    async def _advice(self, lexicon: Lexicon, text: str) -> Advice:
        return await self.services.offload.run(len(text), advise, lexicon, text[:LONGEST])

    @property
    def _words(self) -> str:
        return self.row.text[:4000].strip() or "…"

    async def _acts(
        self, action: Action, fields: Mapping[Any, Any], facts: Facts, phone: str, effect: Effect
    ) -> InboundOutcome | None:
        """Let the resident act; None: the tables say no."""
        request = WriteRequest(resident(self.services, phone), self._key(), self.now, EVERYTHING)
        for _ in range(5):  # nobody sent a version: a colleague's change in between is no reason to lose a word
            command = Command(action, facts.ticket.version, fields)
            try:
                await act(self.services, facts.ticket.number, command, request, _nothing)
            except Refused as refused:
                if refused.refusal.code is not Code.STALE:
                    if refused.refusal.code in (Code.NOT_NOW, Code.NOT_YOUR_ROLE, Code.INCOMPLETE, Code.INVALID):
                        return None
                    raise
                again = await ticket_facts.facts(self.services.db, EVERYTHING, facts.ticket.number)
                if again is None:
                    return None
                facts = again
                continue
            return InboundOutcome(InboundStatus.DONE, effect, facts.ticket.number)
        return None

    async def _joins(self, facts: Facts) -> InboundOutcome | None:
        number = facts.ticket.number
        taken = IntakeRequest(Channel.SMS, self.row.text[:LONGEST], phone=self.who.phone, attach_to=number)
        try:
            # whose ticket it is was looked at above: the sender's, not the gateway's
            request = WriteRequest(self._gateway(), self._key(), self.now, EVERYTHING)
            done = await take_call(self.services, taken, request, _nothing)
        except Refused as refused:
            if refused.refusal.code in (Code.NOT_NOW, Code.INVALID):
                return None
            raise
        number = done.number or number
        return InboundOutcome(InboundStatus.DONE, Effect.JOINED, number, messages=self._reply("joined", number))

    async def _opens(self) -> InboundOutcome:
        text = self.row.text
        taken = IntakeRequest(Channel.SMS, text[:LONGEST], phone=self.who.phone)
        try:
            request = WriteRequest(self._gateway(), self._key(), self.now)
            done = await take_call(self.services, taken, request, number_shown)
        except Refused as refused:
            if refused.refusal.code is not Code.INVALID:
                raise
            return odd(f"refused: {refused.refusal.detail}")
        number = done.number or done.answer.body
        why = f"longer than {LONGEST} characters: the rest stands in raw" if len(text) > LONGEST else None
        if self.row.details.get("incomplete"):
            why = "a part of it never came"
        return InboundOutcome(InboundStatus.DONE, Effect.OPENED, number, why)

    def _gateway(self) -> Actor:
        area = (self.settings.get("numbers") or {}).get(self.row.receiver or "")
        return gateway_actor(self.row.gateway, area, self.home)

    def _key(self) -> RequestKey:
        return RequestKey(f"gateway:{self.row.gateway}"[:60], f"in.{self.row.id}", "inbound", keep_body=True)


def _nothing(*_: Any) -> str:
    return ""
