"""Checks credentials: many are read from the database at once, and only when something about them has changed."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from hotline.database.engine import Database
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.vocabulary import DepartmentKind
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.store import people

NEVER_ENDS = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = 1000  # credentials in one query


@dataclass(frozen=True, slots=True)
class Credential:
    """A person's session (`id`: the hash of its token) or a machine's key (`id`: the key's)."""

    kind: ActorKind
    id: str


@dataclass(frozen=True, slots=True)
class CredentialState:
    """Who a credential belongs to now, and until when at most."""

    actor: Actor
    until: datetime


def grant_of(row: Any) -> Grant:
    """The grant of a person's or a key's row."""
    return Grant(frozenset(map(Role, row.roles)), row.department, row.area)


def actor_of(directory: Directory, kind: ActorKind, id: str, name: str, grant: Grant) -> Actor:  # noqa: A002
    """The actor a grant makes, with department and area spread to all below them."""
    department = directory.departments.get(grant.department or "")
    return Actor(
        kind=kind,
        id=id,
        name=name,
        roles=grant.roles,
        departments=directory.department_subtrees.get(grant.department, frozenset({grant.department}))
        if grant.department
        else frozenset(),
        areas=directory.area_subtrees.get(grant.area, frozenset({grant.area})) if grant.area else None,
        home_area=grant.area or (directory.home.area if directory.home else None),
        contractor=department is not None and department.kind is DepartmentKind.CONTRACTOR,
    )


def credential_state(directory: Directory, kind: ActorKind, row: Any) -> CredentialState:
    """What the row of a session's person or of a key comes to."""
    return CredentialState(actor_of(directory, kind, row.id, row.name, grant_of(row)), row.expires_at or NEVER_ENDS)


class CredentialChecker:
    """What is known of the credentials that streams are held open with."""

    def __init__(self, db: Database, directory: DirectoryCache, clock: Callable[[], datetime]) -> None:
        self._db, self._directory, self.clock = db, directory, clock

    async def version(self) -> tuple[int, int]:
        """It moves when anybody loses or changes a right, in any process: people, keys, sessions, the directory."""
        return await people.load_access_version(self._db), (await self._directory.now(self.clock())).version

    async def valid_credentials(self, credentials: Collection[Credential]) -> Mapping[Credential, CredentialState]:
        """Those of the credentials that stand now."""
        now, directory = self.clock(), await self._directory.now(self.clock())
        found: dict[Credential, CredentialState] = {}
        for kind, look in ((ActorKind.PERSON, people.load_session_people), (ActorKind.KEY, people.load_live_keys)):
            ids = iter(c.id for c in credentials if c.kind is kind)
            while some := list(islice(ids, _AT_ONCE)):
                for row in await look(self._db, some):
                    standing = credential_state(directory, kind, row)
                    if standing.until > now:
                        found[Credential(kind, row.credential)] = standing
        return found
