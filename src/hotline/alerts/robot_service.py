"""Robots of chat groups: set, removed and tested. They are gateways, and their address is a sealed secret."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from hotline.alerts.schemas import QueuedAlert
from hotline.alerts.sending import DEFAULT_LANGUAGE, robot_message
from hotline.delivery import store as outbox_store
from hotline.delivery.egress import EgressRules, is_web_address
from hotline.delivery.gateways import (
    Gateway,
    GatewayChange,
    NewGateway,
    change_gateway,
    create_gateway,
    delete_gateway,
)
from hotline.delivery.model import GatewayKind
from hotline.locales import translate
from hotline.organisation.model.actors import Actor
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.web.idempotency import ActionResult, Reply, write_once
from hotline.web.schemas import dump_json

UNKNOWN_ROBOT = Refusal(Code.NOT_FOUND, "no such robot")
SETTINGS = ("title", "department", "dangers", "language", "keyword")
NOT_SET = "the robot cannot be set like this"


async def all_robots(services: Services, now: datetime) -> dict[str, Gateway]:
    """Every robot by name, also those that are switched off."""
    services.gateways.forget()
    found = await services.gateways.now(now)
    return {name: gateway for name, gateway in found.items() if gateway.kind is GatewayKind.ROBOT}


async def set_robot(
    services: Services, name: str, values: Mapping[str, Any], secrets: Mapping[str, str], actor: Actor, now: datetime
) -> Gateway:
    """Add a robot, or change the one of that name. `values`: provider, active and its settings; a secret that is not
    sent stays. Raises Refused with all that is wrong."""
    directory = await services.directory.now(now)
    department = values.get("department")
    if department is not None and department not in directory.departments:
        raise Refused(Refusal(Code.INVALID, NOT_SET, errors=(("department", "no such department"),)))
    rule = services.part(EgressRules).broken_by(secrets["url"]) if is_web_address(secrets.get("url", "")) else None
    if rule is not None:
        raise Refused(Refusal(Code.INVALID, NOT_SET, errors=(("url", rule),)))
    settings = {word: values.get(word) or None for word in SETTINGS}
    new = {word: [value] for word, value in secrets.items()}
    known = (await services.gateways.now(now)).get(name)
    if known is None:
        given = {word: value for word, value in settings.items() if value is not None}
        gateway = NewGateway(name, values["provider"], given, new, sends=False, weight=0)
        await create_gateway(services.gateways, gateway, actor.id, now, actor)
    elif known.kind is not GatewayKind.ROBOT or known.provider != values["provider"]:
        raise Refused(Refusal(Code.CONFLICT, NOT_SET, errors=(("provider", "another gateway has this name"),)))
    old = known.account.secrets if known is not None else {}
    drop: dict[str, Sequence[str]] = {word: [v for v in old.get(word, ()) if v != secrets[word]] for word in secrets}
    change = GatewayChange(settings, new, drop, active=values["active"])
    return await change_gateway(services.gateways, name, change, now, actor)


async def remove_robot(services: Services, name: str, actor: Actor, now: datetime) -> None:
    """Raises Refused where there is none of that name."""
    await find_robot(services, name, now)
    await delete_gateway(services.gateways, name, now, actor)


async def find_robot(services: Services, name: str, now: datetime) -> Gateway:
    """Raises Refused where there is none of that name."""
    robot = (await all_robots(services, now)).get(name)
    if robot is None:
        raise Refused(UNKNOWN_ROBOT)
    return robot


async def add_test(services: Services, name: str, request: WriteRequest) -> ActionResult:
    """Leave a test for a robot in the outbox, whose state tells how it went. Raises Refused where there is none."""
    robot = await find_robot(services, name, request.now)
    text = translate("alert.test_text", robot.account.setting("language", DEFAULT_LANGUAGE))
    event = SecurityEvent(Deed.GATEWAY_TESTED, request.actor, request.now, ("gateway", name))
    message = robot_message(f"at.{uuid4().hex[:16]}", robot, TicketNumber(""), text, request.now)

    def write(c: sa.Connection) -> Reply:
        outbox_store.add_messages(c, [message])
        record_deed(c, event)
        return Reply(202, dump_json(QueuedAlert(message.id)))

    return await write_once(services, request.key, write, request.now)
