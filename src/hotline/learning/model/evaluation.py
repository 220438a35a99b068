"""How good triage is: cases with what is right, and figures with numerator and denominator.

A case is a text and what is expected of it, `key=value` parted by semicolons: `priority` (emergency | not-emergency),
`danger`, `register` (how it is said), `area` (codes parted by `|`, `-` for none), `lead` (the department that must
act), `hours` (working or duty), `seed` (the directory), `about` (a note).
A pair is two texts that are one matter, or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Priority
from hotline.tickets.model.routing import choose_route
from hotline.triage.meaning import TextEncoder
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.same_matter import (
    MEANING_FROM,
    OFFER_FROM,
    MatterProfile,
    compare_matters,
    may_mean_the_same,
    profile_of_advice,
)

KEYS = ("priority", "danger", "register", "area", "lead", "hours", "seed", "about")
PLAIN = "plain"  # the register of emergencies said in plain words


@dataclass(frozen=True, slots=True)
class Case:
    """One text and what is right of it; a field that is None is not asked about."""

    text: str
    seed: str
    emergency: bool | None = None
    danger: str | None = None
    register: str = ""
    areas: tuple[str | None, ...] = ()
    lead: str | None = None
    on_duty: bool = False  # outside working hours


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts; `same`: of one matter."""

    first: str
    second: str
    same: bool
    kind: str


@dataclass(frozen=True, slots=True)
class CaseFigure:
    """`count` of `total`."""

    name: str
    count: int
    total: int

    @property
    def share(self) -> float | None:
        return self.count / self.total if self.total else None


@dataclass
class Evaluation:
    """Figures in the order they were begun, and the cases that were not as expected (name of the figure, text, what
    triage said)."""

    counts: dict[str, list[int]] = field(default_factory=dict)
    misses: list[tuple[str, str, str]] = field(default_factory=list)

    def count(self, name: str, hit: bool) -> None:
        counted = self.counts.setdefault(name, [0, 0])
        counted[0] += hit
        counted[1] += 1

    @property
    def figures(self) -> tuple[CaseFigure, ...]:
        return tuple(CaseFigure(name, *counted) for name, counted in self.counts.items())

    def share(self, name: str) -> float | None:
        counted = self.counts.get(name)
        return counted[0] / counted[1] if counted and counted[1] else None


def parse_case(text: str, expected: str, default_seed: str) -> Case:
    """A case from the two cells of its row. Raises ValueError naming what cannot be read."""
    values = _read_expected(expected)
    priority = values.get("priority")
    if priority not in (None, "emergency", "not-emergency"):
        raise ValueError("priority is emergency or not-emergency")
    areas = values["area"].split("|") if "area" in values else []
    return Case(
        text=text,
        seed=values.get("seed", default_seed),
        emergency=None if priority is None else priority == "emergency",
        danger=values.get("danger"),
        register=values.get("register", ""),
        areas=tuple(None if area == "-" else area for area in areas),
        lead=values.get("lead"),
        on_duty=values.get("hours") == "duty",
    )


def _read_expected(expected: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in filter(None, expected.split(";")):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} is not key=value")
        values[key.strip()] = value.strip()
    return values


def doubts_about(expected: str, case: Case, directory: Directory) -> list[str]:
    """What a case asks about in vain: keys that are not used, codes that its directory does not have."""
    doubts = [f"{key}= is not used; there are {', '.join(KEYS)}" for key in _read_expected(expected) if key not in KEYS]
    doubts += [f"no area {area}" for area in case.areas if area is not None and area not in directory.areas]
    if case.lead is not None and case.lead not in directory.departments:
        doubts.append(f"no department {case.lead}")
    if case.danger is not None and case.danger not in directory.hazards:
        doubts.append(f"no danger {case.danger}")
    return doubts


