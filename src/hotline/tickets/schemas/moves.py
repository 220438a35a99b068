"""What may be done with a ticket or an order, as replies list it."""

from functools import cache
from typing import Annotated, Any

from pydantic import Field as Described

from hotline.locales.labels import Label, label_pair
from hotline.replies import reply_type
from hotline.tickets.lifecycle import Move
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Field, TicketStatus
from hotline.tickets.next_step import NextStep, StepReason


@reply_type()
class MoveOut:
    """An action that would be accepted now, and the fields it needs."""

    action: Action
    label: Label
    needs: tuple[Field, ...]
    to: Annotated[TicketStatus | AssignmentStatus, Described(description="The state it leads to")]
    primary: Annotated[bool, Described(description="The next step: at most one of a ticket and its orders")]


@reply_type()
class NextStepOut:
    """The next step for you, the order it is taken on (null: the ticket), and why it is next."""

    action: Action
    assignment: str | None
    because: StepReason


def render_move(move: Move[Any], *, primary: bool = False) -> MoveOut:
    """An allowed action as replies list it. Made once for each: a reply lists a dozen of them."""
    return _made(move.action, move.fields, move.to, primary)


@cache
def _made(action: Action, needs: tuple[Field, ...], to: TicketStatus | AssignmentStatus, primary: bool) -> MoveOut:
    return MoveOut(action, Label(*label_pair(action)), needs, to, primary)


def render_next_step(step: NextStep | None) -> NextStepOut | None:
    return None if step is None else NextStepOut(step.action, step.assignment, step.reason)
