"""Every danger frame of the shipped directory is found in its examples, and counts for nothing in its counterexamples."""

import pytest

from hotline.organisation.model.items import DangerFrame
from hotline.organisation.model.vocabulary import Danger, Grade
from hotline.text.normalisation import fold_text
from hotline.triage.model.danger.judging import judge
from hotline.triage.model.danger.reading import DangerFinding, read_dangers
from hotline.triage.model.matching import Reading
from tests.triage.seeded import seeded_directory, seeded_lexicon

DIRECTORY = seeded_directory("ruiquan")
LEXICON = seeded_lexicon("ruiquan")
FRAMES = list(DIRECTORY.danger_frames.values())


def dangers_in(text: str) -> list[DangerFinding]:
    return read_dangers(LEXICON, Reading(LEXICON.patterns, fold_text(text)))


def grades(text: str, danger: Danger) -> set[Grade]:
    found = dangers_in(text)
    return {finding.grade for finding in found if finding.danger is danger and finding.grade is not None}


def is_found_by(frame: DangerFrame, text: str) -> bool:
    """Whether the frame itself says the danger. `read_dangers` stops at the first alarm of a danger."""
    folded = fold_text(text)
    readings = [
        Reading(LEXICON.patterns, said) for said in (folded, *(text for text, _ in LEXICON.sounds.restore(folded)))
    ]
    hits = [(reading, hit) for reading in readings for hit in reading.hits if hit.pattern.item == frame]
    return any(judge(reading, hit, frame).grade is not None for reading, hit in hits)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.code)
def test_a_frame_is_found_in_its_examples(frame: DangerFrame) -> None:
    assert frame.examples
    for text in frame.examples:
        assert is_found_by(frame, text), text
        assert grades(text, frame.danger) if frame.grade is Grade.ASK else Grade.ACT in grades(text, frame.danger), text


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.code)
def test_a_frame_raises_no_alarm_in_its_counterexamples(frame: DangerFrame) -> None:
    assert frame.counterexamples
    for text in frame.counterexamples:
        assert Grade.ACT not in grades(text, frame.danger), text


def test_every_danger_says_what_the_operator_does() -> None:
    assert set(DIRECTORY.hazards) == set(Danger)
    assert all(hazard.tell and hazard.tell_en for hazard in DIRECTORY.hazards.values())
    assert all(f.danger in DIRECTORY.hazards for f in FRAMES)


def test_a_frame_reaches_over_a_comma_and_the_connector_behind_it() -> None:
    assert Grade.ACT in grades("她托我照顾好她妈，然后就关机了", Danger.SELF_HARM)
