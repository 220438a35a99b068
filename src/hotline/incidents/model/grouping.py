"""Which calls are about one matter: by what is wrong and where, and by how it is told."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hotline.incidents.model.wording import Wording, features, learn_wording
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import IncidentRule
from hotline.organisation.model.vocabulary import AreaLevel, Kind, Reach
from hotline.text.numbering import TicketNumber

_KINDS = frozenset({Kind.REQUEST, Kind.COMPLAINT, Kind.ENQUIRY})  # praise, suggestions and misconduct are no incident
# how alike a text must be to the calls of an incident, by what else is known of it (measured on generated storms; see
# docs/decisions/0046-incidents.md)
_SAME_CATEGORY, _RELATED, _OTHER, _OTHER_SYMPTOM = 1.0, 0.0, 1.0, 2.0
# As a call comes in it is not yet among those that the wording of an incident is held against. What is no surer than
# that joins seconds later, when its own words are weighed with those of all others.
MARGIN_UNSEEN = 1.0


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call, as far as it matters here. `caller`: its id; None: withheld. `found`: the features of its text.
    `chosen`: a person said what its category is."""

    number: TicketNumber
    at: datetime
    caller: str | None
    kind: Kind
    category: str | None
    symptoms: tuple[str, ...]
    area: str | None
    found: frozenset[str]
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """An incident that calls may belong to: what it is about, where they may come from, how they are told."""

    code: str
    category: str
    reach: str | None
    rule: IncidentRule
    wording: Wording
    below_reach: frozenset[str] = frozenset()  # the areas within its reach
    above_reach: frozenset[str] = frozenset()  # those around it


@dataclass(frozen=True, slots=True)
class Proposal:
    """Calls of several callers about one matter."""

    category: str
    symptom: str | None
    area: str | None
    reach: str | None
    reports: tuple[CallReport, ...]
    callers: int
    confirmed: bool


def rule_for(directory: Directory, category: str) -> IncidentRule:
    """The rule of the nearest category that has one; else five callers within ten minutes about one place, confirmed by
    a person."""
    by_category = directory.incident_rules_by_category
    for code in directory.category_path(category):
        if code in by_category:
            return by_category[code]
    return IncidentRule(code="default", category=category)


def subjects(directory: Directory, category: str | None, symptoms: Iterable[str]) -> dict[str, str | None]:
    """What a call may be about: category -> the symptom that says so (None: the category alone)."""
    found: dict[str, str | None] = {} if category is None else {category: None}
    for code in symptoms:
        symptom = directory.symptoms.get(code)
        if symptom is not None:
            found[symptom.category] = found.get(symptom.category) or code
    return {code: by for code, by in found.items() if code in directory.categories and not _is_secret(directory, code)}


def _is_secret(directory: Directory, category: str) -> bool:
    return any(directory.categories[code].confidential for code in directory.category_path(category))


def reach_of(directory: Directory, rule: IncidentRule, area: str | None) -> str | None:
    """The area that all calls of the matter come from. None: it cannot be told from this area."""
    path = directory.area_path(area)
    if not path:
        return None
    if rule.reach is Reach.PLACE:
        return path[0] if directory.area_subtrees[path[0]] == {path[0]} else None
    community = next((code for code in path if directory.areas[code].level is AreaLevel.COMMUNITY), None)
    return community or path[max(0, len(path) - 2)]


def known_incident(
    directory: Directory, code: str, category: str, reach: str | None, wording: Mapping[str, Any]
) -> KnownIncident:
    """An incident ready to be compared with calls. `wording`: as `wording_data` made it."""
    return KnownIncident(
        code,
        category,
        reach,
        rule_for(directory, category),
        Wording(wording.get("weights", {}), wording.get("other", 0.0)),
        directory.area_subtrees.get(reach or "", frozenset()),
        frozenset(directory.area_path(reach)),
    )


def wording_data(wording: Wording) -> dict[str, Any]:
    """A wording as data, to be stored."""
    return {"weights": dict(wording.weights), "other": wording.other}


def matching_incident(
    directory: Directory, known: Iterable[KnownIncident], report: CallReport, margin: float = 0.0
) -> KnownIncident | None:
    """The incident that a call belongs to. None: none of them. `margin`: how much more alike it must be told than it
    need be; see MARGIN_UNSEEN."""
    near = [i for i in known if _is_near(i, report.area) and _is_filed_alike(directory, i, report)]
    if not near or report.kind not in _KINDS:
        return None
    about = subjects(directory, report.category, report.symptoms)
    likely = [
        (likeness, incident)
        for incident in near
        if (likeness := _likeness(incident, about, report.found, margin)) is not None
    ]
    return max(likely, key=lambda pair: pair[0])[1] if likely else None


