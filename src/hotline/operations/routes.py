"""Routes for operations: health, readiness and metrics."""

from typing import Annotated, Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.responses import Response

from hotline.database.deadlines import database_deadline
from hotline.delivery import store as outbox_store
from hotline.delivery.message_kinds import MessageKinds
from hotline.delivery.model import AvailableChannels
from hotline.inbound import store as inbound_store
from hotline.operations.doctor import READINESS_CHECKS, measure_clock_skew, run_checks
from hotline.operations.readiness import DoctorFinding, ReadyChecks, check_intake_ready
from hotline.operations.schemas import Health, Ready
from hotline.organisation.dependencies import AuthenticatedRoute, allow_anonymous
from hotline.organisation.store import directory
from hotline.refusals import Code, Refused
from hotline.streaming.service import Stream
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.sla import store as sla_store
from hotline.value_objects import replace
from hotline.web.responses import json_reply, refusal_responses_only

router = APIRouter(tags=["operations"], route_class=AuthenticatedRoute)
_BAD = refusal_responses_only(
    Code.INVALID, Code.TOO_MANY, Code.INTERNAL
)  # an Idempotency-Key is looked at wherever it is sent
_UNREADY: dict[int | str, dict[str, Any]] = {503: {"model": Ready, "description": "Not ready"}, **_BAD}
_KEPT_APART = refusal_responses_only(Code.NOT_FOUND)  # to strangers there is nothing
DEPTH = Gauge("hotline_journal_depth", "Changes waiting to be written")
BATCH = Gauge("hotline_journal_last_batch", "Changes in the last transaction")
COMMITS = Gauge("hotline_journal_batches", "Transactions written since the start")
COMMIT_SECONDS = Gauge("hotline_journal_seconds", "Seconds spent writing them")
ROUND_TRIPS = Gauge("hotline_database_round_trips", "Queries and batches sent to the database since the start")
LISTENERS = Gauge("hotline_stream_listeners", "Live streams open in this process")
EVENTS_DELIVERED = Gauge("hotline_stream_told", "Events delivered to listeners so far")
OVERDUE_STEPS = Gauge(
    "hotline_clocks_oldest_seconds", "How long ago the oldest escalation step that has not run was due"
)
_PUBLIC_CHECKS = frozenset({"directory", "clocks", "outbox", "calendar", "inbound", "spool", "gateways"})
OLDEST = Gauge("hotline_outbox_oldest_seconds", "Age of the oldest message due and not sent")
INBOUND = Gauge("hotline_inbound_oldest_seconds", "Age of the oldest text pushed to us and not processed")
FOR_REVIEW = Gauge("hotline_inbound_odd", "Items that wait for review, up to 1,000")
WAITING = Gauge("hotline_outbox_waiting", "Messages that wait, up to 1,000", ["kind", "sendable"])
SKEW = Gauge("hotline_clock_skew_seconds", "How far this process's clock is ahead of the database's")
SPOOLED = Gauge("hotline_spool_bytes", "Stored in the spool while the database was unavailable, and not yet imported")


@router.get("/healthz", operation_id="healthz", response_model=Health, responses=_BAD)
async def healthz(context: Annotated[TicketContext, allow_anonymous("health.read")]) -> Response:
    """The process answers."""
    return json_reply(Health("ok"))


@router.get(
    "/readyz",
    operation_id="readyz",
    response_model=Ready,
    responses={**_UNREADY, **_KEPT_APART},
)
async def readyz(context: Annotated[TicketContext, allow_anonymous("health.read")]) -> Response:
    """The process can do all of its work: the database answers, the journal runs, schema and directory are present, and
    it is not stopping. Use `/readyz/intake` for a proxy's health check: this one takes every process out while the
    database is unavailable, although calls could be spooled. `doctor` lists findings to look at; they do not make the
    process unready."""
    services = context.services
    checks = ReadyChecks(journal=services.journal.is_alive, journal_depth=services.journal.depth)
    if services.spool is not None:
        checks = replace(checks, spool_bytes=services.spool.size())
    try:
        async with database_deadline(services.deadlines.lookup):
            checks = replace(checks, directory=await directory.load_version(services.db), database=True)
        async with database_deadline(services.deadlines.write):
            checks = await _add_backlog(context, checks)
    except Refused as refused:
        checks = replace(checks, database=False, detail=refused.refusal.detail)
    if services.leaving:
        checks = replace(checks, leaving=True)
    ready = bool(checks.database and checks.journal and checks.directory) and not services.leaving
    return json_reply(Ready(ready, checks), 200 if ready else 503)


