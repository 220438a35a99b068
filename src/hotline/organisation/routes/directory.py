"""The organisation as data, and dry runs of its rules."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, StaffContext, require_roles
from hotline.organisation.model.actors import AREA_WIDE_ROLES, GRANTABLE_ROLES, Role
from hotline.organisation.model.grants import is_organisation_wide
from hotline.organisation.model.items import Roster
from hotline.organisation.model.succession import succession_changes
from hotline.organisation.schemas.directory import DirectoryItem, ItemPage, LogPage, RetiredOut, directory_change_reply
from hotline.organisation.service.directory import change, item_schema, parse_item
from hotline.organisation.store import directory as organisation_directory
from hotline.refusals import Code, Refusal, Refused
from hotline.text.typed_pinyin import name_sounds
from hotline.web.responses import READ_REFUSALS, etag_responses, json_reply, pack_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["directory"], route_class=AuthenticatedRoute)
Reader = Annotated[StaffContext, require_roles("directory.read", *GRANTABLE_ROLES)]
Editor = Annotated[StaffContext, require_roles("directory.edit", Role.ADMIN)]
Noun = Literal[
    "house",
    "calendars",
    "departments",
    "areas",
    "categories",
    "policies",
    "ladders",
    "rosters",
    "words",
    "word_lists",
    "symptoms",
    "hazards",
    "danger_frames",
    "incident_rules",
    "routes",
]
WRITE_REFUSALS = (
    Code.NOT_FOUND,
    Code.STALE,
    Code.VERSION_REQUIRED,
    Code.TOO_LARGE,
    Code.UNSUPPORTED_MEDIA,
    Code.STORAGE_FULL,
)


@router.get(
    "/directory/{noun}",
    operation_id="list_directory",
    response_model=ItemPage,
    responses={**etag_responses(200), **refusal_responses(*READ_REFUSALS)},
)
async def list_directory(
    noun: Noun,
    context: Reader,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    after: Annotated[str, Query(max_length=40, description="Items whose code comes behind this one")] = "",
    sounds: Annotated[bool, Query(description="With how the names may be typed in pinyin")] = False,
) -> Response:
    """Items of one noun, by code. ETag is the version of the whole directory."""
    directory = await context.services.directory.now(context.now)
    found = [item for code, item in directory.noun(noun).items() if code > after]
    page = tuple(_visible_item(noun, item, context) for item in found[:limit])
    more = page[-1].code if len(found) > limit else None
    typed = {item.code: tuple(name_sounds(getattr(item, "name", ""))) for item in found[:limit]} if sounds else None
    return pack_reply(
        context.request, json_reply(ItemPage(page, more, typed), version=directory.version), is_repeated=True
    )


@router.get(
    "/directory/{noun}/{code}",
    operation_id="read_directory_item",
    response_model=DirectoryItem,
    responses={**etag_responses(200), **refusal_responses(*READ_REFUSALS)},
)
async def read_directory_item(noun: Noun, code: CodePath, context: Reader) -> Response:
    """One item."""
    directory = await context.services.directory.now(context.now)
    if code not in directory.noun(noun):
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    return json_reply(_visible_item(noun, directory.noun(noun)[code], context), version=directory.version)


def _visible_item(noun: str, item: Any, context: StaffContext) -> DirectoryItem:
    """An item as this asker may see it: the numbers of those on duty are for the desk and for their own department."""
    if isinstance(item, Roster):
        theirs = context.actor.roles & AREA_WIDE_ROLES or item.department in context.actor.departments
        if not theirs or context.actor.contractor:
            return replace(item, members=tuple(replace(member, phone=None) for member in item.members))
    return item  # type: ignore[no-any-return]


def _require_organisation_wide(context: StaffContext) -> None:
    if not is_organisation_wide(context.actor):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "only administrators of the whole organisation change the directory"))


@router.put(
    "/directory/{noun}/{code}",
    operation_id="write_directory_item",
    response_model=DirectoryItem,
    responses=refusal_responses(*WRITE_REFUSALS),
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
    _require_organisation_wide(context)
    item = parse_item(noun, {**body, "code": code})
    directory = await change(
        context.services.directory,
        [(noun, code, item)],
        context.actor,
        context.now,
        version=context.version(),
    )
    return json_reply(directory.noun(noun)[code], version=directory.version)


@router.delete(
    "/directory/{noun}/{code}",
    operation_id="retire_directory_item",
    response_model=RetiredOut,
    responses=refusal_responses(*WRITE_REFUSALS),
)
async def retire_directory_item(noun: Noun, code: CodePath, context: Editor) -> Response:
    """Deactivate an item: old tickets still show it, and it can no longer be chosen. Words, policies, ladders and
    calendars are removed. The routes and the duty plan of a department go to its `successor` in the same change;
    without one, 422 names the routes to change first. Its running orders go to the successor, or back to the
    dispatcher; `held` says how many."""
    _require_organisation_wide(context)
    await context.services.directory.reload()  # what goes to a successor is changed as it stands now
    directory = await context.services.directory.now(context.now)
    item = directory.noun(noun).get(code)
    if item is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such item"))
    after = replace(item, active=False) if hasattr(item, "active") else None
    directory = await change(
        context.services.directory,
        [(noun, code, after), *(succession_changes(directory, code) if noun == "departments" else ())],
        context.actor,
        context.now,
        version=context.version(),
    )
    left = directory.noun(noun).get(code)
    return json_reply(RetiredOut(code, True, left, await _count_held(noun, code, context)), version=directory.version)


async def _count_held(noun: str, code: str, context: StaffContext) -> int | None:
    """The running orders that a retired item leaves. None: orders do not name items of this noun."""
    work = context.services.held_work
    if noun == "departments":
        return await work.count_of_department(code)
    return await work.count_of_route(code) if noun == "routes" else None


@router.get(
    "/directory-shapes/{noun}",
    operation_id="read_directory_shape",
    response_model=dict[str, Any],
    responses=refusal_responses(Code.NOT_FOUND),
)
async def read_directory_shape(noun: Noun, context: Reader) -> Response:
    """What an item of a noun may hold, as JSON Schema. `x-refers` names the noun that a field's codes belong to."""
    return json_reply(item_schema(noun))


@router.get("/directory-log", operation_id="read_directory_log", response_model=LogPage, responses=refusal_responses())
async def read_directory_log(
    context: Annotated[StaffContext, require_roles("directory.audit", Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR)],
    after: Annotated[int, Query(ge=0, le=2_000_000_000)] = 0,
    newest: Annotated[bool, Query(description="The latest alone, the newest first, without a next page")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """Every change of the directory: item, before, after, when, by whom."""
    if newest:
        latest = await organisation_directory.load_newest_changes(context.services.db, limit)
        return json_reply(LogPage(tuple(map(directory_change_reply, latest)), None))
    rows = await organisation_directory.load_log(context.services.db, after, limit)
    return json_reply(
        LogPage(tuple(map(directory_change_reply, rows)), str(rows[-1].version) if len(rows) == limit else None)
    )
