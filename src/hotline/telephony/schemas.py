"""Calls on the exchange as replies show them: who is on the line, who is to be called back, the figures; and what an
operator says of a call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from hotline.organisation.model.actors import Actor, Role
from hotline.replies import ABSENT, reply_from_values, reply_type
from hotline.telephony.model import RETURN_WITHIN
from hotline.telephony.vocabulary import Direction, ReturnCall, VoiceOutcome, VoiceState
from hotline.tickets.model.visibility import visible_phone
from hotline.tickets.schemas.calls import CallerCard
from hotline.web.field_types import Line, NumberWord, Strict


class ReturnCallAttempt(Strict):
    """The result of an attempt to call back. `connected` and `given_up` close the return call; the others leave it
    open."""

    outcome: Literal["connected", "no_reply", "busy", "wrong_number", "given_up"]
    number: NumberWord | None = None
    note: Line | None = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"outcome": "connected"}]}}


class Linked(Strict):
    number: NumberWord
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"number": "100000006"}]}}


@reply_type()
class RecordingOut:
    """Where the exchange keeps the recording; only this reference is stored. What the exchange did not give is
    absent."""

    id: str | int | float = ABSENT
    url: str | int | float = ABSENT
    duration: str | int | float = ABSENT
    sha256: str | int | float = ABSENT
    expires_at: datetime | None = ABSENT


@reply_type()
class VoiceCallOut:
    """A call on the exchange. Its number is masked by role."""

    id: str
    pbx: str
    direction: Direction
    phone: str | None
    line: str | None
    queue: str | None
    agent: str | None
    state: VoiceState
    outcome: VoiceOutcome | None
    cause: str | None
    offered_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    wait_ms: int | None
    talk_ms: int | None
    number: Annotated[str | None, Field(description="The ticket that came of it")]
    time_unknown: Annotated[
        bool, Field(description="A time of its events could not be read: its times are partly when we heard of it")
    ]
    recording: Annotated[RecordingOut | None, Field(description="For supervisors")]


@reply_type()
class VoiceCallPage:
    items: tuple[VoiceCallOut, ...]
    next: str | None


@reply_type()
class PopOut(VoiceCallOut):
    """A call on the operator's line, with who is calling."""

    card: CallerCard
    taken: Annotated[bool, Field(description="It rang here, and somebody else answered it")] = False


@reply_type()
class PopPage:
    items: tuple[PopOut, ...]
    next: datetime


@reply_type()
class ReturnCallOut:
    """A caller who spoke to nobody."""

    id: str
    phone: str | None
    queue: str | None
    missed: int
    status: ReturnCall
    at: datetime
    last_at: datetime
    due_at: Annotated[datetime, Field(description="By when somebody is to have called back")]
    tries: int
    done_at: datetime | None
    done_by: str | None
    outcome: str | None
    number: str | None
    unread: Annotated[bool, Field(description="`phone` is what the exchange gave: it could not be read as a number")]


@reply_type()
class ReturnCallPage:
    items: tuple[ReturnCallOut, ...]
    next: str | None


@reply_type()
class ExchangeContact:
    """A caller as an exchange shows them on the telephone; `open`: number of open tickets."""

    id: str
    lastname: str | None
    phone: str | None
    open: int


@reply_type()
class ExchangeLookup:
    contacts: tuple[ExchangeContact, ...]


def voice_call_reply(row: Any, actor: Actor) -> VoiceCallOut:
    """A row of the calls."""
    return VoiceCallOut(**_fields(row, actor))


def screen_pop_reply(row: Any, actor: Actor, card: CallerCard, *, taken: bool = False) -> PopOut:
    """A call on the operator's line."""
    return PopOut(**_fields(row, actor), card=card, taken=taken)


def _fields(row: Any, actor: Actor) -> Mapping[str, Any]:
    secret = bool(row.confidential)
    recorded = bool(actor.roles & {Role.SUPERVISOR, Role.ADMIN}) and not secret
    return {
        "id": row.id, "pbx": row.pbx, "direction": row.direction,
        "phone": visible_phone(row.phone or row.raw_phone, actor, confidential=secret), "line": row.line,
        "queue": row.queue, "agent": row.agent, "state": row.state, "outcome": row.outcome, "cause": row.cause,
        "offered_at": row.offered_at, "queued_at": row.queued_at, "answered_at": row.answered_at,
        "ended_at": row.ended_at, "wait_ms": row.wait_ms, "talk_ms": row.talk_ms, "number": row.number,
        "time_unknown": bool(row.time_unknown),
        "recording": reply_from_values(RecordingOut, {**row.recording, "expires_at": row.recording_expires_at})
        if recorded and row.recording
        else None,
    }  # fmt: skip


def return_call_reply(row: Any) -> ReturnCallOut:
    """A row of those to be called back. No number of a confidential matter."""
    held = row._asdict()
    hidden = held.pop("confidential")
    phone = None if hidden else row.phone
    due = row.at + RETURN_WITHIN
    return ReturnCallOut(**{**held, "phone": phone}, due_at=due, unread=not row.phone.startswith("+"))
