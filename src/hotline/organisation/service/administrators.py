"""The last administrator: somebody can always sign in who may change everything."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from hotline.organisation.model.actors import Role
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused

_RULE = "the last administrator of the whole organisation"


def refuse_without_administrator(
    connection: sa.Connection, before: Mapping[str, Any], changed: Mapping[str, Any]
) -> None:
    """Raises Refused where a person, changed in this transaction already, was the last administrator whom neither an
    area nor a department limits, and is none now. Keys do not count: nobody signs in with one."""
    ended = [name for name in ("active", "roles", "department", "area") if name in changed]
    if not (ended and _is_administrator(before)) or _is_administrator({**before, **changed}):
        return
    # another change of this kind that is under way has been waited for: the counter of rights was locked before
    if not people.has_administrator(connection):
        errors = tuple((name, _RULE) for name in ended)
        raise Refused(Refusal(Code.CONFLICT, f"{_RULE} stays: make somebody else one first", errors=errors))


def _is_administrator(person: Mapping[str, Any]) -> bool:
    limits = (person["department"], person["area"])
    return bool(person["active"]) and Role.ADMIN in person["roles"] and limits == (None, None)
