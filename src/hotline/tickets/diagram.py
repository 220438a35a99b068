"""The two machines as text: Mermaid for the guide, rows for the terminal, data for clients. Drawn from the tables,
never by hand."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from hotline.tickets.lifecycle import ASSIGNMENT, TAKES, TICKET, Move
from hotline.tickets.model.vocabulary import Action, AssignmentStatus, TicketStatus


def mermaid(moves: Iterable[Move[Any]], first: str) -> str:
    """A state diagram. Moves that keep the state are left out: they stand in the table beside it."""
    drawn = ["stateDiagram-v2", f"    [*] --> {first}"]
    drawn += [f"    {m.at} --> {m.to}: {m.action} ({', '.join(sorted(m.by))})" for m in moves if m.at is not m.to]
    return "\n".join(drawn)


def table(moves: Iterable[Move[Any]]) -> list[tuple[str, str, str, str, str]]:
    """(at, action, to, by, needs) as words."""
    return [(m.at, m.action, m.to, ", ".join(sorted(m.by)), ", ".join((*m.fields, *m.guards))) for m in moves]


def markdown(moves: Iterable[Move[Any]]) -> str:
    """The table for the guide."""
    lines = ["| at | action | to | by | needs |", "|---|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(cells)} |" for cells in table(moves)])


def as_data(label: Callable[[StrEnum], tuple[str, str]]) -> dict[str, Any]:
    """Both machines for `GET /v1/lifecycle`. `label`: a word in Chinese and in English."""

    def moves(rows: Iterable[Move[Any]]) -> list[dict[str, Any]]:
        return [
            {
                "at": m.at,
                "action": m.action,
                "to": m.to,
                "by": sorted(m.by),
                "needs": list(m.fields),
                "takes": [f for f in TAKES.get(m.action, ()) if f not in m.fields],
                "guards": list(m.guards),
            }
            for m in rows
        ]

    return {
        "ticket": {
            "first": TicketStatus.RECEIVED,
            "states": [_said(s, label(s)) for s in TicketStatus],
            "moves": moves(TICKET),
        },
        "assignment": {
            "first": AssignmentStatus.ISSUED,
            "states": [_said(s, label(s)) for s in AssignmentStatus],
            "moves": moves(ASSIGNMENT),
        },
        "actions": [_said(a, label(a)) for a in Action],
    }


def _said(code: str, words: tuple[str, str]) -> dict[str, Any]:
    return {"code": code, "label": {"zh": words[0], "en": words[1]}}
