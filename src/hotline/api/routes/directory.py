"""The organisation as data, and dry runs of its rules."""

from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import Field
from starlette.responses import Response

from hotline.api.deps import Asking, AuthenticatedRoute, CodePath, may
from hotline.api.schemas.actions import action_schemas
from hotline.api.schemas.shown import (
    Explained,
    ItemOut,
    ItemPage,
    LifecycleOut,
    LogPage,
    RetiredOut,
    clock_shown,
    clocks_seen,
)
from hotline.api.schemas.words import CodeWord, Detail, Line, Moment, Narrative, NumberWord, Strict
from hotline.db import directory as kept
from hotline.db import tickets
from hotline.domain import clocks, diagram, duty
from hotline.domain.calendar_rules import because, reckon
from hotline.domain.clocks import limits_for, reckoner_of
from hotline.domain.directory import SHAPES, Directory, Span
from hotline.domain.grants import is_house_wide
from hotline.domain.routing import route
from hotline.domain.triage import advise
from hotline.domain.vocabulary import GRANTED, PEOPLE, WHOLE, Kind, Priority, Role, Unit
from hotline.refusals import Code, Refusal, Refused
from hotline.services.act import seen
from hotline.services.directory import change, plain, read_item, shape_of
from hotline.services.labels import label_of

from .answers import READ, refusals, reply

router = APIRouter(prefix="/v1", tags=["directory"], route_class=AuthenticatedRoute)
Reader = Annotated[Asking, may("directory.read", *GRANTED)]
Editor = Annotated[Asking, may("directory.edit", Role.ADMIN)]
Noun = Literal[
    "house", "calendars", "departments", "areas", "categories", "policies", "ladders", "rosters", "words", "routes"
]
WRITES = (Code.NOT_FOUND, Code.STALE, Code.VERSION_REQUIRED, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA, Code.STORAGE_FULL)


@router.get("/lifecycle", operation_id="read_lifecycle", response_model=LifecycleOut, responses=refusals())
async def read_lifecycle(ask: Reader) -> Response:
    """The two machines as data: states, moves, who may, what is needed, in Chinese and English. `schemas` has the JSON
    Schema of each action's body; `x-refers` says which noun of the directory a field's codes are of."""
    machines = diagram.as_data(label_of)
    for machine, schemas in action_schemas().items():
        machines[machine]["schemas"] = schemas
    return reply(machines)


@router.get("/directory/{noun}", operation_id="list_directory", response_model=ItemPage, responses=refusals(*READ))
async def list_directory(
    noun: Noun,
    ask: Reader,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    after: Annotated[str, Query(max_length=40, description="Items whose code comes behind this one")] = "",
) -> Response:
    """Items of one noun in order of code. ETag is the version of the whole directory."""
    directory = await ask.house.directory.now(ask.now)
    found = [item for code, item in directory.noun(noun).items() if code > after]
    page = [_shown(noun, item, ask) for item in found[:limit]]
    return reply({"items": page, "next": page[-1]["code"] if len(found) > limit else None}, version=directory.version)


@router.get(
    "/directory/{noun}/{code}", operation_id="read_directory_item", response_model=ItemOut, responses=refusals(*READ)
)
async def read_directory_item(noun: Noun, code: CodePath, ask: Reader) -> Response:
    """One item."""
    directory = await ask.house.directory.now(ask.now)
    if code not in directory.noun(noun):
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    return reply(_shown(noun, directory.noun(noun)[code], ask), version=directory.version)


def _shown(noun: str, item: Any, ask: Asking) -> dict[str, Any]:
    """An item as this asker may see it: the numbers of those on duty are for the desk and for their own department."""
    body = plain(noun, item)
    theirs = ask.actor.roles & WHOLE or (noun == "rosters" and item.department in ask.actor.departments)
    if noun == "rosters" and (not theirs or ask.actor.contractor):
        body["members"] = [{**member, "phone": None} for member in body["members"]]
    return body


def _refuse_limited(ask: Asking) -> None:
    if not is_house_wide(ask.actor):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "the directory is changed by those who administer the whole house"))


@router.put(
    "/directory/{noun}/{code}", operation_id="write_directory_item", response_model=ItemOut, responses=refusals(*WRITES)
)
async def write_directory_item(
    noun: Noun,
    code: CodePath,
    body: Annotated[
        dict[str, Any],
        Body(description="The item; `code` is the path's", examples=[{"lead": "water", "category": "sdq-water"}]),
    ],
    ask: Editor,
) -> Response:
    """Write an item, new or changed, if the whole directory stays right: no unknown code, no overlap, no unreachable
    row. The directory is everybody's: an administrator of an area or a department does not change it."""
    _refuse_limited(ask)
    item = read_item(noun, {**body, "code": code})
    directory = await change(
        ask.house.db, ask.house.directory, [(noun, code, item)], ask.actor, ask.now, version=ask.version()
    )
    return reply(plain(noun, directory.noun(noun)[code]), version=directory.version)


