"""Which calls are about one matter: by what is wrong and where, and by how it is told."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hotline.incidents.model.incident import Incident
from hotline.incidents.model.wording import Wording, features, learn_wording
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import IncidentRule
from hotline.organisation.model.vocabulary import AreaLevel, Kind, Reach
from hotline.text.normalisation import fold_text
from hotline.text.numbering import TicketNumber

_KINDS = frozenset({Kind.REQUEST, Kind.COMPLAINT, Kind.ENQUIRY})  # praise, suggestions and misconduct are no incident
# how alike a text must be to the calls of an incident, by what else is known of it (measured on generated storms; see
# docs/decisions/0046-incidents.md)
_SAME_CATEGORY, _RELATED, _OTHER, _OTHER_SYMPTOM = 1.0, 0.0, 1.0, 2.0
# As a call comes in it is not yet among those that the wording of an incident is held against. What is no surer than
# that joins seconds later, when its own words are weighed with those of all others.
MARGIN_UNSEEN = 1.0
MIN_CAUSE_CALLERS = 2  # callers who tell of a cause before those who tell only of its effect count with them


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call, as far as it matters here. `caller`: its id; None: withheld. `found`: the features of its text.
    `chosen`: a person said what its category is. `unit`: of the building, where one is told. `private`: the categories
    in which it tells of a matter of one household. `told_areas`: those that its text names for the matter; `elsewhere`:
    its text tells of an estate that the directory does not know. `beside`: words that tell of something beside an
    outage; `asks`: the text leaves open whether there is danger."""

    number: TicketNumber
    at: datetime
    caller: str | None
    kind: Kind
    category: str | None
    symptoms: tuple[str, ...]
    area: str | None
    found: frozenset[str]
    chosen: bool = False
    unit: str | None = None
    private: frozenset[str] = frozenset()
    told_areas: frozenset[str] = frozenset()
    elsewhere: bool = False
    beside: frozenset[str] = frozenset()
    asks: bool = False


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """An incident that calls may belong to: what it is about, where they may come from, how they are told. `causes`:
    the symptoms of its category; `effects`: those that follow from them, with their categories."""

    code: str
    category: str
    reach: str | None
    rule: IncidentRule
    wording: Wording
    below_reach: frozenset[str] = frozenset()  # the areas within its reach
    above_reach: frozenset[str] = frozenset()  # those around it
    unit: str | None = None
    causes: frozenset[str] = frozenset()
    effects: Mapping[str, str] = field(default_factory=dict)


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
    unit: str | None = None


def rule_for(directory: Directory, category: str) -> IncidentRule:
    """The rule of the nearest category that has one; else five callers within ten minutes about one place, confirmed by
    a person."""
    by_category = directory.incident_rules_by_category
    for code in directory.category_path(category):
        if code in by_category:
            return by_category[code]
    return IncidentRule(code="default", category=category)


def subjects(directory: Directory, report: CallReport) -> dict[str, str | None]:
    """What a call may be about beside a matter of one household: category -> the symptom that says so (None: the
    category alone)."""
    found: dict[str, str | None] = {} if report.category is None else {report.category: None}
    for code in report.symptoms:
        symptom = directory.symptoms.get(code)
        if symptom is not None:
            found[symptom.category] = found.get(symptom.category) or code
    return {
        code: by
        for code, by in found.items()
        if code in directory.categories and code not in report.private and not _is_secret(directory, code)
    }


def _is_secret(directory: Directory, category: str) -> bool:
    return any(directory.categories[code].confidential for code in directory.category_path(category))


def reach_of(directory: Directory, rule: IncidentRule, area: str | None) -> str | None:
    """The area that all calls of the matter come from. None: it cannot be told from this area."""
    path = directory.area_path(area)
    if not path:
        return None
    if rule.reach is not Reach.COMMUNITY:
        return path[0] if directory.area_subtrees[path[0]] == {path[0]} else None
    community = next((code for code in path if directory.areas[code].level is AreaLevel.COMMUNITY), None)
    return community or path[max(0, len(path) - 2)]


