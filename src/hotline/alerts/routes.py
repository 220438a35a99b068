"""Dangers that wait, and who is on duty now."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.alerts import service
from hotline.alerts.model import Alert
from hotline.alerts.schemas import (
    AlertOrderOut,
    AlertOut,
    AlertPage,
    DutyGapOut,
    DutyPostOut,
    DutyPosts,
    OfficerOut,
)
from hotline.alerts.store import MAX_ALERTS
from hotline.organisation.dependencies import AuthenticatedRoute, require_roles
from hotline.organisation.model import duty
from hotline.organisation.model.actors import PERSON_ROLES, Actor
from hotline.organisation.model.directory import Directory
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["alerts"], route_class=AuthenticatedRoute)
Staff = Annotated[TicketContext, require_roles("alerts.read", *PERSON_ROLES)]


@router.get("/alerts", operation_id="list_alerts", response_model=AlertPage, responses=refusal_responses())
async def list_alerts(context: Staff) -> Response:
    """The emergencies that nobody has taken on yet and that you must know of: for a department those whose order waits
    for its signature, for operators, dispatchers and supervisors all in their area that wait for a department, a
    signature or a ruling, and the same for whoever else of the desk is on duty now. An order that only the clock
    accepted still waits. The longest waiting first; read again at each event of the stream that is an emergency's, and
    every minute, for a turn of duty begins without an event. With the header `Session-Use: none` the read does not
    count as a use of your session."""
    now, actor = context.now, context.actor
    directory = await context.services.directory.now(now)
    alerts = await service.alerts_for(context.services, actor, now)
    items = tuple(_alert_reply(alert, directory, actor, now) for alert in alerts)
    return json_reply(AlertPage(items, now, len(items) >= MAX_ALERTS))


@router.get("/duty", operation_id="read_duty_now", response_model=DutyPosts, responses=refusal_responses())
async def read_duty_now(context: Staff) -> Response:
    """Who is on duty at this moment, roster by roster, with the duty number, and the gaps of the next 24 hours. The
    desk sees every roster, a department its own and those of whom it calls for help."""
    now, actor = context.now, context.actor
    directory = await context.services.directory.now(now)
    items = tuple(
        DutyPostOut(
            directory.named("rosters", roster.code),
            directory.named("departments", roster.department),
            tuple(_officer(turn, directory, actor) for turn in service.turns_now(roster, now)),
            tuple(DutyGapOut(a, b) for a, b in duty.duty_gaps(roster, now, now + service.DUTY_AHEAD)),
        )
        for roster in service.visible_rosters(directory, actor)
    )
    return json_reply(DutyPosts(items, now))


def _officer(turn: duty.Turn, directory: Directory, actor: Actor) -> OfficerOut:
    phone = None if actor.contractor else turn.member.phone
    return OfficerOut(turn.member.name, phone, directory.named("departments", turn.department), turn.end)


def _alert_reply(alert: Alert, directory: Directory, actor: Actor, now: datetime) -> AlertOut:
    def officers(*holders: str) -> tuple[OfficerOut, ...]:
        return tuple(_officer(turn, directory, actor) for turn in service.officers_for(directory, holders, now))

    orders = tuple(
        AlertOrderOut(
            order.id,
            directory.named("departments", order.department),
            directory.named("departments", order.performer) if order.performer else None,
            order.waits_for,
            order.issued_at,
            order.accept_by,
            officers(order.holder),
        )
        for order in alert.orders
    )
    return AlertOut(
        number=alert.number,
        waits_for=alert.waits_for,
        since=alert.since,
        created_at=alert.created_at,
        dangers=alert.dangers,
        category=directory.named("categories", alert.category) if alert.category else None,
        area=directory.named("areas", alert.area) if alert.area else None,
        building=alert.building,
        unit=alert.unit,
        address=alert.address,
        mine=any(code in actor.departments for order in alert.orders for code in (order.department, order.performer)),
        orders=orders,
        duty=() if orders else officers(),
    )