def _is_near(incident: KnownIncident, area: str | None) -> bool:
    """Within its reach. What several places have in common is told of without a place, too, or with a wider one."""
    if incident.rule.reach is Reach.PLACE:
        return area is not None and area == incident.reach
    return area is None or area in incident.below_reach or area in incident.above_reach


def _is_filed_alike(directory: Directory, incident: KnownIncident, report: CallReport) -> bool:
    """Whether a category that a person chose is one of the incident's: what is filed as another matter is one."""
    path = directory.category_path(report.category) if report.chosen else ()
    return not path or not {incident.category, *incident.rule.also}.isdisjoint(path)


def _likeness(
    incident: KnownIncident, about: Mapping[str, str | None], found: frozenset[str], margin: float
) -> float | None:
    """How sure it is that a call belongs to the incident; None: it does not.

    A symptom of its category says so by itself. A category alone rests on one word, and must be told alike; so must
    what says nothing of it, and most of all what tells of another symptom."""
    category = incident.category
    if about.get(category) is not None:
        return 100.0
    if not incident.wording.weights:
        return 1.0 if category in about else None
    likeness = incident.wording.likeness(found)
    if category in about:
        least = _SAME_CATEGORY
    elif not about or any(code in incident.rule.also for code in about):
        least = _RELATED
    else:
        least = _OTHER if all(by is None for by in about.values()) else _OTHER_SYMPTOM
    return likeness if likeness >= least + margin else None


def propose(directory: Directory, reports: Sequence[CallReport], now: datetime) -> list[Proposal]:
    """The matters that so many callers tell of that they are taken for incidents, the one with most callers first. A
    report is part of one of them at most."""
    groups: dict[tuple[str, str], list[CallReport]] = defaultdict(list)
    rules: dict[str, IncidentRule] = {}
    for report in reports:
        if report.kind not in _KINDS:
            continue
        for category, symptom in subjects(directory, report.category, report.symptoms).items():
            if report.kind is Kind.ENQUIRY and symptom is None:
                continue  # "when does the water come back" tells of an outage, "what does water cost" does not
            rule = rules.setdefault(category, rule_for(directory, category))
            reach = reach_of(directory, rule, report.area)
            if reach is not None and report.at > now - timedelta(minutes=rule.minutes):
                groups[category, reach].append(report)
    found: list[Proposal] = []
    used: set[str] = set()
    for (category, reach), some in sorted(groups.items(), key=lambda item: (-count_callers(item[1]), item[0])):
        left = tuple(sorted((r for r in some if r.number not in used), key=lambda r: (r.at, r.number)))
        rule, callers = rules[category], count_callers(left)
        if callers < rule.callers:
            continue
        used.update(report.number for report in left)
        symptoms = Counter(s for r in left if (s := subjects(directory, r.category, r.symptoms).get(category)))
        confirmed = rule.confirm_at is not None and callers >= rule.confirm_at
        area = common_area(directory, (report.area for report in left)) or reach
        symptom = symptoms.most_common(1)[0][0] if symptoms else None
        found.append(Proposal(category, symptom, area, reach, left, callers, confirmed))
    return found


def count_callers(reports: Iterable[CallReport]) -> int:
    """Different callers; who withholds the number is nobody of whom that is known."""
    return len({report.caller for report in reports if report.caller is not None})


def common_area(directory: Directory, areas: Iterable[str | None]) -> str | None:
    """The smallest area that holds all these; None: there is none."""
    common: list[str] | None = None
    for area in areas:
        path = directory.area_path(area)
        if path:
            common = list(path) if common is None else [code for code in common if code in path]
    return common[0] if common else None


def teach_wording(
    directory: Directory, category: str, members: Iterable[frozenset[str]], others: Iterable[frozenset[str]]
) -> Wording:
    """How the calls of an incident are told, against all others; the directory's own words and examples stand beside
    those of the callers, so that five calls are enough to begin with."""
    rule = rule_for(directory, category)
    related = {category, *rule.also}
    named = directory.categories.get(category)
    own = list(named.words) if named is not None else []
    own += [text for s in directory.symptoms.values() if s.category == category for text in s.examples]
    usual = [text for s in directory.symptoms.values() if s.category not in related for text in s.examples]
    return learn_wording((*members, *map(features, own)), (*others, *map(features, usual)))
