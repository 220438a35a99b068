"""One Open311 request: what was asked, by whom, and the errors it may be answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.datastructures import UploadFile
from starlette.requests import Request

from hotline.database.prepared import Row
from hotline.open311.model import PublicView
from hotline.open311.service import Open311Form
from hotline.open311.settings import Open311Settings
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.service.accounts import ActorCache, authenticate
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.context import Services


class Open311Error(Exception):
    """An error as Open311 has them: 403 for the key, 404 for what does not exist, 429 for too many requests, 400 for
    everything else. `descriptions`: one for each thing that is wrong. `retry_after`: in seconds."""

    def __init__(self, status: int, *descriptions: str, retry_after: int | None = None) -> None:
        super().__init__(descriptions[0])
        self.status, self.descriptions, self.retry_after = status, descriptions, retry_after


@dataclass
class Open311Request:
    """A request and what it needs. `query`: without empty values; `form`: xml, json or csv; `body` and `files`: of a
    POST."""

    request: Request
    services: Services
    actor_cache: ActorCache
    directory: Directory
    now: datetime
    query: Mapping[str, str]
    form: str
    view: PublicView = field(default_factory=lambda: PublicView(()))
    body: Open311Form = field(default_factory=lambda: Open311Form({}))
    files: Sequence[UploadFile] = ()

    @property
    def settings(self) -> Open311Settings:
        return self.services.part(Open311Settings)

    def is_own(self, row: Row) -> bool:
        """Whether a ticket came with the asker's own key."""
        return self.view.client is not None and row.created_by == self.view.client

    def check_jurisdiction(self, fields: Mapping[str, str]) -> None:
        """Raises Open311Error where another jurisdiction is named than the one that is set. None need be named."""
        named, ours = fields.get("jurisdiction_id"), self.settings.jurisdiction
        if named and ours and named != ours:
            raise Open311Error(404, "jurisdiction_id: no such jurisdiction")

    async def holder_of(self, key: str) -> Actor:
        """Whose key it is. Raises Open311Error."""
        try:
            actor = await authenticate(self.services, self.actor_cache, key or None, self.now)
        except Refused as refused:
            if refused.refusal.code is not Code.UNAUTHENTICATED:
                raise
            raise Open311Error(403, "api_key missing or unknown") from None
        if Role.GATEWAY not in actor.roles:
            raise Open311Error(403, "api_key is not one of a gateway")
        return actor


def error_of(refusal: Refusal) -> Open311Error:
    """A refusal as Open311 has it."""
    if refusal.code is Code.NOT_FOUND:
        return Open311Error(404, refusal.detail)
    if refusal.code in (Code.UNAUTHENTICATED, Code.NOT_YOUR_ROLE):
        return Open311Error(403, refusal.detail)
    if refusal.code in (Code.OVERLOADED, Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN, Code.STORAGE_FULL):
        return Open311Error(503, refusal.detail)
    if refusal.code is Code.INTERNAL:
        return Open311Error(500, refusal.detail)
    if refusal.errors:
        return Open311Error(400, *(f"{name}: {rule}" for name, rule in refusal.errors))
    return Open311Error(400, refusal.detail)
