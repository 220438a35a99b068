"""The word lists of the shipped directory: written as texts are folded, and each in use."""

import re
from dataclasses import replace
from pathlib import Path

from hotline.organisation.model.vocabulary import Operator
from hotline.text.normalisation import fold_text
from hotline.triage.model.patterns import build_pattern_lexicon
from tests.triage.seeded import kept_pattern_lexicon, seeded_directory

DIRECTORY = seeded_directory("ruiquan")
NUMERALS = re.compile("[一二三四五六七八九十]")
CHINESE = re.compile("[\u4e00-\u9fff]")
LONG_WORD = 5  # characters


def test_words_are_written_as_texts_are_folded() -> None:
    """Numerals may stand in characters, for the sake of the reader."""
    words = [(code, word) for code, words in DIRECTORY.word_lists.items() for word in words.words]
    unfolded = [(code, word) for code, word in words if not NUMERALS.search(word) and fold_text(word) != word]
    assert not unfolded


def test_no_two_words_that_make_a_danger_something_else_are_run_together() -> None:
    """A blank that is missing between two of them loses both, silently. Whoever adds a long word reads it once more, and
    writes it to long_words.txt."""
    read = set(Path(__file__).with_name("long_words.txt").read_text("utf-8").split())
    items = [*DIRECTORY.danger_frames.values(), *DIRECTORY.symptoms.values()]
    long = {word for item in items for word in item.unless if len(CHINESE.findall(word)) >= LONG_WORD}
    assert long - read == set()
    assert read - long == set()


def test_every_word_list_is_used_by_a_pattern_or_is_an_operator_or_names_whole_things() -> None:
    patterns = [pattern for frame in DIRECTORY.danger_frames.values() for pattern in frame.patterns]
    patterns += [pattern for symptom in DIRECTORY.symptoms.values() for pattern in symptom.patterns]
    patterns += [pattern for rule in DIRECTORY.incident_rules.values() for pattern in rule.private]
    named = set(re.findall(r"<([a-z0-9_-]+)>", " ".join(patterns)))
    whole = {code for code, words in DIRECTORY.word_lists.items() if words.whole}
    apart = {code for code in DIRECTORY.word_lists if code.startswith("apart-")}
    assert set(DIRECTORY.word_lists) - named - whole - apart - set(Operator) == {
        "sound",
        "ordinary",
        "greeting",
        "greeting-paused",
        "next-matter",
        "joint",
        "reproach",
        "beside-an-outage",
    }  # read by name


def test_the_patterns_that_the_suite_keeps_are_those_of_the_directory() -> None:
    same = {**DIRECTORY.danger_frames}
    frame = next(iter(same.values()))
    changed = replace(DIRECTORY, danger_frames={**same, frame.code: replace(frame, patterns=("{着火}",))})
    for directory in (DIRECTORY, changed, replace(DIRECTORY, words={}), replace(DIRECTORY, word_lists={}), DIRECTORY):
        assert (
            kept_pattern_lexicon(directory, ["物业"]).groups_of == build_pattern_lexicon(directory, ["物业"]).groups_of
        )
    assert kept_pattern_lexicon(DIRECTORY, ["物业"]) is kept_pattern_lexicon(replace(DIRECTORY, areas={}), ["物业"])
    assert kept_pattern_lexicon(DIRECTORY, ["物业"]) is not kept_pattern_lexicon(DIRECTORY, ["电梯"])
