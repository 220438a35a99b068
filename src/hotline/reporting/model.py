"""The table of figures: each is a quotient of two sums of measures, given by its formula."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from hotline.reporting.vocabulary import Period
from hotline.tickets.model.measures import DURATION_PREFIX, OVERDUE_NAMES

MIN_DENOMINATOR = 30  # of the denominator, before a unit is ranked: one late of seven is no last place
_DUE = ("met", "missed", "overdue")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure. `numerator`, `denominator`: codes of measures. `high`: more is better."""

    code: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    high: bool = True
    charged_to: str = "department"  # whose work it measures: house (the hotline), dispatcher, department

    @property
    def formula(self) -> str:
        """The formula with the codes of the measures: `met / (met + overdue)`."""
        below = " + ".join(self.denominator)
        return f"{' + '.join(self.numerator)} / {f'({below})' if len(self.denominator) > 1 else below}"


FIGURES: Mapping[str, Figure] = {
    f.code: f
    for f in (
        Figure("new_matters", ("matters",), ("calls",), charged_to="house"),
        Figure("first_call", ("answered",), ("accepted",), charged_to="house"),
        Figure("signed_in_time", ("signed_in_time",), ("signed",)),
        Figure("on_time", ("met",), _DUE),
        Figure("response", ("contacted", "contacted_overdue"), _DUE),
        Figure("call_back", ("reached",), ("visited",), charged_to="house"),
        Figure("solution", ("solved",), ("reached",)),
        Figure("satisfaction_first", ("pleased_first",), ("rated_first",)),
        Figure("satisfaction_final", ("pleased_final",), ("rated_final",)),
        Figure("return_dispatcher", ("returned",), ("dispatched",), high=False, charged_to="dispatcher"),
        Figure("return_department", ("refused",), ("returned", "refused"), high=False),
        Figure("repeat", ("merged",), ("accepted",), high=False),
        Figure("reopen", ("reopened",), ("closed",), high=False),
    )
}
COUNTS = (
    "calls",
    "matters",
    "accepted",
    "answered",
    "merged",
    "declined",
    "dispatched",
    "closed",
    "reopened",
    "returned",
    "refused",
    *_DUE,
)


@dataclass(frozen=True, slots=True)
class Share:
    """The value of a figure, 0 to 1. `value` None: the denominator is 0. `enough`: it is large enough to rank."""

    numerator: int
    denominator: int
    value: float | None
    enough: bool


@dataclass(frozen=True, slots=True)
class HandlingTimes:
    """Minutes from the first call to the end, of tickets that departments handled: count, mean, median, ninetieth
    percentile (the last two to two significant figures). None: no ticket ended."""

    n: int
    mean: float | None
    p50: int | None
    p90: int | None


def shares(counts: Mapping[str, int]) -> dict[str, Share]:
    """Every figure, from these sums of measures."""
    found: dict[str, Share] = {}
    for figure in FIGURES.values():
        above = sum(counts.get(m, 0) for m in figure.numerator)
        below = sum(counts.get(m, 0) for m in figure.denominator)
        found[figure.code] = Share(above, below, round(above / below, 4) if below else None, below >= MIN_DENOMINATOR)
    return found


def handling_times(counts: Mapping[str, int]) -> HandlingTimes:
    """Handling times of the tickets that ended."""
    took = sorted(
        (int(m.removeprefix(DURATION_PREFIX)), n) for m, n in counts.items() if m.startswith(DURATION_PREFIX) and n > 0
    )
    n = counts.get("handled", 0)
    mean = round(counts.get("handled_minutes", 0) / n, 1) if n else None
    return HandlingTimes(n, mean, _nearest_rank(took, 50), _nearest_rank(took, 90))