@router.delete(
    "/directory/{noun}/{code}",
    operation_id="retire_directory_item",
    response_model=RetiredOut,
    responses=refusals(*WRITES),
)
async def retire_directory_item(noun: Noun, code: CodePath, ask: Editor) -> Response:
    """Retire an item: it stays readable in old tickets, and can be chosen no more. Words, policies, ladders and
    calendars are removed."""
    _refuse_limited(ask)
    directory = await ask.house.directory.now(ask.now)
    item = directory.noun(noun).get(code)
    if item is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    after = replace(item, active=False) if hasattr(item, "active") else None
    directory = await change(
        ask.house.db, ask.house.directory, [(noun, code, after)], ask.actor, ask.now, version=ask.version()
    )
    left = directory.noun(noun).get(code)
    return reply(
        {"code": code, "retired": True, "item": plain(noun, left) if left else None}, version=directory.version
    )


@router.get(
    "/directory-shapes/{noun}",
    operation_id="read_directory_shape",
    response_model=dict[str, Any],
    responses=refusals(Code.NOT_FOUND),
)
async def read_directory_shape(noun: Noun, ask: Reader) -> Response:
    """What an item of a noun may hold, as JSON Schema. `x-refers` says which noun a field's codes are of."""
    return reply(shape_of(noun))


@router.get("/directory-log", operation_id="read_directory_log", response_model=LogPage, responses=refusals())
async def read_directory_log(
    ask: Annotated[Asking, may("directory.audit", Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR)],
    after: Annotated[int, Query(ge=0, le=2_000_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """Every change ever made to the directory: what, from what, to what, when, by whom."""
    rows = await kept.history(ask.house.db, after, limit)
    items = [
        {
            "version": r.version,
            "noun": r.noun,
            "code": r.code,
            "before": r.before,
            "after": r.after,
            "at": r.at,
            "by": {"id": r.by_id, "name": r.by_name},
        }
        for r in rows
    ]
    return reply({"items": items, "next": str(rows[-1].version) if len(rows) == limit else None})


class TriageAsk(Strict):
    narrative: Narrative
    address: Detail = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"narrative": "娃儿关到电梯头了"}]}}


class RoutingAsk(Strict):
    category: CodeWord | None = None
    kind: Kind = Kind.REQUEST
    area: CodeWord | None = None
    priority: Priority = Priority.NORMAL
    at: Moment | None = Field(None, description="The moment asked about; now where absent")
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"category": "dt-fault", "area": "rq-b3"}]}}


class DeadlineAsk(Strict):
    start: Moment | None = Field(None, description="When the limit starts")
    amount: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None
    unit: Unit | None = None
    calendar: CodeWord | None = Field(None, description="A calendar's code; the house's where absent")
    ticket: NumberWord | None = Field(None, description="A ticket's number, instead of a limit by itself")
    clock: Line | None = Field(None, description="A clock's id or its metric; the resident's (`resolve`) where absent")
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [{"start": "2026-02-13T10:00:00+08:00", "amount": 3, "unit": "working_days", "calendar": "cn"}]
        },
    }


