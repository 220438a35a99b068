"""Robots of chat groups: kept like gateways, by administrators of the whole organisation."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from hotline.alerts import robot_log, robot_service
from hotline.alerts.schemas import (
    QueuedAlert,
    RobotDeliveries,
    RobotIn,
    RobotOut,
    RobotPage,
    robot_delivery,
    robot_reply,
)
from hotline.delivery.egress import EgressRules
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import is_organisation_wide
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses

router = APIRouter(prefix="/v1/robots", tags=["alerts"], route_class=AuthenticatedRoute)
Administrator = Annotated[TicketContext, require_roles("robots.manage", Role.ADMIN)]
RobotName = Annotated[str, Path(max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]


def _require_organisation_wide(context: TicketContext) -> None:
    if not is_organisation_wide(context.actor):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "only administrators of the whole organisation set robots"))


@router.get("", operation_id="list_robots", response_model=RobotPage, responses=refusal_responses())
async def list_robots(context: Administrator) -> Response:
    """The robots that tell dangers to chat groups. Of their addresses and signing secrets nothing is shown."""
    _require_organisation_wide(context)
    robots = await robot_service.all_robots(context.services, context.now)
    last = await robot_log.load_last(context.services.db)
    rules = context.services.part(EgressRules)
    items = (robot_reply(robot, rules, last.get(name)) for name, robot in robots.items())
    return json_reply(RobotPage(tuple(items), None))


@router.get(
    "/{name}/deliveries",
    operation_id="list_robot_deliveries",
    response_model=RobotDeliveries,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_robot_deliveries(name: RobotName, context: Administrator) -> Response:
    """What became of the last messages to a robot's group, tests too, the newest first."""
    _require_organisation_wide(context)
    await robot_service.find_robot(context.services, name, context.now)
    rows = await robot_log.load_log(context.services.db, name)
    return json_reply(RobotDeliveries(tuple(map(robot_delivery, rows))))


@router.put(
    "/{name}",
    operation_id="set_robot",
    response_model=RobotOut,
    responses=refusal_responses(*READ_REFUSALS, Code.CONFLICT, Code.STALE, Code.UNAVAILABLE),
)
async def set_robot(name: RobotName, body: RobotIn, context: Administrator) -> Response:
    """Add a robot of a WeCom, DingTalk or Feishu group, or change it; sent twice it is set once. `url` is the address
    the provider shows, and is needed when it is new; `signing` its signing secret. Both are kept sealed."""
    _require_organisation_wide(context)
    secrets = {word: value for word in ("url", "signing") if (value := getattr(body, word)) is not None}
    values = body.model_dump(exclude={"url", "signing"})
    robot = await robot_service.set_robot(context.services, name, values, secrets, context.actor, context.now)
    return json_reply(robot_reply(robot, context.services.part(EgressRules)))


@router.delete("/{name}", operation_id="remove_robot", status_code=204, responses=refusal_responses(*READ_REFUSALS))
async def remove_robot(name: RobotName, context: Administrator) -> Response:
    """Remove a robot with its secrets."""
    _require_organisation_wide(context)
    await robot_service.remove_robot(context.services, name, context.actor, context.now)
    return Response(status_code=204)


@router.post(
    "/{name}/test",
    operation_id="test_robot",
    response_model=QueuedAlert,
    status_code=202,
    responses=refusal_responses(*POST_REFUSALS),
)
async def test_robot(name: RobotName, context: Administrator) -> Response:
    """Send a test to the group. `GET /v1/outbox/{message}` tells how it went."""
    _require_organisation_wide(context)
    return action_reply(await robot_service.add_test(context.services, name, await context.write_request()))
