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
from hotline.organisation.model.sessions import AccountRules, SessionStage
from hotline.organisation.model.vocabulary import DepartmentKind
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.store import people, sessions
from hotline.server_secret import lookup_variants

NEVER_ENDS = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = 1000  # credentials in one query


@dataclass(frozen=True, slots=True)
class Credential:
    """A person's session (`id`: the hash of its token) or a machine's key (`id`: the key's)."""

    kind: ActorKind
    id: str


@dataclass(frozen=True, slots=True)
class CredentialState:
    """Who a credential belongs to now, until when at most, and how far its log-in has come."""

    actor: Actor
    until: datetime
    stage: SessionStage = SessionStage.ACTIVE


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


def key_state(directory: Directory, row: Any) -> CredentialState:
    """What the row of a key comes to."""
    actor = actor_of(directory, ActorKind.KEY, row.id, row.name, grant_of(row))
    return CredentialState(actor, row.expires_at or NEVER_ENDS)


def session_state(directory: Directory, rules: AccountRules, row: Any) -> CredentialState:
    """What the row of a session and its person comes to."""
    actor = actor_of(directory, ActorKind.PERSON, row.id, row.name, grant_of(row))
    until = rules.session_end(row.expires_at, row.created_at, row.seen_at)
    return CredentialState(actor, until, SessionStage(row.stage))


class CredentialChecker:
    """What is known of the credentials that streams are held open with."""

    def __init__(
        self, db: Database, directory: DirectoryCache, clock: Callable[[], datetime], rules: Callable[[], AccountRules]
    ) -> None:
        self._db, self._directory, self.clock, self._rules = db, directory, clock, rules

    async def version(self) -> tuple[int, int]:
        """It moves when anybody loses or changes a right, in any process: people, keys, sessions, the directory."""
        return await people.load_access_version(self._db), (await self._directory.now(self.clock())).version

    async def valid_credentials(self, credentials: Collection[Credential]) -> Mapping[Credential, CredentialState]:
        """Those of the credentials that stand now."""
        now, directory = self.clock(), await self._directory.now(self.clock())
        found: dict[Credential, CredentialState] = {}
        rules = self._rules()

        def of_session(row: Any) -> CredentialState:
            return session_state(directory, rules, row)

        def of_key(row: Any) -> CredentialState:
            return key_state(directory, row)

        kinds = (
            (ActorKind.PERSON, sessions.load_session_people, of_session),
            (ActorKind.KEY, people.load_live_keys, of_key),
        )
        for kind, look, state_of in kinds:
            by_id = {form: c for c in credentials if c.kind is kind for form in lookup_variants(c.id)}
            ids = iter(by_id)
            while some := list(islice(ids, _AT_ONCE)):
                for row in await look(self._db, some):
                    state = state_of(row)
                    if state.until > now:
                        found[by_id[row.credential]] = state
        return found
