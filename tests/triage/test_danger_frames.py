"""Every danger frame of the shipped directory is found in its examples, and counts for nothing in its counterexamples."""

import pytest

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import DangerFrame
from hotline.organisation.model.vocabulary import Danger, Grade
from hotline.organisation.service.seeding import read_seed_items
from hotline.packaged_files import packaged_folder
from hotline.text.normalisation import fold_text
from hotline.triage.model.danger.reading import DangerFinding, read_dangers
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.matching import Reading


def shipped_directory() -> Directory:
    items: dict[str, dict[str, object]] = {}
    for noun, code, item in read_seed_items(packaged_folder("seeds") / "ruiquan", packaged_folder("seeds")):
        items.setdefault(noun, {})[code] = item
    return Directory(1, **items)  # type: ignore[arg-type]


DIRECTORY = shipped_directory()
LEXICON = build_lexicon(DIRECTORY)
FRAMES = list(DIRECTORY.danger_frames.values())


def dangers_in(text: str) -> list[DangerFinding]:
    return read_dangers(LEXICON, Reading(LEXICON.patterns, fold_text(text)))


def grades(text: str, danger: Danger) -> set[Grade]:
    found = dangers_in(text)
    return {finding.grade for finding in found if finding.danger is danger and finding.grade is not None}


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.code)
def test_a_frame_is_found_in_its_examples(frame: DangerFrame) -> None:
    assert frame.examples
    for text in frame.examples:
        found = dangers_in(text)
        assert any(f.code == frame.code for f in found) or Grade.ACT in grades(text, frame.danger), text
        assert grades(text, frame.danger) if frame.grade is Grade.ASK else Grade.ACT in grades(text, frame.danger), text


@pytest.mark.parametrize("frame", [f for f in FRAMES if f.counterexamples], ids=lambda frame: frame.code)
def test_a_frame_raises_no_alarm_in_its_counterexamples(frame: DangerFrame) -> None:
    for text in frame.counterexamples:
        assert Grade.ACT not in grades(text, frame.danger), text


def test_every_danger_says_what_the_operator_does() -> None:
    assert set(DIRECTORY.hazards) == set(Danger)
    assert all(hazard.tell and hazard.tell_en for hazard in DIRECTORY.hazards.values())
    assert all(f.danger in DIRECTORY.hazards for f in FRAMES)
