"""What each residents' page shows, put together from the services."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from hotline.database.identifiers import new_reference
from hotline.database.outages import OUTAGES
from hotline.organisation.model.directory import Directory
from hotline.public.model import MOST_PHOTOS, draw_map, listed_places
from hotline.public.nearby import load_known_incidents
from hotline.public.photos import photo_address
from hotline.public.progress import ASKED_RATINGS, OwnTicket, ResidentStep, StepOutcome
from hotline.public.rendering import Look, render
from hotline.public.reports import Heard, TakenReport
from hotline.refusals import Refused
from hotline.runtime.settings import HotlineNumber
from hotline.tickets.context import Services
from hotline.tickets.lookup import format_moment
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.vocabulary import AttachmentPurpose
from hotline.tickets.released_photos import load_released_photos

EMPTY = Directory(0)


@dataclass(frozen=True, slots=True)
class FormState:
    """A form as it is shown: what stands in it, its key, and what is wrong (`resident.error.<word>`)."""

    fields: Mapping[str, str]
    key: str
    error: str | None = None
    wait: int = 0

    @property
    def minutes(self) -> int:
        return -(-self.wait // 60)

    def get(self, name: str) -> str:
        return self.fields.get(name, "")


async def _frame(services: Services, now: datetime) -> tuple[Directory, dict[str, Any]]:
    """The directory, and what stands on every page. Where the database is away and was never there, nothing of it."""
    try:
        directory = await services.directory.current_or_last_known(now)
    except OUTAGES:
        directory = EMPTY
    home = directory.home
    phone = services.part(HotlineNumber).number or (home.phone if home is not None else None)
    groups = services.directory.derived(listed_places) if directory is not EMPTY else ()
    return directory, {"hotline": home, "phone": phone, "groups": groups, "directory": directory}


async def home(services: Services, look: Look, form: FormState, now: datetime) -> str:
    """The form for a report, with what is known already, and the look-up."""
    directory, frame = await _frame(services, now)
    try:
        incidents = await load_known_incidents(services, directory, now) if not look.embedded else ()
    except (Refused, *OUTAGES):
        incidents = ()
    return render(
        look,
        "home.html",
        form=form,
        incidents=incidents,
        map=draw_map([area for group in frame["groups"] for area in group.places]),
        most_photos=MOST_PHOTOS,
        moment=lambda at: format_moment(directory, at, look.language),
        **frame,
    )


async def refused(services: Services, look: Look, error: str, now: datetime, wait: int) -> str:
    _, frame = await _frame(services, now)
    return render(look, "refused.html", form=FormState({}, "", error, wait), **frame)


def heard(services: Services, look: Look, directory: Directory, found: Heard, near: Sequence[Any]) -> str:
    """A part of the form's page."""
    return render(
        look,
        "heard.html",
        heard=found,
        near=near,
        groups=services.directory.derived(listed_places),
        directory=directory,
        moment=lambda at: format_moment(directory, at, look.language),
    )


async def taken(services: Services, look: Look, report: TakenReport, now: datetime) -> str:
    """Number, query code, who acts by when, and a link to the state as a QR code: number and code stand behind the `#`,
    which no server is sent."""
    directory, frame = await _frame(services, now)
    link = f"{services.public_url.rstrip('/')}/status{look.query()}#{report.number}.{report.code}"
    shown = {"number": report.number, "code": report.code, "shown": "taken"} if report.code else None
    return render(
        look,
        "taken.html",
        report=report,
        qr=qr_code(link) if report.code else None,
        shown=shown,
        key=new_reference(now),
        moment=lambda at: format_moment(directory, at, look.language),
        **frame,
    )


def qr_code(text: str) -> Markup:
    """The QR code as SVG to stand in a page."""
    import segno

    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(
        drawn, kind="svg", scale=4, border=4, xmldecl=False, svgns=True, nl=False, light="#fff", omitsize=True
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn here, from our own address and numbers


@dataclass(frozen=True, slots=True)
class StepAgain:
    """A step that was not done: the form comes back with all that was written."""

    step: ResidentStep
    key: str
    words: str


async def look_up(
    services: Services,
    look: Look,
    fields: Mapping[str, str],
    now: datetime,
    *,
    error: tuple[str, int] = ("", 0),
    again: StepAgain | None = None,
) -> str:
    """The look-up. `error`: what is wrong (`resident.error.<word>`), and the seconds to wait."""
    _, frame = await _frame(services, now)
    form = FormState(fields, "", *error)
    return render(look, "status.html", form=form, again=again, ratings=ASKED_RATINGS, path="/status", **frame)


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """A photo of the place before the work or after it, by an address that holds for a while."""

    address: str
    purpose: str
    at: datetime


async def released_photos(services: Services, facts: Facts, now: datetime) -> tuple[ShownPhoto, ...]:
    """Before first, then after."""
    rows = sorted(
        await load_released_photos(services, facts, now), key=lambda r: (r.purpose != AttachmentPurpose.BEFORE, r.at)
    )
    return tuple(
        ShownPhoto(photo_address(services.secret, facts.ticket.number, row.id, now), row.purpose, row.at)
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class OwnState:
    """A resident's own ticket on its page. `outcome`: of what they just did; `key`: of the next form; `words`: what
    they wrote for a step that was not done, `again`: the form to send them with, where there is one."""

    own: OwnTicket
    code: str
    photos: tuple[ShownPhoto, ...]
    outcome: StepOutcome | None
    key: str
    again: StepAgain | None = None
    words: str = ""


async def own(services: Services, look: Look, state: OwnState, now: datetime) -> str:
    directory, frame = await _frame(services, now)
    return render(
        look,
        "own.html",
        state=state,
        again=state.again,
        shown={"number": state.own.view.number, "code": state.code},
        own=state.own,
        view=state.own.view,
        ratings=ASKED_RATINGS,
        most_photos=MOST_PHOTOS,
        moment=lambda at: format_moment(directory, at, look.language),
        **frame,
    )
