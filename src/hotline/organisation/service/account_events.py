"""Changes of people and keys as the security log has them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hotline.organisation.model.actors import COMMAND_LINE, Actor
from hotline.security_log.store import NOBODY, Principal, SecurityEvent
from hotline.security_log.vocabulary import Deed, EventOutcome

_RIGHTS = ("roles", "department", "area")


def person_event(
    deed: Deed, person: str, granter: Actor | None, now: datetime, details: Mapping[str, Any] | None = None
) -> SecurityEvent:
    """`granter` None: the command line on the machine itself."""
    return SecurityEvent(deed, granter or COMMAND_LINE, now, ("person", person), details or {})


def person_added(row: Mapping[str, Any], granter: Actor | None, now: datetime) -> SecurityEvent:
    return person_event(Deed.PERSON_ADDED, row["id"], granter, now, _rights(row))


def person_changes(
    row: Mapping[str, Any], changed: Mapping[str, Any], granter: Actor | None, now: datetime
) -> Sequence[SecurityEvent]:
    """What a change of a person comes to: one event for each kind of change. `row`: as it was before."""
    events = []
    if any(name in changed for name in _RIGHTS):
        details = {**_rights({**row, **changed}), **{f"{name}_before": value for name, value in _rights(row).items()}}
        events.append(person_event(Deed.PERSON_CHANGED, row["id"], granter, now, details))
    elif "name" in changed:
        events.append(person_event(Deed.PERSON_CHANGED, row["id"], granter, now, {"fields": ["name"]}))
    if "password" in changed:
        events.append(person_event(Deed.PASSWORD_CHANGED, row["id"], granter, now))
    if "active" in changed and bool(changed["active"]) != bool(row["active"]):
        deed = Deed.PERSON_OPENED if changed["active"] else Deed.PERSON_CLOSED
        events.append(person_event(deed, row["id"], granter, now))
    return events


def key_made(row: Mapping[str, Any], granter: Actor | None, now: datetime) -> SecurityEvent:
    return SecurityEvent(Deed.KEY_MADE, granter or COMMAND_LINE, now, ("key", row["id"]), _rights(row))


def key_rotated(row: Mapping[str, Any], old: str, granter: Actor | None, now: datetime) -> SecurityEvent:
    """`row`: the new key; `old`: the id of the one it replaces."""
    return SecurityEvent(Deed.KEY_ROTATED, granter or COMMAND_LINE, now, ("key", old), {"replaced_by": row["id"]})


def key_revoked(key: str, granter: Actor | None, now: datetime) -> SecurityEvent:
    return SecurityEvent(Deed.KEY_REVOKED, granter or COMMAND_LINE, now, ("key", key))


def key_refused(row: Any | None, now: datetime, *, is_right: bool) -> SecurityEvent:
    """`row`: of the key that was named, None: there is none. `is_right`: whether its secret was sent."""
    why = "unknown" if row is None else "wrong" if not is_right else "expired" if row.revoked_at is None else "revoked"
    about = None if row is None else ("key", row.id)
    return SecurityEvent(Deed.KEY_REFUSED, NOBODY, now, about, {"why": why}, EventOutcome.FAILED)


def logged_out(actor: Actor, now: datetime) -> SecurityEvent:
    return SecurityEvent(Deed.LOG_OUT, actor, now, (actor.kind, actor.id))


def sessions_ended(person: str, count: int, by: Actor, now: datetime) -> SecurityEvent:
    return SecurityEvent(Deed.SESSION_ENDED, by, now, ("person", person), {"count": count})


def device_removed(person: str, device: str, by: Actor, now: datetime) -> SecurityEvent:
    """A browser of somebody else is told of dangers no more."""
    return SecurityEvent(Deed.DEVICE_REMOVED, by, now, ("person", person), {"device": device})


def own_event(row: Any, deed: Deed, now: datetime, **details: Any) -> SecurityEvent:
    """What a person does about their own log-in. `row`: with their id and name."""
    return SecurityEvent(deed, Principal("person", row.id, row.name), now, ("person", row.id), details)


def factor_failed(row: Any, now: datetime) -> SecurityEvent:
    """A second step that was wrong, after the right password."""
    person = Principal("person", row.id, row.name)
    return SecurityEvent(Deed.FACTOR_FAILED, person, now, ("person", row.id), outcome=EventOutcome.FAILED)


def _rights(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"roles": sorted(row["roles"]), "department": row["department"], "area": row["area"]}
