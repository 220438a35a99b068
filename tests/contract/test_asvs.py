"""docs/asvs.md: each item of the standard's levels 1 and 2 stands in the table, with a proof that is there."""

import ast
from functools import cache

from tests.conftest import ROOT
from tools.asvs import Item, State, items, markdown, share_met

STILL_OPEN: set[str] = set()  # of level 1, still to be met
NUMBER_OF_ITEMS = {1: 70, 2: 183}  # of ASVS 5.0.0


@cache
def names_in(path: str) -> set[str]:
    """Of the tests in a file."""
    nodes = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def is_there(proof: str) -> bool:
    path, _, test = proof.partition("::")
    return (ROOT / path).is_file() and (not test or test in names_in(path))


def test_the_page_is_as_the_table() -> None:
    kept = (ROOT / "docs/asvs.md").read_text(encoding="utf-8")
    assert kept.rstrip("\n") == markdown().rstrip("\n"), "run: make docs"


def test_every_item_of_both_levels_stands_in_the_table_with_a_proof_or_a_reason() -> None:
    found = items()
    assert {level: sum(item.level == level for item in found) for level in (1, 2)} == NUMBER_OF_ITEMS
    assert [item.id for item in found] == sorted((item.id for item in found), key=number)
    assert [item.id for item in found if not (item.why or item.proof)] == []
    assert [item.id for item in found if item.state is not State.MET and not item.why] == []


def number(item: str) -> list[int]:
    return [int(part) for part in item.split(".")]


def test_what_an_item_names_as_its_proof_is_there() -> None:
    assert [(item.id, proof) for item in items() for proof in item.proof if not is_there(proof)] == []
    assert not is_there("tests/contract/test_asvs.py::test_that_nobody_wrote")
    assert not is_there("docs/of_nothing.md")


def test_what_applies_is_met_as_far_as_was_promised() -> None:
    found = items()
    assert [item.id for item in found if item.level == 1 and item.state is State.NOT_MET] == sorted(
        STILL_OPEN, key=number
    )
    assert share_met([item for item in found if item.level == 2]) >= 0.95


def test_what_does_not_apply_does_not_count() -> None:
    met, apart = Item("1.1.1", 1, "", State.MET), Item("1.1.2", 1, "", State.NOT_APPLICABLE)
    assert share_met([met, apart]) == 1.0
    assert share_met([met, apart, Item("1.1.3", 1, "", State.NOT_MET)]) == 0.5
