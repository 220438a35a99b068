"""Calls about illness, self-harm, missing people and violence in every way of speaking, and what only sounds like one:
person_calls.tsv. Some are too bare or too garbled to be told apart; what counts is the share."""

from pathlib import Path

from hotline.organisation.model.vocabulary import Danger, Grade
from tests.triage.test_danger_frames import grades

ABOUT_PEOPLE = (Danger.MEDICAL, Danger.SELF_HARM, Danger.MISSING, Danger.VIOLENCE)


def person_calls(grade: str) -> list[str]:
    lines = Path(__file__).with_name("person_calls.tsv").read_text("utf-8").splitlines()[1:]
    return [text for text, _, right in (line.partition("\t") for line in lines) if right == grade]


def test_nearly_every_call_about_somebody_raises_an_alarm() -> None:
    texts = person_calls("act")
    missed = [text for text in texts if not any(Grade.ACT in grades(text, danger) for danger in Danger)]
    assert len(missed) <= 0.03 * len(texts), missed


def test_nearly_nothing_else_raises_one_about_somebody() -> None:
    texts = person_calls("none")
    alarms = [text for text in texts if any(Grade.ACT in grades(text, danger) for danger in ABOUT_PEOPLE)]
    assert len(alarms) <= 0.02 * len(texts), alarms
