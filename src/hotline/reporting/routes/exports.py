"""Exports, written by a worker and downloaded; and reports."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response

from hotline.locales import LANGUAGES
from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, may
from hotline.organisation.model.actors import PEOPLE, Role
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting.schemas.exports import ExportIn
from hotline.reporting.schemas.figures import ExportPage, ReportLine, ReportPage
from hotline.reporting.service import exports, reports
from hotline.reporting.store import exports as report_exports
from hotline.reporting.store import reports as report_reports
from hotline.reporting.vocabulary import ExportStatus, Period
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import POST, READ, action_reply, refusals, reply

router = APIRouter(prefix="/v1", tags=["figures"], route_class=AuthenticatedRoute)
Taker = Annotated[TicketContext, may("exports.make", *PEOPLE)]
Overseer = Annotated[TicketContext, may("reports.read", Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN)]
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
    responses=refusals(*POST),
)
async def ask_for_export(body: ExportIn, context: Taker) -> Response:
    """Request an export of tickets or of their timelines: CSV, XLSX, JSON lines, or the bulk form of Open311. The
    worker writes it within your scope, masked for your role, both as at the request; check its progress, then download
    it. Each export is logged; a file is kept for seven days, and only while your scope has not shrunk."""
    directory = await context.services.directory.now(context.now)
    given = body.filters.given(directory, context.now)
    request = await context.write_request()
    return action_reply(await exports.ask_for(context.services, body.kind, body.form, given, request))


@router.get("/exports", operation_id="list_exports", response_model=ExportPage, responses=refusals())
async def list_exports(
    context: Taker, everybody: Annotated[bool, Query(description="For those who oversee: everybody's")] = False
) -> Response:
    """Your exports, newest first, with their progress; or everybody's."""
    if everybody:
        if not context.actor.roles & {Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN} or context.actor.areas is not None:
            raise Refused(
                Refusal(Code.NOT_YOUR_ROLE, "only those who oversee the whole organisation see everybody's files")
            )
        rows = await report_exports.every(context.services.db, 200)
    else:
        rows = await report_exports.of_owner(context.services.db, _owner(context))
    return reply(ExportPage(tuple(map(exports.shown, rows))))


@router.get(
    "/exports/{export}", operation_id="read_export", response_model=exports.ExportRecord, responses=refusals(*READ)
)
async def read_export(export: CodePath, context: Taker) -> Response:
    """The progress of an export of yours."""
    return reply(exports.shown(await _own(context, export)))


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
        **refusals(*READ, Code.NOT_NOW),
    },
)
async def fetch_export(export: CodePath, context: Taker) -> Response:
    """The file, once it is ready."""
    row = await _own(context, export)
    if not exports.may_still(row, context.actor):
        raise Refused(Refusal(Code.NOT_FOUND, "no such file"))
    if row.status != ExportStatus.READY:
        raise Refused(Refusal(Code.NOT_NOW, f"the file is not ready: {row.status}"))
    path = exports.path_of(context.services, row)
    if not path.exists():
        raise Refused(Refusal(Code.NOT_FOUND, "the file lies on another machine, or is gone"))
    await context.services.db.transact(lambda c: report_exports.downloaded(c, row.id))
    kind = path.suffix.lstrip(".")
    name = f"{row.kind}-{row.created_at:%Y%m%d-%H%M}.{kind}"
    return FileResponse(path, media_type=MEDIA[kind], filename=name)


def _oversees(context: TicketContext) -> None:
    """A report covers the whole organisation. Refuses an actor limited to areas, who has the figures of those areas."""
    if context.actor.areas is not None:
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "reports cover the whole organisation; figures cover your areas"))


def _owner(context: TicketContext) -> str:
    return f"{context.actor.kind}:{context.actor.id}"


async def _own(context: TicketContext, export: str) -> Any:
    row = await report_exports.own(context.services.db, _owner(context), export)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such file"))
    return row


@router.get("/reports", operation_id="list_reports", response_model=ReportPage, responses=refusals())
async def list_reports(context: Overseer) -> Response:
    """The reports made so far, newest first."""
    _oversees(context)
    rows = await report_reports.listed(context.services.db, 400)
    return reply(ReportPage(tuple(ReportLine(row.period, row.first, row.made_at) for row in rows)))


@router.get(
    "/reports/{period}/{first}",
    operation_id="read_report",
    response_model=reports.KeptReport,
    responses={
        200: {
            "description": "The report, in the form that was asked for",
            "content": {MEDIA[form]: {"schema": {"type": "string"}} for form in ("csv", "xlsx")},
        },
        **refusals(*READ),
    },
)
async def read_report(
    period: Period,
    first: CodePath,
    context: Overseer,
    form: Literal["json", "csv", "xlsx"] = "json",
    language: Annotated[str, Query(pattern=f"^({'|'.join(LANGUAGES)})$")] = "zh-Hans",
) -> Response:
    """The figures of a day, week or month, as they were at its end; `first` is its first day. As JSON, CSV or
    XLSX."""
    _oversees(context)
    report = await reports.kept(context.services, period, first)
    if form == "json":
        return reply(report)
    data = (reports.as_csv if form == "csv" else reports.as_xlsx)(report, language)
    name = f"{period}-{report.first}.{form}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, headers=headers, media_type=MEDIA[form])