def known_incident(directory: Directory, incident: Incident) -> KnownIncident:
    """An incident ready to be compared with calls."""
    category, reach, wording = incident.category, incident.reach, incident.wording
    causes = frozenset(s.code for s in directory.symptoms.values() if s.category == category)
    return KnownIncident(
        incident.code,
        category,
        reach,
        rule_for(directory, category),
        Wording(wording.get("weights", {}), wording.get("other", 0.0)),
        directory.area_subtrees.get(reach or "", frozenset()),
        frozenset(directory.area_path(reach)),
        incident.unit,
        causes,
        effects_of(directory, causes),
    )


def effects_of(directory: Directory, causes: Container[str]) -> dict[str, str]:
    """The symptoms that follow from one of these, each with its category."""
    return {s.code: s.category for s in directory.symptoms.values() if any(code in causes for code in s.effect_of)}


def wording_data(wording: Wording) -> dict[str, Any]:
    """A wording as data, to be stored."""
    return {"weights": dict(wording.weights), "other": wording.other}


def is_effect_of(directory: Directory, category: str, cause: str) -> bool:
    """Whether a symptom of this category may follow from one of the category `cause`."""
    symptoms = [s for s in directory.symptoms.values() if s.category == category]
    return any(cause in causes_of(directory, symptom.code) for symptom in symptoms)


def is_same_outage(directory: Directory, cause: Incident, effect: Incident) -> bool:
    """Whether one incident is the effect of what the other is about: as far as what causes it reaches, and at the same
    time. The effect may be noticed first."""
    minutes = timedelta(minutes=rule_for(directory, cause.category).minutes)
    apart = max(effect.first_call_at - cause.last_call_at, cause.first_call_at - effect.last_call_at)
    return apart <= minutes and cause.reach == effect.reach and is_effect_of(directory, effect.category, cause.category)


def may_be_same(directory: Directory, one: Incident, other: Incident) -> bool:
    """Whether a person should look if two incidents are one: of the same category, or cause and effect, in one place or
    in two that lie beside each other."""
    about = one.category, other.category
    alike = about[0] == about[1] or is_effect_of(directory, *about) or is_effect_of(directory, *reversed(about))
    parents = {item.parent for i in (one, other) if (item := directory.areas.get(i.reach or "")) is not None}
    return alike and (one.reach == other.reach or (len(parents) == 1 and None not in parents))


def matching_incident(
    directory: Directory, known: Iterable[KnownIncident], report: CallReport, margin: float = 0.0
) -> KnownIncident | None:
    """The incident that a call belongs to. None: none of them; or several that it may belong to alike. `margin`: how
    much more alike it must be told than it need be; see MARGIN_UNSEEN."""
    found = likely_incidents(directory, known, report, margin)
    return found[0] if len(found) == 1 else None


def likely_incidents(
    directory: Directory, known: Iterable[KnownIncident], report: CallReport, margin: float = 0.0
) -> list[KnownIncident]:
    """The incidents that a call may belong to: none, one, or several where it tells no place or no unit. `known`:
    oldest first. Of incidents of one place, as after a split, it is the one whose calls are told more alike."""
    near = [i for i in known if may_be_about(directory, i, report)]
    if not near or report.kind not in _KINDS:
        return []
    about = subjects(directory, report)
    ranked = [
        ((likeness, incident.unit == report.unit), incident)
        for incident in near
        if (likeness := _likeness(incident, report, about, margin)) is not None
    ]
    best = max((rank for rank, _ in ranked), default=None)
    alike = [incident for rank, incident in ranked if rank == best]
    if len(alike) > 1 and report.area is not None and len({(i.reach, i.unit) for i in alike}) == 1:
        return [max(alike, key=lambda incident: incident.wording.likeness(report.found))]
    return alike


