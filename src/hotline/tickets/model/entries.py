"""Parts of a timeline entry: its reason, further fields, and the columns that changed."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hotline.tickets.model.ticket import Assignment, Command
from hotline.tickets.model.vocabulary import (
    ATTACHED_FILE,
    ESCALATION_LEVEL,
    INCIDENT_STATE,
    OPENED,
    UNDONE,
    Action,
    AssignmentStatus,
    Field,
    TicketStatus,
)

F = Field
Status = TicketStatus | AssignmentStatus
EntryLine = tuple[Action, Status | None, Status | None, str | None, str | None]  # action, from, to, assignment, reason


def entry_reason(given: Mapping[Any, Any]) -> str | None:
    code = given.get(F.REASON_CODE) or given.get(F.FAULT)
    text = given.get(F.REASON) or given.get(F.TEXT) or given.get(F.ANSWER)
    return f"{code}: {text}" if code and text else text or (str(code) if code else None)


def entry_only_fields(command: Command) -> dict[str, Any]:
    """What is stored in the timeline alone."""
    return {str(f): [None, command.fields[f]] for f in _ENTRY_ONLY if command.fields.get(f) is not None}


def order_changes(before: Assignment, after: Assignment) -> dict[str, Any]:
    """Field by field, what the order was and what it is now."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in _ORDER)
    return {f"assignment.{name}": [was, is_now] for name, was, is_now in pairs if was != is_now}


_ENTRY_ONLY = (
    F.REACHED, F.CONTACTED, F.SOLVED, F.BASIS, F.TARGET, F.INCIDENT, INCIDENT_STATE, "clock", ESCALATION_LEVEL,
    ATTACHED_FILE, UNDONE, OPENED,
)  # fmt: skip
# what follows from the rest of the order, or stands in no column of it
_ORDER = tuple(f.name for f in fields(Assignment) if f.name not in ("sort_at", "assignee_name"))
