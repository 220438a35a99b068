"""Alerts and who is on duty, as replies show them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from hotline.alerts.model import WaitsFor
from hotline.organisation.model.directory import Named
from hotline.organisation.model.vocabulary import Danger
from hotline.replies import reply_type


@reply_type()
class OfficerOut:
    """Somebody on duty. `until`: when their turn ends."""

    name: str
    phone: Annotated[str | None, Field(description="The duty number of the roster; null for contractors")]
    department: Named
    until: datetime


@reply_type()
class AlertOrderOut:
    """An order that nobody has signed for. `duty`: its department's officers now, else of the nearest above it."""

    id: str
    department: Named
    performer: Named | None
    waits_for: WaitsFor
    since: datetime
    accept_by: datetime | None
    duty: tuple[OfficerOut, ...]


@reply_type()
class AlertOut:
    """An emergency that waits for somebody. `mine`: an order of your own department waits."""

    number: str
    waits_for: WaitsFor
    since: datetime
    created_at: datetime
    dangers: tuple[Danger, ...]
    category: Named | None
    area: Named | None
    building: str | None
    unit: str | None
    address: Annotated[str | None, Field(description="Null where the ticket is confidential")]
    mine: bool
    orders: tuple[AlertOrderOut, ...]
    duty: Annotated[tuple[OfficerOut, ...], Field(description="Whom to call where no department has it")]


@reply_type()
class AlertPage:
    """`at`: when this was read; `more`: there are others beside these, the longest waiting."""

    items: tuple[AlertOut, ...]
    at: datetime
    more: bool


@reply_type()
class DutyGapOut:
    """A time within the next day without anybody on duty. `start` not after now: nobody is on duty now."""

    start: datetime
    end: datetime


@reply_type()
class DutyPostOut:
    """A roster with who is on duty now."""

    roster: Named
    department: Named
    now: tuple[OfficerOut, ...]
    gaps: tuple[DutyGapOut, ...]


@reply_type()
class DutyPosts:
    items: tuple[DutyPostOut, ...]
    at: datetime
