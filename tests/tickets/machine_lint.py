"""The lint of a table of moves: of tickets, assignments and incidents."""

from typing import Any

from hotline.tickets.lifecycle import Move
from hotline.tickets.model.vocabulary import Action


def table_errors(table: tuple[Move[Any], ...], first: Any, final: frozenset[Any]) -> list[str]:
    """Faults of a table: states that cannot be reached or left, final states with a way out, actions without an actor,
    duplicates."""
    faults = [f"{m.at} {m.action}: nobody may" for m in table if not m.by]
    table = tuple(m for m in table if m.action is not Action.UNDO)  # takes a step back as if it had not been taken
    reached, before = {first}, 0
    while before != len(reached):
        before = len(reached)
        reached |= {m.to for m in table if m.at in reached}
    states = list(type(first))
    faults += [f"{s} is never reached" for s in states if s not in reached]
    ends, before = set(final), 0
    while before != len(ends):
        before = len(ends)
        ends |= {m.at for m in table if m.to in ends}
    faults += [f"{s} cannot reach an end" for s in states if s not in ends]
    faults += [f"{m.at} is final, yet {m.action} leaves it" for m in table if m.at in final and m.to is not m.at]
    keys = [(m.at, m.action, m.to, role) for m in table for role in m.by]
    faults += [f"twice: {key}" for key in dict.fromkeys(k for k in keys if keys.count(k) > 1)]
    return faults
