"""Labels: what persons decided about a ticket, read from its timeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model.actors import ActorKind
from hotline.tickets.model.vocabulary import Action, TicketStatus

WEAK = 0.3  # what an untouched close weighs beside a person's decision
LEAST_LABELS = 50  # strong ones; from fewer there is nothing to learn, and they do not outweigh others
MOST_PARTS = 3  # no labeller holds more than a third
DECISIONS = frozenset({Action.TRIAGE, Action.AMEND, Action.DISPATCH, Action.APPROVE_RETURN, Action.ANSWER})


@dataclass(frozen=True, slots=True)
class Decision:
    """One line of a timeline, as far as it decides category, kind or department."""

    at: datetime
    by_kind: ActorKind
    by_id: str
    action: Action
    category: bool = False  # it names or changes the category or the kind


@dataclass(frozen=True, slots=True)
class DecidedTicket:
    """A ticket as it stands, with its decisions in order. `department`: of the live or last lead order. `hinted`: who
    brought it named the category."""

    number: str
    status: TicketStatus
    category: str | None
    kind: str
    department: str | None
    ended_at: datetime | None
    opinion: dict[str, Any] | None
    decisions: Sequence[Decision]
    hinted: bool = False


@dataclass(frozen=True, slots=True)
class TriageLabel:
    """What is right of a ticket's text. `strong`: a person chose category and kind; otherwise a person dispatched it or
    it was closed, both untouched.
    `department_strong`: a person chose the department, or it ended with one after a granted return. The last four are
    the model's opinion at intake, if there was one."""

    number: str
    at: datetime
    by: str
    strong: bool
    category: str
    kind: str
    department: str | None
    department_strong: bool
    version: int | None = None
    guess: str | None = None
    confidence: float | None = None
    sure: bool = False

    @property
    def weight(self) -> float:
        return 1.0 if self.strong else WEAK


def label_of(ticket: DecidedTicket) -> TriageLabel | None:
    """None: no person has decided, and it was neither dispatched by a person nor closed with the category by the rules.
    A key is no person: a form or another system may use it."""
    if ticket.category is None:
        return None
    persons = [d for d in ticket.decisions if d.by_kind is ActorKind.PERSON]
    chosen = [d for d in persons if d.category]
    closed = ticket.status is TicketStatus.CLOSED and ticket.ended_at is not None
    sent = [d for d in ticket.decisions if d.action is Action.DISPATCH]
    by_person = bool(sent) and sent[-1].by_kind is ActorKind.PERSON
    # what a form or the model itself has chosen is confirmed by neither
    if not chosen and (not (closed or by_person) or ticket.hinted or _is_by_model(ticket)):
        return None
    returned = any(d.action is Action.APPROVE_RETURN for d in ticket.decisions)
    # a granted return says where the matter does not belong; where it does is known at the end
    department = ticket.department if by_person or closed else None
    opinion = ticket.opinion or {}
    last = chosen[-1] if chosen else None
    return TriageLabel(
        number=ticket.number,
        at=last.at if last else ticket.ended_at or ticket.decisions[-1].at,
        by=last.by_id if last else "",
        strong=last is not None,
        category=ticket.category,
        kind=ticket.kind,
        department=department,
        department_strong=by_person or (returned and closed),
        version=opinion.get("version"),
        guess=opinion.get("category"),
        confidence=opinion.get("confidence"),
        sure=bool(opinion.get("sure")),
    )


def _is_by_model(ticket: DecidedTicket) -> bool:
    """Whether the category is the one that an acting model was sure of."""
    opinion = ticket.opinion or {}
    return bool(opinion.get("acting") and opinion.get("sure")) and opinion.get("category") == ticket.category


def capped_weights(labels: Sequence[TriageLabel]) -> list[float]:
    """The weight of each label, so that no labeller holds more than their part of the strong ones: a third, or a half
    where only two have LEAST_LABELS or more. Where fewer have, nobody is capped: a few labels do not weigh as much as
    all the others. What the capped ones lose goes to all strong labels alike, so that their total stays the same; weak
    labels are nobody's."""
    totals: dict[str, float] = {}
    for label in labels:
        if label.strong:
            totals[label.by] = totals.get(label.by, 0.0) + label.weight
    parts = min(MOST_PARTS, sum(total >= LEAST_LABELS for total in totals.values()))
    if parts < 2:
        return [label.weight for label in labels]
    limit = _highest_total(sorted(totals.values(), reverse=True), parts)
    scale = sum(totals.values()) / sum(min(total, limit) for total in totals.values())
    factors = {by: scale * min(1.0, limit / total) for by, total in totals.items()}
    return [label.weight * (factors[label.by] if label.strong else 1.0) for label in labels]


def _highest_total(totals: Sequence[float], parts: int) -> float:
    """The most that one may weigh, to be at most one of `parts` parts of all after the larger ones are lowered to it.
    `totals`: largest first, at least as many as `parts`."""
    for lowered in range(parts):
        limit = sum(totals[lowered:]) / (parts - lowered)
        if totals[lowered] <= limit:
            break
    return limit


def label_mix(categories: Iterable[str]) -> dict[str, float]:
    """The share of each category, 0-1."""
    counts: dict[str, int] = {}
    for category in categories:
        counts[category] = counts.get(category, 0) + 1
    total = sum(counts.values())
    return {category: count / total for category, count in sorted(counts.items())}
