"""Reads the places of a text: what they are, where they stand, and which of them the text is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hotline.text.normalisation import fold_characters
from hotline.text.reasons import Because
from hotline.triage.model.places.index import PlaceIndex
from hotline.triage.model.places.mentions import Mention, clauses_of, find_mentions
from hotline.triage.model.places.other_estates import read_other_estates
from hotline.triage.model.places.parts import NO_PARTS, PART_NAMES, AddressParts
from hotline.triage.model.places.positions import Span, original_spans
from hotline.triage.model.places.resolution import (
    PlaceChoice,
    ResolvedMention,
    choose,
    choose_elsewhere,
    choose_estate,
    resolve,
)
from hotline.triage.model.places.roles import PlaceRole, find_roles

MOST_PLACES = 16  # that are offered


@dataclass(frozen=True, slots=True)
class PlaceCandidate:
    """A place that a text names. `code` of its area, None where the directory has no such place. `words` as they were
    written; `at`: where they stand in the narrative, in characters, None: in the address."""

    code: str | None
    name: str | None
    name_en: str | None
    parts: AddressParts
    words: str
    at: Span | None
    role: PlaceRole

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name,
            "name_en": self.name_en,
            **{name: getattr(self.parts, name) for name in PART_NAMES},
            "words": self.words,
            "at": list(self.at) if self.at else None,
            "role": self.role.name.lower(),
        }


@dataclass(frozen=True, slots=True)
class PlaceReading:
    """What a text says of places. `area`: the smallest certain one, None: none is certain. `parts` of its address.
    `places`: all that may be meant, nearest to the matter first. `elsewhere`: the matter is in an estate that the
    directory does not know."""

    area: str | None = None
    parts: AddressParts = NO_PARTS
    places: tuple[PlaceCandidate, ...] = ()
    because: tuple[Because, ...] = ()
    elsewhere: bool = False


NO_PLACE = PlaceReading()


def read_places(index: PlaceIndex, narrative: str, address: str | None = None, near: str | None = None) -> PlaceReading:
    """The places of a narrative and of the address given with it. `near`: the area the call is known to come from, or
    to be about; a building of that number there is meant before others."""
    folded = fold_characters(narrative)
    given = f"{fold_characters(address)}," if address else ""
    text = given + folded
    words = index.finder.find(text)
    mentions: Sequence[Mention]
    estates = read_other_estates(index, text, words.names, len(given))
    if estates is None:
        mentions = find_mentions(index, text, words.names)
    elif estates.is_about:
        mentions = sorted([*estates.own, *estates.theirs], key=lambda m: (m.start, -m.end))
    else:
        mentions = estates.own
    elsewhere = estates is not None and estates.is_about
    if not mentions:
        choice = choose_estate(index, words.whole, near)
        if choice.area is None and near is None:
            return NO_PLACE
        return PlaceReading(choice.area, _with_building(index, choice, near), (), tuple(_reasons([], choice, {})))
    clauses = clauses_of(text)
    roles = find_roles(text, mentions, clauses, len(given))
    resolved = resolve(index, text, mentions, roles, near)
    choice = choose_elsewhere(resolved) if elsewhere else choose(index, text, resolved, words.whole, near)
    spans = original_spans(narrative, folded, [_span(r, len(given)) for r in resolved])
    said = [
        narrative[span[0] : span[1]] if span else text[r.mention.start : r.mention.end]
        for r, span in zip(resolved, spans, strict=True)
    ]
    written = {id(r): word for r, word in zip(resolved, said, strict=True)}
    return PlaceReading(
        choice.area,
        choice.parts if elsewhere else _with_building(index, choice, near),
        tuple(_candidates(index, choice, zip(resolved, said, spans, strict=True)))[:MOST_PLACES],
        tuple(_reasons(resolved, choice, written)),
        elsewhere,
    )


def areas_of_matter(places: Iterable[tuple[str | None, str]]) -> frozenset[str]:
    """The areas that a text names nearest to its matter, by the (code, role) of its places as data; none: it names none
    that the directory has."""
    known = [(code, PlaceRole[role.upper()]) for code, role in places if code is not None]
    nearest = max((role for _, role in known if role >= PlaceRole.SPEAKER), default=None)
    return frozenset(code for code, role in known if role is nearest)


def _span(resolved: ResolvedMention, begins: int) -> Span:
    start = resolved.mention.start - begins
    return (start, resolved.mention.end - begins) if start >= 0 else (0, 0)


def _with_building(index: PlaceIndex, choice: PlaceChoice, near: str | None) -> AddressParts:
    """With the number of the building, where the area is one by its name: the one found, or else the one it is near."""
    if choice.several:
        return NO_PARTS
    number = index.numbers.get(choice.area or near or "")
    if number is None or choice.parts.building is not None:
        return choice.parts
    return AddressParts(number, choice.parts.unit, choice.parts.floor, choice.parts.room)


def _candidates(
    index: PlaceIndex, choice: PlaceChoice, named: Iterable[tuple[ResolvedMention, str, Span | None]]
) -> list[PlaceCandidate]:
    chosen = set(map(id, choice.chosen))
    found: dict[tuple[str | None, AddressParts], PlaceCandidate] = {}
    for r, words, at in sorted(named, key=lambda one: (id(one[0]) not in chosen, -one[0].role)):
        if r.role is PlaceRole.EXCLUDED or (r.mention.is_part and chosen):  # a part is told with its building
            continue
        parts = choice.parts if len(chosen) == 1 and id(r) in chosen else AddressParts(**r.mention.parts)
        for code in r.codes or (None,):
            name, name_en = index.labels.get(code or "", (None, None))
            found.setdefault((code, parts), PlaceCandidate(code, name, name_en, parts, words, at, r.role))
    return list(found.values())


def _reasons(resolved: list[ResolvedMention], choice: PlaceChoice, written: dict[int, str]) -> list[Because]:
    found: list[Because] = []
    words = tuple(dict.fromkeys(written[id(r)] for r in choice.chosen)) or (choice.said,)
    if choice.several:
        found.append(Because("area:several", words))
    elif choice.area is not None:
        found.append(Because(f"area:{choice.area}", words))
    elif choice.chosen:
        is_known = not any(r.mention.elsewhere for r in choice.chosen)
        found.append(Because("area:uncertain" if is_known else "area:not_in_directory", words))
    chosen = {id(r) for r in choice.chosen}
    for r in resolved:
        if id(r) not in chosen and not r.mention.is_part:
            found.append(Because(f"place:{r.role.name.lower()}", (written[id(r)],)))
    return found
