"""What the public may know of a ticket, in the words of Open311 GeoReport v2 and of FixMyStreet."""

from collections.abc import Mapping
from typing import Any

from .vocabulary import OPEN, Action, Satisfaction, TicketStatus
from .wording import PUBLIC_ACTION

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
