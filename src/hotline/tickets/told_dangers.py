"""A danger in what a resident tells of a ticket alarms the operators, whichever way it came: by a page, by a text, or
written down by an operator."""

from collections.abc import Mapping
from datetime import datetime

from hotline.delivery.model import Message
from hotline.locales import bilingual
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.vocabulary import LIVE_CHANNELS
from hotline.tickets.context import Services
from hotline.tickets.model.dangers import dangers_of
from hotline.tickets.model.ticket import Change, Command
from hotline.tickets.model.vocabulary import Action, Field
from hotline.triage.model.advising import find_dangers
from hotline.triage.model.lexicon import build_lexicon

# the steps by which a resident's words come to a ticket, and where these stand; calls are read by intake
_TOLD: Mapping[Action, Field] = {
    Action.PROVIDE_INFO: Field.TEXT,
    Action.REOPEN: Field.REASON,
    Action.URGE: Field.REASON,
    Action.CONFIRM: Field.TEXT,
    Action.CALL_BACK: Field.TEXT,
}

_LEAVES = frozenset({Action.ADD_CALL, Action.PROVIDE_INFO})


async def alarm_of_told_danger(
    services: Services, change: Change, command: Command, now: datetime
) -> tuple[Message, ...]:
    """The alarm to operators where the words of this step tell of a danger that the ticket does not know of, or a
    resident adds something to a ticket of a danger without speaking to somebody; none where an alarm goes with the step
    yet. None of these steps opens or dispatches anything by itself."""
    if not change.entries or any(message.kind == "alarm" for message in change.messages):
        return ()
    ticket = change.after.ticket
    if _adds_to_danger(change, command):
        return (_alarm("alarm.left_in_danger", change, now),)
    field = _TOLD.get(command.action)
    words = str(command.fields.get(field) or "") if field is not None else ""
    if not words:
        return ()
    dangers = await services.offload.run(
        len(words),
        find_dangers,
        services.directory.derived(build_lexicon),
        words,
        written=ticket.channel not in LIVE_CHANNELS,
    )
    alone = change.entries[0].by_kind is ActorKind.RESIDENT
    if not dangers or (set(dangers) <= set(dangers_of(ticket)) and not alone):
        return ()
    return (_alarm("alarm.danger_told", change, now),)


def _adds_to_danger(change: Change, command: Command) -> bool:
    """Whether a resident adds anything to a ticket of a danger: a place, a number or words, which somebody must read.
    The page says that the staff on duty were told."""
    is_resident = change.entries[0].by_kind is ActorKind.RESIDENT
    return is_resident and command.action in _LEAVES and bool(dangers_of(change.after.ticket))


def _alarm(key: str, change: Change, now: datetime) -> Message:
    number = change.after.ticket.number
    name = f"al.{number}.{change.entries[0].seq}"
    return Message(name, "alarm", number, "role:operator", dict(bilingual(key, number=number)), now)
