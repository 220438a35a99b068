"""What services that know the organisation need: the directory, and who may log in."""

from dataclasses import dataclass, field

from hotline.database.context import PlatformServices
from hotline.organisation.service.credential_cache import CredentialCache
from hotline.organisation.service.directory import DirectoryCache
from hotline.organisation.service.password_hashing import PasswordHashing


@dataclass(kw_only=True)
class OrganisationServices(PlatformServices):
    """The directory's deadlines are those of all services."""

    directory: DirectoryCache
    region: str = "CN"  # numbers without a country are read as of here, and without an area code as of there
    area_code: str = "28"
    hashing: PasswordHashing = field(default_factory=PasswordHashing)
    credentials: CredentialCache = field(default_factory=CredentialCache)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.deadlines = self.directory.deadlines
