"""Which areas a mention stands for, and which place a text is about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hotline.triage.model.places import cues
from hotline.triage.model.places.index import PlaceIndex
from hotline.triage.model.places.mentions import Mention
from hotline.triage.model.places.parts import NO_PARTS, PART_NAMES, AddressParts
from hotline.triage.model.places.roles import PlaceRole

_LONGEST_RANGE = 60


@dataclass(frozen=True, slots=True)
class ResolvedMention:
    """A mention with the areas it may be. One: it is certain; none: the directory has no such place."""

    mention: Mention
    role: PlaceRole
    codes: tuple[str, ...]
    several: bool = False  # a list or range: all of the codes are meant

    @property
    def is_certain(self) -> bool:
        return len(self.codes) == 1 or (self.several and bool(self.codes))


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """The area a text is about (None: not certain), the mentions that say so, and the parts of the address."""

    area: str | None
    chosen: tuple[ResolvedMention, ...]
    parts: AddressParts
    several: bool = False
    said: str = ""  # where the whole estate is meant: the words for it


NO_CHOICE = PlaceChoice(None, (), NO_PARTS)


def resolve(
    index: PlaceIndex, text: str, mentions: Sequence[Mention], roles: Sequence[PlaceRole], near: str | None
) -> list[ResolvedMention]:
    """Each mention with its areas. `near`: the area the call is known to come from."""
    containers = [
        (m, around)
        for m, role in zip(mentions, roles, strict=True)
        if role is not PlaceRole.EXCLUDED and (around := m.around or _holder(index, m)) is not None
    ]
    found: list[ResolvedMention] = []
    passed = -1  # the second end of a range
    for n, (mention, role) in enumerate(zip(mentions, roles, strict=True)):
        if n == passed:
            continue
        numbers = mention.numbers
        if ranged := _range(text, mentions, n):
            numbers, passed, role = ranged, n + 1, max(role, roles[n + 1])
            mention.end = mentions[n + 1].end
        around = mention.around or _container(mention, containers)
        if len(numbers) < 2:
            codes = _areas(index, mention, numbers[0] if numbers else None, around, near)
            found.append(ResolvedMention(mention, role, codes))
            continue
        sets = [_areas(index, mention, number, around, near) for number in numbers]
        together = tuple(dict.fromkeys(c for codes in sets for c in codes))
        # the same numbers in many communities are not all meant
        found.append(ResolvedMention(mention, role, together, all(len(codes) < 2 for codes in sets)))
    return found


def _holder(index: PlaceIndex, mention: Mention) -> str | None:
    """The area that a name stands for, if buildings may lie in it."""
    return mention.codes[0] if len(mention.codes) == 1 and mention.codes[0] not in index.numbers else None


def _range(text: str, mentions: Sequence[Mention], n: int) -> tuple[str, ...]:
    """The numbers of 1栋到5栋: its two ends and what lies between."""
    if n + 1 >= len(mentions):
        return ()
    first, second = mentions[n], mentions[n + 1]
    single = len(first.numbers) == len(second.numbers) == 1 and first.numbered == second.numbered == "building"
    if not single or second.end - second.start > 6 or not cues.RANGE.fullmatch(text, first.end, second.start):
        return ()
    low, high = first.numbers[0], second.numbers[0]
    if not (low.isdigit() and high.isdigit()) or not int(low) < int(high) <= int(low) + _LONGEST_RANGE:
        return ()
    return tuple(str(number) for number in range(int(low), int(high) + 1))


def _container(mention: Mention, containers: Sequence[tuple[Mention, str]]) -> str | None:
    """The community a number is said in: the last one named before it, else the first behind."""
    before = max(((m.end, code) for m, code in containers if m.end <= mention.start), default=None)
    return before[1] if before else next((code for m, code in containers if m.start >= mention.end), None)


def _areas(
    index: PlaceIndex, mention: Mention, number: str | None, around: str | None, near: str | None
) -> tuple[str, ...]:
    if number is None or mention.numbered is None:
        codes = mention.codes
    else:
        codes = index.numbered.get((mention.numbered, number), ())
        if around is not None:
            inside = tuple(c for c in codes if index.within(c, around))
            if inside or around in index.communities:
                return inside
    for holder in (*index.paths.get(near or "", ()), index.home):
        inside = tuple(c for c in codes if holder is not None and index.within(c, holder))
        if inside:
            return inside
    return codes


def choose_estate(index: PlaceIndex, whole: str, near: str | None) -> PlaceChoice:
    """For a text without a place: the community, where it speaks of the whole estate or of the estate it comes from."""
    estate = _estate(index, (), near) if whole else None
    return PlaceChoice(estate, (), NO_PARTS, said=whole) if estate else NO_CHOICE


def choose_elsewhere(resolved: Sequence[ResolvedMention]) -> PlaceChoice:
    """For a text about an estate that the directory does not know: that estate, as it was told, and no area."""
    others = [r for r in resolved if r.mention.elsewhere]
    best = max(r.role for r in others)
    chosen = tuple(r for r in others if r.role is best)
    return PlaceChoice(None, chosen, _agreed(r.mention.parts for r in chosen))


def choose(
    index: PlaceIndex, text: str, resolved: Sequence[ResolvedMention], whole: str, near: str | None
) -> PlaceChoice:
    """The place a text is about: what is nearest to the matter; of places inside each other the inner one; of several
    places the one that holds them all. `whole`: the words that say the whole estate, if there are any."""
    if whole.startswith(cues.ALL_OF_IT) and (estate := _estate(index, resolved, near)):
        return PlaceChoice(estate, (), NO_PARTS, said=whole)
    places = [r for r in resolved if not r.mention.is_part and r.role is not PlaceRole.EXCLUDED]
    if not places:
        parts = _agreed(r.mention.parts for r in _loose_parts(resolved, PlaceRole.MATTER))
        estate = _estate(index, resolved, near) if whole else None
        return PlaceChoice(estate, (), parts, said=whole if estate else "")
    best = max(r.role for r in places)
    chosen = [r for r in places if r.role is best]
    chosen = _refined(index, text, chosen, places)
    chosen = _without_containers(index, chosen)
    if len(chosen) > 1 and (first := _at_crossing(text, chosen)) is not None:
        chosen = [first]
    parts = _parts(chosen, resolved)
    if not all(r.is_certain for r in chosen):
        known = {c for r in chosen for c in r.codes}
        missing = [r for r in chosen if not r.codes]
        around = _named_around(index, chosen, places) if missing and not known else None
        return PlaceChoice(around, tuple(chosen), parts)
    codes = list(dict.fromkeys(c for r in chosen for c in r.codes))
    return PlaceChoice(index.common(codes), tuple(chosen), parts, len(codes) > 1)


def _estate(index: PlaceIndex, resolved: Sequence[ResolvedMention], near: str | None) -> str | None:
    """The community that "the whole estate" means: the one named, else the call's own, else the only one there is."""
    named = {
        code for r in resolved if r.role is not PlaceRole.EXCLUDED and r.is_certain
        for code in index.paths.get(r.codes[0], ()) if code in index.communities
    }  # fmt: skip
    if not named:
        named = {code for code in index.paths.get(near or "", ()) if code in index.communities}
    if not named:
        named = {c for c in index.communities if index.home is None or index.within(c, index.home)}
    return next(iter(named)) if len(named) == 1 else None


