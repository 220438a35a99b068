"""What `make test` leaves out: of the stories of many cases, and to `make whole`."""

import ast
import re
from itertools import product

from tests.conftest import ROOT
from tests.dealing import DATABASES, LONG_STORIES, MANY, ON_BOTH, STORIES, is_left_to_whole, left_out, lost
from tests.left_to_whole import LEFT_TO_WHOLE


def test_of_many_cases_each_is_told_on_one_database_and_the_story_on_both() -> None:
    told = set(product(["many"], "abcde", DATABASES))
    kept = told - left_out(told)
    assert sorted(case for _, case, _ in kept) == [*"abcde"]
    assert {database for *_, database in kept} == {*DATABASES}


def test_few_cases_and_cases_of_one_database_are_all_told() -> None:
    assert left_out(product(["few"], "abcde"[: MANY - 1], DATABASES)) == set()
    assert left_out(product(["on one database"], "abcde"[:MANY], DATABASES[:1])) == set()


def test_each_long_story_is_told_on_one_database_and_all_of_them_on_both() -> None:
    told = set(product([f"{LONG_STORIES[0]}::test_{n}" for n in range(40)], ["case"], DATABASES))
    kept = told - left_out(told)
    assert len({story for story, *_ in kept}) == len(kept) == 40
    assert {database for *_, database in kept} == {*DATABASES}


def _stands(story: str) -> bool:
    """Whether a test of this name is in its file."""
    path, _, name = story.partition("[")[0].partition("::")
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name for node in tree.body)


def test_what_is_left_to_make_whole_is_there_and_so_is_what_stands_for_it() -> None:
    for story, others in LEFT_TO_WHOLE.items():
        assert _stands(story), story
        assert others and all(_stands(other) and not is_left_to_whole(other) for other in others), story


def test_what_is_told_on_both_of_the_files_that_take_turns_is_there() -> None:
    for begins in ON_BOTH:
        path, _, name = begins.partition("::")
        assert (ROOT / path).is_file() and f"def {name}" in (ROOT / path).read_text(encoding="utf-8"), begins
        assert begins.startswith(STORIES + LONG_STORIES), begins


def test_no_other_story_vanishes() -> None:
    listed = next(iter(LEFT_TO_WHOLE)).partition("[")[0]
    told = [listed, "tests/a.py::test_cases[a]", "tests/a.py::test_cases[b]", "tests/a.py::test_gone[a]"]
    assert lost(told, kept=["tests/a.py::test_cases[b]"]) == ["tests/a.py::test_gone"]
    assert lost(told, kept=told) == []


def test_it_is_all_told_whole() -> None:
    """The commands that promise the whole load nothing that leaves a story out; `make test` does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = dict(re.findall(r"^([a-z]+):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE))
    assert "-p tests.dealing" in recipe["test"]
    for target in ("whole", "chaos"):
        assert "pytest" in recipe[target] and "HOTLINE_WHOLE=1" in recipe[target] and "dealing" not in recipe[target]
