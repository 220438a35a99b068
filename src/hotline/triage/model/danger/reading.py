"""Reads a folded text for danger: the frames that are there, each judged, and what only sounds like one."""

from collections.abc import Sequence
from dataclasses import dataclass

from hotline.organisation.model.vocabulary import Danger, Grade, Operator
from hotline.triage.model.danger.judging import JudgedHit, Lowered, has_cue, judge
from hotline.triage.model.danger.lexicon import DangerLexicon
from hotline.triage.model.danger.matching import Reading, Span

LONG_TEXT = 200  # characters; above it a hit counts only where the text says that it is now


@dataclass(frozen=True, slots=True)
class DangerFinding:
    """One danger that a text names, or that a frame found and something lowered (`grade` None)."""

    danger: Danger
    code: str  # of the frame
    grade: Grade | None
    words: tuple[str, ...]
    lowered: Lowered | None = None
    category: str | None = None


def read_dangers(lexicon: DangerLexicon, text: str, *, written: bool = False) -> list[DangerFinding]:
    """Every frame found in a folded text, the most pressing first.

    `written`: sent in writing, with nobody on the line. A long written text asks instead of raising an alarm; any other
    long text raises one only where it says that it is now."""
    judged = _read(lexicon, text)
    restored, spans = lexicon.sounds.restore(text)
    if spans:
        judged += _read_restored(lexicon, restored, spans)
    if len(text) > LONG_TEXT:
        judged = [_judge_long(reading, found, written) for reading, found in judged]
    findings = [
        DangerFinding(
            found.hit.frame.danger,
            found.hit.frame.code,
            found.grade,
            tuple(dict.fromkeys(reading.text[start:end] for start, end in sorted(found.hit.spans))),
            found.lowered,
            found.hit.frame.category,
        )
        for reading, found in judged
    ]
    return sorted(dict.fromkeys(findings), key=lambda found: _rank(lexicon, found))


def _rank(lexicon: DangerLexicon, found: DangerFinding) -> tuple[int, int]:
    hazard = lexicon.hazards.get(found.danger)
    pressing = (Grade.ACT, Grade.ASK, None).index(found.grade)
    return pressing, hazard.rank if hazard else 99


_Judged = list[tuple[Reading, JudgedHit]]


def _read(lexicon: DangerLexicon, text: str) -> _Judged:
    reading = Reading(lexicon, text, lexicon.words.find(text))
    found: _Judged = []
    certain: set[Danger] = set()  # an alarm is raised once
    for hit in reading.hits():
        if hit.frame.danger not in certain:
            judged = judge(reading, hit)
            found.append((reading, judged))
            if judged.grade is Grade.ACT:
                certain.add(hit.frame.danger)
    return found


def _read_restored(lexicon: DangerLexicon, text: str, spans: Sequence[Span]) -> _Judged:
    """What a restored text says where it was restored. It raises an alarm only with another group of its frame or a
    sign that somebody is there."""
    found: _Judged = []
    for reading, judged in _read(lexicon, text):
        if not any(start < e and s < end for start, end in judged.hit.spans for s, e in spans):
            continue
        if judged.grade is Grade.ACT and len(set(judged.hit.spans)) < 2 and not has_cue(reading, judged.hit):
            judged = JudgedHit(judged.hit, Grade.ASK, Lowered.SOUND)
        found.append((reading, judged))
    return found


def _judge_long(reading: Reading, judged: JudgedHit, written: bool) -> tuple[Reading, JudgedHit]:
    if judged.grade is Grade.ACT:
        sentence = reading.sentences[judged.hit.start]
        live = any(
            reading.sentences[span[0]] == sentence
            for name in (Operator.PLEA, Operator.NOW, Operator.PRESENT)
            for span in reading.operator(name)
        )
        if written or not live:
            judged = JudgedHit(judged.hit, Grade.ASK, Lowered.LONG)
    return reading, judged