def may_be_about(directory: Directory, incident: KnownIncident, report: CallReport) -> bool:
    """Whether a call may be about an incident by where it comes from and how it is filed. How it is told (`found`,
    `private`, `beside`) is not looked at: it costs more, and is asked for where something may be."""
    return _is_near(incident, report) and _is_filed_alike(directory, incident, report)


def tells_more(directory: Directory, incident: KnownIncident, report: CallReport) -> bool:
    """Whether a call tells of more than the incident is about: something that only a person can decide on, as water
    about to reach the electrics. It is not merged by rule. What the category itself is told with is nothing more."""
    if report.asks:
        return True
    about = {incident.category, *incident.effects.values(), *incident.rule.also}
    others = {s.category for code in report.symptoms if (s := directory.symptoms.get(code)) is not None}
    if any(about.isdisjoint(directory.category_path(category)) for category in others):
        return True
    if not report.beside:
        return False
    own = _own_words(directory, incident)
    return any(word not in own for word in report.beside)


def _own_words(directory: Directory, incident: KnownIncident) -> str:
    category = directory.categories.get(incident.category)
    examples = [text for code in incident.causes for text in directory.symptoms[code].examples]
    return fold_text(" ".join([*(category.words if category is not None else ()), *examples]))


def is_told_within(report: CallReport, areas: Container[str]) -> bool:
    """Whether the text itself tells of one of these areas, or of no place. Where it tells of another place, the area
    that the call was filed under says nothing: who lives here may call about the estate next door."""
    return not report.elsewhere and (not report.told_areas or any(code in areas for code in report.told_areas))


def _is_near(incident: KnownIncident, report: CallReport) -> bool:
    """Within its reach. What several places have in common is told of without a place, too, or with a wider one; a
    matter of a unit is told of without the unit."""
    area = report.area
    if not is_told_within(report, incident.below_reach | incident.above_reach):
        return False
    if incident.rule.reach is Reach.COMMUNITY:
        return area is None or area in incident.below_reach or area in incident.above_reach
    same_unit = incident.unit is None or report.unit is None or incident.unit == report.unit
    return area is not None and area == incident.reach and same_unit


def _is_filed_alike(directory: Directory, incident: KnownIncident, report: CallReport) -> bool:
    """Whether a category that a person chose is one of the incident's: what is filed as another matter is one."""
    path = directory.category_path(report.category) if report.chosen else ()
    return not path or not {incident.category, *incident.rule.also, *incident.effects.values()}.isdisjoint(path)


def _is_effect(incident: KnownIncident, report: CallReport, about: Mapping[str, str | None]) -> bool:
    """Whether a call tells of what follows from the incident's cause, as no water does from a burst main, and of
    nothing that does not."""
    if report.chosen:
        return report.category in incident.effects.values() and report.category in about
    told = set(filter(None, about.values()))
    return not told.isdisjoint(incident.effects) and told <= incident.causes | incident.effects.keys()


def _likeness(
    incident: KnownIncident, report: CallReport, about: Mapping[str, str | None], margin: float
) -> float | None:
    """How sure it is that a call belongs to the incident; None: it does not.

    A symptom of its category says so by itself, and so does an effect of it. A category alone rests on one word, and
    must be told alike; so must what says nothing of it, and most of all what tells of another symptom. How a matter of
    one household is told says nothing."""
    category = incident.category
    if about.get(category) is not None:
        return 100.0
    if _is_effect(incident, report, about):
        return 50.0
    if category in report.private or (not about and not report.private.isdisjoint(incident.effects.values())):
        return None
    if not incident.wording.weights:
        return 1.0 if category in about else None
    likeness = incident.wording.likeness(report.found)
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
    groups = _groups(directory, reports, now)
    found: list[Proposal] = []
    used: set[str] = set()
    for (category, reach, unit), some in sorted(groups.items(), key=lambda item: _rank(directory, *item)):
        rule = rule_for(directory, category)
        left = tuple(sorted((r for r in some if r.number not in used), key=lambda r: (r.at, r.number)))
        callers = count_callers(left)
        if callers < rule.callers:
            continue
        used.update(report.number for report in left)
        symptoms = Counter(s for r in left if (s := subjects(directory, r).get(category)))
        confirmed = rule.confirm_at is not None and callers >= rule.confirm_at
        area = common_area(directory, (report.area for report in left)) or reach
        symptom = symptoms.most_common(1)[0][0] if symptoms else None
        found.append(Proposal(category, symptom, area, reach, left, callers, confirmed, unit or None))
    return found


