"""Whether two calls are about one matter: how near their places are, and how much of what they say agrees.

Scores are 0-1 and the product of both. From `OFFER_FROM` on an operator is shown the earlier ticket; from `JOIN_FROM`
on a text of the same caller is added to it, with nobody on the line to ask."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Reach
from hotline.text.normalisation import index_terms
from hotline.text.reasons import Because
from hotline.triage.model.advice import Advice
from hotline.triage.model.places.parts import NO_PARTS, PART_NAMES, AddressParts
from hotline.triage.model.places.roles import PlaceRole

OFFER_FROM, JOIN_FROM = 0.6, 0.75
# Cosine from which two texts of one place mean the same. On 150 pairs: .40 finds .908 at precision .937, .45 .892 at
# .967, .50 .877 at .983; without meaning .723 at 1.00.
MEANING_FROM = 0.45
DEFAULT_REPEAT_HOURS = 168  # where the directory names no window
# Measured on the pairs of tests/triage/repeat_pairs.tsv: a symptom in common says more than a category, and a category
# less where each names another symptom of it.
_SAME_SYMPTOM, _SAME_CATEGORY, _OTHER_SYMPTOM, _NEXT_CATEGORY, _NO_CATEGORY = 0.9, 0.8, 0.5, 0.5, 0.3
_TERM_WEIGHT = 0.5  # of the share of terms in common
_FEWEST_TERMS = 3  # fewer prove nothing
_READ_FROM_TEXT = 400  # characters of a narrative, whose matter stands at its beginning
_ENCLOSING, _UNSAID_PLACE, _OTHER_UNIT, _OTHER_ROOM = 0.7, 0.5, 0.5, 0.85
_FAR_FLOORS = 2  # so many apart, a flat's matter is no other flat's
_FAR_FOR_WHAT_TRAVELS = 4  # nor is a smell, a noise or a leak
_OWN_UNSAID_PLACE = 0.85  # a caller who says it again need not say again where
_MATTER_ROLES = frozenset({PlaceRole.LANDMARK, PlaceRole.MATTER, PlaceRole.GIVEN})
_MATTER_ROLE_WORDS = frozenset(role.name.lower() for role in _MATTER_ROLES)
_FLOOR = re.compile(r"-?\d{1,2}")
# words of every call, which say nothing of its matter; pairs of Chinese characters are too many for any one to matter
_COMMON_TERMS = frozenset((
    "the", "an", "is", "are", "at", "in", "on", "of", "to", "and", "or", "my", "our", "it", "there", "this", "that",
    "we", "with", "for", "from", "has", "have", "been", "be", "not", "no", "please", "building",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class MatterProfile:
    """What a matter is compared by. `area` it is filed under; `named`: codes of all places it may be about, and
    `buildings` as written on their doors; `others`: the next best categories; `place_words`: what in the narrative
    names places."""

    area: str | None = None
    parts: AddressParts = NO_PARTS
    named: frozenset[str] = frozenset()
    buildings: frozenset[str] = frozenset()
    category: str | None = None
    others: frozenset[str] = frozenset()
    symptoms: frozenset[str] = frozenset()
    narrative: str = ""
    place_words: tuple[str, ...] = ()

    @property
    def meaning_text(self) -> str:
        """What is compared by meaning: the beginning of the narrative without its places, which would outweigh it."""
        return _without_places(self.narrative, self.place_words)

    @property
    def terms(self) -> frozenset[str]:
        """Pairs of characters and whole words of the narrative, without those that name its place or are in every
        call."""
        return _terms(self.narrative, self.place_words)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two matters are, 0-1, and by what."""

    score: float
    because: tuple[Because, ...] = ()


def is_same_matter(first: Advice, second: Advice) -> bool:
    """Whether two narratives are about one matter: by place, category and symptoms alone."""
    return compare_matters(profile_of_advice(first), profile_of_advice(second)).score >= OFFER_FROM


def profile_of_advice(
    advice: Advice, narrative: str = "", *, area: str | None = None, category: str | None = None
) -> MatterProfile:
    """The profile of a text and what triage made of it. `area`, `category`: what was said beside it, and wins."""
    same_area = area is None or advice.area in (None, area)
    same_category = category is None or category == advice.category
    places = [place for place in advice.places if place.role in _MATTER_ROLES] if same_area else []
    return MatterProfile(
        area=area or advice.area,
        parts=advice.location if same_area else NO_PARTS,
        named=frozenset(place.code for place in places if place.code),
        buildings=frozenset(place.parts.building for place in places if place.parts.building),
        category=category or advice.category,
        others=frozenset(code for code, _ in advice.others) if same_category else frozenset(),
        symptoms=frozenset(advice.symptoms) if same_category else frozenset(),
        narrative=narrative,
        place_words=tuple(place.words for place in advice.places),
    )


