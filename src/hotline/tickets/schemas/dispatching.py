"""The dispatcher's queue as replies show it: tickets with the departments they are proposed to."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Priority
from hotline.replies import reply_from_values, reply_type
from hotline.text.reasons import Because
from hotline.tickets.dispatching import DepartmentCandidate, QueueCounts
from hotline.tickets.model.proposals import DepartmentProposal
from hotline.tickets.schemas.briefs import Said, TicketBrief, brief_fields, said_briefly
from hotline.tickets.schemas.sla import NextClockOut, render_next_clock
from hotline.tickets.sla.next_clock import RunningClock, next_clock


@reply_type()
class ProposalOut:
    """A department that a ticket may be sent to."""

    department: Named
    level: Annotated[int, Field(ge=1, le=5, description="How certain it is: 5 decided by a row of the catalogue")]
    sure: Annotated[bool, Field(description="Certain enough to be sent together with others")]
    assists: tuple[Named, ...]
    performer: Named | None
    category: Annotated[
        Named | None, Field(description="What the ticket is sorted under with it, where nobody has sorted it yet")
    ]
    because: tuple[Because, ...]


@reply_type()
class DispatchBrief(TicketBrief):
    """A ticket that waits for a department. `proposals`: at most three, the best first; never one that gave it back."""

    until: Annotated[datetime | None, Field(description="When it must have been dispatched")]
    said: Said
    next_clock: NextClockOut | None
    address: str | None
    building: str | None
    unit: str | None
    floor: str | None
    room: str | None
    incident: str | None
    attachments: int
    returns: int
    returned_by: Annotated[tuple[Named, ...], Field(description="The departments that gave it back")]
    proposals: tuple[ProposalOut, ...]
    ranked_by: Annotated[
        tuple[str, ...],
        Field(description="Its words that the rules ranked it by, while nobody has sorted it"),
    ]


@reply_type()
class DispatchPage:
    items: tuple[DispatchBrief, ...]
    next: str | None


@reply_type()
class QueueCountsOut:
    """How much waits for a department. `complete` false: more waits than was counted, and every number but `waiting`
    is at least so much."""

    waiting: int
    emergency: int
    due_soon: Annotated[int, Field(description="Must be dispatched within 15 minutes, or is late")]
    returned: int
    unsure: Annotated[
        int | None, Field(description="Always null: rules decide it row by row. Ask `GET /v1/queue?unsure=true`")
    ]
    complete: bool


@reply_type()
class CandidateDepartment(ProposalOut):
    """A department that could take a ticket now."""

    load: Annotated[int, Field(description="Its open orders")]
    on_duty: Annotated[tuple[str, ...], Field(description="Who is on duty there now")]
    unmanned: Annotated[bool, Field(description="It keeps a roster, and nobody is on duty")]
    accept_by: datetime | None
    due_at: datetime | None


@reply_type()
class CandidateDepartments:
    items: tuple[CandidateDepartment, ...]
    returned_by: Annotated[tuple[Named, ...], Field(description="The departments that gave it back")]
    version: int


def _proposal_fields(proposal: DepartmentProposal, directory: Directory) -> dict[str, Any]:
    return {
        "department": directory.named("departments", proposal.department),
        "level": proposal.level,
        "sure": proposal.sure,
        "assists": tuple(directory.named("departments", code) for code in proposal.assists),
        "performer": directory.optional_item_name("departments", proposal.performer),
        "category": directory.optional_item_name("categories", proposal.category),
        "because": proposal.because,
    }


def _returned_by(codes: Sequence[str], directory: Directory) -> tuple[Named, ...]:
    return tuple(directory.named("departments", code) for code in codes)


def render_dispatch_brief(
    row: Any,
    proposals: Sequence[DepartmentProposal],
    clocks: Iterable[RunningClock],
    narrative: str | None,
    directory: Directory,
    now: datetime,
) -> DispatchBrief:
    """A row of the dispatcher's queue."""
    plain = ("until", "address", "building", "unit", "floor", "room", "incident", "attachments", "returns")
    return reply_from_values(
        DispatchBrief,
        {
            **brief_fields(row, directory, now),
            **{name: getattr(row, name) for name in plain},
            "next_clock": render_next_clock(next_clock(clocks)),
            "said": said_briefly(directory, narrative, row.title),
            "returned_by": _returned_by(row.returned_by, directory),
            "ranked_by": _ranking_words(row, narrative, directory),
            "proposals": tuple(reply_from_values(ProposalOut, _proposal_fields(each, directory)) for each in proposals),
        },
    )


def _ranking_words(row: Any, narrative: str | None, directory: Directory) -> tuple[str, ...]:
    """The words by which an unsorted ticket is more than ordinary. `narrative` None: it is not the reader's to see."""
    if row.category is not None or row.priority == Priority.NORMAL or narrative is None:
        return ()
    because = ((row.advice or {}).get("triage") or {}).get("because") or ()
    ranks = [b for b in because if (rule := directory.words.get(b["rule"])) is not None and rule.priority is not None]
    return tuple(dict.fromkeys(word for b in ranks for word in b["matched"]))


def render_queue_counts(counts: QueueCounts) -> QueueCountsOut:
    return QueueCountsOut(counts.waiting, counts.emergency, counts.due_soon, counts.returned, None, counts.complete)


def render_candidates(
    candidates: Sequence[DepartmentCandidate], returned_by: Sequence[str], version: int, directory: Directory
) -> CandidateDepartments:
    """Who could take one ticket, the best first."""
    items = tuple(
        reply_from_values(
            CandidateDepartment,
            {
                **_proposal_fields(each.proposal, directory),
                "load": each.load,
                "on_duty": each.on_duty,
                "unmanned": each.unmanned,
                "accept_by": each.limits.accept_by if each.limits else None,
                "due_at": each.limits.due_at if each.limits else None,
            },
        )
        for each in candidates
    )
    return CandidateDepartments(items, _returned_by(returned_by, directory), version)
