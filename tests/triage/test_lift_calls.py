"""Whoever is shut in a lift and cries, is afraid or trembles is in the lift's danger alone; who is hurt or ill in it is
in both. Being shut in elsewhere stays what it is: lift_calls.tsv."""

from pathlib import Path

import pytest

from hotline.triage.model.advising import advise
from tests.triage.seeded import seeded_lexicon

CALLS = [line.split("\t") for line in Path(__file__).with_name("lift_calls.tsv").read_text("utf-8").splitlines()[1:]]


@pytest.mark.parametrize(("text", "dangers"), CALLS)
def test_only_who_is_ill_in_a_lift_is_ill(text: str, dangers: str) -> None:
    assert " ".join(advise(seeded_lexicon("ruiquan"), text).dangers) == dangers
