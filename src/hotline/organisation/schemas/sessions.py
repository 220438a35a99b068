"""Sessions of people, as replies show them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from pydantic import Field

from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service.sessions import OpenSession
from hotline.replies import reply_type


@reply_type()
class SessionOut:
    """A log-in that has not ended, without its token."""

    id: str
    device: Annotated[str, Field(description="Browser and system, or the program; empty where it did not say")]
    address: str | None
    method: Annotated[str, Field(description="How the person proved who they are")]
    stage: SessionStage
    created_at: datetime
    seen_at: Annotated[datetime, Field(description="Last use, to the minute")]
    ends_at: Annotated[datetime, Field(description="When it ends if it is not used again")]
    is_current: Annotated[bool, Field(description="The session that this request was sent with")]


@reply_type()
class SessionList:
    items: tuple[SessionOut, ...]


@reply_type()
class SessionsEnded:
    ended: Annotated[int, Field(description="How many sessions were ended")]


def session_list(sessions: list[OpenSession]) -> SessionList:
    return SessionList(tuple(SessionOut(**asdict(each)) for each in sessions))
