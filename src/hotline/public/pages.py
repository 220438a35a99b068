"""Routes of the residents' pages. Each is a plain form that works without a script; none sets a cookie, so that nobody
else's page can send one in somebody's name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Any

from starlette.datastructures import UploadFile
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
from hotline.public.allowance import spend_danger, spend_report
from hotline.public.limits import FormLimits
from hotline.public.model import PublicSettings, ResidentReport, read_report
from hotline.public.photos import NO_PHOTOS, SentPhotos, photo_at
from hotline.public.progress import ResidentStep, StepForm, StepOutcome, load_own_ticket, take_step
from hotline.public.proofs import ProofState, Purpose, new_challenge, use_proof, work_for
from hotline.public.rendering import Look, page_response, static_files, static_version
from hotline.public.reports import hear, join_matter, report_key, report_of, take_report
from hotline.refusals import Code, Refused
from hotline.tickets.as_told import load_as_told
from hotline.tickets.context import Services
from hotline.tickets.lookup import Requester, load_by_code
from hotline.tickets.model.vocabulary import Satisfaction
from hotline.tickets.released_photos import read_released_photo
from hotline.tickets.store import facts as ticket_facts
from hotline.web.forwarded import client_address
from hotline.web.idempotency import RequestKey, load_earlier_answer
from hotline.web.problems import STATUS
from hotline.web.templating import static_reply

FORMS_A_MINUTE = 30  # sent from one address
READ_A_MINUTE = 60  # of which a danger is taken still, and the others come back; what is sent beyond is not read
_MOST_FIELDS = 40
_MOST_FILES = 30  # of which the first few are taken: somebody who chose too many has reported something
_LONGEST_KEY = 60


def public_routes() -> list[Route]:
    """Every route of the residents' pages."""
    return [
        Route("/", _home, name="resident home"),
        Route("/embed", _closing(_embed), methods=["GET", "POST"], name="resident embed"),
        Route("/report", _closing(_report), methods=["POST"], name="resident report"),
        Route("/report/advice", _closing(_advice), methods=["POST"], name="resident advice"),
        Route("/report/challenge", _closing(_challenge), methods=["POST"], name="resident challenge"),
        Route("/report/join", _closing(_join), methods=["POST"], name="resident join"),
        Route("/status", _closing(_status), methods=["GET", "POST"], name="resident status"),
        Route("/status/step", _closing(_step), methods=["POST"], name="resident step"),
        Route("/status/photos/{address}", _photo, name="resident photo"),
        Route("/resident/static/{stamp}/{name}", _static, name="resident static"),
    ]


def _closing(page: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The page, after which the files of its form are gone."""

    @wraps(page)
    async def answer(request: Request) -> Response:
        try:
            return await page(request)
        finally:
            await request.close()

    return answer


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who asks when, how they read, and what they sent. `wait`: seconds until the next form of this
    address is taken; 0: it is."""

    services: Services
    settings: PublicSettings
    limits: FormLimits
    now: datetime
    address: str | None
    look: Look
    fields: Mapping[str, str]
    photos: SentPhotos = NO_PHOTOS
    wait: int = 0

    @property
    def frames(self) -> tuple[str, ...]:
        return self.settings.frames if self.look.embedded else ()

    async def directory(self) -> Directory:
        return await self.services.directory.current_or_last_known(self.now)

    def page(self, page: str, status: int = 200, retry_after: int = 0) -> Response:
        return page_response(page, self.frames, status, retry_after)


async def _visit(request: Request, *, embedded: bool = False) -> Visit:
    """The request, its form parsed. Photos lie on disk until one that is taken is read."""
    services: Services = request.app.state.services
    limits, now, address = services.part(FormLimits), services.clock(), client_address(request)
    fields: dict[str, str] = {}
    files: list[UploadFile] = []
    if request.method == "POST":
        form = await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS)  # closed by _closing
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields[name] = value
            elif value.filename and value.size:
                files.append(value)
    embedded = embedded or fields.get("embedded") == "1"
    return Visit(
        services,
        services.part(PublicSettings),
        limits,
        now,
        address,
        Look.of(request, fields, embedded=embedded),
        fields,
        SentPhotos(tuple(files), address, limits.reading),
    )


