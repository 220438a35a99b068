"""Who is on duty, day and night; who stands in for whom; who could take an order."""

import base64
from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from hotline.organisation.context import OrganisationServices
from hotline.organisation.dependencies import (
    AuthenticatedRoute,
    CodePath,
    StaffContext,
    allow_anonymous,
    directory_for_department,
    require_roles,
)
from hotline.organisation.model import duty
from hotline.organisation.model.actors import PERSON_ROLES, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Override, Roster
from hotline.organisation.schemas.duty import DutyOut, GapOut, OverrideIn, SwapIn, turn_reply
from hotline.organisation.service.duty import add_overrides, swap_overrides
from hotline.organisation.service.duty_feeds import open_feed, shared_token
from hotline.refusals import Code, Refusal, Refused
from hotline.web.field_types import Moment, PlainLine
from hotline.web.problems import problem_response
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses

router = APIRouter(prefix="/v1/departments", tags=["duty"], route_class=AuthenticatedRoute)
Reader = Annotated[StaffContext, require_roles("duty.read", *PERSON_ROLES)]
# a handler for its own department
Planner = Annotated[
    StaffContext, require_roles("duty.change", Role.SUPERVISOR, Role.DISPATCHER, Role.ADMIN, Role.HANDLER)
]
MAX_WINDOW = timedelta(days=92)
FEED_USER = "feed"
NO_FEED_TOKEN = Refusal(Code.UNAUTHENTICATED, "log in with the user and the token of this feed")
FEED_PAST, FEED_FUTURE = timedelta(days=7), timedelta(days=60)


def _department_rosters(directory: Directory, department: str) -> list[Roster]:
    return [r for r in directory.rosters.values() if r.active and r.department == department]


@router.get(
    "/{code}/duty", operation_id="read_duty", response_model=DutyOut, responses=refusal_responses(*READ_REFUSALS)
)
async def read_duty(
    code: CodePath,
    context: Reader,
    start: Annotated[Moment | None, Query(alias="from", description="From when on; now where absent")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="Until when; a week later where absent")] = None,
) -> Response:
    """Who is on duty now and in the requested time, the gaps, and whom an emergency would notify now. `feed` is an
    iCalendar address to subscribe to, with `feed_user` and `feed_token` as user and password: the shared token, unless
    that was revoked."""
    directory = await directory_for_department(context, code)
    begins = start or context.now
    ends = end or begins + timedelta(days=7)
    if not begins < ends <= begins + MAX_WINDOW:
        raise Refused(Refusal(Code.INVALID, "no such time", errors=(("to", "later than `from`, by 92 days at most"),)))
    rosters = _department_rosters(directory, code)
    turns = sorted(
        (t for r in rosters for t in duty.uncut_turns(r, begins, ends)), key=lambda t: (t.start, t.member.code)
    )
    token = await shared_token(context.services, code)
    shown = DutyOut(
        department=directory.named("departments", code),
        now=tuple(turn_reply(t, context.actor) for t in duty.members_on_duty(directory, code, context.now)),
        called=tuple(turn_reply(t, context.actor) for t in duty.officers_to_call(directory, code, context.now)),
        turns=tuple(turn_reply(t, context.actor) for t in turns),
        gaps=tuple(GapOut(r.code, start, end) for r in rosters for start, end in duty.duty_gaps(r, begins, ends)),
        feed=feed_address(context.services, code, token),
        feed_user=FEED_USER,
        feed_token=token,
    )
    return json_reply(shown)


def feed_address(services: OrganisationServices, department: str, token: str | None) -> str:
    """Where a calendar program asks; with the token only where a setting allows it."""
    path = f"/v1/departments/{department}/duty.ics"
    return f"{path}?token={token}" if token is not None and services.feed_tokens_in_urls else path


