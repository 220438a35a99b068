"""Calls about fire, gas, chemicals, electricity, lifts and traffic in every way of speaking, and what only sounds like
one: hazard_calls.tsv. Some are too bare or too garbled to be told apart; what counts is the share."""

from collections.abc import Iterable
from pathlib import Path

from hotline.organisation.model.vocabulary import Danger, Grade
from tests.triage.test_danger_frames import grades

HAZARDS = (Danger.FIRE, Danger.GAS, Danger.CHEMICAL, Danger.ELECTRIC, Danger.LIFT, Danger.TRAFFIC)


def calls(grade: str) -> list[str]:
    lines = Path(__file__).with_name("hazard_calls.tsv").read_text("utf-8").splitlines()[1:]
    return [text for text, _, right in (line.partition("\t") for line in lines) if right == grade]


def raises_alarm(text: str, dangers: Iterable[Danger]) -> bool:
    return any(Grade.ACT in grades(text, danger) for danger in dangers)


def test_nearly_every_call_raises_an_alarm() -> None:
    texts = calls("act")
    missed = [text for text in texts if not raises_alarm(text, Danger)]
    assert len(missed) <= 0.03 * len(texts), missed


def test_nearly_nothing_else_does() -> None:
    texts = calls("none")
    alarms = [text for text in texts if raises_alarm(text, HAZARDS)]
    assert len(alarms) <= 0.02 * len(texts), alarms
