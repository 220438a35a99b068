"""The two state machines as text: Mermaid and Markdown for the guide, rows for the terminal, data for clients. All of
it comes from the tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hotline.locales.labels import Label, label
from hotline.organisation.model.actors import Role
from hotline.tickets.guards import GUARDS
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, OPTIONAL_FIELDS, TICKET_MOVES, Move
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, Field, Guard, TicketStatus


def mermaid(moves: Iterable[Move[Any]], first: str) -> str:
    """A state diagram. Moves that keep the state, and those that undo one, are left out: they stand in the table beside
    it."""
    drawn = ["stateDiagram-v2", f"    [*] --> {first}"]
    shown = [m for m in moves if m.at is not m.to and m.action is not Action.UNDO]
    drawn += [f"    {m.at} --> {m.to}: {m.action} ({', '.join(sorted(m.by))})" for m in shown]
    return "\n".join(drawn)


def table_rows(moves: Iterable[Move[Any]]) -> list[tuple[str, str, str, str, str]]:
    """(at, action, to, by, needs) as words."""
    return [(m.at, m.action, m.to, ", ".join(sorted(m.by)), ", ".join((*m.fields, *m.guards))) for m in moves]


def markdown(moves: Iterable[Move[Any]]) -> str:
    """The table for the guide."""
    lines = ["| at | action | to | by | needs |", "|---|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(cells)} |" for cells in table_rows(moves)])


def guide() -> str:
    """docs/lifecycle.md, whole."""
    guards = "\n".join(f"| {guard} | {sentence} |" for guard, (_, sentence) in GUARDS.items())
    return f"""# The life cycle

Generated from `src/hotline/tickets/lifecycle.py` by `make docs`; do not edit. Moves that keep the state, and those
that undo the last step, are in the tables only.

## Ticket

```mermaid
{mermaid(TICKET_MOVES, "received")}
```

{markdown(TICKET_MOVES)}

## Assignment

```mermaid
{mermaid(ASSIGNMENT_MOVES, "issued")}
```

{markdown(ASSIGNMENT_MOVES)}

## Guards

A refused caller reads the sentence of the guard that stopped it.

| guard | refused because |
|---|---|
{guards}
"""


@dataclass(frozen=True, slots=True)
class LabelledCode:
    """A word of a vocabulary and its texts for people."""

    code: str
    label: Label


@dataclass(frozen=True, slots=True)
class LifecycleMove:
    """One row of a table. `takes`: fields it may carry beside those it needs."""

    at: str
    action: Action
    to: str
    by: tuple[Role, ...]
    needs: tuple[Field, ...]
    takes: tuple[Field, ...]
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """The states of a ticket or an assignment, and every move between them. `schemas`: by action, the JSON Schema of
    its body."""

    first: str
    states: tuple[LabelledCode, ...]
    moves: tuple[LifecycleMove, ...]
    schemas: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The state machines of ticket and assignment."""

    ticket: Machine
    assignment: Machine
    actions: tuple[LabelledCode, ...]


def lifecycle_document(schemas: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Lifecycle:
    """Both machines for `GET /v1/lifecycle`. `schemas`: by machine and action, the JSON Schema of the action's body."""
    ticket = Machine(
        TicketStatus.RECEIVED, _labelled_codes(TicketStatus), _lifecycle_moves(TICKET_MOVES), schemas["ticket"]
    )
    assignment = Machine(
        AssignmentStatus.ISSUED,
        _labelled_codes(AssignmentStatus),
        _lifecycle_moves(ASSIGNMENT_MOVES),
        schemas["assignment"],
    )
    return Lifecycle(ticket, assignment, _labelled_codes(Action))


def _lifecycle_moves(rows: Iterable[Move[Any]]) -> tuple[LifecycleMove, ...]:
    return tuple(
        LifecycleMove(
            at=m.at,
            action=m.action,
            to=m.to,
            by=tuple(sorted(m.by)),
            needs=m.fields,
            takes=tuple(f for f in OPTIONAL_FIELDS.get(m.action, ()) if f not in m.fields),
            guards=m.guards,
        )
        for m in rows
    )


def _labelled_codes(words: Iterable[StrEnum]) -> tuple[LabelledCode, ...]:
    return tuple(LabelledCode(word, label(word)) for word in words)
