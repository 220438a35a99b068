"""The context of services that take tickets in and act on them. The composition builds it once and passes it on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from hotline.delivery.model import HOLD
from hotline.inbound.context import InboundServices
from hotline.organisation.model.scopes import Scope
from hotline.tickets.model.intake import IncidentMatch, IncidentStanding, IntakeRequest
from hotline.tickets.model.ticket import Change
from hotline.tickets.serials import TicketNumbers
from hotline.triage.model.advice import Advice
from hotline.triage.model.opinion import FormOpinion

BeforeCommit = Callable[[Change, datetime], Awaitable[Change]]


class ExchangeCalls(Protocol):
    """Calls on the exchange, as far as intake needs them."""

    async def number_of(self, call: str, scope: Scope) -> str | None:
        """The number the call came from, read or not. None: withheld, or no such call; a call that led to a ticket
        outside the scope is none."""

    async def link(self, call: str, number: str, scope: Scope) -> None:
        """Note which ticket came of the call. Raises Refused where there is no such call."""


class OpenIncidents(Protocol):
    """The incidents, as far as intake and the public look-up need them."""

    async def match(self, intake_request: IntakeRequest, advice: Advice, now: datetime) -> IncidentMatch | None:
        """The incident that a call is about. None: none of them."""

    async def standing(self, code: str) -> IncidentStanding | None:
        """Where an incident stands. None: it is not confirmed, or was none."""


class FileScans(Protocol):
    """What is known of stored files, by the hash of their bytes, as far as attachments need it."""

    async def note_file(self, sha256: str, now: datetime) -> None:
        """Note a stored file before it is attached. Raises Refused where it may not be."""

    async def check_can_open(self, sha256: str) -> None:
        """Raises Refused where the file may not be handed out, or not yet."""

    async def states(self, hashes: Sequence[str]) -> Mapping[str, str]:
        """The state of each file, in words; none where files are not scanned."""


@dataclass(kw_only=True)
class Services(InboundServices):
    """`before_commit`: what a capability adds to a change before it is made durable, such as messages to
    subscribers. `form_opinion`: what the model in use makes of a text; it asks no database. None: no capability
    brings one."""

    numbers: TicketNumbers
    files: Path
    hold: timedelta = HOLD  # how long the messages of a step wait that can be undone
    has_notice_address: bool = True  # there is somewhere to post messages
    exchange: ExchangeCalls = field(init=False)  # set by the composition
    open_incidents: OpenIncidents | None = None
    before_commit: list[BeforeCommit] = field(default_factory=list)
    form_opinion: FormOpinion | None = None
    file_scanner: FileScans = field(init=False)  # set by the composition

    async def apply_before_commit(self, change: Change, now: datetime) -> Change:
        """The change with what the capabilities add to it."""
        for complete in self.before_commit:
            change = await complete(change, now)
        return change