def profile_of_ticket(
    advice: Mapping[str, Any], narrative: str, area: str | None, category: str | None, parts: AddressParts
) -> MatterProfile:
    """The profile of a ticket as it stands, with the advice that was kept with it (`Advice.as_dict`, or empty)."""
    places = advice.get("places") or ()
    # whoever corrected area or category knew better than the text what is meant
    read_so = category is None or category == advice.get("category")
    meant = [p for p in places if p.get("role") in _MATTER_ROLE_WORDS] if area == advice.get("area") else []
    return MatterProfile(
        area=area,
        parts=parts,
        named=frozenset(str(place["code"]) for place in meant if place.get("code")),
        buildings=frozenset(str(place["building"]) for place in meant if place.get("building")),
        category=category or advice.get("category"),
        others=frozenset(str(other["category"]) for other in advice.get("others") or ()) if read_so else frozenset(),
        symptoms=frozenset(advice.get("symptoms") or ()) if read_so else frozenset(),
        narrative=narrative,
        place_words=tuple(str(place.get("words") or "") for place in places),
    )


def compare_matters(
    first: MatterProfile, second: MatterProfile, directory: Directory | None = None, *, same_caller: bool = False
) -> Likeness:
    """How alike two matters are. Without a directory an area encloses no other."""
    place, where = _compare_places(first, second, directory, same_caller=same_caller)
    if not place:
        return Likeness(0.0)
    matter, what = _compare_findings(first, second)
    if directory is not None and matter:
        if where.rule == "place:other_room" and _are_far_floors(first, second, directory):
            place = _OTHER_UNIT
        if _are_told_apart(first, second, directory):
            return Likeness(round(place * min(matter, _OTHER_SYMPTOM), 2), (where, *what))
    if place * matter < JOIN_FROM:  # terms only add, and cost more than all the rest
        matter = _add_terms(first, second, matter, what)
    because = (where, *what, *((Because("same_caller", ()),) if same_caller else ()))
    return Likeness(round(place * matter, 2), because)


def may_mean_the_same(first: MatterProfile, second: MatterProfile, directory: Directory) -> bool:
    """Whether it is worth asking what the two mean: of one place or one around the other, and not each with a symptom
    that the other lacks."""
    share, _ = _compare_places(first, second, directory, same_caller=False)
    differ = bool(first.symptoms) and bool(second.symptoms) and first.symptoms.isdisjoint(second.symptoms)
    return share >= _ENCLOSING and not differ


def is_other_place(first: MatterProfile, second: MatterProfile, directory: Directory) -> bool:
    """Whether both say where they are, and it is not the same place."""
    if first.area is None or second.area is None:
        return _compare_parts(first.parts, second.parts)[0] <= _OTHER_UNIT
    share, _ = _compare_places(first, second, directory, same_caller=False)
    return share <= _OTHER_UNIT


def repeat_window(directory: Directory, category: str | None) -> timedelta:
    """How long after a report another may be of the same matter, by the category's own rule or the organisation's."""
    for code in directory.category_path(category):
        hours = directory.categories[code].repeat_hours
        if hours is not None:
            return timedelta(hours=hours)
    return timedelta(hours=directory.home.repeat_hours if directory.home else DEFAULT_REPEAT_HOURS)


def _without_places(narrative: str, place_words: tuple[str, ...]) -> str:
    text = narrative[:_READ_FROM_TEXT]
    for words in place_words:
        text = text.replace(words, " ") if words else text
    return text.strip(" ,") or narrative[:_READ_FROM_TEXT]


@lru_cache(maxsize=512)  # a ticket is compared with every call that may repeat it
def _terms(narrative: str, place_words: tuple[str, ...]) -> frozenset[str]:
    terms = index_terms(_without_places(narrative, place_words))
    return frozenset(term for term in terms if len(term) > 1 and not term.isdigit() and term not in _COMMON_TERMS)


def _compare_places(
    first: MatterProfile, second: MatterProfile, directory: Directory | None, *, same_caller: bool
) -> tuple[float, Because]:
    unsaid = _OWN_UNSAID_PLACE if same_caller else 0.0
    if first.area is None or second.area is None:
        if _compare_parts(first.parts, second.parts)[0] <= _OTHER_UNIT:  # a building the directory does not have
            return 0.0, Because("place:other", ())
        share = unsaid if same_caller else _UNSAID_PLACE
        return (share if first.area != second.area or same_caller else 0.0), Because("place:unsaid", ())
    common = first.named & second.named
    if first.area == second.area or common:
        pairs = ((first.named, second.named), (first.buildings, second.buildings))
        if any(one and other and one.isdisjoint(other) for one, other in pairs):
            return 0.0, Because("place:other", ())  # each names another place within the one both are filed under
        share, rule = _compare_parts(first.parts, second.parts)
        return share, Because(rule, tuple(sorted(common)) or (first.area,))
    if directory is not None:
        paths = directory.area_path(first.area), directory.area_path(second.area)
        if first.area in paths[1] or second.area in paths[0]:
            return max(_ENCLOSING, unsaid), Because("place:enclosing", (first.area, second.area))
    return 0.0, Because("place:other", ())


