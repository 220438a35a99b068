"""What callers see of the security log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.replies import reply_type
from hotline.security_log.vocabulary import Deed, EventOutcome


@reply_type()
class SecurityPrincipal:
    """Who did it: a person, a key, the system itself, or `nobody` before log-in."""

    kind: str
    id: str
    name: str


@reply_type()
class SecuritySubject:
    """Whom or what it was about."""

    kind: Annotated[str, Field(description="person, key, ticket, caller, export, or a noun of the directory")]
    id: str


@reply_type()
class SecurityEventOut:
    position: int
    at: datetime
    deed: Deed
    outcome: EventOutcome
    by: SecurityPrincipal
    address: Annotated[str | None, Field(description="Of the client, as seen by the proxies of the settings")]
    about: SecuritySubject | None
    details: Annotated[
        Mapping[str, str | int | bool | list[str] | None],
        Field(description="Words, codes and numbers; no personal text"),
    ]


@reply_type()
class SecurityLogPage:
    items: tuple[SecurityEventOut, ...]
    next: str | None


def security_event_reply(row: Any) -> SecurityEventOut:
    """A row of the security log."""
    return SecurityEventOut(
        row.position,
        row.at,
        row.deed,
        row.outcome,
        SecurityPrincipal(row.by_kind, row.by_id, row.by_name),
        row.address,
        SecuritySubject(row.about_kind or "", row.about) if row.about is not None else None,
        row.details,
    )
