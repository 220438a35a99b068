"""Routes of the residents' pages. Each is a plain form that works without a script; none sets a cookie, so that nobody
else's page can send one in somebody's name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hotline.database.identifiers import new_reference
from hotline.database.outages import OUTAGES
from hotline.locales import translate
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.public import nearby, views
from hotline.public.allowance import IN_DANGER, spend_report
from hotline.public.limits import FormLimits
from hotline.public.model import PublicSettings, ResidentReport, read_report
from hotline.public.photos import SentPhoto, photo_at
from hotline.public.progress import ResidentStep, StepForm, StepOutcome, load_own_ticket, take_step
from hotline.public.proofs import ProofState, Purpose, new_challenge, use_proof, work_for
from hotline.public.rendering import Look, page_response, static_files, static_version
from hotline.public.reports import hear, join_matter, report_key, take_report
from hotline.refusals import Code, Refused
from hotline.tickets.context import Services
from hotline.tickets.lookup import Requester, load_by_code
from hotline.tickets.model.vocabulary import Satisfaction
from hotline.tickets.released_photos import read_released_photo
from hotline.tickets.store import facts as ticket_facts
from hotline.web.forwarded import client_address
from hotline.web.idempotency import RequestKey, load_earlier_answer
from hotline.web.problems import STATUS
from hotline.web.templating import static_reply

FORMS_A_MINUTE = 30  # sent from one address, before a byte of their photos is read
_MOST_FIELDS = 40
_MOST_FILES = 30  # of which the first few are taken: somebody who chose too many has reported something
_LONGEST_KEY = 60


def public_routes() -> list[Route]:
    """Every route of the residents' pages."""
    return [
        Route("/", _home, name="resident home"),
        Route("/embed", _embed, methods=["GET", "POST"], name="resident embed"),
        Route("/report", _report, methods=["POST"], name="resident report"),
        Route("/report/advice", _advice, methods=["POST"], name="resident advice"),
        Route("/report/challenge", _challenge, methods=["POST"], name="resident challenge"),
        Route("/report/join", _join, methods=["POST"], name="resident join"),
        Route("/status", _status, methods=["GET", "POST"], name="resident status"),
        Route("/status/step", _step, methods=["POST"], name="resident step"),
        Route("/status/photos/{address}", _photo, name="resident photo"),
        Route("/resident/static/{stamp}/{name}", _static, name="resident static"),
    ]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who asks when, how they read, and what they sent."""

    services: Services
    settings: PublicSettings
    limits: FormLimits
    now: datetime
    address: str | None
    look: Look
    fields: Mapping[str, str]
    photos: tuple[SentPhoto, ...] = ()

    @property
    def frames(self) -> tuple[str, ...]:
        return self.settings.frames if self.look.embedded else ()

    async def directory(self) -> Directory:
        return await self.services.directory.current_or_last_known(self.now)

    def page(self, page: str, status: int = 200, retry_after: int = 0) -> Response:
        return page_response(page, self.frames, status, retry_after)


async def _visit(request: Request, *, embedded: bool = False) -> Visit:
    """The request, its form read. Raises Refused where one address sends too many."""
    services: Services = request.app.state.services
    limits, now, address = services.part(FormLimits), services.clock(), client_address(request)
    fields: dict[str, str] = {}
    photos: list[SentPhoto] = []
    if request.method == "POST":
        async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS) as form:
            for name, value in form.multi_items():
                if isinstance(value, str):
                    fields[name] = value
                elif value.filename and value.size:
                    photos.append(SentPhoto(value.filename, await value.read()))
    return Visit(
        services,
        services.part(PublicSettings),
        limits,
        now,
        address,
        Look.of(request, fields, embedded=embedded),
        fields,
        tuple(photos),
    )


async def _sent(request: Request, *, embedded: bool = False) -> Visit | Response:
    """The form that was sent; or the answer to whoever sends too many, whose body is not read."""
    services: Services = request.app.state.services
    now = services.clock()
    if wait := services.part(FormLimits).forms.spend(client_address(request), FORMS_A_MINUTE, now):
        look = Look.of(request, embedded=embedded)
        frames = services.part(PublicSettings).frames if embedded else ()
        return page_response(await views.refused(services, look, "too_many", now, wait), frames, 429, wait)
    return await _visit(request, embedded=embedded)


async def _home(request: Request) -> Response:
    return await _form_page(await _visit(request))


async def _embed(request: Request) -> Response:
    """The form for the page of another site, of those that are named in the settings."""
    if request.method == "POST":
        return await _take(request, embedded=True)
    return await _form_page(await _visit(request, embedded=True))


async def _form_page(visit: Visit, form: "views.FormState | None" = None, status: int = 200) -> Response:
    form = form or views.FormState(visit.fields, new_reference(visit.now))
    page = await views.home(visit.services, visit.look, form, visit.now)
    return visit.page(page, status, form.wait)


async def _report(request: Request) -> Response:
    return await _take(request, embedded=False)


async def _take(request: Request, *, embedded: bool) -> Response:
    visit = await _sent(request, embedded=embedded)
    if isinstance(visit, Response):
        return visit
    report = read_report(visit.fields)
    if not report.words and not visit.photos:
        return await _form_page(visit, views.FormState(visit.fields, _form_key(visit), error="no_words"), 422)
    if not report.words:
        report = replace(report, words=translate("resident.photo_words", "zh-Hans"))
    key = report_key(_form_key(visit), report)
    try:
        if wait := await _held_back(visit, Purpose.REPORT, report, key):
            form = views.FormState(visit.fields, _form_key(visit), error="too_many", wait=wait)
            return await _form_page(visit, form, 429)
        taken = await take_report(visit.services, report, key, visit.photos, visit.now)
    except (Refused, *OUTAGES) as fault:
        form = views.FormState(visit.fields, _form_key(visit), error="unavailable", wait=_wait_of(fault))
        return await _form_page(visit, form, _status_of(fault))
    page = await views.taken(visit.services, visit.look, taken, visit.now)
    return visit.page(page, 201 if taken.number is not None else 202)


def _form_key(visit: Visit) -> str:
    """The key of the form; a form without one is a new one each time."""
    return visit.fields.get("key", "")[:_LONGEST_KEY] or new_reference(visit.now)


def _status_of(fault: BaseException) -> int:
    return STATUS[fault.refusal.code] if isinstance(fault, Refused) else 503


def _wait_of(fault: BaseException) -> int:
    return (fault.refusal.retry_after if isinstance(fault, Refused) else None) or 30


async def _held_back(visit: Visit, purpose: Purpose, report: ResidentReport, key: RequestKey) -> int:
    """Seconds until this address may send a report again; 0: now. A repeat of one that was taken in is never held back,
    and of reports of a danger more are taken."""
    services, now = visit.services, visit.now
    try:
        if await load_earlier_answer(services, key) is not None:
            return 0
        state = await use_proof(services, visit.fields.get("proof"), purpose, key.key, now)
        proven = state is ProofState.GOOD
        kind, most = ("proven", visit.settings.reports) if proven else ("plain", visit.settings.plain_reports)
        wait = await spend_report(services, kind, most, visit.address, now)
        if wait and (await hear(services, report, now)).dangers:
            wait = await spend_report(services, f"{kind}-danger", IN_DANGER * most, visit.address, now)
        return wait
    except OUTAGES:  # nothing can be counted; what comes in is kept for later
        return 0


async def _advice(request: Request) -> Response:
    """What would happen to the report, and what is known already: a part of the page."""
    visit = await _visit(request)
    report = read_report(visit.fields)
    try:
        directory = await visit.directory()
        heard = await hear(visit.services, report, visit.now)
        near = await nearby.load_nearby(visit.services, directory, report, heard.advice)
    except (Refused, *OUTAGES):
        return visit.page("")
    return visit.page(views.heard(visit.look, directory, heard, near))


async def _challenge(request: Request) -> Response:
    """A challenge for a proof of work, as text: a module of ours solves it."""
    visit = await _visit(request)
    purpose = visit.fields.get("purpose", "")
    if purpose not in set(Purpose):
        return PlainTextResponse("", 422)
    bits = work_for(visit.settings.work, visit.limits.challenges, visit.address, visit.now)
    return PlainTextResponse(new_challenge(visit.services, Purpose(purpose), bits, visit.now))


async def _join(request: Request) -> Response:
    """A resident has the same matter as one that is published."""
    visit = await _sent(request)
    if isinstance(visit, Response):
        return visit
    report, number = read_report(visit.fields), visit.fields.get("number", "")[:20]
    key = report_key(_form_key(visit), report, number)
    try:
        if wait := await _held_back(visit, Purpose.JOIN, report, key):
            form = views.FormState(visit.fields, _form_key(visit), error="too_many", wait=wait)
            return await _form_page(visit, form, 429)
        taken = await join_matter(visit.services, number, report, key, visit.now)
    except (Refused, *OUTAGES) as fault:
        form = views.FormState(visit.fields, _form_key(visit), error="unavailable", wait=_wait_of(fault))
        return await _form_page(visit, form, _status_of(fault))
    if taken is None:
        return await _form_page(visit, views.FormState(visit.fields, _form_key(visit), error="ended"), 409)
    return visit.page(await views.taken(visit.services, visit.look, taken, visit.now), 201)


async def _status(request: Request) -> Response:
    """The state of a ticket. Number and code are sent in a form: neither stands in an address that is logged."""
    if request.method == "GET":
        visit = await _visit(request)
        return visit.page(await views.look_up(visit.services, visit.look, visit.fields, visit.now))
    sent = await _sent(request)
    return sent if isinstance(sent, Response) else await _own_page(sent)


async def _step(request: Request) -> Response:
    """Still broken, fixed, urged, or something to add."""
    visit = await _sent(request)
    if isinstance(visit, Response):
        return visit
    word, rating = visit.fields.get("step", ""), visit.fields.get("rating", "")
    if word not in set(ResidentStep) or (word == ResidentStep.FIXED and rating not in set(Satisfaction)):
        return await _own_page(visit)
    form = StepForm(
        ResidentStep(word),
        _form_key(visit),
        read_report(visit.fields).words,
        Satisfaction(rating) if word == ResidentStep.FIXED else None,
        visit.photos,
    )
    return await _own_page(visit, form)


async def _own_page(visit: Visit, form: StepForm | None = None) -> Response:
    services, look, now = visit.services, visit.look, visit.now
    number, code = (visit.fields.get(name, "")[:40].replace(" ", "").replace("-", "") for name in ("number", "code"))
    outcome: StepOutcome | None = None
    try:
        facts = await load_by_code(services, number, code, Requester.at(visit.address), now)
        if form is not None:
            outcome = await take_step(services, facts, form, now)
            facts = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, facts.ticket.number) or facts
        directory = await visit.directory()
        own = await load_own_ticket(services, facts, directory, now)
        photos = await views.released_photos(services, facts, now)
    except (Refused, *OUTAGES) as fault:
        status = _status_of(fault)
        error = {404: "not_found", 429: "too_many"}.get(status, "unavailable")
        wait = _wait_of(fault) if status != 404 else 0
        page = await views.look_up(services, look, visit.fields, now, error=error, wait=wait)
        return visit.page(page, status, wait)
    state = views.OwnState(own, code, photos, outcome, new_reference(now))
    return visit.page(await views.own(services, look, state, now))


async def _photo(request: Request) -> Response:
    """A photo that was released to the resident of its ticket, for as long as its address holds."""
    services: Services = request.app.state.services
    found = photo_at(services.secret, request.path_params["address"], services.clock())
    facts: Any = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, found[0]) if found else None
    if found is None or facts is None or facts.ticket.confidential:
        raise HTTPException(404)
    try:
        picture = await read_released_photo(services, facts, found[1])
    except Refused as refused:
        if refused.refusal.code is not Code.NOT_FOUND:
            raise
        raise HTTPException(404) from refused
    headers = {
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=600",
        "content-disposition": "inline",
    }
    return Response(picture.data, headers=headers, media_type=picture.media_type)


async def _static(request: Request) -> Response:
    return static_reply(request, static_files(), static_version())