def _refined(
    index: PlaceIndex, text: str, chosen: list[ResolvedMention], places: Sequence[ResolvedMention]
) -> list[ResolvedMention]:
    """虹桥社区,我家在9栋: an area that is only named, with no word of what is the matter there, is made precise by a
    place inside it."""
    if len(places) == 1:
        return chosen
    if any(len(r.codes) != 1 for r in chosen) or len({r.codes for r in chosen}) != 1:
        return chosen
    holder = chosen[-1]
    follows = text[holder.mention.end : holder.mention.end + 1]
    if follows not in cues.NAMED_ONLY:
        return chosen
    around = holder.codes[0]
    inner = [r for r in places if r.codes != holder.codes and len(r.codes) == 1 and index.within(r.codes[0], around)]
    best = max((r.role for r in inner), default=None)
    return [r for r in inner if r.role is best] or chosen


def _without_containers(index: PlaceIndex, chosen: list[ResolvedMention]) -> list[ResolvedMention]:
    if len(chosen) == 1:
        return chosen
    kept = [
        r for r in chosen
        if not any(
            o is not r and o.codes and len(r.codes) == 1 and not o.several and o.codes != r.codes
            and all(index.within(c, r.codes[0]) for c in o.codes)
            for o in chosen
        )
    ]  # fmt: skip
    return kept or chosen


def _at_crossing(text: str, chosen: Sequence[ResolvedMention]) -> ResolvedMention | None:
    """The first of two streets that meet: their crossing lies in both, and one has to take it."""
    first, second = chosen[0].mention, chosen[-1].mention
    if len(chosen) != 2 or first.numbered or second.numbered or not cues.AND.fullmatch(text, first.end, second.start):
        return None
    at = cues.CROSSING.match(text, second.end) or cues.CORNER_OF.search(text[max(0, first.start - 24) : first.start])
    return chosen[0] if at else None


def _named_around(
    index: PlaceIndex, chosen: Sequence[ResolvedMention], places: Sequence[ResolvedMention]
) -> str | None:
    """The community that was named with a number it does not have."""
    named = [r.codes[0] for r in places if r not in chosen and len(r.codes) == 1]
    return index.common(named) if named else None


def _parts(chosen: Sequence[ResolvedMention], resolved: Sequence[ResolvedMention]) -> AddressParts:
    """What the chosen mentions say alike of building, unit, floor and room, with the parts that stand alone."""
    if len(resolved) == 1:
        return AddressParts(**chosen[0].mention.parts)
    if len({r.mention.parts.get("building") or r.mention.numbers for r in chosen}) > 1:
        return NO_PARTS
    said = {id(r.mention): r for r in (*chosen, *_loose_parts(resolved, chosen[-1].role))}.values()
    given = _agreed(r.mention.parts for r in said if r.role is PlaceRole.GIVEN)
    rest = _agreed(r.mention.parts for r in said if r.role is not PlaceRole.GIVEN)
    return AddressParts(**{name: getattr(given, name) or getattr(rest, name) for name in PART_NAMES})


def _loose_parts(resolved: Sequence[ResolvedMention], role: PlaceRole) -> list[ResolvedMention]:
    """The units, floors and rooms that were said without a building: where only one building was said, it is theirs."""
    if len({r.mention.numbers for r in resolved if r.mention.numbered == "building"}) > 1:
        return []
    return [r for r in resolved if r.mention.is_part and r.role in (PlaceRole.MATTER, PlaceRole.GIVEN, role)]


def _agreed(parts: Iterable[Mapping[str, str]]) -> AddressParts:
    found: dict[str, str | None] = {}
    for one in parts:
        for name, value in one.items():
            found[name] = value if found.get(name, value) == value else None
    return AddressParts(**found)
