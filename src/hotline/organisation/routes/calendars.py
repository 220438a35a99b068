"""Calendars: what a year's holiday notice would change, before anything is written."""

import base64
import binascii

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath
from hotline.organisation.model.holidays import calendar_change, with_notice
from hotline.organisation.routes.directory import Editor
from hotline.organisation.schemas.calendars import NoticeIn, NoticePreview, notice_preview
from hotline.organisation.service.notice_files import UnreadableNoticeError, read_notice
from hotline.refusals import Code, Refusal, Refused
from hotline.web.responses import etag_responses, json_reply, refusal_responses

router = APIRouter(prefix="/v1/directory/calendars", tags=["directory"], route_class=AuthenticatedRoute)


@router.post(
    "/{code}/notices/preview",
    operation_id="preview_notice",
    response_model=NoticePreview,
    responses={
        **etag_responses(200),
        **refusal_responses(Code.NOT_FOUND, Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA),
    },
)
async def preview_notice(code: CodePath, body: NoticeIn, context: Editor) -> Response:
    """What a year's holiday notice would change in a calendar, day by day. Nothing is written. ETag is the version of
    the directory; to import the notice, `PUT` the calendar of this reply with it as `If-Match`."""
    directory = await context.services.directory.now(context.now)
    before = directory.calendars.get(code)
    if before is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such calendar"))
    try:
        notice = read_notice(base64.b64decode(body.content, validate=True), body.file, body.year)
    except binascii.Error:
        raise Refused(Refusal(Code.INVALID, "the file cannot be read", errors=(("content", "base64"),))) from None
    except ValueError as fault:  # of JSON, what is wrong with it would repeat parts of it
        rule = str(fault) if isinstance(fault, UnreadableNoticeError) else "the JSON cannot be read"
        raise Refused(Refusal(Code.INVALID, "the file cannot be read", errors=(("content", rule),))) from None
    after = with_notice(before, notice)
    reply = notice_preview(before, after, notice, calendar_change(before, after, notice))
    return json_reply(reply, version=directory.version)
