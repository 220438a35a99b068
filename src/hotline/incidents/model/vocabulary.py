"""The vocabularies of incidents: states, actions, what an action may carry."""

from enum import StrEnum


class IncidentState(StrEnum):
    """The state of an incident."""

    PROPOSED = "proposed"  # several callers tell of one matter; nothing is merged yet
    OPEN = "open"
    CONTAINED = "contained"  # it gets no worse; work goes on
    OVER = "over"
    DISMISSED = "dismissed"  # proposed, and not one matter
    MERGED = "merged"  # the same matter as another incident, which has its tickets now


ACTIVE_STATES = (IncidentState.PROPOSED, IncidentState.OPEN, IncidentState.CONTAINED)
CONFIRMED_STATES = (IncidentState.OPEN, IncidentState.CONTAINED)
ENDED_STATES = frozenset({IncidentState.OVER, IncidentState.DISMISSED, IncidentState.MERGED})


class IncidentAction(StrEnum):
    """Actions on an incident. The table in `incidents/model/lifecycle` says when, by whom and with which fields."""

    PROPOSE = "propose"  # the first entry of every timeline; no row of the table, the worker alone writes it
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    CONTAIN = "contain"
    REOPEN = "reopen"
    END = "end"
    MERGE = "merge"
    SPLIT = "split"
    JOIN = "join"
    LEAVE = "leave"
    COMMENT = "comment"


class IncidentField(StrEnum):
    """What an action on an incident may carry."""

    TEXT = "text"
    TEXT_EN = "text_en"  # the same for those who called in English
    REASON = "reason"
    TICKET = "ticket"
    TICKETS = "tickets"
    INCIDENT = "incident"
