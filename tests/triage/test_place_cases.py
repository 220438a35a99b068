"""What people say of a place, and the place they mean: sentences by kind of speech, and shared cases where they are
there."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from hotline.triage.model.places.index import PlaceIndex, build_place_index
from hotline.triage.model.places.parts import PART_NAMES
from hotline.triage.model.places.reader import PlaceReading, read_places
from tests.triage.seeded import seeded_directory

RIGHT, WRONG = 0.92, 0.02  # of all: at least, at most; no place or a wider one is neither
# beside the checkout or further up, where the cases are shared between checkouts
SHARED = next((f for p in Path(__file__).parents if (f := p / "shared/cases/judgement.tsv").is_file()), None)


@dataclass(frozen=True)
class Spoken:
    """A sentence in one organisation, with the codes that are right (None: no place) and parts of the address."""

    kind: str
    organisation: str
    text: str
    right: frozenset[str | None]
    parts: tuple[tuple[str, str], ...] = ()


def codes(word: str) -> frozenset[str | None]:
    return frozenset(None if code == "-" else code for code in word.replace("|", "/").split("/"))


def sentences() -> list[Spoken]:
    lines = (Path(__file__).parent / "places.txt").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split(" |")] for line in lines if line and not line.startswith("#")]
    return [
        Spoken(kind, organisation, text, codes(area), tuple((n, v) for n, _, v in (p.partition("=") for p in parts.split())))
        for kind, organisation, text, area, parts in cells
    ]  # fmt: skip


def shared_cases() -> list[Spoken]:
    assert SHARED is not None
    rows = [line.split("\t") for line in SHARED.read_text(encoding="utf-8").splitlines()[1:]]
    told = [(text, dict(pair.split("=", 1) for pair in expected.split(";"))) for text, expected in rows]
    return [Spoken("shared", e["seed"], text, codes(e["area"])) for text, e in told if "area" in e]


@cache
def index_of(organisation: str) -> PlaceIndex:
    return build_place_index(seeded_directory(organisation))


def reading(spoken: Spoken) -> PlaceReading:
    return read_places(index_of(spoken.organisation), spoken.text)


def is_wrong(spoken: Spoken, area: str | None) -> bool:
    """Another place; none, and one that holds the right one, are not."""
    paths = [index_of(spoken.organisation).paths.get(code or "", ()) for code in spoken.right]
    return area is not None and area not in spoken.right and not any(area in path for path in paths)


def figures(cases: Iterable[Spoken]) -> tuple[float, float]:
    """Shares of right and of wrong places."""
    found = [(case, reading(case).area) for case in cases]
    right = sum(area in case.right for case, area in found)
    return right / len(found), sum(is_wrong(case, area) for case, area in found) / len(found)


SENTENCES = sentences()


@pytest.mark.parametrize("spoken", SENTENCES, ids=[f"{s.kind}: {s.text}" for s in SENTENCES])
def test_the_place_that_is_meant_is_found(spoken: Spoken) -> None:
    found = reading(spoken)
    assert found.area in spoken.right
    said = {name: getattr(found.parts, name) for name, _ in spoken.parts}
    assert said == dict(spoken.parts) and set(said) <= set(PART_NAMES)


def test_shared_cases_are_right_and_hardly_ever_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    if SHARED is None:
        pytest.skip("no shared cases of places on this machine")
    cases = shared_cases()
    right, wrong = figures(cases)
    with capsys.disabled():
        print(f"places, {len(cases)} shared cases: {right:.3f} right, {wrong:.3f} wrong")
    assert right >= RIGHT and wrong <= WRONG