@router.get(
    "/readyz/intake",
    operation_id="readyz_intake",
    response_model=Ready,
    responses=_UNREADY,
)
async def readyz_intake(context: Annotated[TicketContext, allow_anonymous("health.read")]) -> Response:
    """A call, a text or an exchange's event sent here would be kept, in the spool if the database is unavailable. 503
    if neither would take it, and while the process is stopping. For the health check of a proxy."""
    ready, checks = await check_intake_ready(context.services)
    return json_reply(Ready(ready, checks), 200 if ready else 503)


async def _add_backlog(context: TicketContext, checks: ReadyChecks) -> ReadyChecks:
    """With what waits in the database, and what the checks of `operations/doctor` find."""
    oldest = await outbox_store.load_oldest_due_at(context.services.db, context.now)
    count, unfired = await sla_store.load_overdue_steps(context.services.db, context.now)
    waiting = await inbound_store.load_waiting_summary(context.services.db, context.now)
    found = await run_checks(context.services, context.now, READINESS_CHECKS)
    return replace(
        checks,
        outbox_oldest_seconds=max(0.0, (context.now - oldest).total_seconds()) if oldest else None,
        inbound_waiting=waiting.n if waiting else 0,
        clocks_due=count,
        clocks_oldest_seconds=max(0.0, (context.now - unfired).total_seconds()) if unfired else None,
        # open to anybody: tickets and names are only in `hotline doctor`
        doctor=tuple(
            DoctorFinding(f.check, f.wrong, f.says if f.check in _PUBLIC_CHECKS else None)
            for f in found
            if f.wrong or f.warns
        ),
    )


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {"description": "The metrics", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **_BAD,
        **_KEPT_APART,
    },
)
async def metrics(context: Annotated[TicketContext, allow_anonymous("metrics.read")]) -> Response:
    """Prometheus text format."""
    DEPTH.set(context.services.journal.depth)
    BATCH.set(context.services.journal.last_batch)
    COMMITS.set(context.services.journal.batches)
    COMMIT_SECONDS.set(context.services.journal.seconds)
    ROUND_TRIPS.set(context.services.db.round_trips)
    LISTENERS.set(context.services.part(Stream).listener_count)
    EVENTS_DELIVERED.set(context.services.part(Stream).events_delivered)
    if context.services.spool is not None:
        SPOOLED.set(context.services.spool.size())
    try:
        waiting = await inbound_store.load_waiting_summary(context.services.db, context.now)
        held = waiting.at if waiting else None
        INBOUND.set(max(0.0, (context.now - held).total_seconds()) if held else 0.0)
        FOR_REVIEW.set(await inbound_store.count_items_for_review(context.services.db))
        oldest = await outbox_store.load_oldest_due_at(context.services.db, context.now)
        OLDEST.set(max(0.0, (context.now - oldest).total_seconds()) if oldest else 0.0)
        texts = bool(await context.services.gateways.sms_senders(context.now))
        ways = context.services.part(MessageKinds).ways(
            AvailableChannels(texts, context.services.has_notice_address, hooks=True)
        )
        WAITING.clear()
        for kind in await outbox_store.load_waiting_messages(context.services.db, ways):
            WAITING.labels(kind.kind, str(kind.sendable).lower()).set(kind.count)
        _, ahead = await measure_clock_skew(context.services)
        SKEW.set(ahead.total_seconds())
        _, unfired = await sla_store.load_overdue_steps(context.services.db, context.now)
        OVERDUE_STEPS.set(max(0.0, (context.now - unfired).total_seconds()) if unfired else 0.0)
    except Refused:
        OLDEST.set(float("nan"))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