@router.post(
    "/explain/triage",
    operation_id="explain_triage",
    response_model=Explained,
    responses=refusals(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def explain_triage(body: TriageAsk, ask: Reader) -> Response:
    """What triage would advise on these words, and which rules say so. Nothing is kept."""
    await ask.house.directory.now(ask.now)
    size, lexicon = len(body.narrative) + len(body.address or ""), ask.house.directory.lexicon()
    shown = (await ask.house.offload.run(size, advise, lexicon, body.narrative, body.address)).shown()
    return reply({"because": shown.pop("because"), "result": shown})


@router.post(
    "/explain/routing",
    operation_id="explain_routing",
    response_model=Explained,
    responses=refusals(Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def explain_routing(body: RoutingAsk, ask: Reader) -> Response:
    """Which departments the catalogue would choose, by which row, and which rows lost to it. Nothing is kept."""
    directory = await ask.house.directory.now(ask.now)
    errors = [(name, "unknown") for name, code, noun in _named(directory, body) if code not in noun]
    if errors:
        raise Refused(
            Refusal(Code.INVALID, "the question names what the directory does not have", errors=tuple(errors))
        )
    at = body.at or ask.now
    routed = route(directory, body.category, body.kind, body.area, at)
    if routed is None:
        return reply({"result": None, "because": [{"rule": "no house yet", "matched": []}]})
    shown = routed.shown()
    limits = limits_for(directory, body.kind, body.priority, body.category, body.area, at)
    shown["due_at"] = limits and limits.due_at
    shown["accept_by"] = limits and limits.accept_by
    shown["policy"] = limits and limits.policy
    shown["provisional"] = limits and limits.provisional
    counts = reckoner_of(directory, None)
    shown["working_hours"] = bool(counts and counts.is_working(at))
    shown["on_duty"] = [t.member.name for t in duty.called(directory, routed.performer or routed.lead, at)]
    return reply({"because": shown.pop("because"), "result": shown})


@router.post(
    "/explain/deadline",
    operation_id="explain_deadline",
    response_model=Explained,
    responses=refusals(*READ, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
)
async def explain_deadline(body: DeadlineAsk, ask: Reader) -> Response:
    """Why something is due when it is, step by step: for a ticket's clock (`ticket`, and `clock` as its id or its
    metric), or for a limit by itself (`start`, `amount`, `unit` and, if not the house's, `calendar`). Nothing is
    kept."""
    directory = await ask.house.directory.now(ask.now)
    if body.ticket is not None:
        return await _explain_clock(body, ask, directory)
    errors = [(f, "required, or name a ticket") for f in ("start", "amount", "unit") if getattr(body, f) is None]
    if body.calendar is not None and body.calendar not in directory.calendars:
        errors.append(("calendar", "unknown: not in the directory's calendars"))
    if body.clock is not None:
        errors.append(("clock", "only with a ticket"))
    counts = reckoner_of(directory, body.calendar)
    if not errors and counts is None:
        errors.append(("calendar", "the house has none yet"))
    if errors or body.start is None or body.amount is None or body.unit is None or counts is None:
        raise Refused(Refusal(Code.INVALID, "the limit cannot be counted", errors=tuple(errors)))
    span = Span(Fraction(str(body.amount)), body.unit)
    if body.unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS) and span.amount.denominator != 1:
        raise Refused(Refusal(Code.INVALID, "the limit cannot be counted", errors=(("amount", "whole days"),)))
    days = int(body.amount)  # ten thousand working days take a tenth of a second
    try:
        reckoned = await ask.house.offload.run(days, reckon, counts, body.start, span)
    except ValueError as fault:
        raise Refused(Refusal(Code.INVALID, str(fault), errors=(("amount", "lies too far ahead"),))) from None
    result = {"due_at": counts.local(reckoned.due_at), "provisional": reckoned.provisional}
    why = await ask.house.offload.run(days, because, counts, body.start, reckoned.due_at, span)
    return reply({"result": {**result, "calendar": counts.calendar.code}, "because": [b.shown() for b in why]})


async def _explain_clock(body: DeadlineAsk, ask: Asking, directory: Directory) -> Response:
    if not ask.actor.roles & PEOPLE:
        raise Refused(Refusal(Code.NOT_FOUND, "no such ticket"))
    given = [f for f in ("start", "amount", "unit", "calendar") if getattr(body, f) is not None]
    if given:
        errors = tuple((f, "not with a ticket") for f in given)
        raise Refused(Refusal(Code.INVALID, "a ticket's clock or a limit by itself, not both", errors=errors))
    facts = await seen(ask.house, body.ticket or "", ask.actor)
    wanted = body.clock or "resolve"
    seen_clocks = clocks_seen(await tickets.clocks_of(ask.house.db, facts.ticket.number), facts, ask.actor)
    found = [c for c in seen_clocks if wanted in (c.id, c.metric)]
    if not found:
        has = ", ".join(dict.fromkeys(c.metric for c in seen_clocks)) or "none"
        raise Refused(Refusal(Code.NOT_FOUND, f"the ticket has no such clock; it has {has}"))
    clock = found[-1]
    counts = reckoner_of(directory, clock.calendar)
    why = clocks.explained(clock, counts) if counts else []
    return reply({"result": clock_shown(clock, ask.now), "because": [b.shown() for b in why]})


def _named(directory: Directory, body: RoutingAsk) -> list[tuple[str, str, Any]]:
    pairs = (("category", body.category, directory.categories), ("area", body.area, directory.areas))
    return [(name, code, noun) for name, code, noun in pairs if code is not None]


assert set(Noun.__args__) == set(SHAPES)  # type: ignore[attr-defined] # noqa: S101 - the path's words are the directory's nouns
