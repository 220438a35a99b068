"""A ticket as Open311 shows it: its fields, its state and its steps in words."""

from collections.abc import Collection, Iterable
from typing import Any

from hotline.locales import translate, translate_pair
from hotline.locales.labels import public_action, public_status
from hotline.open311.model import format_whole_second, is_open, submitted_form, update_status_word
from hotline.open311.schemas import (
    Open311Answer,
    Open311ExtendedAttributes,
    Open311ExtendedRequest,
    Open311Note,
    Open311RequestOut,
)
from hotline.organisation.model.directory import Directory
from hotline.text.spreadsheet_cells import escape_formula
from hotline.tickets.model.publication import round_place
from hotline.tickets.model.vocabulary import Action, TicketStatus

_LANGUAGE = "zh-Hans"  # the standard has one text for everybody
_OWN_WORDS = frozenset({Action.TRIAGE, Action.RECALL, Action.APPROVE_RETURN, Action.RESUME})
_ANSWERS = frozenset({Action.ACCEPT_REPORT, Action.CONFIRM, Action.ANSWER, Action.EXPLAIN})

COLUMNS = (
    "service_request_id", "requested_datetime", "updated_datetime", "closed_date", "status_description", "status_notes",
    "source", "service_name", "service_subtype", "description", "agency_responsible", "address", "lat", "long",
)  # fmt: skip


def render_request(directory: Directory, row: Any, parents: Collection[str] = (), *, is_own: bool) -> Open311RequestOut:
    """A request. `is_own`: it came with the asker's key, and is shown as it was sent, with what the resident was
    answered. Of any other status, category, area and dates, the text that somebody wrote for the public, and the place
    as exactly as the category has it: its words and its answer were not written for the public."""
    status = TicketStatus(row.status)
    form = submitted_form(row.advice) if is_own else {}
    category = directory.categories.get(row.category)
    department = directory.departments.get(row.department or "")
    area = directory.areas.get(row.area or "")
    word = update_status_word(status, Action(row.step) if row.step else None, row.satisfaction_final)
    closed = row.closed_at if status is TicketStatus.CLOSED else None
    name = category.name if category else row.category
    place: Any = form
    if not is_own and category is not None and category.public_precision and None not in (row.lat, row.lon):
        place = dict(zip(("lat", "long"), round_place(row.lat, row.lon, category.public_precision), strict=True))
    media = next(iter(form.get("media_urls") or ()), None)
    return Open311RequestOut(
        service_request_id=row.number,
        status="open" if is_open(status) else "closed",
        status_notes=f"{word}: {_sentence(row, status, parents, is_own)}",
        service_name=name,
        service_code=row.category,
        description=form.get("description") or row.public_text or name,
        agency_responsible=department.name if department else None,
        service_notice=None,
        requested_datetime=format_whole_second(row.created_at),
        updated_datetime=format_whole_second(closed or row.updated_at),
        expected_datetime=format_whole_second(row.promised_at),
        address=form.get("address") or (area.name if area else None),
        address_id=form.get("address_id"),
        zipcode=None,
        lat=place.get("lat"),
        long=place.get("long"),
        media_url=media,
    )


def extended(shown: Open311RequestOut, row: Any, notes: Iterable[Any], *, own: bool) -> Open311ExtendedRequest:
    """The request with its extensions. `notes`: its public steps: at, action."""
    form = submitted_form(row.advice) if own else {}
    given = (form.get("attributes") or {}).items()
    return Open311ExtendedRequest(
        **vars(shown),
        attributes=tuple(
            Open311Answer(code, ", ".join(value) if isinstance(value, list) else str(value)) for code, value in given
        ),
        extended_attributes=Open311ExtendedAttributes(row.channel),
        notes=tuple(Open311Note(format_whole_second(n.at), step_name(Action(n.action)), n.action) for n in notes),
    )


def _sentence(row: Any, status: TicketStatus, parents: Collection[str], own: bool) -> str:
    """How a ticket stands, in words."""
    status_text = public_status(status)[0]
    if row.parent in parents:
        return translate("open311_said.merged", _LANGUAGE, said=status_text, number=row.parent)
    if own and status in (TicketStatus.CLOSED, TicketStatus.RESOLVED) and row.public_reply:
        return translate("open311_said.answered", _LANGUAGE, said=status_text, reply=row.public_reply)
    if own and status is TicketStatus.DECLINED and row.channel_told:
        return translate("open311_said.declined", _LANGUAGE, said=status_text, channel=row.channel_told)
    if status is TicketStatus.SHELVED and row.review_at:
        return translate("open311_said.review", _LANGUAGE, said=status_text, review=format_whole_second(row.review_at))
    return status_text


def render_csv_row(directory: Directory, row: Any, *, own: bool) -> list[Any]:
    """A request as a line of the bulk form, in the order of COLUMNS; what a spreadsheet would run is disarmed."""
    r = render_request(directory, row, is_own=own)
    category = directory.categories.get(row.category)
    above = directory.categories.get(category.parent or "") if category else None
    closed = r.updated_datetime if r.status == "closed" else ""
    cells = [
        r.service_request_id, r.requested_datetime, r.updated_datetime, closed, r.status, r.status_notes, row.channel,
        r.service_name, above.name if above else "", r.description, r.agency_responsible, r.address, r.lat, r.long,
    ]  # fmt: skip
    return [escape_formula(c) for c in cells]


def step_name(action: Action) -> str:
    """A step in words. It must be one of PUBLIC_STEPS of `open311/model`."""
    return translate(f"open311_action.{action}", _LANGUAGE) if action in _OWN_WORDS else public_action(action)[0]


def step_description(row: Any, *, own: bool) -> str:
    """A step in words. `own`: with what the resident was answered."""
    action = Action(row.action)
    step_text = step_name(action)
    if not own:
        return step_text
    if action in _ANSWERS and row.public_reply:
        return translate("open311_said.step_answered", _LANGUAGE, said=step_text, reply=row.public_reply)
    if action is Action.DECLINE and row.channel_told:
        return translate("open311_said.declined", _LANGUAGE, said=step_text, channel=row.channel_told)
    return step_text


def no_number_notice() -> str:
    """What is answered where a report gets no number to follow: in both languages, as the reader's is unknown."""
    return "".join(translate_pair("open311_said.no_number"))
