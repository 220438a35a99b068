"""A department's work: the queue in order, the board in numbers."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.api.deps import CodePath, Now, TheHouse, may
from hotline.api.paging import Cursor, Limit, moment, opened, sealed
from hotline.api.schemas.shown import OrderPage, queued_shown
from hotline.db import assignments, counters
from hotline.domain.privacy import scope_of
from hotline.domain.ticket import Actor, Refusal, Refused
from hotline.domain.vocabulary import ENDED, PEOPLE, WHOLE, Code, TicketStatus

from .answers import READ, refusals, reply

router = APIRouter(prefix="/v1", tags=["boards"])
Reader = Annotated[Actor, may("queues.read", *PEOPLE)]
_FIRST = (-1, datetime(1970, 1, 1, tzinfo=UTC), "")


async def _checked(house: Any, code: str, actor: Actor, now: datetime) -> None:
    """404 for a department that is not there and for one that is not theirs alike."""
    directory = await house.directory.now(now)
    if code not in directory.departments or (code not in actor.departments and not actor.roles & WHOLE):
        raise Refused(Refusal(Code.NOT_FOUND, "no such department"))


@router.get("/departments/{code}/queue", operation_id="read_queue", response_model=OrderPage, responses=refusals(*READ))
async def read_queue(
    code: CodePath,
    actor: Reader,
    house: TheHouse,
    now: Now,
    performing: Annotated[bool, Query(description="The orders it performs for others, instead of those it answers for")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The department's open orders: emergencies first, then soonest due."""
    await _checked(house, code, actor, now)
    directory = await house.directory.now(now)
    question = [code, performing, actor.id]
    place = opened(house.secret, question, cursor)
    after = (place[0], moment(place[1]), place[2]) if place else _FIRST
    rows = await assignments.open_orders(house.db, scope_of(actor), code, after, limit + 1, performing=performing)
    page = rows[:limit]
    more = sealed(house.secret, question, [page[-1].rank, page[-1].sort_at, page[-1].id]) if len(rows) > limit else None
    return reply({"items": [queued_shown(row, directory, now) for row in page], "next": more})


@router.get("/departments/{code}/board", operation_id="read_board", responses=refusals(*READ))
async def read_board(code: CodePath, actor: Reader, house: TheHouse, now: Now) -> Response:
    """How many orders stand in each state, for the department and all below it, from counters: no row is counted."""
    await _checked(house, code, actor, now)
    directory = await house.directory.now(now)
    below = directory.below.get(code, frozenset({code}))
    held = await counters.counted(house.db, "assignment", below)
    performed = await counters.counted(house.db, "performing", below)
    return reply(
        {
            "department": directory.name_of("departments", code),
            "counts": held,
            "open": sum(n for status, n in held.items() if status not in ENDED),
            "performing": performed,
            "performing_open": sum(n for status, n in performed.items() if status not in ENDED),
        }
    )


@router.get("/board", operation_id="read_house_board", responses=refusals())
async def read_house_board(actor: Annotated[Actor, may("boards.read", *WHOLE)], house: TheHouse) -> Response:
    """How many tickets stand in each state within your areas, from counters."""
    counts = await counters.counted(house.db, "ticket", actor.areas)
    ended = {TicketStatus.CLOSED, TicketStatus.DECLINED, TicketStatus.MERGED, TicketStatus.WITHDRAWN, TicketStatus.VOID}
    return reply({"counts": counts, "open": sum(n for status, n in counts.items() if status not in ended)})
