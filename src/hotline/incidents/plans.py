"""Turns a change of incidents into a write plan."""

from hotline.database.write_plan import StoredAnswer, TableWrite, VersionGuard, WritePlan
from hotline.incidents import tables
from hotline.incidents.model.incident import Incident, IncidentChange, IncidentEntry

_CODE = "code"  # of the incident a row belongs to
# what the worker counts or has done since the image was read: an action must not write it over. That callers were told
# of the end is unsaid by a reopening; where a note unsays it, each message is kept once by its id
_WORKER_COLUMNS = frozenset(
    {
        "announced_at",
        "noted",
        "callers",
        "tickets",
        "first_call_at",
        "last_call_at",
        "area",
        "unit",
        "wording",
    }
)
INCIDENTS = TableWrite(
    tables.incident,
    Incident,
    _CODE,
    replace=tuple(
        column.name
        for column in tables.incident.columns
        if not column.primary_key and column.name not in _WORKER_COLUMNS
    ),
)
INCIDENT_ENTRIES = TableWrite(tables.incident_entry, IncidentEntry, _CODE)


def build_incident_plan(change: IncidentChange, answer: StoredAnswer) -> WritePlan:
    """The plan that makes this change true and keeps this answer, guarded by the versions it was decided on."""
    return WritePlan(
        answer,
        guards=tuple(VersionGuard(tables.incident, image.code, expected) for image, expected in change.images),
        rows={INCIDENTS: [image for image, _ in change.images], INCIDENT_ENTRIES: change.entries},
    )
