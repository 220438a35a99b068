"""The places of a directory, made ready for finding: by name, and buildings and grids by their number."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Area
from hotline.organisation.model.vocabulary import AreaLevel
from hotline.text.normalisation import fold_characters, fold_text
from hotline.text.word_finder import WordFinder
from hotline.triage.model.places.cues import WHOLE_ESTATE
from hotline.triage.model.places.grammar import find_elements
from hotline.triage.model.places.numerals import CHINESE, spell_number
from hotline.triage.model.places.words import COMPOUNDS, GATES, KINDS, LEVEL_ENDINGS, LEVEL_ENDINGS_EN

_SHORT_NUMBER = re.compile(r"(?<![\da-z])[1-9]\d?(?![\da-z])")
_ENDS_IN_NUMBER = re.compile(rf"[\d{CHINESE}]$")
_NUMBERED = {"building": frozenset({AreaLevel.BUILDING, AreaLevel.ESTATE}), "grid": frozenset({AreaLevel.GRID})}


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """What one search for all words of places finds in a folded text. `names`: (where it begins, the name), in
    ascending order, none inside another. `whole`: the first words that say the whole estate; empty: there are none."""

    names: Sequence[tuple[int, str]] = ()
    whole: str = ""


class PlaceWordFinder:
    """Finds the longest name at each place of a text, and words for the whole estate. A Latin name counts only as a
    whole word."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._finder = WordFinder((*self._names, *WHOLE_ESTATE))

    def find(self, text: str) -> PlaceWords:
        found = self._finder.find(text)
        if not found:
            return _NO_WORDS
        names: list[tuple[int, str]] = []
        whole, covered = "", 0
        for start, end, word in sorted((start, -end, word) for word, spans in found.items() for start, end in spans):
            if not whole and word in WHOLE_ESTATE:
                whole = word
            if start >= covered and word in self._names:
                names.append((start, word))
                covered = -end
        return PlaceWords(names, whole)


_NO_WORDS = PlaceWords()


@dataclass(frozen=True)
class PlaceIndex:
    """Names and numbers of the active areas. A name or a number may stand for several areas; a name for none of them
    where it only looks like one."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # folded name -> areas
    short_names: frozenset[str] = frozenset()  # ordinary words too: they need a word of place beside them
    numbered: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # ("building", "12") -> areas
    numbers: Mapping[str, str] = field(default_factory=dict)  # area -> the number of its building
    paths: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # area -> itself and those around it, smallest first
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # area -> name, English name
    communities: frozenset[str] = frozenset()
    home: str | None = None  # the area of the organisation
    finder: PlaceWordFinder = field(default_factory=lambda: PlaceWordFinder(()))

    def within(self, code: str, container: str) -> bool:
        """Whether an area is the other one or lies in it."""
        return container in self.paths.get(code, ())

    def common(self, codes: Iterable[str]) -> str | None:
        """The smallest area that holds all of them. None: there is none, or no code."""
        paths = [self.paths.get(code, (code,)) for code in codes]
        if len(paths) == 1:
            return paths[0][0]
        return next((c for c in paths[0] if all(c in path for path in paths)), None) if paths else None

    def depth(self, code: str) -> int:
        return len(self.paths.get(code, ()))


def build_place_index(directory: Directory) -> PlaceIndex:
    """Make the areas of a directory ready for `read_places`."""
    areas = [area for area in directory.areas.values() if area.active]
    paths = {code: directory.area_path(code) for code in directory.areas}
    names: dict[str, dict[str, None]] = {}
    numbered: dict[tuple[str, str], dict[str, None]] = {}
    numbers: dict[str, str] = {}
    for area in areas:
        for name in _spellings(area):
            if (number := _number_in_name(name, area, directory)) is not None:
                numbered.setdefault(number, {})[area.code] = None
                if number[0] == "building":
                    numbers.setdefault(area.code, number[1])
            elif len(name) > 1:
                names.setdefault(name, {})[area.code] = None
    short = _short_names(areas, names)
    for name, codes in (*_kind_names(areas), *short.items()):
        names.setdefault(name, dict.fromkeys(codes))
    names.update((compound, {}) for compound in COMPOUNDS)
    return PlaceIndex(
        names={name: tuple(codes) for name, codes in names.items()},
        short_names=frozenset(
            name for name, codes in short.items()
            if not name.isascii() and any(directory.areas[c].level is AreaLevel.GRID for c in codes)
        ),
        numbered={number: tuple(codes) for number, codes in numbered.items()},
        numbers=numbers,
        paths=paths,
        labels={a.code: (a.name, a.name_en) for a in areas},
        communities=frozenset(a.code for a in areas if a.level is AreaLevel.COMMUNITY),
        home=directory.home.area if directory.home else None,
        finder=PlaceWordFinder(names),
    )  # fmt: skip


def _spellings(area: Area) -> list[str]:
    """Its names, folded, each with its numerals as written and in the other script: 东三路 and 东3路."""
    found: dict[str, None] = {}
    for name in (area.name, area.name_en, *area.aliases):
        folded = fold_characters(name)
        spelt = folded if folded.isascii() else _SHORT_NUMBER.sub(lambda m: spell_number(int(m[0])), folded)
        found |= dict.fromkeys((folded, fold_text(name), spelt))
    return list(found)


def _number_in_name(name: str, area: Area, directory: Directory) -> tuple[str, str] | None:
    """("building", "12") where the name says no more than the number of a building or grid, and perhaps the name of an
    area around it."""
    elements = list(find_elements(name))
    if len(elements) != 1 or elements[0].end != len(name) or len(elements[0].values) != 1:
        return None
    element = elements[0]
    before = name[: element.start].strip()
    if area.level not in _NUMBERED.get(element.kind, ()):
        return None
    around = [directory.areas[code] for code in directory.area_path(area.code)[1:]]
    known = {name for a in around for name in _spellings(a)}
    known |= {s for n in known for s in _without_ending(n)}
    return (element.kind, element.values[0]) if not before or before in known else None


def _without_ending(name: str) -> list[str]:
    endings = LEVEL_ENDINGS_EN if name.isascii() else LEVEL_ENDINGS
    least = 4 if name.isascii() else 2
    return [s for e in endings if name.endswith(e) and len(s := name.removesuffix(e)) >= least]


def _short_names(areas: Iterable[Area], names: Mapping[str, object]) -> dict[str, set[str]]:
    """西街 for 西街社区, xinhua for xinhua community: where no other area is called so."""
    short: dict[str, set[str]] = {}
    for area in areas:
        for name in _spellings(area):
            for stem in _without_ending(name):
                if stem not in names and not _ENDS_IN_NUMBER.search(stem):
                    short.setdefault(stem, set()).add(area.code)
    return short


def _kind_names(areas: Iterable[Area]) -> list[tuple[str, list[str]]]:
    """The other words for the kind of a place: 农贸市场 where the directory has 便民菜市."""
    found: dict[str, dict[str, None]] = {}
    for area in areas:
        if area.level is not AreaLevel.ESTATE:
            continue
        own = _spellings(area)
        for kind in (*KINDS, *GATES):
            # "central square" and "square" are squares; a shorter word inside another is not the same kind
            if any(n == k or (not k.isascii() and len(k) > 1 and n.endswith(k)) for n in own for k in kind):
                for word in kind:
                    found.setdefault(word, {})[area.code] = None
    return [(word, list(codes)) for word, codes in found.items()]
