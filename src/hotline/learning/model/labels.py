"""Labels: what persons decided about a ticket, read from its timeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model.actors import ActorKind
from hotline.tickets.model.vocabulary import Action, TicketStatus

WEAK = 0.3  # what an untouched close weighs beside a person's decision
# no one labeller outweighs the others, and three are enough for a full vote
MOST_OF_ONE = 1 / 3
BY_SYSTEM = frozenset({ActorKind.RULES, ActorKind.CLOCK, ActorKind.RESIDENT})
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
    """A ticket as it stands, with its decisions in order. `department`: of the live or last lead order."""

    number: str
    status: TicketStatus
    category: str | None
    kind: str
    department: str | None
    ended_at: datetime | None
    opinion: dict[str, Any] | None
    decisions: Sequence[Decision]


@dataclass(frozen=True, slots=True)
class TriageLabel:
    """What is right of a ticket's text. `strong`: a person chose category and kind; otherwise it was closed untouched.
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
    """None: nobody has decided, and it was not closed."""
    if ticket.category is None:
        return None
    persons = [d for d in ticket.decisions if d.by_kind not in BY_SYSTEM]
    chosen = [d for d in persons if d.category]
    closed = ticket.status is TicketStatus.CLOSED and ticket.ended_at is not None
    if not chosen and not closed:
        return None
    sent = [d for d in ticket.decisions if d.action is Action.DISPATCH]
    returned = any(d.action is Action.APPROVE_RETURN for d in ticket.decisions)
    by_person = bool(sent) and sent[-1].by_kind not in BY_SYSTEM
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


def capped_weights(labels: Sequence[TriageLabel]) -> list[float]:
    """The weight of each label, so that no labeller holds more than their share of the whole: a third, or an equal part
    where there are fewer than three. Weak labels are nobody's."""
    totals: dict[str, float] = {}
    for label in labels:
        if label.strong:
            totals[label.by] = totals.get(label.by, 0.0) + label.weight
    if len(totals) < 2:
        return [label.weight for label in labels]
    share = max(MOST_OF_ONE, 1 / len(totals))
    factors = {by: min(1.0, _most(totals, by, share) / total) for by, total in totals.items()}
    return [label.weight * (factors[label.by] if label.strong else 1.0) for label in labels]


def _most(totals: dict[str, float], by: str, share: float) -> float:
    """How much one may weigh beside what all others weigh, to hold `share` of the whole."""
    others = sum(total for other, total in totals.items() if other != by)
    return max(1.0, others * share / (1 - share))


def label_mix(categories: Iterable[str]) -> dict[str, float]:
    """The share of each category, 0-1."""
    counts: dict[str, int] = {}
    for category in categories:
        counts[category] = counts.get(category, 0) + 1
    total = sum(counts.values())
    return {category: count / total for category, count in sorted(counts.items())}
