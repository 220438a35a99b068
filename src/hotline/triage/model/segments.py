"""Counts the units, clauses and sentences of a folded text. Clauses part at commas and connectors, sentences at full
stops.

A unit is a Chinese character or a word of another script. Every count stands in a list by offset: how many end (units)
or begin (clauses, sentences) at or before it."""

import re
from collections.abc import Iterable, Sequence

from hotline.text.word_finder import Span

# words that begin a clause, with or without a comma in front of them
CONNECTORS = (
    "但是", "不过", "结果", "可是", "然后", "另外", "而且", "后来", "还有就是", "只是", " but ", " and now ",
)  # fmt: skip
# characters above U+3002 are a unit each; in a run of others stand letters, whose words are a unit each, and all marks
_RUN = re.compile("([\0-\u3002]+)")
_LATIN_WORD = re.compile(r"[^\W\u3003-\U0010ffff](?:[^\W\u3003-\U0010ffff]|')*")
_SENTENCE_END = re.compile(r"[。!?;…\n]|\.(?= |$)")
_CLAUSE_END = re.compile(r"[,、:]")


def measure_text(text: str, connectors: Iterable[Span]) -> tuple[list[int], list[int], list[int]]:
    """The units, the clauses and the sentences up to every offset of a text. `connectors`: where the words of
    `CONNECTORS` stand in it, in any order."""
    units = [0]
    ends: list[int] = []
    borders: set[int] = set()
    offset = counted = 0
    pieces = _RUN.split(text)
    pieces.append("")
    for at in range(0, len(pieces), 2):
        size, run = len(pieces[at]), pieces[at + 1]
        units += range(counted + 1, counted + size + 1)
        counted += size
        offset += size
        if run == ",":  # most runs of a Chinese text
            offset += 1
            units.append(counted)
            borders.add(offset)
        elif run:
            start, offset = offset, offset + len(run)
            begun = 0
            for word in _LATIN_WORD.finditer(run):
                end = word.end()
                units += [counted] * (end - begun - 1)
                counted += 1
                units.append(counted)
                begun = end
            units += [counted] * (len(run) - begun)
            # one character more, as a point is the end of a sentence where nothing or a blank is behind it
            ends += [found.end() for found in _SENTENCE_END.finditer(text, start, min(offset + 1, len(text)))]
            borders.update([found.end() for found in _CLAUSE_END.finditer(text, start, offset)])
    begun = 0
    for start, end in sorted(connectors):
        if start >= begun:  # one border, also directly behind a comma
            borders.add(start)
            begun = end
    return units, _count_up_to(sorted([*ends, *borders]), len(text)), _count_up_to(ends, len(text))


def _count_up_to(offsets: Sequence[int], length: int) -> list[int]:
    """How many of the ascending offsets lie at or before each offset of a text."""
    counts: list[int] = []
    for number, offset in enumerate(offsets):
        counts += [number] * (offset - len(counts))
    return counts + [len(offsets)] * (length + 1 - len(counts))
