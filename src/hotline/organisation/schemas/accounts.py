"""People, their log-ins and the keys of machines, as they are sent and as replies show them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from hotline.locales.labels import Label, label
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.passwords import MAX_LENGTH
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service import accounts
from hotline.replies import reply_type
from hotline.web.field_types import AreaCode, DepartmentCode, DeviceToken, Line, Moment, Strict
from hotline.web.schemas import LEFT_OUT

Login = Annotated[str, Field(min_length=1, max_length=60, pattern=accounts.LOGIN_PATTERN)]
Password = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]
Roles = Annotated[list[Role], Field(min_length=1, max_length=10)]


class LogIn(Strict):
    login: Login
    password: Password
    device: DeviceToken | None = Field(
        None,
        description="From the reply of an earlier log-in of this client. It is no credential: where somebody logged in "
        "with it before, wrong passwords and crowds of log-ins from elsewhere neither refuse nor delay them",
    )
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"login": "admin", "password": "…"}]}}


class PersonIn(Strict):
    login: Login
    name: Line
    password: Password
    roles: Roles
    department: DepartmentCode | None = None
    area: AreaCode | None = None
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [{"login": "li.min", "name": "李敏", "password": "a long sentence 9", "roles": ["operator"]}]
        },
    }


class PersonChange(Strict):
    name: Annotated[Line | None, LEFT_OUT] = None
    password: Annotated[Password | None, LEFT_OUT] = None
    roles: Annotated[Roles | None, LEFT_OUT] = None
    department: DepartmentCode | None = None
    area: AreaCode | None = None
    active: Annotated[bool | None, LEFT_OUT] = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"roles": ["dispatcher"]}]}}


class OwnPassword(Strict):
    old_password: Password
    new_password: Password
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [{"old_password": "a long sentence 9", "new_password": "quite another sentence 7"}]
        },
    }


class KeyIn(Strict):
    name: Line
    roles: Roles
    department: DepartmentCode | None = None
    area: AreaCode | None = None
    expires_at: Annotated[
        Moment | None, Field(description="Absent: after the time that is set for keys, a year by default; null: never")
    ] = None
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {"examples": [{"name": "sms gateway", "roles": ["gateway"]}]},
    }


class KeyRotationIn(Strict):
    overlap_hours: Annotated[
        int, Field(ge=0, le=720, description="For how long the old key stays valid, unless it ends before")
    ] = 24
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"overlap_hours": 24}]}}


@reply_type()
class TokenOut:
    token: str
    token_type: Literal["Bearer"]
    expires_at: datetime
    stage: Annotated[
        SessionStage,
        Field(description="What the log-in lacks; until it is `active`, the token opens nothing but its next step"),
    ]
    device: Annotated[str, Field(description="To be kept by the client, and sent with its next log-in")]


@reply_type()
class LabelledRole:
    code: Role
    label: Label


@reply_type()
class MeOut:
    """You, as the server knows you. `areas` null: every area."""

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
    first_password_until: Annotated[
        datetime | None,
        Field(
            description="The password was set by somebody else and is to be replaced at the next log-in; unused, it is "
            "valid until then"
        ),
    ]


@reply_type()
class ChangedPerson(PersonOut):
    """A person after a change."""

    held: Annotated[
        int,
        Field(
            description="Running orders assigned to this person that go back to their department's queue, because the "
            "account is closed or works elsewhere now"
        ),
    ]


@reply_type()
class ListedPerson(PersonOut):
    """A person in the list."""

    sounds: Annotated[tuple[str, ...], Field(description="How a Chinese name may be typed in pinyin")]


@reply_type()
class PersonPage:
    items: tuple[ListedPerson, ...]
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
    last_used_at: Annotated[datetime | None, Field(description="To the minute")]
    replaces: Annotated[str | None, Field(description="The key that this one was rotated from")]


@reply_type()
class KeyMade(KeyOut):
    """A new key."""

    secret: Annotated[str, Field(description="Shown here and nowhere else")]


@reply_type()
class KeyPage:
    items: tuple[KeyOut, ...]
    next: str | None


def me_reply(actor: Actor) -> MeOut:
    """The actor of a request."""
    return MeOut(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        roles=tuple(LabelledRole(r, label(r)) for r in sorted(actor.roles)),
        departments=tuple(sorted(actor.departments)),
        areas=tuple(sorted(actor.areas)) if actor.areas is not None else None,
    )
