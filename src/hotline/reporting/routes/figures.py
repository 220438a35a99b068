"""Figures, their formulas, and the tickets behind them."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from hotline.database.keyset import KeysetPage
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.directory import zone_of
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Channel
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting.model import FIGURES, MIN_DENOMINATOR
from hotline.reporting.schemas.figures import (
    CountedPage,
    FigureCatalogue,
    Ranking,
    render_counted_row,
    render_figure,
    render_measure,
)
from hotline.reporting.service.figures import FigureQuery, Figures, load_counted_tickets, load_figures, load_ranking
from hotline.reporting.vocabulary import Period
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.measures import COUNTED_CODES, DIMENSIONS, MEASURES
from hotline.tickets.schemas.briefs import render_brief
from hotline.tickets.store import lists
from hotline.web.field_types import CodeWord, Day
from hotline.web.paging import Cursor, Limit, PagedQuery
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1/figures", tags=["figures"], route_class=AuthenticatedRoute)
FigureContext = Annotated[
    TicketContext,
    require_roles("figures.read", Role.DISPATCHER, Role.HANDLER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN),
]
MONTH = timedelta(days=29)


@dataclass(frozen=True, slots=True)
class FigurePeriod:
    """Days, both included."""

    first: Annotated[Day | None, Query(description="First day; absent: 29 days before the last")] = None
    last: Annotated[Day | None, Query(description="Last day; absent: today, in the organisation's zone")] = None


@dataclass(frozen=True, slots=True)
class FigureFilters:
    """What is counted, by code."""

    department: Annotated[CodeWord | None, Query(description="With all below it")] = None
    category: Annotated[CodeWord | None, Query(description="With all below it")] = None
    area: Annotated[CodeWord | None, Query(description="With all below it")] = None
    channel: Annotated[Channel | None, Query()] = None


async def parse_figure_query(
    context: FigureContext,
    period: Annotated[FigurePeriod, Depends()],
    filters: Annotated[FigureFilters, Depends()],
) -> FigureQuery:
    """The period and the filters. Each route adds what it groups by."""
    directory = await context.services.directory.now(context.now)
    last = period.last or context.now.astimezone(zone_of(directory)).date()
    codes = {name: str(code) for name, code in asdict(filters).items() if code}
    return FigureQuery(period.first or last - MONTH, last, None, codes)


Asked = Annotated[FigureQuery, Depends(parse_figure_query)]
By = Annotated[str | None, Query(pattern=f"^({'|'.join([*Period, *DIMENSIONS])})$")]


@router.get("", operation_id="read_figures", response_model=Figures, responses=refusal_responses())
async def read_figures(context: FigureContext, wanted: Asked, by: By = None) -> Response:
    """Counts, shares, handling times and backlog of a period. Shares come with numerator and denominator; `enough` says
    whether the denominator is large enough to compare. A department sees its own work, an area its own. At most two
    filters, one of them the department or the area."""
    return json_reply(
        await load_figures(
            context.services, context.actor, FigureQuery(wanted.first, wanted.last, by, wanted.filters), context.now
        )
    )


@router.get(
    "/catalogue", operation_id="read_figures_catalogue", response_model=FigureCatalogue, responses=refusal_responses()
)
async def read_catalogue(context: FigureContext) -> Response:
    """Every figure with its formula, every measure with what it counts and on which day. The formulas are complete:
    nothing else is included or excluded."""
    found = tuple(map(render_figure, FIGURES.values()))
    return json_reply(FigureCatalogue(found, tuple(map(render_measure, MEASURES.values()))))


@router.get(
    "/ranking", operation_id="rank_departments", response_model=Ranking, responses=refusal_responses(*READ_REFUSALS)
)
async def rank_departments(
    context: Annotated[TicketContext, require_roles("figures.rank", Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)],
    wanted: Asked,
    figure: Annotated[str, Query(max_length=40)],
) -> Response:
    """Departments ranked by one figure among their peers (contractors with contractors, offices with offices). A
    department with less than `enough` in the denominator is listed without a rank."""
    items = await load_ranking(context.services, context.actor, figure, wanted, context.now)
    return json_reply(Ranking(figure, MIN_DENOMINATOR, items))


@router.get(
    "/measures/{measure}",
    operation_id="list_counted",
    response_model=CountedPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_counted(
    context: FigureContext,
    wanted: Asked,
    measure: Annotated[
        str,
        Path(
            max_length=40,
            description="A measure of the catalogue, `overdue`, `contacted_overdue`; or `failed.` and a figure: what "
            "was counted below its line and not above it",
        ),
    ],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The tickets (or assignments, or calls) that a measure counts in the period. A ticket that you may no longer see
    is listed by its number only."""
    if measure not in COUNTED_CODES:
        raise Refused(Refusal(Code.NOT_FOUND, "no such measure"))
    services = context.services
    key = ["counted", measure, wanted.first, wanted.last, dict(wanted.filters)]
    query = PagedQuery(services.secret, key, limit)
    rows = await load_counted_tickets(services, context.actor, measure, wanted, context.now, query.keyset(cursor))
    page, more = query.cut(rows, lambda row: [row.at, row.key])
    numbers = sorted({r.number for r in page if r.theirs})
    found = (
        await lists.load_tickets(services.db, scope_of(context.actor), {"found": numbers}, KeysetPage(len(numbers)))
        if numbers
        else []
    )
    directory = await services.directory.now(context.now)
    briefs = {r.number: render_brief(r, directory, context.now) for r in found}
    items = tuple(render_counted_row(r, briefs.get(r.number), directory) for r in page)
    return json_reply(CountedPage(items, more))
