"""What the public may know of a ticket, in the words of Open311 GeoReport v2 and of FixMyStreet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .directory import Directory
from .spreadsheet import disarmed
from .vocabulary import OPEN, Action, Satisfaction, TicketStatus
from .wording import PUBLIC_ACTION, PUBLIC_STATUS

A, T = Action, TicketStatus
UNSATISFIED = frozenset({Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED})
NEVER = frozenset({T.VOID})  # beside confidential matters and reports of wrongdoing
_WORDS: Mapping[TicketStatus, str] = {
    T.RECEIVED: "open",
    T.AWAITING_INFO: "open",
    T.TRIAGED: "for_triage",
    T.DISPATCHED: "in_progress",
    T.RESOLVED: "in_progress",
    T.SHELVED: "planned",
    T.CLOSED: "fixed",
    T.DECLINED: "not_councils_responsibility",
    T.MERGED: "duplicate",
    T.WITHDRAWN: "cancelled",
}
# steps the public is told of; a return or a recall shows as what it leads to, and never as a quarrel
STEPS: Mapping[Action, tuple[str, str]] = {
    **{a: said for a, said in PUBLIC_ACTION.items() if a is not A.RECEIVE and a is not A.APPROVE_EXTENSION},
    A.TRIAGE: ("已梳理", "sorted"),
    A.RECALL: ("重新派单", "being handed on anew"),
    A.APPROVE_RETURN: ("重新派单", "being handed on anew"),
    A.RESUME: ("继续办理", "taken up again"),
}


@dataclass(frozen=True, slots=True)
class PublicView:
    """What an asker may read: what a category publishes, and what came with their own key. `published`: category and
    channel, as `published` has them; `client`: the id of the key, None without one."""

    published: tuple[str, ...]
    client: str | None = None

    @property
    def nothing(self) -> bool:
        return not self.published and self.client is None


def published(directory: Directory) -> tuple[str, ...]:
    """What somebody chose to publish: `category/channel` of each choice. A confidential category is none."""
    return tuple(
        f"{c.code}/{channel}"
        for c in directory.categories.values()
        if not c.confidential
        for channel in c.public_channels
    )


def is_open(status: TicketStatus) -> bool:
    return status in OPEN


def word_of(status: TicketStatus, action: Action | None, satisfaction: Satisfaction | None) -> str:
    """The update word of a state; `action`: the step that led there, where it makes a difference."""
    if status is T.CLOSED:
        if action is A.ANSWER:
            return "closed"
        return "no_further_action" if action is A.EXPLAIN or satisfaction in UNSATISFIED else "fixed"
    return _WORDS.get(status, "open")


def form_of(advice: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an Open311 client said of a ticket, if one reported it: only its words were written for the public."""
    return dict((advice.get("hints") or {}).get("form") or {})


def stamp(moment: datetime | None) -> str | None:
    """Whole seconds, UTC, Z: clients compare these as text."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


COLUMNS = (
    "service_request_id", "requested_datetime", "updated_datetime", "closed_date", "status_description", "status_notes",
    "source", "service_name", "service_subtype", "description", "agency_responsible", "address", "lat", "long",
)  # fmt: skip


def shown(directory: Directory, row: Any, parents: Collection[str] = (), *, own: bool) -> dict[str, Any]:
    """A request. `own`: it came with the asker's key, and is told as it was sent, with what the resident was answered.
    Of any other the state, the category, the area and the dates: nobody wrote its words or its answer for the
    public."""
    status = TicketStatus(row.status)
    form = form_of(row.advice) if own else {}
    category = directory.categories.get(row.category)
    department = directory.departments.get(row.department or "")
    area = directory.areas.get(row.area or "")
    word = word_of(status, Action(row.step) if row.step else None, row.satisfaction_final)
    closed = row.closed_at if status is TicketStatus.CLOSED else None
    name = category.name if category else row.category
    media = next(iter(form.get("media_urls") or ()), None)
    return {
        "service_request_id": row.number,
        "status": "open" if is_open(status) else "closed",
        "status_notes": f"{word}: {_sentence(row, status, parents, own)}",
        "service_name": name,
        "service_code": row.category,
        "description": form.get("description") or name,
        "agency_responsible": department.name if department else None,
        "service_notice": None,
        "requested_datetime": stamp(row.created_at),
        "updated_datetime": stamp(closed or row.updated_at),
        "expected_datetime": stamp(row.promised_at),
        "address": form.get("address") or (area.name if area else None),
        "address_id": form.get("address_id"),
        "zipcode": None,
        "lat": form.get("lat"),
        "long": form.get("long"),
        "media_url": media,
    }


def _sentence(row: Any, status: TicketStatus, parents: Collection[str], own: bool) -> str:
    said = PUBLIC_STATUS[status][0]
    if row.parent in parents:
        return f"{said}（并入 {row.parent}）"
    if own and status in (TicketStatus.CLOSED, TicketStatus.RESOLVED) and row.public_reply:
        return f"{said}。{row.public_reply}"
    if own and status is TicketStatus.DECLINED and row.channel_told:
        return f"{said}，请联系：{row.channel_told}"
    if status is TicketStatus.SHELVED and row.review_at:
        return f"{said}（{stamp(row.review_at)}）"
    return said


def cells(directory: Directory, row: Any, *, own: bool) -> list[Any]:
    """A request as a line of the bulk form, in the order of COLUMNS; what a spreadsheet would run is disarmed."""
    r = shown(directory, row, own=own)
    category = directory.categories.get(row.category)
    above = directory.categories.get(category.parent or "") if category else None
    closed = r["updated_datetime"] if r["status"] == "closed" else ""
    cells = [
        r["service_request_id"], r["requested_datetime"], r["updated_datetime"], closed, r["status"],
        r["status_notes"], row.channel, r["service_name"], above.name if above else "", r["description"],
        r["agency_responsible"], r["address"], r["lat"], r["long"],
    ]  # fmt: skip
    return [disarmed(c) for c in cells]
