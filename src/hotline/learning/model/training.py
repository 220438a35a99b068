"""What a version is fitted on, and what comes of it: plain data on its way to the process that fits, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hotline.learning.model.calibration import Prediction
from hotline.learning.model.gate import GATE_SHARE, LabelBatch
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


def split_by_time(labelled: Sequence[LabelledText]) -> tuple[list[int], list[int]]:
    """The places to fit on, and those to be judged by: the newest fifth of the strong labels. A weak label that is
    newer than the first of these belongs to neither."""
    strong = [place for place, label in enumerate(labelled) if label.strong]
    held = strong[len(strong) - len(strong) // GATE_SHARE :]
    first = held[0] if held else len(labelled)
    return list(range(first)), held
