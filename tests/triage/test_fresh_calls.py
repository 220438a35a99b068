"""Sentences that were written before the patterns that read them: dangers and what only looks like them
(fresh_dangers.tsv), dangers told beside words of ordinary matters (words_beside_dangers.tsv), bills, fees and the conduct
of staff (charges_and_conduct.tsv), and two calls of one matter or of two (fresh_pairs.tsv)."""

from collections import Counter
from pathlib import Path

from hotline.learning.model.evaluation import Pair, evaluate_pairs
from hotline.organisation.model.vocabulary import Priority
from hotline.triage.model.advising import advise
from tests.triage.seeded import seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")
NOTHING_FITS = "-"


def rows(name: str) -> list[list[str]]:
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


def test_dangers_said_in_many_ways_ring_and_what_looks_like_them_does_not() -> None:
    missed, false, named = [], [], Counter[bool]()
    for right, dangers, text in rows("fresh_dangers.tsv"):
        advice = advise(LEXICON, text)
        rings = advice.priority is Priority.EMERGENCY
        if right == "act":
            missed += [] if rings else [text]
            named[rings and not set(dangers.split(",")).isdisjoint(advice.dangers)] += 1
        elif right == "none" and rings:
            false.append(text)
    assert len(missed) <= 2, missed
    assert len(false) <= 5, false
    assert named[False] <= 4


def test_a_word_of_an_ordinary_matter_silences_no_danger_told_beside_it() -> None:
    """What is right: act (it rings), ask (it rings or asks), quiet (neither, of that danger), none (nothing rings)."""
    wrong = []
    for right, danger, text in rows("words_beside_dangers.tsv"):
        advice = advise(LEXICON, text)
        rings = advice.priority is Priority.EMERGENCY
        heard = danger in advice.dangers or danger in {asked.danger for asked in advice.ask}
        holds = {"act": rings and danger in advice.dangers, "ask": heard, "quiet": not heard, "none": not rings}
        wrong += [] if holds[right] else [(right, text)]
    assert not wrong


def test_a_bill_is_no_outage_and_the_conduct_of_staff_goes_to_the_office_above_them() -> None:
    told = [
        (advise(LEXICON, text).category or NOTHING_FITS, right, text) for right, text in rows("charges_and_conduct.tsv")
    ]
    wrong = [(category, text) for category, right, text in told if category != right]
    assert len(wrong) <= 2, wrong
    bills = [
        advise(LEXICON, text).priority for right, text in rows("charges_and_conduct.tsv") if right.endswith("-bill")
    ]
    assert set(bills) == {Priority.NORMAL}


def test_one_matter_told_twice_is_offered_and_its_neighbour_is_not() -> None:
    pairs = [Pair(first, second, same == "1", kind) for same, first, second, kind in rows("fresh_pairs.tsv")]
    found = evaluate_pairs(pairs, LEXICON)
    assert (found.share("repeats found") or 0) >= 0.9, found.misses
    assert (found.share("repeats suggested rightly") or 0) >= 0.94, found.misses
