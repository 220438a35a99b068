"""The word lists of the shipped directory: written as texts are folded, and each in use."""

import re

from hotline.organisation.model.vocabulary import Operator
from hotline.organisation.service.seeding import read_seed_directory
from hotline.packaged_files import packaged_folder
from hotline.text.normalisation import fold_text

ROOT = packaged_folder("seeds")
DIRECTORY = read_seed_directory(ROOT / "ruiquan", ROOT)
NUMERALS = re.compile("[一二三四五六七八九十]")


def test_words_are_written_as_texts_are_folded() -> None:
    """Numerals may stand in characters, for the sake of the reader."""
    words = [(code, word) for code, words in DIRECTORY.word_lists.items() for word in words.words]
    unfolded = [(code, word) for code, word in words if not NUMERALS.search(word) and fold_text(word) != word]
    assert not unfolded


def test_every_word_list_is_used_by_a_pattern_or_is_an_operator_or_names_whole_things() -> None:
    patterns = [pattern for frame in DIRECTORY.danger_frames.values() for pattern in frame.patterns]
    patterns += [pattern for symptom in DIRECTORY.symptoms.values() for pattern in symptom.patterns]
    named = set(re.findall(r"<([a-z0-9_-]+)>", " ".join(patterns)))
    whole = {code for code, words in DIRECTORY.word_lists.items() if words.whole}
    assert set(DIRECTORY.word_lists) - named - whole - set(Operator) == {
        "sound",
        "ordinary",
        "greeting",
        "next-matter",
    }  # read by name
