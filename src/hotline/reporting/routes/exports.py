"""Exports, written by a worker and downloaded; and reports."""

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response

from hotline.locales import LANGUAGES
from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, require_roles
from hotline.organisation.model.actors import PERSON_ROLES, Role
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting.schemas.exports import ExportIn
from hotline.reporting.schemas.figures import ExportPage, ReportLine, ReportPage
from hotline.reporting.service import exports, reports
from hotline.reporting.store import exports as report_exports
from hotline.reporting.store import reports as report_reports
from hotline.reporting.vocabulary import ExportStatus, Period
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["figures"], route_class=AuthenticatedRoute)
ExportContext = Annotated[TicketContext, require_roles("exports.make", *PERSON_ROLES)]
ReportContext = Annotated[TicketContext, require_roles("reports.read", Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)]
FILE_TAG = {"ETag": {"description": "Of the file as it stands", "schema": {"type": "string"}}}
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
}


@router.post(
    "/exports",
    operation_id="ask_for_export",
    response_model=exports.ExportRecord,
    status_code=202,
    responses=refusal_responses(*POST_REFUSALS),
)
async def ask_for_export(body: ExportIn, context: ExportContext) -> Response:
    """Request an export of tickets or of their timelines: CSV, XLSX, JSON lines, or the bulk form of Open311. The
    worker writes it within your scope, masked for your role, both as at the request; check its progress, then download
    it. With a `counted` of assignments the file has one line for each of them, with its department, contractor, limit
    and when that was kept. Each export is logged; a file is kept for seven days, and only while your scope has not
    shrunk."""
    directory = await context.services.directory.now(context.now)
    given = body.filters.given(directory, context.now)
    request = await context.write_request()
    return action_reply(await exports.request_export(context.services, body.kind, body.form, given, request))


@router.get("/exports", operation_id="list_exports", response_model=ExportPage, responses=refusal_responses())
async def list_exports(
    context: ExportContext, everybody: Annotated[bool, Query(description="For those who oversee: everybody's")] = False
) -> Response:
    """Your exports, newest first, with their progress; or everybody's."""
    if everybody:
        if not context.actor.roles & {Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN} or context.actor.areas is not None:
            raise Refused(
                Refusal(Code.NOT_YOUR_ROLE, "only those who oversee the whole organisation see everybody's files")
            )
        rows = await report_exports.load_all_exports(context.services.db, 200)
    else:
        rows = await report_exports.load_exports_of_owner(context.services.db, _owner(context))
    return json_reply(ExportPage(tuple(map(exports.render_export, rows))))


@router.get(
    "/exports/{export}",
    operation_id="read_export",
    response_model=exports.ExportRecord,
    responses=refusal_responses(*READ_REFUSALS),
)
async def read_export(export: CodePath, context: ExportContext) -> Response:
    """The progress of an export of yours."""
    return json_reply(exports.render_export(await _load_own_export(context, export)))


@router.get(
    "/exports/{export}/file",
    operation_id="fetch_export",
    response_class=FileResponse,
    responses={
        200: {
            "description": "The file",
            "headers": FILE_TAG,
            "content": {m: {"schema": {"type": "string"}} for m in MEDIA.values()},
        },
        **refusal_responses(*READ_REFUSALS, Code.NOT_NOW),
    },
)
async def fetch_export(export: CodePath, context: ExportContext) -> Response:
    """The file, once it is ready."""
    row = await _load_own_export(context, export)
    if not exports.can_still_fetch(row, context.actor):
        raise Refused(Refusal(Code.NOT_FOUND, "no such file"))
    if row.status != ExportStatus.READY:
        raise Refused(Refusal(Code.NOT_NOW, f"the file is not ready: {row.status}"))
    path = exports.export_path(context.services, row)
    if not path.exists():
        raise Refused(Refusal(Code.NOT_FOUND, "the file lies on another machine, or is gone"))
    event = SecurityEvent(Deed.EXPORT_FETCHED, context.actor, context.now, ("export", row.id), {"kind": row.kind})

    def count(c: sa.Connection) -> None:
        report_exports.count_download(c, row.id)
        record_deed(c, event)

    await context.services.db.transact(count)
    kind = path.suffix.lstrip(".")
    name = f"{row.kind}-{row.created_at:%Y%m%d-%H%M}.{kind}"
    return FileResponse(path, media_type=MEDIA[kind], filename=name)


def _require_all_areas(context: TicketContext) -> None:
    """A report covers the whole organisation. Refuses an actor limited to areas, who has the figures of those areas."""
    if context.actor.areas is not None:
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "reports cover the whole organisation; figures cover your areas"))


def _owner(context: TicketContext) -> str:
    return f"{context.actor.kind}:{context.actor.id}"


async def _load_own_export(context: TicketContext, export: str) -> Any:
    row = await report_exports.load_own_export(context.services.db, _owner(context), export)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such file"))
    return row


@router.get("/reports", operation_id="list_reports", response_model=ReportPage, responses=refusal_responses())
async def list_reports(context: ReportContext) -> Response:
    """The reports made so far, newest first."""
    _require_all_areas(context)
    rows = await report_reports.load_reports(context.services.db, 400)
    return json_reply(ReportPage(tuple(ReportLine(row.period, row.first, row.made_at) for row in rows)))


@router.get(
    "/reports/{period}/{first}",
    operation_id="read_report",
    response_model=reports.KeptReport,
    responses={
        200: {
            "description": "The report, in the form that was asked for",
            "content": {MEDIA[form]: {"schema": {"type": "string"}} for form in ("csv", "xlsx")},
        },
        **refusal_responses(*READ_REFUSALS),
    },
)
async def read_report(
    period: Period,
    first: CodePath,
    context: ReportContext,
    form: Literal["json", "csv", "xlsx"] = "json",
    language: Annotated[str, Query(pattern=f"^({'|'.join(LANGUAGES)})$")] = "zh-Hans",
) -> Response:
    """The figures of a day, week or month, as they were at its end; `first` is its first day. As JSON, CSV or
    XLSX."""
    _require_all_areas(context)
    report = await reports.load_report(context.services, period, first)
    if form == "json":
        return json_reply(report)
    data = (reports.render_report_csv if form == "csv" else reports.render_xlsx)(report, language)
    name = f"{period}-{report.first}.{form}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, headers=headers, media_type=MEDIA[form])
