"""The organisation as data, and dry runs of its rules."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, StaffContext, may
from hotline.organisation.model.actors import GRANTED, WHOLE, Role
from hotline.organisation.model.grants import is_organisation_wide
from hotline.organisation.model.items import Roster
from hotline.organisation.schemas.directory import DirectoryItem, ItemPage, LogPage, RetiredOut, change_shown
from hotline.organisation.service.directory import change, read_item, shape_of
from hotline.organisation.store import directory as organisation_directory
from hotline.refusals import Code, Refusal, Refused
from hotline.web.responses import READ, refusals, reply, versioned

router = APIRouter(prefix="/v1", tags=["directory"], route_class=AuthenticatedRoute)
Reader = Annotated[StaffContext, may("directory.read", *GRANTED)]
Editor = Annotated[StaffContext, may("directory.edit", Role.ADMIN)]
Noun = Literal[
    "house", "calendars", "departments", "areas", "categories", "policies", "ladders", "rosters", "words", "routes"
]
WRITES = (Code.NOT_FOUND, Code.STALE, Code.VERSION_REQUIRED, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA, Code.STORAGE_FULL)


@router.get(
    "/directory/{noun}",
    operation_id="list_directory",
    response_model=ItemPage,
    responses={**versioned(200), **refusals(*READ)},
)
async def list_directory(
    noun: Noun,
    context: Reader,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    after: Annotated[str, Query(max_length=40, description="Items whose code comes behind this one")] = "",
) -> Response:
    """Items of one noun, by code. ETag is the version of the whole directory."""
    directory = await context.services.directory.now(context.now)
    found = [item for code, item in directory.noun(noun).items() if code > after]
    page = tuple(_shown(noun, item, context) for item in found[:limit])
    return reply(ItemPage(page, page[-1].code if len(found) > limit else None), version=directory.version)


@router.get(
    "/directory/{noun}/{code}",
    operation_id="read_directory_item",
    response_model=DirectoryItem,
    responses={**versioned(200), **refusals(*READ)},
)
async def read_directory_item(noun: Noun, code: CodePath, context: Reader) -> Response:
    """One item."""
    directory = await context.services.directory.now(context.now)
    if code not in directory.noun(noun):
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    return reply(_shown(noun, directory.noun(noun)[code], context), version=directory.version)


def _shown(noun: str, item: Any, context: StaffContext) -> DirectoryItem:
    """An item as this asker may see it: the numbers of those on duty are for the desk and for their own department."""
    if isinstance(item, Roster):
        theirs = context.actor.roles & WHOLE or item.department in context.actor.departments
        if not theirs or context.actor.contractor:
            return replace(item, members=tuple(replace(member, phone=None) for member in item.members))
    return item  # type: ignore[no-any-return]


def _refuse_limited(context: StaffContext) -> None:
    if not is_organisation_wide(context.actor):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "only administrators of the whole organisation change the directory"))


@router.put(
    "/directory/{noun}/{code}",
    operation_id="write_directory_item",
    response_model=DirectoryItem,
    responses=refusals(*WRITES),
)
async def write_directory_item(
    noun: Noun,
    code: CodePath,
    body: Annotated[
        dict[str, Any],
        Body(description="The item; `code` is the path's", examples=[{"lead": "water", "category": "sdq-water"}]),
    ],
    context: Editor,
) -> Response:
    """Create or replace an item, if the whole directory stays valid: no unknown code, no overlap, no unreachable entry.
    The directory belongs to the whole organisation: an administrator of an area or a department does not change it."""
    _refuse_limited(context)
    item = read_item(noun, {**body, "code": code})
    directory = await change(
        context.services.directory,
        [(noun, code, item)],
        context.actor,
        context.now,
        version=context.version(),
    )
    return reply(directory.noun(noun)[code], version=directory.version)


@router.delete(
    "/directory/{noun}/{code}",
    operation_id="retire_directory_item",
    response_model=RetiredOut,
    responses=refusals(*WRITES),
)
async def retire_directory_item(noun: Noun, code: CodePath, context: Editor) -> Response:
    """Deactivate an item: old tickets still show it, and it can no longer be chosen. Words, policies, ladders and
    calendars are removed."""
    _refuse_limited(context)
    directory = await context.services.directory.now(context.now)
    item = directory.noun(noun).get(code)
    if item is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    after = replace(item, active=False) if hasattr(item, "active") else None
    directory = await change(
        context.services.directory,
        [(noun, code, after)],
        context.actor,
        context.now,
        version=context.version(),
    )
    left = directory.noun(noun).get(code)
    return reply(RetiredOut(code, True, left), version=directory.version)


@router.get(
    "/directory-shapes/{noun}",
    operation_id="read_directory_shape",
    response_model=dict[str, Any],
    responses=refusals(Code.NOT_FOUND),
)
async def read_directory_shape(noun: Noun, context: Reader) -> Response:
    """What an item of a noun may hold, as JSON Schema. `x-refers` names the noun that a field's codes belong to."""
    return reply(shape_of(noun))


@router.get("/directory-log", operation_id="read_directory_log", response_model=LogPage, responses=refusals())
async def read_directory_log(
    context: Annotated[StaffContext, may("directory.audit", Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR)],
    after: Annotated[int, Query(ge=0, le=2_000_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """Every change of the directory: item, before, after, when, by whom."""
    rows = await organisation_directory.history(context.services.db, after, limit)
    return reply(LogPage(tuple(map(change_shown, rows)), str(rows[-1].version) if len(rows) == limit else None))
