"""Alerts and who is on duty, as replies show them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hotline.alerts.model import WaitsFor
from hotline.database.prepared import Row
from hotline.delivery.egress import EgressRules
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import MessageStatus
from hotline.organisation.model.directory import Named
from hotline.organisation.model.vocabulary import Danger
from hotline.replies import reply_type
from hotline.web.field_types import CodeWord, Line, Strict


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


SecretLine = Annotated[Line, StringConstraints(max_length=500)]


class RobotIn(Strict):
    """`title`: what its group is called. `department`: whose group it is in; absent: it is told the dangers of all.
    `dangers`: these alone; none: every one. A secret that is not sent stays."""

    provider: Literal["wecom", "dingtalk", "feishu"]
    title: Annotated[Line, StringConstraints(max_length=60)] | None = None
    department: CodeWord | None = None
    dangers: Annotated[list[Danger], Field(max_length=len(Danger))] = []
    language: Literal["zh-Hans", "zh-Hant", "en"] = "zh-Hans"
    keyword: Annotated[Line, StringConstraints(max_length=40)] | None = None
    url: SecretLine | None = None
    signing: SecretLine | None = None
    active: bool = True
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {
                    "provider": "wecom",
                    "department": "property-works",
                    "url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
                }
            ]
        },
    }


@reply_type()
class RobotDelivery:
    """A message to a robot's group. `number` is empty where it was a test; `next_at`: when it is tried next, while it
    is queued; `tried_at`: of the last try."""

    id: str
    number: str
    status: MessageStatus
    attempts: int
    created_at: datetime
    next_at: datetime
    tried_at: datetime | None
    last_error: str | None


@reply_type()
class RobotDeliveries:
    items: tuple[RobotDelivery, ...]


@reply_type()
class RobotOut:
    """A robot, without its secrets. `signed`: it has a signing secret; `last`: the newest message to it;
    `address_refused`: no message goes to its address, which is not allowed here."""

    name: str
    provider: str
    title: str | None
    department: str | None
    dangers: tuple[Danger, ...]
    language: str | None
    keyword: str | None
    signed: bool
    active: bool
    address_refused: bool
    last: RobotDelivery | None


@reply_type()
class RobotPage:
    items: tuple[RobotOut, ...]
    next: str | None


class PushKeys(Strict):
    p256dh: Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
    auth: Annotated[str, StringConstraints(min_length=22, max_length=24, pattern=r"^[A-Za-z0-9_-]+$")]


class PushDeviceIn(Strict):
    """A browser's subscription, as the Push API gives it, and the language of its messages."""

    endpoint: SecretLine
    keys: PushKeys
    language: Literal["zh-Hans", "zh-Hant", "en"] = "zh-Hans"
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {
                    "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
                    "keys": {"p256dh": "B" * 87, "auth": "a" * 22},
                }
            ]
        },
    }


@reply_type()
class PushDeviceOut:
    id: str
    device: str
    language: str
    created_at: datetime


@reply_type()
class PushDevicePage:
    """The browsers of a person that are told of dangers."""

    items: tuple[PushDeviceOut, ...]


@reply_type()
class PushDevices:
    """`key`: the server's public key, with which a browser subscribes."""

    key: str
    items: tuple[PushDeviceOut, ...]


@reply_type()
class PushDeviceAdded:
    id: str


@reply_type()
class QueuedAlert:
    """The message that waits in the outbox."""

    message: str


def robot_reply(robot: Gateway, rules: EgressRules, last: Row | None = None) -> RobotOut:
    """A robot as replies show it. `rules`: where messages may go."""
    settings = robot.account.settings
    found = {word: settings.get(word) for word in ("title", "department", "language", "keyword")}
    dangers = tuple(danger for danger in Danger if danger in (settings.get("dangers") or ()))
    signed = bool(robot.account.secret_values("signing"))
    sent = robot_delivery(last) if last is not None else None
    refused = any(rules.broken_by(url) for url in robot.account.secret_values("url"))
    return RobotOut(
        robot.name, robot.provider, **found, dangers=dangers, signed=signed, active=robot.active,
        address_refused=refused, last=sent,
    )  # fmt: skip


def robot_delivery(row: Row) -> RobotDelivery:
    return RobotDelivery(
        row.id, row.number, MessageStatus(row.status), row.attempts, row.created_at, row.next_at, row.tried_at,
        row.last_error,
    )  # fmt: skip


def push_device_reply(row: Row) -> PushDeviceOut:
    return PushDeviceOut(row.id, row.device, row.language, row.created_at)
