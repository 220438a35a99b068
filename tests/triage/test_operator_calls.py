"""What takes an alarm away must not do so in a real emergency: calls in pairs, about the same words, of which one is
real (operator_calls.tsv)."""

from pathlib import Path

from hotline.organisation.model.vocabulary import Danger
from hotline.triage.model.advising import advise
from tests.triage.test_danger_frames import LEXICON

CALLS = Path(__file__).with_name("operator_calls.tsv")


def rows(right: str) -> list[str]:
    lines = CALLS.read_text("utf-8").splitlines()[1:]
    return [text for text, wanted, _ in (line.split("\t") for line in lines) if wanted == right]


def raises_alarm(text: str) -> bool:
    return any(danger is not Danger.UNREST for danger in advise(LEXICON, text).dangers)


def test_an_emergency_is_one_whatever_else_is_told() -> None:
    calls = rows("act")
    missed = [text for text in calls if not raises_alarm(text)]
    assert len(missed) <= 0.02 * len(calls), missed


def test_its_neighbour_is_none() -> None:
    calls = rows("none")
    false = [text for text in calls if raises_alarm(text)]
    assert len(false) <= 0.02 * len(calls), false


def test_a_threat_to_oneself_is_at_least_asked_about() -> None:
    for text in rows("ask"):
        advice = advise(LEXICON, text)
        assert advice.dangers or advice.ask, text
