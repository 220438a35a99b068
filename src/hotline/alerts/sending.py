"""Telling dangers beyond the pages: an alert is spread over the robots of chat groups that it concerns and the browsers
of whoever must know, and each message is then sent from the outbox. What waits no longer is not sent."""

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hotline.alerts import push_service, store
from hotline.alerts.model import Alert, departments_of, raises_alert
from hotline.alerts.robot_contract import robot_provider, send_robot_text
from hotline.alerts.robot_log import robot_partition
from hotline.alerts.texts import group_text
from hotline.alerts.web_push import send_push
from hotline.database.cache import CachedTable
from hotline.database.prepared import Row
from hotline.delivery import attempts as outbox_attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.gateways import Gateway
from hotline.delivery.handover import FailedTry, Handover, attempt_row
from hotline.delivery.message_kinds import MessageKind, SendMessage
from hotline.delivery.model import AvailableChannels, GatewayKind, Message, RetryPolicy, Way
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Change
from hotline.value_objects import replace

ROBOT_RETRIES = RetryPolicy(6, (5, 30, 60, 120, 300))
DEFAULT_LANGUAGE = "zh-Hans"


def _by_hook(reach: AvailableChannels) -> Way:
    return Way.ALL if reach.hooks else Way.NONE


async def robots_of(services: Services, now: datetime) -> list[Gateway]:
    """The robots in use."""
    gateways = await services.gateways.now(now)
    return [gateway for gateway in gateways.values() if gateway.kind is GatewayKind.ROBOT and gateway.active]


def concerns_robot(robot: Gateway, alert: Alert, directory: Directory) -> bool:
    """Whether a robot's group is told: that of the whole hotline of every danger, a department's of those whose order
    waits there or below it; of certain dangers where it is set to those alone."""
    dangers = robot.account.settings.get("dangers")
    if dangers and not set(dangers) & set(alert.dangers):
        return False
    department = robot.account.setting("department")
    if not department:
        return True
    return bool(directory.department_subtrees.get(department, frozenset()) & set(departments_of(alert)))


