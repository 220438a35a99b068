"""A notation for words that stand near each other: groups of words, with gaps between them.

`<person> ~4 {晕 昏} >6 {路边 地上}`: a group is a word list by its name in angle brackets, words in braces (parted by
blanks; `_` stands for a blank within a word), or both mixed in braces. A gap says where the next group stands:

| gap | the next group |
|---|---|
| `>6` | begins at most 6 units behind the end of what was matched |
| `~6` | at most 6 units behind or before it |
| `+` | directly behind |
| `*` | anywhere in the text |

A unit is a Chinese character or a word of another script.
"""

import re
import sys
from dataclasses import dataclass

_TOKEN = re.compile(r"\{[^{}]*\}|<[a-z0-9_-]+>|>\d{1,2}|~\d{1,2}|\+|\*|\s+|.", re.DOTALL)
_LIST_NAME = re.compile(r"<([a-z0-9_-]+)>")


class PatternError(ValueError):
    """A pattern that cannot be read; the message says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Gap:
    """At most `units` apart; `either`: behind or before; `anywhere`: no limit but the text."""

    units: int
    either: bool = False
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Words, and the names of word lists whose words count too."""

    words: tuple[str, ...]
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GapPattern:
    """Groups in the order they are written, and the gap before each but the first."""

    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]


def parse_gap_pattern(text: str) -> GapPattern:
    """Read the notation. Raises PatternError."""
    groups: list[Group] = []
    gaps: list[Gap] = []
    for token in _TOKEN.findall(text):
        if token.isspace():
            continue
        if token[0] in "{<" and len(token) > 1:
            if len(groups) != len(gaps):
                raise PatternError("a gap (>n, ~n, + or *) between two groups")
            groups.append(_parse_group(token))
        elif token[0] in ">~+*" and len(gaps) < len(groups):
            gaps.append(_parse_gap(token))
        else:
            raise PatternError("groups in braces or angle brackets, with one gap between two")
    if len(groups) != len(gaps) + 1:
        raise PatternError("a pattern begins and ends with a group")
    return GapPattern(tuple(groups), tuple(gaps))


def _parse_group(written: str) -> Group:
    # a word is one object in every pattern that has it: a directory has thousands, and most of them several times
    items = written.strip("{}").split()
    names = [_LIST_NAME.fullmatch(item) for item in items]
    group = Group(
        tuple(sys.intern(item.replace("_", " ")) for item, name in zip(items, names, strict=True) if name is None),
        tuple(name[1] for name in names if name is not None),
    )
    if not items or any("<" in word or ">" in word for word in group.words):
        raise PatternError("words, or names of word lists in angle brackets, in each group")
    return group


def _parse_gap(written: str) -> Gap:
    if written == "*":
        return Gap(0, either=True, anywhere=True)
    if written == "+":
        return Gap(0)
    if len(written) == 1:
        raise PatternError("a number of units behind > or ~")
    return Gap(int(written[1:]), either=written[0] == "~")
