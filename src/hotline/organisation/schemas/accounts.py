"""People, their log-ins and the keys of machines as replies show them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from hotline.locales.labels import Label, label
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.replies import reply_type


@reply_type()
class TokenOut:
    token: str
    token_type: Literal["Bearer"]
    expires_at: datetime


@reply_type()
class LabelledRole:
    code: Role
    label: Label


@reply_type()
class MeOut:
    """Who asks, as this hotline knows them. `areas` null: every area."""

    kind: ActorKind
    id: str
    name: str
    roles: tuple[LabelledRole, ...]
    departments: tuple[str, ...]
    areas: tuple[str, ...] | None


@reply_type()
class PersonOut:
    id: str
    login: str
    name: str
    roles: tuple[Role, ...]
    department: str | None
    area: str | None
    active: bool
    version: int
    created_at: datetime


@reply_type()
class PersonPage:
    items: tuple[PersonOut, ...]
    next: str | None


@reply_type()
class KeyOut:
    """A machine's key, without its secret."""

    id: str
    name: str
    roles: tuple[Role, ...]
    department: str | None
    area: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


@reply_type()
class KeyMade(KeyOut):
    """A key that was made just now."""

    secret: Annotated[str, Field(description="Shown here and nowhere else")]


@reply_type()
class KeyPage:
    items: tuple[KeyOut, ...]
    next: str | None


def me_shown(actor: Actor) -> MeOut:
    """The actor of a request."""
    return MeOut(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        roles=tuple(LabelledRole(r, label(r)) for r in sorted(actor.roles)),
        departments=tuple(sorted(actor.departments)),
        areas=tuple(sorted(actor.areas)) if actor.areas is not None else None,
    )
