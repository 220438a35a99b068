"""What callers see of the organisation: the directory, people, keys and duty."""

from datetime import datetime
from typing import Any

from pydantic import Field

from hotline.web.field_types import Shown
from hotline.web.schemas import Named


class TokenOut(Shown):
    token: str
    token_type: str
    expires_at: datetime


class MeOut(Shown):
    kind: str
    id: str
    name: str
    roles: list[dict[str, Any]]
    departments: list[str]
    areas: list[str] | None


class PersonOut(Shown):
    id: str
    login: str
    name: str
    roles: list[str]
    department: str | None
    area: str | None
    active: bool
    version: int
    created_at: datetime


class PersonPage(Shown):
    items: list[PersonOut]
    next: str | None


class KeyOut(Shown):
    id: str
    name: str
    roles: list[str]
    department: str | None
    area: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyMade(KeyOut):
    secret: str = Field(description="Shown here and nowhere else")


class KeyPage(Shown):
    items: list[KeyOut]
    next: str | None


class MemberOut(Shown):
    code: str
    name: str
    phone: str | None


class TurnOut(Shown):
    roster: str
    shift: str | None
    date: str | None = Field(description="The day the shift began on, as a swap names it")
    member: MemberOut
    start: datetime
    end: datetime
    reason: str | None


class GapOut(Shown):
    roster: str
    start: datetime
    end: datetime


class DutyOut(Shown):
    department: Named
    now: list[TurnOut]
    called: list[TurnOut] = Field(description="Whom a call for help reaches now: its own, else the nearest above it")
    turns: list[TurnOut]
    gaps: list[GapOut]
    feed: str


class ItemOut(Shown):
    code: str


class ItemPage(Shown):
    items: list[ItemOut]
    next: str | None


class RetiredOut(Shown):
    code: str
    retired: bool
    item: dict[str, Any] | None


class LogPage(Shown):
    items: list[dict[str, Any]]
    next: str | None