def _compare_parts(first: AddressParts, second: AddressParts) -> tuple[float, str]:
    """Of the same area. A part that only one of them names parts nothing."""
    other = {
        name
        for name in PART_NAMES
        if getattr(first, name) and getattr(second, name) and getattr(first, name) != getattr(second, name)
    }
    if "building" in other:
        return 0.0, "place:other"
    if "unit" in other:
        return _OTHER_UNIT, "place:other_unit"
    return (_OTHER_ROOM, "place:other_room") if other else (1.0, "place:same")


def _are_far_floors(first: MatterProfile, second: MatterProfile, directory: Directory) -> bool:
    """Whether the floors lie apart, of a matter that flats do not share as they share an outage or a lift. What travels
    is shared a little farther."""
    floors = [_floor_of(profile.parts) for profile in (first, second)]
    symptoms = (directory.symptoms.get(code) for code in first.symptoms | second.symptoms)
    travels = any(symptom is not None and symptom.travels for symptom in symptoms)
    far = _FAR_FOR_WHAT_TRAVELS if travels else _FAR_FLOORS
    if floors[0] is None or floors[1] is None or abs(floors[0] - floors[1]) < far:
        return False
    categories = set(directory.category_path(first.category)) | set(directory.category_path(second.category))
    rules = directory.incident_rules.values()
    return not any(rule.category in categories and rule.reach is not Reach.PLACE for rule in rules)


def _floor_of(parts: AddressParts) -> int | None:
    """The floor said, or that of the room: the 12th of room 1203."""
    said = parts.floor or (parts.room[:-2] if parts.room and parts.room.isdigit() else "")
    return int(said) if _FLOOR.fullmatch(said) else None


def _are_told_apart(first: MatterProfile, second: MatterProfile, directory: Directory) -> bool:
    """Whether both name kinds of one group, and none in common: rats and cockroaches, mahjong and a piano."""
    kinds = [_kinds_named(profile.narrative[:_READ_FROM_TEXT].lower(), directory) for profile in (first, second)]
    groups = ({group for group, _ in named} for named in kinds)
    common = set.intersection(*groups)
    return any(
        {kind for group, kind in kinds[0] if group == shared}.isdisjoint(
            kind for group, kind in kinds[1] if group == shared
        )
        for shared in common
    )


def _kinds_named(text: str, directory: Directory) -> set[tuple[str, str]]:
    named = directory.words_told_apart
    return {(group, kind) for group, kind, words in named if any(_names(text, word) for word in words)}


def _names(text: str, word: str) -> bool:
    """Whether a word stands in the text, a Latin one by itself or as several: a vibrating pump names no rat."""
    if not word.isascii():
        return word in text
    word = word.replace("_", " ")
    at = text.find(word)
    while at >= 0:
        behind = text[at + len(word) : at + len(word) + 3]
        if not _is_latin(text[at - 1 : at]) and any(
            behind.startswith(ending) and not _is_latin(behind[len(ending) : len(ending) + 1])
            for ending in ("", "s", "es")
        ):
            return True
        at = text.find(word, at + 1)
    return False


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _compare_findings(first: MatterProfile, second: MatterProfile) -> tuple[float, list[Because]]:
    because: list[Because] = []
    symptoms = first.symptoms & second.symptoms
    same_category = first.category is not None and first.category == second.category
    if symptoms:
        score = _SAME_SYMPTOM
        because.append(Because("symptom", tuple(sorted(symptoms))))
    elif same_category:
        score = _OTHER_SYMPTOM if first.symptoms and second.symptoms else _SAME_CATEGORY
        because.append(Because("category", (str(first.category),)))
    elif first.category is None or second.category is None:
        score = _NO_CATEGORY
    else:
        nearly = first.category in second.others or second.category in first.others
        score = _NEXT_CATEGORY if nearly else 0.0
    return score, because


def _add_terms(first: MatterProfile, second: MatterProfile, score: float, because: list[Because]) -> float:
    fewest = min(len(first.terms), len(second.terms))
    common = first.terms & second.terms
    if not common or fewest < _FEWEST_TERMS:
        return score
    because.append(Because("terms", tuple(sorted(common)[:8])))
    return min(0.99, score + _TERM_WEIGHT * len(common) / fewest)
