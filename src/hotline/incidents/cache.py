"""The open incidents of a process, kept in memory: intake asks them for every call without a query of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hotline.database.cache import CachedTable
from hotline.database.deadlines import Deadlines
from hotline.database.engine import Database
from hotline.incidents import store
from hotline.incidents.model.codes import IncidentCode
from hotline.incidents.model.grouping import (
    MARGIN_UNSEEN,
    CallReport,
    KnownIncident,
    known_incident,
    likely_incidents,
    matching_incident,
    may_be_about,
    tells_more,
)
from hotline.incidents.model.incident import Incident
from hotline.incidents.model.vocabulary import IncidentState
from hotline.incidents.model.wording import features
from hotline.locales import translate, translate_pair
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import LIVE_CHANNELS, Channel, Priority
from hotline.organisation.service.directory import DirectoryCache
from hotline.text.numbering import TicketNumber
from hotline.tickets.lookup import format_moment
from hotline.tickets.model.intake import IncidentMatch, IncidentStanding, IntakeRequest
from hotline.triage.model.advice import Advice
from hotline.triage.model.households import build_household_lexicon
from hotline.triage.model.places.reader import areas_of_matter

_NO_NUMBER = TicketNumber("")
ASKED_AFTER_END = timedelta(hours=2)  # who calls about an incident that is over is asked whether it is so
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that calls join, or one that is over, with the ticket that carries it and what is said to the caller
    (zh, en)."""

    incident: Incident
    known: KnownIncident
    parent: TicketNumber
    say: tuple[str, str]


class IncidentCache(CachedTable[Sequence[OpenIncident]]):
    """The confirmed incidents whose parent is open, and those that were over a short while ago. What intake needs of
    them (`OpenIncidents`)."""

    def __init__(self, db: Database, directory: DirectoryCache, deadlines: Deadlines | None = None) -> None:
        super().__init__(self._load, deadlines)
        self._db, self._directory = db, directory

    async def _load(self, now: datetime) -> Sequence[OpenIncident]:
        found = await store.load_asked_about(self._db, now - ASKED_AFTER_END)
        if not found:
            return ()
        directory = await self._directory.now(now)
        texts = {i.code: await store.load_contained_text(self._db, i) for i in found}
        return [
            OpenIncident(
                incident,
                known_incident(directory, incident),
                incident.parent or _NO_NUMBER,
                _what_to_say(directory, incident, texts[incident.code]),
            )
            for incident in found
        ]

    async def standing(self, code: str) -> IncidentStanding | None:
        """Where an incident stands, read from the database. None: it is not confirmed, or was none."""
        found = await store.load_incident(self._db, SYSTEM_SCOPE, IncidentCode(code))
        if found is None or found.state in (IncidentState.PROPOSED, IncidentState.DISMISSED):
            return None
        told = await store.load_contained_text(self._db, found)
        english = await store.load_english_final_word(self._db, found)
        return IncidentStanding(found.code, found.state, found.final_word, found.parent, told, found.ended_at, english)

    async def match(self, intake_request: IntakeRequest, advice: Advice, now: datetime) -> IncidentMatch | None:
        """The incident that a call is about. One that tells of a danger belongs to it and has orders of its own; one
        that tells of more is only offered to it. Where none is open, one that was over a short while ago: its caller is
        asked whether it is so. None also for what must stay apart: a confidential call, and a written one that leaves a
        danger open."""
        if not (incidents := await self.now(now)):
            return None
        if intake_request.confidential or intake_request.channel is Channel.IMPORT:
            return None
        if advice.ask and intake_request.channel not in LIVE_CHANNELS:
            return None
        kind = intake_request.kind or advice.kind
        directory = await self._directory.now(now)
        path = directory.category_path(intake_request.category or advice.category)
        if any(directory.categories[code].confidential for code in path):
            return None
        report = CallReport(
            _NO_NUMBER,
            now,
            None,
            kind,
            intake_request.category or advice.category,
            () if intake_request.category else advice.symptoms,
            intake_request.area or advice.area,
            frozenset(),
            chosen=intake_request.category is not None,
            unit=intake_request.address_parts.unit or advice.location.unit,
            told_areas=areas_of_matter((place.code, place.role.name) for place in advice.places),
            elsewhere=intake_request.area is None and advice.elsewhere,
            asks=bool(advice.ask),
        )
        incidents = [i for i in incidents if may_be_about(directory, i.known, report)]
        if not incidents:
            return None
        households = self._directory.derived(build_household_lexicon)
        report = replace(
            report,
            found=features(intake_request.narrative),
            private=households.find_private(intake_request.narrative),
            beside=households.find_beside(intake_request.narrative),
        )
        going_on = [i.known for i in incidents if i.incident.ended_at is None]
        if (found := matching_incident(directory, going_on, report, MARGIN_UNSEEN)) is None:
            ended = [i for i in incidents if i.incident.ended_at is not None]
            return _match_of_ended(directory, ended, report) if not advice.dangers else None
        joined = next(i for i in incidents if i.known is found)
        by_category = directory.categories[path[0]].priority if path else None
        rings = bool(advice.dangers) or Priority.EMERGENCY in (intake_request.priority, advice.priority, by_category)
        offered = not rings and tells_more(directory, found, report)
        say = "danger" if rings else "offered"
        return IncidentMatch(
            joined.incident.code,
            joined.incident.state,
            joined.incident.category,
            joined.parent,
            not rings and not offered,
            translate_pair(f"incident_say.{say}") if rings or offered else joined.say,
            offered,
        )


def _match_of_ended(directory: Directory, ended: Sequence[OpenIncident], report: CallReport) -> IncidentMatch | None:
    """Of the incidents that are over the last one that a call may be about."""
    likely = likely_incidents(directory, [i.known for i in ended], report, MARGIN_UNSEEN)
    about = max((i for i in ended if i.known in likely), key=lambda i: i.incident.ended_at or NEVER, default=None)
    if about is None:
        return None
    incident = about.incident
    return IncidentMatch(
        incident.code, incident.state, incident.category, about.parent, False, about.say, ended_at=incident.ended_at
    )


def _what_to_say(directory: Directory, incident: Incident, contained: str | None) -> tuple[str, str]:
    """What the operator tells a caller of an incident (zh, en)."""
    if incident.ended_at is None:
        return _with_text(translate_pair(f"incident_say.{incident.state}"), contained)
    zh, en = (
        translate("incident_say.over", language, ended=format_moment(directory, incident.ended_at, language))
        for language in ("zh", "en")
    )
    return zh, en


def _with_text(say: tuple[str, str], text: str | None) -> tuple[str, str]:
    """What is said of an incident, with what the dispatcher told as it was contained."""
    return say if not text else (f"{say[0]}{text}", f"{say[1]} {text}")
