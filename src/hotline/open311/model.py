"""What the public may know of a ticket: the states of Open311 GeoReport v2 and of FixMyStreet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.tickets.model.visibility import PUBLIC_ACTIONS
from hotline.tickets.model.vocabulary import OPEN, Action, Satisfaction, TicketStatus

A, T = Action, TicketStatus
UNSATISFIED = frozenset({Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED})
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
# steps the public can see; of a return or a recall only the result is shown
PUBLIC_STEPS = tuple(
    sorted((PUBLIC_ACTIONS - {A.RECEIVE, A.APPROVE_EXTENSION}) | {A.TRIAGE, A.RECALL, A.APPROVE_RETURN, A.RESUME})
)


@dataclass(frozen=True, slots=True)
class PublicView:
    """What an asker may read: what a category publishes, and what came with their own key. `published_choices`:
    category and channel, as `published_choices` has them; `client`: the id of the key, None without one."""

    published_choices: tuple[str, ...]
    client: str | None = None

    @property
    def nothing(self) -> bool:
        return not self.published_choices and self.client is None


def published_choices(directory: Directory) -> tuple[str, ...]:
    """What administrators chose to publish: `category/channel` of each choice. A confidential category is none."""
    return tuple(
        f"{c.code}/{channel}"
        for c in directory.categories.values()
        if not c.confidential
        for channel in c.public_channels
    )


def is_open(status: TicketStatus) -> bool:
    return status in OPEN


def update_status_word(status: TicketStatus, action: Action | None, satisfaction: Satisfaction | None) -> str:
    """The update word of a state; `action`: the step that led there, where it makes a difference."""
    if status is T.CLOSED:
        if action is A.ANSWER:
            return "closed"
        return "no_further_action" if action is A.EXPLAIN or satisfaction in UNSATISFIED else "fixed"
    return _WORDS.get(status, "open")


def submitted_form(advice: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an Open311 client said of a ticket, if one reported it: only its words were written for the public."""
    return dict((advice.get("hints") or {}).get("form") or {})


def format_whole_second(moment: datetime | None) -> str | None:
    """Whole seconds, UTC, Z: clients compare these as text."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
