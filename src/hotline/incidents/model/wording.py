"""How alike a text is to the calls of an incident: the characters, pairs of characters and words that its calls use
more often than all others do."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import log, sqrt

from hotline.text.normalisation import fold_text

READ_CHARACTERS = 120  # of a narrative: what is wrong stands at its beginning, and the cost has a bound
MOST_WEIGHTS = 600  # kept for one incident
_LOWEST, _HIGHEST = -2.0, 3.0  # one word alone decides nothing
_UNKNOWN = -0.5  # of a feature that neither its calls nor others have
_PRIOR = 2.0
_RUNS = re.compile(r"[a-z]{2,}|[\u3400-\u9fff]+")
# a building or a part of one, by its number: where it is says nothing of what it is
_NUMBERED = re.compile(
    r"[0-9\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,4}"
    r" ?(?:\u53f7\u697c|\u865f\u6a13|\u5355\u5143|\u55ae\u5143|"
    r"[\u680b\u5e62\u68df\u5ea7\u5c42\u5c64\u697c\u6a13\u5ba4])"
)
_COMMON = frozenset(
    (
        "an", "and", "are", "at", "be", "by", "can", "for", "has", "have", "hello", "hi", "in", "is", "it", "its", "me",
        "my", "no", "not", "of", "on", "our", "please", "that", "the", "there", "they", "this", "to", "was", "we",
        "when", "will", "with", "you", "your",
    )
)  # fmt: skip


def features(text: str) -> frozenset[str]:
    """The Chinese characters, their pairs, and the English words of a text, but for the commonest and for buildings
    by their number."""
    found: set[str] = set()
    for run in _RUNS.findall(_NUMBERED.sub(" ", fold_text(text[:READ_CHARACTERS]))):
        if run[0] > "z":
            found.update(run)
            found.update(a + b for a, b in pairwise(run))
        elif run not in _COMMON:
            found.add(run)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Wording:
    """The weights of the features of an incident's calls; `other`: of every feature not named."""

    weights: Mapping[str, float] = field(default_factory=dict)
    other: float = 0.0

    def likeness(self, found: frozenset[str]) -> float:
        """Above 0: told in words of the incident; about 5 where all of it is; below 0: in those of others. A text
        without features is like nothing: -9."""
        if not found:
            return -9.0
        weights, other = self.weights, self.other
        return sum([weights.get(feature, other) for feature in found]) / sqrt(len(found))


def learn_wording(members: Iterable[frozenset[str]], others: Iterable[frozenset[str]]) -> Wording:
    """The weights that part the features of members from those of others: logarithms of how much more often a feature
    stands in a member, bounded on both sides. With few members the frequencies of all others stand for two more, so
    that little is concluded from little."""
    inside, outside = Counter[str](), Counter[str]()
    of_inside = of_outside = 0
    for found in members:
        inside.update(found)
        of_inside += 1
    for found in others:
        outside.update(found)
        of_outside += 1

    def weight(feature: str) -> float:
        usual = (outside[feature] + 0.5) / (of_outside + 1)
        here = (inside[feature] + _PRIOR * usual) / (of_inside + _PRIOR)
        return round(max(_LOWEST, min(_HIGHEST, log(here / usual))), 2)

    weighed = {feature: weight(feature) for feature in inside.keys() | outside.keys()}
    strongest = sorted(weighed, key=lambda feature: (-abs(weighed[feature]), feature))[:MOST_WEIGHTS]
    return Wording({feature: weighed[feature] for feature in strongest}, _UNKNOWN)