def _nearest_rank(took: Iterable[tuple[int, int]], percent: int) -> int | None:
    """The smallest value that at least `percent` % of the values do not exceed."""
    took = list(took)
    rank = -(-sum(n for _, n in took) * percent // 100)
    passed = 0
    for minutes, n in took:
        passed += n
        if passed >= rank:
            return minutes
    return None


def with_overdue(day: str, counts: Mapping[str, int], today: str) -> Counter[str]:
    """A day's counts, where what was due on that day and still runs counts as overdue once the day is over."""
    found = Counter(counts)
    if day and day < today:
        for running, late in OVERDUE_NAMES.items():
            found[late] += found[running]
    return found


@dataclass(frozen=True, slots=True)
class RankedUnit:
    """A unit's rank among its peers. `place` None: the denominator is too small to rank."""

    code: str
    peers: str
    value: float | None
    n: int
    place: int | None


def rank_units(figure: Figure, units: Iterable[tuple[str, str, Share]]) -> list[RankedUnit]:
    """Rank units (code, peer group, share) within their peer groups; equal values share a place."""
    found: list[RankedUnit] = []
    groups: dict[str, list[tuple[str, Share]]] = {}
    for code, peers, share in units:
        groups.setdefault(peers, []).append((code, share))
    for peers, members in sorted(groups.items()):
        fit = sorted(s.value for _, s in members if s.enough and s.value is not None)
        for code, share in members:
            place = None
            if share.enough and share.value is not None:
                place = 1 + sum(v > share.value if figure.high else v < share.value for v in fit)
            found.append(RankedUnit(code, peers, share.value, share.denominator, place))
    return sorted(found, key=lambda x: (x.peers, x.place or 10**6, x.code))


@dataclass(frozen=True, slots=True)
class Contribution:
    """By how much one unit moved the figure of all, 0 to 1, compared with the period before. `share`: its own, now."""

    code: str
    moved: float
    share: Share


def contributions(
    now: Mapping[str, Share], before: Mapping[str, Share], total_now: Share, total_before: Share
) -> list[Contribution]:
    """By how much each unit moved the figure of all; together they make up the whole change. A unit moves it by the
    weight it has times what it lies above or below the former figure of all, less the same of the period before. Empty
    where one of the two periods has nothing to count."""
    if total_now.value is None or total_before.value is None:
        return []
    base = total_before.numerator / total_before.denominator

    def distance(share: Share | None, total: Share) -> float:
        return 0.0 if share is None else (share.numerator - base * share.denominator) / total.denominator

    none = Share(0, 0, None, enough=False)
    found = [
        Contribution(code, distance(now.get(code), total_now) - distance(before.get(code), total_before),
                     now.get(code, none))
        for code in now.keys() | before.keys()
    ]  # fmt: skip
    return sorted((c for c in found if abs(c.moved) > 1e-9), key=lambda c: (-abs(c.moved), c.code))


def period_before(first: date, last: date) -> tuple[date, date]:
    """As many days, just before; of a whole month, the month before."""
    if first.day == 1 and period_bounds(Period.MONTH, first) == (first, last):
        return period_bounds(Period.MONTH, first - timedelta(days=1))
    length = (last - first).days + 1
    return first - timedelta(days=length), first - timedelta(days=1)


def year_before(first: date, last: date) -> tuple[date, date]:
    """The same days a year ago; 29 February becomes the 28th."""

    def back(day: date) -> date:
        return (
            day.replace(year=day.year - 1, day=28)
            if (day.month, day.day) == (2, 29)
            else day.replace(year=day.year - 1)
        )

    return back(first), back(last)


def period_bounds(period: Period, first: date) -> tuple[date, date]:
    """First and last day of the day, week (from Monday) or month that contains `first`."""
    if period is Period.DAY:
        return first, first
    if period is Period.WEEK:
        monday = first - timedelta(days=first.weekday())
        return monday, monday + timedelta(days=6)
    begins = first.replace(day=1)
    return begins, (begins + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def last_complete_period(period: Period, today: date) -> date:
    """The first day of the last period that has ended."""
    begins, _ = period_bounds(period, today)
    return period_bounds(period, begins - timedelta(days=1))[0]
