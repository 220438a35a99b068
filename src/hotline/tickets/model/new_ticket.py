"""A new ticket that goes its first steps in one change, by the tables of the life cycle as any other."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hotline.delivery.model import Message
from hotline.organisation.model.actors import Actor
from hotline.refusals import Refusal, Refused
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.counter_deltas import counter_deltas
from hotline.tickets.model.ticket import (
    Call,
    Caller,
    Change,
    Clock,
    Command,
    Entry,
    Facts,
    Ticket,
    TicketWrite,
    call_of_ticket,
)
from hotline.tickets.model.vocabulary import Action
from hotline.value_objects import replace


class NewTicket:
    """`facts`: the ticket as it is after the steps so far; `clocks`: those the last step touched; `entries` and
    `messages`: of all of them. Used for one change, then dropped."""

    __slots__ = ("clocks", "entries", "facts", "messages")

    def __init__(self, ticket: Ticket, received: Entry, *messages: Message) -> None:
        self.facts = Facts(ticket)
        self.entries: list[Entry] = [received]
        self.messages: list[Message] = list(messages)
        self.clocks: tuple[Clock, ...] = ()

    def act(
        self, action: Action, fields: Mapping[Any, Any], actor: Actor, at: datetime, assignment: str | None = None
    ) -> None:
        """The next step. Raises Refused where the tables do not allow it."""
        decided = decide(self.facts, Command(action, self.facts.ticket.version, fields, assignment), actor, at)
        if isinstance(decided, Refusal):
            raise Refused(decided)
        self.facts, self.clocks = decided.after, decided.clocks
        self.entries += decided.entries
        self.messages += decided.messages

    def change(self, call: Call | None, caller: Caller | None) -> Change:
        """All of it, with the contact it came by; None: that of the ticket that this one is split off."""
        last = self.facts.last
        if last is not None:
            last = replace(last, entries=tuple(self.entries))
        after = replace(self.facts, last=last)
        return Change(
            after=after,
            tickets=(TicketWrite(after.ticket, None),),
            assignments=after.assignments,
            entries=tuple(self.entries),
            messages=tuple(self.messages),
            clocks=self.clocks,
            calls=(call_of_ticket(call, after.ticket),) if call else (),
            callers=(caller,) if caller else (),
            tallies=counter_deltas(None, after),
            texts=(after.ticket,),
        )
