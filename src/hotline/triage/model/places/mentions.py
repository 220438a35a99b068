"""Where a text speaks of places: names of the directory and the forms of addresses, joined to one mention where they
belong together."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hotline.triage.model.places import cues
from hotline.triage.model.places.grammar import AddressElement, find_elements
from hotline.triage.model.places.index import PlaceIndex
from hotline.triage.model.places.parts import PART_NAMES
from hotline.triage.model.places.words import BRANDS, DEICTIC_BEFORE, DEICTIC_BEHIND

MOST_NAMES = 40  # of places in one text
_BEHIND_SHORT = re.compile(DEICTIC_BEHIND)
_BEFORE_SHORT = re.compile(DEICTIC_BEFORE)
_BRAND = re.compile("|".join(BRANDS))


@dataclass(slots=True)
class Mention:
    """A place that a text speaks of, at text[start:end]. `codes`: the areas it may be; none for a part alone (a unit
    without a building) or a number that the directory does not have."""

    start: int
    end: int
    codes: tuple[str, ...]
    parts: dict[str, str] = field(default_factory=dict)  # by the names of PART_NAMES; only what was said
    numbers: tuple[str, ...] = ()  # of several buildings said as a list or a range
    numbered: str | None = None  # building or grid: its areas depend on the community
    around: str | None = None  # the area named right before the number: 西街社区3栋
    elsewhere: bool = False  # in an estate that the directory does not know

    @property
    def is_part(self) -> bool:
        """Whether it says no more than a unit, a floor or a room."""
        return self.numbered is None and not self.codes and not self.elsewhere


@dataclass(frozen=True, slots=True)
class ClauseBounds:
    """Where the clauses of a text end."""

    ends: Sequence[int]
    length: int

    def of(self, start: int, end: int) -> tuple[int, int]:
        """The bounds of the clause around text[start:end]."""
        before = bisect_right(self.ends, start - 1) - 1
        behind = bisect_left(self.ends, end)
        return (
            self.ends[before] + 1 if before >= 0 else 0,
            self.ends[behind] if behind < len(self.ends) else self.length,
        )


def clauses_of(text: str) -> ClauseBounds:
    return ClauseBounds([match.start() for match in cues.CLAUSE_END.finditer(text)], len(text))


def find_mentions(index: PlaceIndex, text: str, found: Sequence[tuple[int, str]]) -> list[Mention]:
    """The mentions of a folded text (numerals as written), in their order. `found`: the names that stand in it, and
    where each begins."""
    names = _named(index, text, found)
    elements = list(find_elements(text))
    if not names and not elements:
        return []
    return _with_containers(
        index, text, sorted([*_join(index, text, elements), *names], key=lambda m: (m.start, -m.end))
    )


def _with_containers(index: PlaceIndex, text: str, mentions: list[Mention]) -> list[Mention]:
    """西街社区3栋 as one mention, where the directory has a building 3 there."""
    joined: list[Mention] = []
    for mention in mentions:
        last = joined[-1] if joined else None
        if (
            last is not None
            and mention.numbered
            and len(last.codes) == 1
            and cues.SAME_PLACE.fullmatch(text, last.end, mention.start)
        ):
            inside = (index.numbered.get((mention.numbered, number), ()) for number in mention.numbers)
            if any(index.within(code, last.codes[0]) for codes in inside for code in codes):
                mention.start, mention.around = last.start, last.codes[0]
                joined.pop()
        joined.append(mention)
    return joined


def _named(index: PlaceIndex, text: str, found: Sequence[tuple[int, str]]) -> list[Mention]:
    mentions: list[Mention] = []
    for at, name in found:
        end, codes = at + len(name), index.names[name]
        if not codes or (not name.isascii() and _BRAND.match(text, end)):
            continue
        if name in index.short_names and not (
            _BEHIND_SHORT.match(text, end) or _BEFORE_SHORT.search(text[max(0, at - 3) : at])
        ):
            continue
        mentions.append(Mention(at, end, codes))
        if len(mentions) == MOST_NAMES:  # a list of places is no matter's place
            break
    return mentions


def _join(index: PlaceIndex, text: str, elements: list[AddressElement]) -> list[Mention]:
    """One mention for the parts of one address. A part that was said already begins another one."""
    mentions: list[Mention] = []
    grids = any(kind == "grid" for kind, _ in index.numbered)
    for element in elements:
        if element.kind == "grid" and not grids:
            continue
        if not element.certain and not any((element.kind, value) in index.numbered for value in element.values):
            continue
        if element.kind == "building" and len(element.values) > 1:
            element = _only_known(index, element)
        mention = _mention(element)
        last = mentions[-1] if mentions else None
        if last is not None and _belongs(text, last, mention):
            last.parts.update(mention.parts)
            last.numbered = last.numbered or mention.numbered
            last.numbers = last.numbers or mention.numbers
            last.end = mention.end
        else:
            mentions.append(mention)
    return mentions


def _only_known(index: PlaceIndex, element: AddressElement) -> AddressElement:
    """A list of numbers without those no building has: 「电话1234,3栋」 speaks of building 3."""
    known = tuple(value for value in element.values if ("building", value) in index.numbered)
    return replace(element, values=known or element.values[-1:])


def _mention(element: AddressElement) -> Mention:
    if element.kind == "grid":
        return Mention(element.start, element.end, (), numbers=element.values, numbered="grid")
    parts = element.inner or {}
    if len(element.values) == 1:
        parts[element.kind] = element.values[0]
    if element.kind == "building":
        return Mention(element.start, element.end, (), parts, element.values, "building")
    return Mention(element.start, element.end, (), parts)


def _belongs(text: str, last: Mention, mention: Mention) -> bool:
    if last.numbered == "grid" or mention.numbered == "grid" or len(last.numbers) > 1 or len(mention.numbers) > 1:
        return False
    said, more = last.parts, mention.parts
    if not said or not more or said.keys() & more.keys() or mention.start - last.end > 8:
        return False
    between = text[last.end : mention.start]
    downwards = max(map(PART_NAMES.index, said)) < min(map(PART_NAMES.index, more))
    if not downwards and not text[last.start : last.end].isascii():
        return False
    return cues.WITHIN.fullmatch(between) is not None
