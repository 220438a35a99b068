"""What services that know the organisation need: the directory, and who may log in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from hotline.database.context import PlatformServices
from hotline.organisation.model.actors import Role
from hotline.organisation.model.sessions import AccountRules
from hotline.organisation.service.credential_cache import CredentialCache
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.service.last_use import LastUse
from hotline.organisation.service.password_hashing import PasswordHashing
from hotline.security_log.service import SecurityLog


class HeldWork(Protocol):
    """The work that goes back when a department is retired or an account is closed, as far as the directory needs
    it."""

    async def count_of_department(self, code: str) -> int:
        """The running orders that a department has or performs."""

    async def count_of_route(self, code: str) -> int:
        """The running orders that a row of the dispatch catalogue sent."""

    async def count_departed(self, person: str, now: datetime) -> int:
        """The orders of a person that go back, as the account stands now."""


class SecondFactors(Protocol):
    """Who has to prove more than a password, as far as a log-in needs it."""

    async def is_required(self, person: str) -> bool:
        """Whether a log-in of this person by password waits for a second step."""


class NoSecondFactors:
    """Nobody has to."""

    async def is_required(self, person: str) -> bool:
        return False


class Identities(Protocol):
    """Who logs in elsewhere, as far as a log-in here needs it."""

    async def has_identity(self, person: str) -> bool:
        """Whether this person is somebody at an identity provider, in use or not."""

    def rename_session(self, connection: sa.Connection, old: str, new: str) -> None:
        """A session has another token from now on; both by their hashes."""


class NoIdentities:
    """Nobody is."""

    async def has_identity(self, person: str) -> bool:
        return False

    def rename_session(self, connection: sa.Connection, old: str, new: str) -> None:
        pass


@dataclass(kw_only=True)
class OrganisationServices(PlatformServices):
    """The directory's deadlines are those of all services."""

    directory: DirectoryCache
    region: str = "CN"  # numbers without a country are read as of here, and without an area code as of there
    area_code: str = "28"
    hashing: PasswordHashing = field(default_factory=PasswordHashing)
    credentials: CredentialCache = field(default_factory=CredentialCache)
    second_factor_required: frozenset[Role] = frozenset()  # whoever holds one of these logs in with a second factor
    account_rules: AccountRules = field(default_factory=AccountRules)
    last_use: LastUse = field(default_factory=LastUse)
    second_factors: SecondFactors = field(default_factory=NoSecondFactors)
    identities: Identities = field(default_factory=NoIdentities)
    held_work: HeldWork = field(init=False)  # set by the composition
    feed_tokens_in_urls: bool = False  # calendar programs that cannot log in are let in by their address
    security_log: SecurityLog = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.deadlines = self.directory.deadlines
        self.security_log = SecurityLog(self.db)