_Group = tuple[str, str, str]  # category, reach, unit ("": the building, or no matter of a unit)


def _rank(directory: Directory, group: _Group, reports: Sequence[CallReport]) -> tuple[int, bool, _Group]:
    """Most callers first; of a cause and its effect with as many callers, the cause."""
    is_effect = any(s.effect_of for s in directory.symptoms.values() if s.category == group[0])
    return (-count_callers(reports), is_effect, group)


def _groups(directory: Directory, reports: Sequence[CallReport], now: datetime) -> dict[_Group, list[CallReport]]:
    """The reports of each matter. One that several callers tell of has with it those that tell of its effects only."""
    groups: dict[_Group, list[CallReport]] = defaultdict(list)
    effects: dict[tuple[str, str], list[CallReport]] = defaultdict(list)  # by category of the cause
    rules: dict[str, IncidentRule] = {}
    for report in reports:
        if report.kind not in _KINDS:
            continue
        for category, symptom in subjects(directory, report).items():
            if report.kind is Kind.ENQUIRY and symptom is None:
                continue  # "when does the water come back" tells of an outage, "what does water cost" does not
            rule = rules.setdefault(category, rule_for(directory, category))
            reach = reach_of(directory, rule, report.area)
            if reach is None or report.at <= now - timedelta(minutes=rule.minutes):
                continue
            if not is_told_within(report, {*directory.area_subtrees[reach], *directory.area_path(reach)}):
                continue
            unit = report.unit or "" if rule.reach is Reach.UNIT else ""
            groups[category, reach, unit].append(report)
            for cause in causes_of(directory, symptom):
                if reach_of(directory, rules.setdefault(cause, rule_for(directory, cause)), report.area) == reach:
                    effects[cause, reach].append(report)
    _add_reports_without_unit(groups)
    for (category, reach), some in effects.items():
        told = groups.get((category, reach, ""), [])
        if count_callers(told) >= MIN_CAUSE_CALLERS:
            known = {report.number for report in told}
            told.extend(report for report in some if report.number not in known)
    return groups


def causes_of(directory: Directory, symptom: str | None) -> set[str]:
    """The categories of the symptoms that this one may follow from."""
    known = directory.symptoms.get(symptom or "")
    return {directory.symptoms[c].category for c in known.effect_of if c in directory.symptoms} if known else set()


def _add_reports_without_unit(groups: dict[_Group, list[CallReport]]) -> None:
    """Where callers tell of one unit of a building, those who tell of none mean it too; of several, they stay
    apart."""
    units: dict[tuple[str, str], list[str]] = defaultdict(list)
    for category, reach, unit in groups:
        units[category, reach].append(unit)
    for (category, reach), told in units.items():
        if len(told) == 2 and "" in told:
            (unit,) = filter(None, told)
            groups[category, reach, unit].extend(groups.pop((category, reach, "")))


def count_callers(reports: Iterable[CallReport]) -> int:
    """Different callers; who withholds the number is nobody of whom that is known."""
    return len({report.caller for report in reports if report.caller is not None})


def common_unit(rule: IncidentRule, units: Iterable[str | None]) -> str | None:
    """The one unit that is told, where the matter is of a unit; None: none, or several."""
    told = set(filter(None, units)) if rule.reach is Reach.UNIT else set()
    return told.pop() if len(told) == 1 else None


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