def feed_token(request: Request) -> str | None:
    """The token that a calendar program sent: the password of HTTP Basic authentication, whatever the user; in the
    address only where a setting allows it. None: it sent none."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return None
    services: OrganisationServices = request.app.state.services
    return request.query_params.get("token") if services.feed_tokens_in_urls else None


@router.get(
    "/{code}/duty.ics",
    operation_id="read_duty_feed",
    responses={
        200: {"content": {"text/calendar": {"schema": {"type": "string"}}}},
        **refusal_responses(),
    },
    response_class=Response,
)
async def read_duty_feed(
    code: CodePath,
    context: Annotated[StaffContext, allow_anonymous("duty.feed")],
    token: Annotated[
        PlainLine, Query(max_length=64, description="Only where `HOTLINE_FEED_TOKENS_IN_URLS` is on")
    ] = "",
) -> Response:
    """The shifts from a week ago to sixty days ahead, as iCalendar. Names, no phone numbers. The calendar program logs
    in by HTTP Basic authentication, with `feed_user` and `feed_token` of the department's duty."""
    directory = await context.services.directory.now(context.now)
    sent = feed_token(context.request)
    known = sent is not None and code in directory.departments
    if sent is None or not known or not await open_feed(context.services, code, sent, context.now):
        return problem_response(NO_FEED_TOKEN, {"WWW-Authenticate": 'Basic realm="duty feed", charset="UTF-8"'})
    from icalendar import Calendar, Event  # 2.5 MB that a server whose feed nobody reads need not hold

    calendar = Calendar()
    calendar.add("prodid", "-//hotline//duty//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", directory.departments[code].name)
    for roster in _department_rosters(directory, code):
        # whole, not cut by the window: an event keeps its name from one look to the next
        for turn in duty.uncut_turns(roster, context.now - FEED_PAST, context.now + FEED_FUTURE):
            event = Event()
            event.add("uid", f"{roster.code}.{turn.member.code}.{turn.start:%Y%m%dT%H%M%S}@hotline")
            event.add("dtstamp", context.now.astimezone(UTC))
            event.add("dtstart", turn.start.astimezone(UTC))
            event.add("dtend", turn.end.astimezone(UTC))
            event.add("summary", f"{roster.name} · {turn.member.name}")
            if turn.reason:
                event.add("description", turn.reason)
            calendar.add_component(event)
    return Response(calendar.to_ical(), media_type="text/calendar; charset=utf-8")


async def require_planner(context: StaffContext, code: str) -> None:
    directory = await directory_for_department(context, code)
    if code in context.actor.departments:
        return
    limits = context.actor.areas
    if limits is not None and not frozenset(directory.departments[code].areas or ("",)) <= limits:
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "this department works outside your areas too"))
    above = Role.SUPERVISOR, Role.DISPATCHER, Role.ADMIN
    if not context.actor.roles & frozenset(above):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "a handler changes the duty of its own department alone"))


@router.post(
    "/{code}/duty/overrides",
    operation_id="add_override",
    response_model=Roster,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS, Code.STALE),
)
async def add_override(code: CodePath, body: OverrideIn, context: Planner) -> Response:
    """Replace who is on duty for a time, by another member or by nobody. Returns the new roster; gaps are shown in the
    department's duty."""
    await require_planner(context, code)
    made = Override(**body.model_dump(exclude={"roster"}))
    request = await context.write_request()
    return action_reply(await add_overrides(context.services, code, body.roster, lambda _: (made,), request))


@router.post(
    "/{code}/duty/swaps",
    operation_id="swap_turns",
    response_model=Roster,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS, Code.STALE),
)
async def swap_turns(code: CodePath, body: SwapIn, context: Planner) -> Response:
    """Swap the members of two shifts."""
    await require_planner(context, code)
    pair = (body.first.date, body.first.shift), (body.second.date, body.second.shift)

    def make(roster: Roster) -> tuple[Override, ...]:
        return swap_overrides(roster, *pair, body.reason)

    return action_reply(await add_overrides(context.services, code, body.roster, make, await context.write_request()))
