"""Replies of figures, exports and reports."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.locales.labels import Label, label_of_key
from hotline.organisation.model.directory import Directory, Named
from hotline.replies import reply_type
from hotline.reporting.model import MIN_DENOMINATOR, Figure
from hotline.reporting.service.exports import ExportRecord
from hotline.reporting.service.figures import RankedDepartment
from hotline.reporting.vocabulary import Period
from hotline.tickets.model.measures import Measure
from hotline.tickets.model.vocabulary import Part
from hotline.tickets.schemas.briefs import TicketBrief


@reply_type()
class FigureOut:
    """A figure and its formula. `enough`: below this denominator it is not ranked."""

    code: str
    name: Label
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    formula: str
    high: Annotated[bool, Field(description="More is better")]
    charged_to: str
    enough: int


@reply_type()
class MeasureOut:
    """What a measure counts, and on which day."""

    code: str
    name: Label
    of: str
    day_of: str | None
    where: tuple[str, ...]


@reply_type()
class FigureCatalogue:
    figures: tuple[FigureOut, ...]
    measures: tuple[MeasureOut, ...]


def render_figure(f: Figure) -> FigureOut:
    """A figure of the catalogue."""
    return FigureOut(
        f.code,
        label_of_key(f"figure.{f.code}"),
        f.numerator,
        f.denominator,
        f.formula,
        f.high,
        f.charged_to,
        MIN_DENOMINATOR,
    )


def render_measure(m: Measure) -> MeasureOut:
    """A measure of the catalogue."""
    return MeasureOut(m.code, label_of_key(f"measure.{m.code}"), m.of, m.at, tuple(test.said for test in m.where))


@reply_type()
class Ranking:
    """Departments by one figure. One with less than `enough` in the denominator is listed without a rank."""

    figure: str
    enough: int
    items: tuple[RankedDepartment, ...]


@reply_type()
class CountedTicket:
    """A ticket, assignment or call that a measure counted. `ticket` null: you may no longer see it. `department` is the
    unit whose it is: of an assignment the one that has it, of a ticket the one that was responsible; `performer` its
    contractor. `due`: the limit that an assignment is judged by here; `done`: when that was kept, null where it was not
    yet."""

    number: str
    order: str | None
    call: str | None
    at: datetime
    ticket: TicketBrief | None
    department: Named | None
    performer: Named | None
    part: Part | None
    due: datetime | None
    done: datetime | None


def render_counted_row(row: Any, brief: TicketBrief | None, directory: Directory) -> CountedTicket:
    """A row of `drill_down`."""
    unit, performer = (directory.optional_item_name("departments", code) for code in (row.unit, row.performer))
    return CountedTicket(row.number, row.order, row.call, row.at, brief, unit, performer, row.part, row.due, row.done)


@reply_type()
class CountedPage:
    items: tuple[CountedTicket, ...]
    next: str | None


@reply_type()
class ExportPage:
    items: tuple[ExportRecord, ...]


@reply_type()
class ReportLine:
    period: Period
    first: str
    made_at: datetime


@reply_type()
class ReportPage:
    items: tuple[ReportLine, ...]
