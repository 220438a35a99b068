"""Who is on duty, and who could take an order: changes as they are sent, turns as replies show them."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from hotline.organisation.model import duty
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Named
from hotline.replies import reply_type
from hotline.web.field_types import CodeWord, Line, LocalTime, Strict


class OverrideIn(Strict):
    roster: CodeWord
    start: LocalTime = Field(description="Local time of the roster, without a zone")
    end: LocalTime = Field(description="Local time of the roster, without a zone")
    member: CodeWord | None = Field(description="Who comes; null: nobody")
    instead_of: CodeWord | None = Field(None, description="Whose turns; absent: whoever it would be")
    reason: Line
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {
                    "roster": "service-centre",
                    "start": "2026-12-31T20:00:00",
                    "end": "2027-01-01T08:00:00",
                    "member": "duty-2",
                    "reason": "值班长甲请假",
                }
            ]
        },
    }


class TurnIn(Strict):
    date: Annotated[date, Field(ge=date(1990, 1, 2), le=date(2190, 1, 1))]
    shift: CodeWord


class SwapIn(Strict):
    roster: CodeWord
    first: TurnIn
    second: TurnIn
    reason: Line
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {
                    "roster": "service-centre",
                    "first": {"date": "2026-12-31", "shift": "night"},
                    "second": {"date": "2027-01-02", "shift": "day"},
                    "reason": "互换",
                }
            ]
        },
    }


@reply_type()
class MemberOut:
    """A member of a roster. No phone number if you may not see it."""

    code: str
    name: str
    phone: str | None


@reply_type()
class TurnOut:
    roster: str
    shift: str | None
    date: Annotated[str | None, Field(description="The day the shift began on, as a swap names it")]
    member: MemberOut
    start: datetime
    end: datetime
    reason: str | None


@reply_type()
class GapOut:
    """A time without anybody on duty."""

    roster: str
    start: datetime
    end: datetime


@reply_type()
class DutyOut:
    department: Named
    now: tuple[TurnOut, ...]
    called: Annotated[
        tuple[TurnOut, ...], Field(description="Whom a call for help reaches now: its own, else the nearest above it")
    ]
    turns: tuple[TurnOut, ...]
    gaps: tuple[GapOut, ...]
    feed: Annotated[str, Field(description="The path of an iCalendar feed to subscribe to")]
    feed_user: Annotated[str, Field(description="The user with which a calendar program logs in to the feed")]
    feed_token: Annotated[str | None, Field(description="The shared password with which it does; null: revoked")]


@reply_type()
class CandidateOut:
    """A person who could take an assignment now; `load`: how many open ones they have."""

    id: str
    login: str
    name: str
    department: str
    on_duty: bool
    load: int
    recommended: bool


@reply_type()
class CandidatePage:
    items: tuple[CandidateOut, ...]
    next: str | None


def turn_reply(turn: duty.Turn, actor: Actor) -> TurnOut:
    """A turn; its number is not for contractors."""
    phone = turn.member.phone if not actor.contractor else None
    member = MemberOut(turn.member.code, turn.member.name, phone)
    return TurnOut(turn.roster, turn.shift, turn.day, member, turn.start, turn.end, turn.reason or None)