class AlertFanOut:
    """Adds to a change that raises an alert the message that spreads it, where there is anybody to be told."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._devices: CachedTable[bool] = CachedTable(self._look, services.deadlines)

    async def _look(self, now: datetime) -> bool:
        return bool(await push_service.load_devices(self._services.db))

    async def with_alert(self, change: Change, now: datetime) -> Change:
        if not raises_alert(change) or not change.entries or not await self._has_receivers(now):
            return change
        number, seq = change.after.ticket.number, change.entries[-1].seq
        message = Message(f"av.{number}.{seq}", "alert", number, f"alert:{number}", {}, now)
        return replace(change, messages=(*change.messages, message))

    async def _has_receivers(self, now: datetime) -> bool:
        return bool(await robots_of(self._services, now) or await self._devices.now(now))


class AlertSender:
    """Makes of an alert one message for each robot that it concerns, and for each browser of whoever must know."""

    def __init__(self, handover: Handover[Services]) -> None:
        self._services = handover.services

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        return self._send

    async def _send(self, m: Row, token: str) -> None:
        services, now = self._services, self._services.clock()
        found = await store.load_alerts(services.db, SYSTEM_SCOPE, own_alone=False, number=m.number)
        messages = await self._messages(m, found[0], now) if found else []

        def write(c: Any) -> None:
            if outbox_store.mark_sent(c, m.id, token) and messages:
                outbox_store.add_messages(c, messages)

        await services.db.transact(write)

    async def _messages(self, m: Row, alert: Alert, now: datetime) -> list[Message]:
        directory = await self._services.directory.now(now)
        robots = [
            robot_message(m.id, robot, TicketNumber(m.number), self._text(robot, alert, directory, now), m.created_at)
            for robot in await robots_of(self._services, now)
            if concerns_robot(robot, alert, directory)
        ]
        return [*robots, *await push_service.push_messages(self._services, m, alert, now)]

    def _text(self, robot: Gateway, alert: Alert, directory: Directory, now: datetime) -> str:
        language = robot.account.setting("language", DEFAULT_LANGUAGE)
        return group_text(alert, directory, language, self._services.public_url, now)


def robot_message(cause: str, robot: Gateway, number: TicketNumber, text: str, at: datetime) -> Message:
    """A text for one robot, once for each cause."""
    mark = hashlib.sha256(robot.name.encode()).hexdigest()[:12]
    payload = {"robot": robot.name, "text": text}
    return Message(f"{cause}~{mark}"[:40], "robot", number, robot_partition(robot.name, number), payload, at)


async def drop_if_over(handover: Handover[Services], m: Row, token: str) -> bool:
    """Whether a message about a danger that waits no longer was given up. One that is about no ticket is a test."""
    if not m.number or await store.load_alerts(handover.services.db, SYSTEM_SCOPE, own_alone=False, number=m.number):
        return False
    await give_up(handover, m, token, "it waits no longer")
    return True


async def give_up(handover: Handover[Services], m: Row, token: str, why: str) -> None:
    """End a message that nobody misses."""
    await handover.batcher.write(lambda c: outbox_store.reschedule(c, m.id, token, None, why))


class RobotSender:
    """Posts a text to a chat group."""

    def __init__(self, handover: Handover[Services]) -> None:
        self._handover, self._services = handover, handover.services

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        return self._send

    async def _send(self, m: Row, token: str) -> None:
        client, now = self._handover.channels.hooks, self._services.clock()
        robots = {robot.name: robot for robot in await robots_of(self._services, now)}
        robot = robots.get(str(m.payload.get("robot")))
        if client is None or robot is None:
            await give_up(self._handover, m, token, "the robot is gone or switched off")
            return
        if await drop_if_over(self._handover, m, token):
            return
        provider, text = robot_provider(robot.provider), str(m.payload["text"])
        await self._handover.attempt(
            m, token, robot.name, ROBOT_RETRIES,
            lambda: send_robot_text(provider, client, robot.account, text, self._services.clock()),
        )  # fmt: skip


class PushSender:
    """Hands a message to the push service of one browser, by the client that reaches public addresses alone."""

    def __init__(self, handover: Handover[Services]) -> None:
        self._handover, self._services = handover, handover.services

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        return self._send

    async def _send(self, m: Row, token: str) -> None:
        client, services, now = self._handover.channels.hooks, self._services, self._services.clock()
        row = await push_service.load_device(services.db, str(m.payload.get("device")))
        if client is None or row is None:
            await give_up(self._handover, m, token, "the device is gone")
            return
        if await drop_if_over(self._handover, m, token):
            return
        key, target = await push_service.server_key(services, now), push_service.target_of(services, row)
        about = {"contact": push_service.contact_of(services.public_url), "topic": m.number or "first", "now": now}
        begun = time.perf_counter()
        why: str | None = None
        gone = False
        try:
            await send_push(client, key, target, push_service.body_of(m), **about)
        except GatewayDown as down:
            fault = FailedTry(f"down: {down}", down.after, "push", begun)
            await self._handover.failed(m, token, ROBOT_RETRIES, fault)
            return
        except GatewayRefused as refused:
            why, gone = str(refused), refused.gone
        tried = attempt_row(m.id, m.attempts, "push", begun, services.clock(), why)

        def write(c: Any) -> None:
            """A browser that has unsubscribed is forgotten, and nobody need hear of it."""
            outbox_attempts.log_attempts(c, [tried])
            if why is None:
                outbox_store.mark_sent(c, m.id, token)
                return
            outbox_store.reschedule(c, m.id, token, None, f"refused: {why}")
            if gone:
                push_service.forget_device(c, row.id)

        await self._handover.batcher.write(write)


MESSAGES: tuple[MessageKind[Services], ...] = (
    MessageKind("alert", _by_hook, AlertSender),
    MessageKind("robot", _by_hook, RobotSender),
    MessageKind("push", _by_hook, PushSender),
)
