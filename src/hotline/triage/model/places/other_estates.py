"""Whether a text is about an estate that the directory does not know: one of another name, or one beside ours."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hotline.text.normalisation import fold_characters
from hotline.triage.model.places.estate_words import (
    BESIDE,
    BOUNDARY,
    BUILDING,
    EN_BESIDE,
    EN_BESIDE_BEHIND,
    EN_BUILDING,
    EN_BUILDING_OF,
    EN_KIND,
    EN_LIVES_IN,
    EN_ORDINARY,
    EN_WORDS,
    IN_IT,
    KIND,
    KIND_BEGINS,
    LIVES_IN,
    NAME_LENGTH,
    NO_NAME,
    NO_NAME_OF_COMMON,
    NOT_IN_NAME,
    OF_IT,
    OURS,
    WRONG_WITH_US,
)
from hotline.triage.model.places.index import PlaceIndex
from hotline.triage.model.places.mentions import ClauseBounds, Mention, clauses_of, find_mentions
from hotline.triage.model.places.roles import PlaceRole, find_roles

_READ_CHARACTERS = 500  # of a narrative: the cost has a bound


@dataclass(frozen=True, slots=True)
class OtherEstate:
    """An estate that the directory does not know, at text[start:end]. `is_beside`: it is told as one beside ours."""

    start: int
    end: int
    is_beside: bool


@dataclass(frozen=True, slots=True)
class EstateReading:
    """A text that names estates the directory does not know. `own`: its mentions of places without what lies in one of
    those; `theirs`: those estates, each with the building and the unit told of it; `is_about`: the matter is there."""

    own: tuple[Mention, ...]
    theirs: tuple[Mention, ...]
    is_about: bool


def is_about_other_estate(index: PlaceIndex, narrative: str, address: str | None = None) -> bool:
    """Whether the matter of a text is in an estate that the directory does not know, and in no place that it does. What
    such an estate only shows the way to, or what is well there, is no matter of it."""
    given = f"{fold_characters(address)}," if address else ""
    text = given + fold_characters(narrative[:_READ_CHARACTERS])
    found = read_other_estates(index, text, index.finder.find(text).names, len(given))
    return found is not None and found.is_about


def read_other_estates(
    index: PlaceIndex, text: str, names: Sequence[tuple[int, str]], given: int
) -> EstateReading | None:
    """What a folded text says of estates that the directory does not know; None: it names none. `names`: those of the
    directory that stand in it, and where each begins; `given`: characters at the beginning that are an address."""
    others = _find_other_estates(text, _known_ends(index, names), given)
    if not others:
        return None
    clauses = clauses_of(text)
    mentions = find_mentions(index, text, names)
    lying: dict[int, list[Mention]] = {}
    own: list[Mention] = []
    for mention in mentions:
        other = next((n for n, other in enumerate(others) if _lies_in(text, mention, other)), None)
        (own if other is None else lying.setdefault(other, [])).append(mention)
    theirs = [_elsewhere(other, lying.get(n, ())) for n, other in enumerate(others)]
    ordered = sorted([*own, *_speaking_of_us(text, others, own, clauses), *theirs], key=lambda m: (m.start, -m.end))
    roles = find_roles(text, ordered, clauses, given)
    here = max((r for m, r in zip(ordered, roles, strict=True) if not m.elsewhere and not m.is_part), default=None)
    there = max(r for m, r in zip(ordered, roles, strict=True) if m.elsewhere)
    is_about = there >= PlaceRole.SPEAKER and (here is None or there > here)
    return EstateReading(tuple(own), tuple(theirs), is_about)


def _known_ends(index: PlaceIndex, names: Sequence[tuple[int, str]]) -> dict[int, int]:
    """Where the names of the directory end in a text, and where each begins; without those that are ordinary words."""
    return {at + len(name): at for at, name in names if index.names[name] and name not in index.short_names}


def _elsewhere(other: OtherEstate, lying: Sequence[Mention]) -> Mention:
    """An estate as one mention with what is told to lie in it."""
    parts = {name: value for mention in lying for name, value in mention.parts.items()}
    start = min([other.start, *(m.start for m in lying)])
    return Mention(start, max([other.end, *(m.end for m in lying)]), (), parts, elsewhere=True)


def _find_other_estates(text: str, known: dict[int, int], given: int) -> list[OtherEstate]:
    """`given`: characters at the beginning that are an address. A name alone may be anything that stands before a word
    for an estate; it is taken for one beside ours, where somebody lives, with a building, or as an address."""
    last = given + _READ_CHARACTERS
    found = [*_find_chinese(text, known, last), *_find_english(text, known, last)]
    found.sort(key=lambda other: other.start)
    return [other for other in found if other.is_beside or other.start < given or _is_borne_out(text, other)]


def _is_borne_out(text: str, other: OtherEstate) -> bool:
    before = text[max(0, other.start - NAME_LENGTH * 4) : other.start]
    if text[other.start : other.end].isascii():
        return bool(EN_LIVES_IN.search(before) or EN_BUILDING_OF.search(before) or EN_BUILDING.match(text, other.end))
    return bool(LIVES_IN.search(before) or BUILDING.match(text, other.end))


def _find_chinese(text: str, known: dict[int, int], last: int) -> Iterable[OtherEstate]:
    for kind in _find_kinds(text, last):
        if _is_known(kind, known):
            continue
        before = _run_before(text, kind.start())
        if BESIDE.search(before):
            yield OtherEstate(kind.start(), kind.end(), True)
            continue
        cut = max((found.end() for found in BOUNDARY.finditer(before)), default=0)
        name = before[cut:]
        is_common = kind["common"] is not None
        no_name = NO_NAME_OF_COMMON if is_common else NO_NAME
        if (
            len(name) < (2 if is_common else 1)
            or not name.isalpha()
            or no_name.search(name)
            or NOT_IN_NAME.search(name)
        ):
            continue
        start = kind.start() - len(name)
        yield OtherEstate(start, kind.end(), BESIDE.search(text[max(0, start - NAME_LENGTH) : start]) is not None)


def _find_kinds(text: str, last: int) -> Iterable[re.Match[str]]:
    """The words for an estate, as `KIND.finditer` finds them."""
    end = 0
    for begins in KIND_BEGINS.finditer(text, 0, last):
        if begins.start() >= end and (kind := KIND.match(text, begins.start(), last)) is not None:
            end = kind.end()
            yield kind


def _run_before(text: str, end: int) -> str:
    """The letters and digits, at most NAME_LENGTH, that end there."""
    start, first = end, max(0, end - NAME_LENGTH)
    while start > first and text[start - 1].isalnum():
        start -= 1
    return text[start:end]


def _find_english(text: str, known: dict[int, int], last: int) -> Iterable[OtherEstate]:
    for kind in EN_KIND.finditer(text, 0, last):
        if _is_known(kind, known):
            continue
        words = EN_WORDS.search(text, max(0, kind.start() - 48), kind.start())
        before = words[0] if words is not None else ""
        behind = EN_BESIDE_BEHIND.match(text, kind.end())
        if behind is not None or EN_BESIDE.search(before):
            yield OtherEstate(kind.start(), behind.end() if behind is not None else kind.end(), True)
            continue
        start = kind.start()
        for word in reversed(before.split()):
            if len(word) < 3 or word in EN_ORDINARY:
                break
            start -= len(word) + 1
        if start < kind.start():
            yield OtherEstate(start, kind.end(), False)


def _is_known(kind: re.Match[str], known: dict[int, int]) -> bool:
    """Whether a word for an estate ends the name of a known place, stands in it, or right behind it."""
    begins, ends = kind.span()
    behind = begins in known or begins - 1 in known
    return (
        (behind and kind.re is EN_KIND)
        or (behind and bool(kind["common"]))
        or any(start <= begins and ends <= end for end, start in known.items())
    )


def _lies_in(text: str, mention: Mention, other: OtherEstate) -> bool:
    """Whether a building or a unit is one of another estate: 阳光花园3栋, building 3 of Sunshine Court."""
    return (
        (other.end <= mention.start and IN_IT.fullmatch(text, other.end, mention.start) is not None)
        or (text[other.start : other.end].isascii() and OF_IT.fullmatch(text, mention.end, other.start) is not None)
        or (mention.start < other.end and other.start < mention.end)
    )


def _speaking_of_us(
    text: str, others: Sequence[OtherEstate], own: Sequence[Mention], clauses: ClauseBounds
) -> list[Mention]:
    """Where a text that tells of an estate beside ours says what is the matter with us. Who only names another estate
    may live there: "my flat" is then in that one."""
    if not all(other.is_beside for other in others):
        return []
    found: list[Mention] = []
    for ours in OURS.finditer(text):
        end = clauses.of(ours.start(), ours.end())[1]
        ahead = min([end, *(o.start for o in others if o.start >= ours.end())])
        if WRONG_WITH_US.match(text, ours.end(), ahead) and not any(m.start <= ours.start() < m.end for m in own):
            found.append(Mention(ours.start(), ours.end(), ("us",)))
    return found
