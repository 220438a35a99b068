"""Takes residents' reports in by the one intake, joins open matters that were published, and says beforehand what would
happen to a report."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import structlog

from hotline.database.outages import OUTAGES
from hotline.delivery.payloads import item_key
from hotline.locales import translate
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.write_request import WriteRequest
from hotline.public.model import ResidentReport
from hotline.public.nearby import load_open_published
from hotline.public.photos import SentPhotos, attach_photos
from hotline.refusals import Code, Refused
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.lookup import query_code
from hotline.tickets.model.address import has_exact_place, is_building
from hotline.tickets.model.calling import NO_DANGER, AlertState, DangerAdvice, advise_in_danger
from hotline.tickets.model.dangers import TicketCase, dangers_of
from hotline.tickets.model.routing import choose_route
from hotline.tickets.model.ticket import Facts
from hotline.tickets.sla.policies import limits_for
from hotline.tickets.spool_intake import parse_answer_number, spool_request
from hotline.tickets.store import facts as ticket_facts
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.value_objects import replace
from hotline.web.idempotency import RequestKey

WEB = "web"  # who took it in
log = structlog.get_logger("hotline.public")


def web_actor(directory: Directory) -> Actor:
    """A resident without a log-in, at the pages."""
    area = directory.home.area if directory.home is not None else None
    return Actor(
        ActorKind.RESIDENT, WEB, translate("role.resident", "zh-Hans"), frozenset({Role.RESIDENT}), home_area=area
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """What would happen to a report: codes of category and department (None: a person decides), when it is to be done,
    the dangers in it, what to do and whom to call; `asks_place`: nobody who is sent would know where to go."""

    category: str | None
    department: str | None
    due_at: datetime | None
    dangers: tuple[str, ...]
    call: DangerAdvice
    advice: Advice
    asks_place: bool = False


async def hear(services: Services, report: ResidentReport, now: datetime) -> Heard:
    """A dry run of intake. Nothing is written."""
    directory = await services.directory.current_or_last_known(now)
    lexicon = services.directory.derived(build_lexicon)
    area = report.place if report.place in directory.areas else None
    near = area or (directory.home.area if directory.home is not None else None)
    advice = await services.offload.run(
        len(report.said),
        advise,
        lexicon,
        report.words,
        report.where,
        near,
        written=True,
        form_opinion=services.form_opinion,
    )
    call = advise_in_danger(directory, advice.dangers, area or advice.area, now)
    asks_place = bool(call) and not _tells_place(directory, report, advice)
    home = directory.home
    if home is None or advice.category is None or not advice.is_sure(home.sure_at):
        return Heard(None, None, None, advice.dangers, call, advice, asks_place)
    lies_in = area or advice.area or home.area
    routed = choose_route(directory, advice.category, advice.kind, lies_in, now, advice.dangers)
    case = TicketCase(advice.kind, advice.priority, advice.category, lies_in, advice.dangers)
    limits = limits_for(directory, case, now)
    sure = routed is not None and routed.sure
    return Heard(
        advice.category,
        routed.lead if routed is not None and sure else None,
        limits.due_at if limits is not None and sure else None,
        advice.dangers,
        call,
        advice,
        asks_place,
    )


@dataclass(frozen=True, slots=True)
class _ReportedPlace:
    area: str | None
    building: str | None
    address: str | None
    lat: float | None


def _tells_place(directory: Directory, report: ResidentReport, advice: Advice) -> bool:
    area = report.place if is_building(directory, report.place) else advice.area
    return has_exact_place(directory, _ReportedPlace(area, advice.location.building, report.where, report.lat))


@dataclass(frozen=True, slots=True)
class TakenReport:
    """What became of a report. `number`: of its ticket, None while the database is away, then `reference` names it;
    `code`: for the look-up, None where it cannot be looked up; `joined`: it was added to a matter that others
    reported; `call`: what to do in the dangers in it, and whom to call; `asks_phone`: nobody could call back;
    `asks_place`: nobody would know where to go; `photos`, `lost`: how many photos were attached, and how many could
    not be; `category`, `department`, `promised_at`: what it was understood as, who acts and by when, as far as that is
    decided."""

    number: str | None
    code: str | None = None
    reference: str | None = None
    joined: bool = False
    call: DangerAdvice = NO_DANGER
    asks_phone: bool = False
    asks_place: bool = False
    photos: int = 0
    lost: int = 0
    category: str | None = None
    department: str | None = None
    promised_at: datetime | None = None

    @property
    def confidential(self) -> bool:
        return self.number is not None and self.code is None and not self.joined


def report_key(key: str, report: ResidentReport, joins: str | None = None) -> RequestKey:
    """The key of a report: that of the form and of what was written, so that the same form sent again makes no second
    ticket, and one that was changed in between loses nothing."""
    said = hashlib.sha256("\0".join((report.said, report.place or "", joins or "")).encode()).hexdigest()
    return RequestKey("resident:web", item_key("resident", key, said), "resident report")


async def take_report(
    services: Services, report: ResidentReport, key: RequestKey, photos: SentPhotos, now: datetime
) -> TakenReport:
    """Take a report in. Raises Refused where not even this machine can keep it."""
    directory = await services.directory.current_or_last_known(now)
    request = WriteRequest(web_actor(directory), key, now)
    intake_request = report.to_intake_request(directory)
    try:
        done = await take_call(services, intake_request, request, number_shown)
    except OUTAGES:
        if services.spool is None:
            raise
        heard = await hear(services, report, now)
        reference = await spool_request(services, intake_request, request)
        log.info("report.spooled")
        unreached = replace(heard.call, alert=AlertState.UNREACHED)
        return TakenReport(None, reference=reference, call=unreached, lost=len(photos))
    return await _with_photos(services, parse_answer_number(done.answer.body), key, photos, request)


async def join_matter(
    services: Services, number: str, report: ResidentReport, key: RequestKey, photos: SentPhotos, now: datetime
) -> TakenReport | None:
    """Add a resident's call to an open matter that is published, with its photos. A danger in it opens a ticket of its
    own, as on every channel. None: it is not open to the public, or has ended."""
    directory = await services.directory.now(now)
    matter = next(iter(await load_open_published(services, directory, numbers=(number,))), None)
    if matter is None:
        return None
    words = report.words or translate("resident.me_too_words", "zh-Hans")
    intake_request = replace(report.to_intake_request(directory), narrative=words, attach_to=matter.number)
    request = WriteRequest(web_actor(directory), key, now, SYSTEM_SCOPE)
    try:
        done = await take_call(services, intake_request, request, number_shown)
    except Refused as refused:
        if refused.refusal.code in (Code.NOT_NOW, Code.INVALID):
            return None
        raise
    reached = parse_answer_number(done.answer.body)
    chain = await ticket_facts.load_parent_chain(services.db, matter.number)
    if reached is not None and reached in (matter.number, *chain):
        attached = await attach_photos(services, reached, photos, request)
        return TakenReport(
            reached,
            joined=True,
            photos=attached,
            lost=len(photos) - attached,
            category=matter.category,
            department=matter.department,
            promised_at=matter.promised_at,
        )
    return await _with_photos(services, reached, key, photos, request)


async def _with_photos(
    services: Services, number: str | None, key: RequestKey, photos: SentPhotos, request: WriteRequest
) -> TakenReport:
    facts = await _facts(services, number)
    if facts is None:
        return TakenReport(number)
    attached = await attach_photos(services, facts.ticket.number, photos, replace(request, scope=SYSTEM_SCOPE))
    directory = await services.directory.current_or_last_known(request.now)
    report = report_of(services, facts, directory, request.now)
    return replace(report, photos=attached, lost=len(photos) - attached)


def report_of(services: Services, facts: Facts, directory: Directory, now: datetime) -> TakenReport:
    """A ticket as it is told to whoever reported it."""
    ticket = facts.ticket
    call = advise_in_danger(directory, dangers_of(ticket), ticket.area, now, AlertState.ALERTED)
    return TakenReport(
        ticket.number,
        None if ticket.confidential else query_code(services.secret, ticket.number),
        call=call,
        asks_phone=bool(call) and ticket.phone is None and not ticket.confidential,
        asks_place=bool(call) and not has_exact_place(directory, ticket) and not ticket.confidential,
        category=ticket.category,
        department=ticket.department,
        promised_at=ticket.promised_at,
    )


async def _facts(services: Services, number: str | None) -> Facts | None:
    return await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, number) if number is not None else None
