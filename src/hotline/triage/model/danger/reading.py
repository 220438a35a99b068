"""Reads a folded text for danger: the frames that are there, each judged, what only sounds like one, and what is
written in pinyin."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, starmap

from hotline.organisation.model.items import DangerFrame
from hotline.organisation.model.vocabulary import Danger, Grade
from hotline.text.word_finder import Span
from hotline.triage.model.danger.judging import JudgedHit, Lowered, belongs_together, has_cue, judge
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.matching import Hit, Reading

LONG_TEXT = 200  # characters; a written text that is longer asks

_LAST_RANK = 99  # of a danger that the directory does not describe


@dataclass(frozen=True, slots=True)
class DangerFinding:
    """One danger that a text names, or that a frame found and something lowered (`grade` None)."""

    danger: Danger
    code: str  # of the frame
    grade: Grade | None
    words: tuple[str, ...]
    lowered: Lowered | None = None
    category: str | None = None


_Judged = list[tuple[Reading, JudgedHit]]


def read_dangers(lexicon: Lexicon, reading: Reading, *, written: bool = False) -> list[DangerFinding]:
    """Every danger frame found in a text, the most pressing first.

    `written`: sent in writing, with nobody on the line. A long written text asks instead of raising an alarm. In a
    sentence of many clauses what stands in two of them raises one only where the text says that it is now."""
    judged = _judge_hits(reading, written)
    for number, (restored, spans) in enumerate(lexicon.sounds.restore(reading.text)):
        judged += _judge_restored(Reading(lexicon.patterns, restored), spans, written, rarer=number > 0)
    spelled = lexicon.pinyin.read(reading.text)
    if spelled:
        judged += _judge_restored(Reading(lexicon.patterns, spelled), [(0, len(spelled))], written)
    findings = [
        DangerFinding(
            found.frame.danger,
            found.frame.code,
            found.grade,
            tuple(dict.fromkeys(place.text[start:end] for start, end in sorted(found.hit.spans))),
            found.lowered,
            found.frame.category,
        )
        for place, found in judged
    ]
    return sorted(dict.fromkeys(findings), key=lambda found: _rank(lexicon, found))


def _rank(lexicon: Lexicon, found: DangerFinding) -> tuple[int, int]:
    hazard = lexicon.hazards.get(found.danger)
    pressing = (Grade.ACT, Grade.ASK, None).index(found.grade)
    return pressing, hazard.rank if hazard else _LAST_RANK


def _judge_hits(reading: Reading, written: bool, *, once: bool = True) -> _Judged:
    """`once`: without what else is found of a danger that raises an alarm already."""
    found: _Judged = []
    certain: set[Danger] = set()  # an alarm is raised, or asked about, once
    asks_only = written and len(reading.text) > LONG_TEXT
    for pattern in reading.candidates:
        frame = pattern.item
        if not isinstance(frame, DangerFrame) or frame.danger in certain:
            continue
        for hit in reading.hits_of(pattern):
            if frame.yields_to is not None and _is_told_by(reading, frame.yields_to, hit):
                continue
            judged = judge(reading, hit, frame)
            acts = judged.grade is Grade.ACT and belongs_together(reading, hit)
            if judged.grade is Grade.ACT and (asks_only or not acts):
                judged = replace(judged, grade=Grade.ASK, lowered=Lowered.LONG)
            found.append((reading, judged))
            if acts and once:
                certain.add(frame.danger)
                break
    return found


def _is_told_by(reading: Reading, danger: Danger, hit: Hit) -> bool:
    """Whether that danger is found in some of the hit's own words."""
    told = reading.once(_places_of_dangers).get(danger, ())
    return any(place in told for start, end in hit.spans for place in range(start, end))


def _places_of_dangers(reading: Reading) -> Mapping[Danger, Collection[int]]:
    """The characters in which frames that yield to nothing find a danger that is acted on."""
    found: dict[Danger, set[int]] = {}
    for pattern in reading.candidates:
        frame = pattern.item
        if isinstance(frame, DangerFrame) and frame.yields_to is None:
            for hit in reading.hits_of(pattern):
                if judge(reading, hit, frame).grade is Grade.ACT:
                    found.setdefault(frame.danger, set()).update(chain.from_iterable(starmap(range, hit.spans)))
    return found


def _judge_restored(reading: Reading, spans: Sequence[Span], written: bool, *, rarer: bool = False) -> _Judged:
    """What a restored text says where it was restored. It raises an alarm only with another group of its frame or a
    sign that somebody is there. `rarer`: the sound stands for another word first; this one counts only with another
    group."""
    found: _Judged = []
    for place, judged in _judge_hits(reading, written, once=False):
        hit = judged.hit
        if not any(start < e and s < end for start, end in hit.spans for s, e in spans):
            continue
        alone = len(set(hit.spans)) < 2
        if alone and rarer:
            continue
        if judged.grade is Grade.ACT and alone and not has_cue(place, hit):
            judged = replace(judged, grade=Grade.ASK, lowered=Lowered.SOUND)
        found.append((place, judged))
    return found
