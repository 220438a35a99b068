"""What may be done with a ticket or an order, as replies list it."""

from functools import cache
from typing import Any

from hotline.locales.labels import Label, label_pair
from hotline.replies import reply_type
from hotline.tickets.lifecycle import Move
from hotline.tickets.model.vocabulary import Action, Field


@reply_type()
class MoveOut:
    """An action that would be accepted now, and the fields it needs."""

    action: Action
    label: Label
    needs: tuple[Field, ...]


def render_move(move: Move[Any]) -> MoveOut:
    """An allowed action as replies list it. Made once for each: a reply lists a dozen of them."""
    return _made(move.action, move.fields)


@cache
def _made(action: Action, needs: tuple[Field, ...]) -> MoveOut:
    return MoveOut(action, Label(*label_pair(action)), needs)