def evaluate_cases(
    cases: Iterable[Case], lexicons: Mapping[str, Lexicon], working: datetime, duty: datetime
) -> Evaluation:
    """Run triage and routing on each case. `working`, `duty`: moments inside and outside working hours."""
    result = Evaluation()
    for case in cases:
        lexicon = lexicons[case.seed]
        advice = advise(lexicon, case.text)
        _count_danger(result, case, advice)
        _count_place(result, case, advice, lexicon.directory)
        _count_routing(result, case, advice, lexicon.directory, duty if case.on_duty else working)
    return result


def _count_danger(result: Evaluation, case: Case, advice: Advice) -> None:
    if case.emergency is None:
        return
    alarm = advice.priority is Priority.EMERGENCY
    said = "; ".join(f"{reason.rule} {' '.join(reason.matched)}" for reason in advice.because) or "nothing"
    if case.emergency:
        result.count("danger found", alarm)
        if case.register == PLAIN:
            result.count("danger found, plainly worded", alarm)
        if not alarm:
            result.misses.append(("danger found", case.text, said))
        elif case.danger is not None:
            named = case.danger in advice.dangers
            result.count("danger named rightly", named)
            if not named:
                result.misses.append(("danger named rightly", case.text, " ".join(advice.dangers) or "none"))
    else:
        result.count("false alarms", alarm)
        asked = bool(advice.ask) and not alarm
        result.count("asked without need", asked)
        if asked:
            result.misses.append(("asked without need", case.text, said))
        if alarm:
            result.misses.append(("false alarms", case.text, said))


def _count_place(result: Evaluation, case: Case, advice: Advice, directory: Directory) -> None:
    if not case.areas:
        return
    right = advice.area in case.areas
    around = {code for area in case.areas for code in directory.area_path(area)}
    wrong = not right and advice.area is not None and advice.area not in around
    result.count("places right", right)
    result.count("places wrong", wrong)
    if not right:
        result.misses.append(("places wrong" if wrong else "places right", case.text, str(advice.area)))


def _count_routing(result: Evaluation, case: Case, advice: Advice, directory: Directory, now: datetime) -> None:
    if case.lead is None or directory.home is None:
        return
    sure = advice.category is not None and advice.is_sure(directory.home.sure_at)
    routed = choose_route(directory, advice.category, advice.kind, advice.area, now)
    at_once = sure and routed is not None and routed.sure
    right = routed is not None and routed.lead == case.lead
    result.count("dispatched at once", at_once)
    if at_once:
        result.count("dispatched rightly", right)
    if not at_once or not right:
        name = "dispatched rightly" if at_once else "dispatched at once"
        lead = routed.lead if routed else "nobody"
        result.misses.append((name, case.text, f"{advice.category} {advice.confidence:.2f} {lead}"))


def evaluate_pairs(pairs: Sequence[Pair], lexicon: Lexicon, encoder: TextEncoder | None = None) -> Evaluation:
    """Whether two texts are taken for one matter, by the rules alone and, with an encoder, by their meaning too."""
    result = Evaluation()
    for pair in pairs:
        first, second = advise(lexicon, pair.first), advise(lexicon, pair.second)
        profiles = profile_of_advice(first, pair.first), profile_of_advice(second, pair.second)
        suggested = compare_matters(*profiles, lexicon.directory).score >= OFFER_FROM
        _count_pair(result, pair, suggested)
        if suggested != pair.same:
            said = f"{first.area} {first.category}, {second.area} {second.category}"
            result.misses.append(("repeats", f"{pair.first} | {pair.second}", said))
        if encoder is not None:
            _count_pair(result, pair, suggested or _means_the_same(*profiles, lexicon, encoder), " by meaning too")
    return result


def _count_pair(result: Evaluation, pair: Pair, suggested: bool, how: str = "") -> None:
    if pair.same:
        result.count(f"repeats found{how}", suggested)
    if suggested:
        result.count(f"repeats right{how}" if how else "repeats suggested rightly", pair.same)


def _means_the_same(first: MatterProfile, second: MatterProfile, lexicon: Lexicon, encoder: TextEncoder) -> bool:
    if not may_mean_the_same(first, second, lexicon.directory):
        return False
    (cosine,) = encoder.similarities(first.meaning_text, [second.meaning_text])
    return cosine >= MEANING_FROM