async def _sent(request: Request, *, embedded: bool = False) -> Visit | Response:
    """The form that was sent, with the seconds to wait for whoever sent too many within the minute; or the answer to
    whoever goes on, whose body is not read."""
    services: Services = request.app.state.services
    now, address = services.clock(), client_address(request)
    counts = services.part(FormLimits).forms
    wait = counts.spend(address, FORMS_A_MINUTE, now)
    if not wait:
        return await _visit(request, embedded=embedded)
    if not counts.spend(address, READ_A_MINUTE, now):
        return replace(await _visit(request, embedded=embedded), wait=wait)
    look = Look.of(request, embedded=embedded)
    frames = services.part(PublicSettings).frames if embedded else ()
    return page_response(await views.refused(services, look, "too_many", now, wait), frames, 429, wait)


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
    if not report.words and not len(visit.photos):
        error, status = ("too_many", 429) if visit.wait else ("no_words", 422)
        return await _form_page(visit, views.FormState(visit.fields, _form_key(visit), error, visit.wait), status)
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
    """Seconds until this address may send a report again; 0: now. A repeat of one that was taken in is never held back;
    dangers have a count of their own."""
    services, now = visit.services, visit.now
    try:
        if await load_earlier_answer(services, key) is not None:
            return 0
        dangerous = bool((await hear(services, report, now)).dangers)
        if visit.wait and not dangerous:
            return visit.wait
        state = await use_proof(services, visit.fields.get("proof"), purpose, key.key, now)
        proven = state is ProofState.GOOD
        if dangerous:
            most = visit.settings.reports if proven else visit.settings.plain_reports
            return await spend_danger(services, most, visit.address, now)
        kind, most = ("proven", visit.settings.reports) if proven else ("plain", visit.settings.plain_reports)
        return await spend_report(services, kind, most, visit.address, now)
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
    return visit.page(views.heard(visit.services, visit.look, directory, heard, near))


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
        taken = await join_matter(visit.services, number, report, key, visit.photos, visit.now)
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
    if isinstance(sent, Response):
        return sent
    return await _look_up_again(sent, "too_many", sent.wait, 429) if sent.wait else await _own_page(sent)


async def _step(request: Request) -> Response:
    """Still broken, fixed, urged, or something to add."""
    visit = await _sent(request)
    if isinstance(visit, Response):
        return visit
    word, rating = visit.fields.get("step", ""), visit.fields.get("rating", "")
    if word not in set(ResidentStep):
        return await _own_page(visit)
    told = read_report(visit.fields)
    form = StepForm(
        ResidentStep(word),
        _form_key(visit),
        told.words,
        Satisfaction(rating) if rating in set(Satisfaction) else None,
        visit.photos,
        visit.settings.plain_reports,
        told.phone,
        told.place,
        told.where,
    )
    empty = not (form.words or len(form.photos) or form.phone or form.place or form.where)
    if empty and form.step is ResidentStep.TELL:
        return await _own_page(visit)
    return await _own_page(visit, form)


async def _own_page(visit: Visit, form: StepForm | None = None) -> Response:
    services, look, now = visit.services, visit.look, visit.now
    number, code = (visit.fields.get(name, "")[:40].replace(" ", "").replace("-", "") for name in ("number", "code"))
    outcome: StepOutcome | None = None
    unrated = form is not None and form.step is ResidentStep.FIXED and form.rating is None
    try:
        facts = await load_by_code(services, number, code, Requester.at(visit.address), now)
        if form is not None and visit.wait and not await _tells_danger(visit, form):
            return await _look_up_again(visit, "too_many", visit.wait, 429)
        if form is not None and not unrated:
            outcome = await take_step(services, facts, form, now)
            after = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, facts.ticket.number)
            facts = await load_as_told(services, after or facts, now)
        directory = await visit.directory()
        if outcome is None and visit.fields.get("shown") == "taken":  # in another language, or in large type
            return visit.page(await views.taken(services, look, report_of(services, facts, directory, now), now))
        own = await load_own_ticket(services, facts, directory, now)
        photos = await views.released_photos(services, facts, now)
    except (Refused, *OUTAGES) as fault:
        status = _status_of(fault)
        error = {404: "not_found", 429: "too_many"}.get(status, "unavailable")
        return await _look_up_again(visit, error, _wait_of(fault) if status != 404 else 0, status)
    words = form.words if form is not None and unrated else outcome.words if outcome is not None else ""
    step = form.step if form is not None and unrated else ResidentStep.TELL
    again = views.StepAgain(step, _form_key(visit), words) if words and step in own.steps_open else None
    state = views.OwnState(own, code, photos, outcome, new_reference(now), again, words)
    return visit.page(await views.own(services, look, state, now))


async def _tells_danger(visit: Visit, form: StepForm) -> bool:
    return bool(form.words and (await hear(visit.services, ResidentReport(form.words), visit.now)).dangers)


async def _look_up_again(visit: Visit, error: str, wait: int, status: int) -> Response:
    """The look-up with what is wrong, and a step that could not be done to be sent again."""
    word, words = visit.fields.get("step", ""), read_report(visit.fields).words
    key = visit.fields.get("key", "")[:_LONGEST_KEY]
    again = views.StepAgain(ResidentStep(word), key, words) if word in set(ResidentStep) else None
    page = await views.look_up(visit.services, visit.look, visit.fields, visit.now, error=(error, wait), again=again)
    return visit.page(page, status, wait)


async def _photo(request: Request) -> Response:
    """A photo that was released to the resident of its ticket, for as long as its address holds."""
    services: Services = request.app.state.services
    now = services.clock()
    found = photo_at(services.secret, request.path_params["address"], now)
    facts: Any = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, found[0]) if found else None
    if found is None or facts is None or facts.ticket.confidential:
        raise HTTPException(404)
    try:
        picture = await read_released_photo(services, facts, found[1], now)
    except Refused as refused:
        if refused.refusal.code is not Code.NOT_FOUND:
            raise
        raise HTTPException(404) from refused
    headers = {
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "no-store",
        "content-disposition": "inline",
    }
    return Response(picture.data, headers=headers, media_type=picture.media_type)


async def _static(request: Request) -> Response:
    return static_reply(request, static_files(), static_version())
