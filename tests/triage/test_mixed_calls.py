"""Calls in which a danger stands beside what only sounds like one: something of last week that happens again, a warning
whose second clause tells of somebody, a door between a child and a lit stove; and their likes without any danger, such
as films, courses, fines, names and other cities: mixed_calls.tsv."""

from pathlib import Path

from hotline.organisation.model.vocabulary import Danger, Grade
from tests.triage.test_danger_frames import grades


def rings(text: str) -> bool:
    return any(Grade.ACT in grades(text, danger) for danger in Danger)


def test_each_danger_rings_and_nothing_else_does() -> None:
    lines = Path(__file__).with_name("mixed_calls.tsv").read_text("utf-8").splitlines()[1:]
    calls = [line.split("\t") for line in lines]
    wrong = [text for text, right in calls if rings(text) != (right == "act")]
    assert len(calls) > 150 and not wrong, wrong
