"""The security log over HTTP."""

import csv
import io
from datetime import UTC
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from hotline.audit.schemas import SecurityLogPage, security_event_reply
from hotline.organisation.dependencies import AuthenticatedRoute, StaffContext, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import is_organisation_wide
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log import store
from hotline.security_log.store import SecurityEvent
from hotline.security_log.vocabulary import Deed
from hotline.text.spreadsheet_cells import escape_formula
from hotline.web.field_types import Moment, PlainLine
from hotline.web.paging import Cursor, Limit, PagedQuery
from hotline.web.responses import json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["audit"], route_class=AuthenticatedRoute)
By = Annotated[PlainLine | None, Query(max_length=60, description="Who did it: the id of a person or key")]
About = Annotated[PlainLine | None, Query(max_length=80, description="To whom or what: an id or code")]
Since = Annotated[Moment | None, Query(description="From this moment on")]
Before = Annotated[Moment | None, Query(description="Before this moment")]
LogReader = Annotated[StaffContext, require_roles("security_log.read", Role.AUDITOR, Role.ADMIN)]


MAX_ROWS = 50_000  # of a file
_ROWS_AT_ONCE = 1000
_COLUMNS = ("position", "at", "deed", "outcome", "by_kind", "by_id", "by_name", "address", "about_kind", "about")


@router.get(
    "/security-log.csv",
    operation_id="export_security_log",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **refusal_responses()},
)
async def export_security_log(
    context: LogReader,
    by: By = None,
    about: About = None,
    deed: Deed | None = None,
    since: Since = None,
    before: Before = None,
) -> Response:
    """The same as a file for spreadsheets, newest first: at most 50,000 rows; narrow it by time where there are more.
    Cells that a spreadsheet would run are escaped. The export stands in the log."""
    _check_reach(context)
    services, file, count = context.services, io.StringIO(newline=""), 0
    wanted = store.LogFilter(by, about, deed, since, before)
    writer = csv.writer(file)
    writer.writerow([*_COLUMNS, "details"])
    last: int | None = None
    while count < MAX_ROWS:
        rows = await store.load_page(services.db, wanted, last, min(_ROWS_AT_ONCE, MAX_ROWS - count))
        for row in rows:
            told = [getattr(row, name) for name in _COLUMNS]
            told[1] = row.at.astimezone(UTC).isoformat()
            writer.writerow([escape_formula(cell) for cell in [*told, orjson.dumps(row.details).decode()]])
        count += len(rows)
        if len(rows) < _ROWS_AT_ONCE:
            break
        last = rows[-1].position
    details = {"kind": "security_log", "form": "csv", "rows": count}
    await services.security_log.record(SecurityEvent(Deed.EXPORT_MADE, context.actor, context.now, None, details))
    headers = {"content-disposition": 'attachment; filename="security-log.csv"'}
    return Response("\ufeff" + file.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


@router.get(
    "/security-log",
    operation_id="read_security_log",
    response_model=SecurityLogPage,
    responses=refusal_responses(),
)
async def read_security_log(
    context: LogReader,
    by: By = None,
    about: About = None,
    deed: Deed | None = None,
    since: Since = None,
    before: Before = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Who did what about access and data, newest first: log-ins good and bad, refusals, look-ups of callers, changes of
    people, keys and the directory, exports. For auditors and administrators of the whole organisation."""
    _check_reach(context)
    services = context.services
    wanted = store.LogFilter(by, about, deed, since, before)
    query = PagedQuery(services.secret, ["security-log", wanted.given()], limit)
    place = query.position(cursor)
    rows = await store.load_page(services.db, wanted, int(place[0]) if place else None, limit + 1)
    page, following = query.cut(rows, lambda row: [row.position])
    return json_reply(SecurityLogPage(tuple(map(security_event_reply, page)), following))


def _check_reach(context: StaffContext) -> None:
    if not is_organisation_wide(context.actor):
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "the security log covers the whole organisation"))
