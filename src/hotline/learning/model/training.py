"""What a version is fitted on, and what comes of it: plain data on its way to the process that fits, and back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from hotline.learning.model.calibration import Prediction
from hotline.learning.model.gate import GATE_SHARE, LEAST_JUDGED, LabelBatch
from hotline.learning.model.labels import LEAST_LABELS as LEAST_LABELS
from hotline.learning.model.labels import WEAK

MOST_LABELS = 20_000  # the newest, strong ones first; older ones speak of another time
MOST_UNLABELLED = 5_000
HINT_WEIGHT = WEAK


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A folded narrative with what was decided. Weights: `weight` of category and kind, `department_weight` of the
    department (0: not known). `strong`: a person chose it; `by` and `day` are then theirs."""

    text: str
    category: str
    kind: str
    weight: float
    strong: bool
    by: str = ""
    day: str = ""
    department: str | None = None
    department_weight: float = 0.0


@dataclass(frozen=True, slots=True)
class FitTask:
    """`labelled`: oldest first. `hints`: words of the directory with their category, worth a weak label each.
    `unlabelled`: folded narratives to learn from which n-grams go together."""

    labelled: Sequence[LabelledText]
    hints: Sequence[tuple[str, str]] = ()
    unlabelled: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ModelHead:
    """One question the model answers: the codes it may answer with, in the order of their columns."""

    name: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FitResult:
    """`arrays`: the weights as `scoring.LinearModel` reads them. `thresholds` by category. `gate`: places in the task
    of the labels it was not fitted on and is judged by, with what it says of each in `predictions`. `unknown`: the
    share of their n-grams that it does not know. `set_aside`: labels that contradict all others. `reduced`: fitted on
    a hundred dimensions of what goes together instead of on the n-grams themselves."""

    arrays: bytes
    heads: tuple[ModelHead, ...]
    thresholds: Mapping[str, float]
    temperature: float
    gate: tuple[int, ...]
    predictions: tuple[Prediction, ...]
    mix: Mapping[str, float]
    unknown: float
    fitted_on: int
    reduced: bool = False
    set_aside: tuple[LabelBatch, ...] = field(default=())


def judged_days(task: FitTask, result: FitResult) -> list[str]:
    """The first and the last day of the labels that a version is judged by; empty: there are none."""
    days = sorted(task.labelled[place].day for place in result.gate)
    return [days[0], days[-1]] if days else []


def split_by_time(labelled: Sequence[LabelledText]) -> tuple[list[int], list[int]]:
    """The places to fit on, and those to be judged by: the newest fifth of the strong labels, at least LEAST_JUDGED of
    them, at most half. Whole days are held out, newest first; of the day on which the fifth begins, an even share of
    each category, so that labels that are nearly all of one day still hold a part that shows them all. A weak label
    that is newer than the first of these belongs to neither."""
    strong = [place for place, label in enumerate(labelled) if label.strong]
    wanted = min(max(len(strong) // GATE_SHARE, LEAST_JUDGED), len(strong) // 2)
    held: list[int] = []
    for _, each in groupby(reversed(strong), key=lambda place: labelled[place].day):
        day = sorted(each)
        if len(held) + len(day) > wanted:
            held += _even_share(labelled, day, wanted - len(held))
            break
        held += day
    kept, first = set(held), min(held, default=len(labelled))
    fitted_on = [p for p, label in enumerate(labelled) if p not in kept and (p < first or label.strong)]
    return fitted_on, sorted(held)


def _even_share(labelled: Sequence[LabelledText], places: Sequence[int], wanted: int) -> list[int]:
    """About `wanted` of these places, of every category in proportion. The same text is in the share, or is not, as
    often as it stands there, so that no version is judged by a text it was fitted on."""
    texts: dict[str, list[int]] = {}
    for place in sorted(places, key=lambda place: (labelled[place].category, place)):
        texts.setdefault(labelled[place].text, []).append(place)
    groups = list(texts.values())
    found: list[int] = []
    step = len(places) / wanted if wanted else 0.0
    passed, due = 0.0, step / 2
    for group in groups:
        passed += len(group)
        if wanted and passed > due:
            found += group
            due += step * len(group)
    return found


def fold_groups(labels: Sequence[LabelledText], folds: int) -> list[str]:
    """Of each label, the group that stays together when folds are held out: its labeller's labels of its day. A group
    that is larger than a fold is parted by text, so that what is left to fit on is never a small rest."""
    most = max(1, len(labels) // folds)
    sizes = Counter((label.by, label.day) for label in labels)
    texts: dict[tuple[str, str], dict[str, int]] = {}
    found: list[str] = []
    for label in labels:
        group = (label.by, label.day)
        known = texts.setdefault(group, {})
        text = known.setdefault(label.text, len(known))
        found.append(f"{label.by} {label.day} {text % -(-sizes[group] // most)}")
    return found
