"""The gate in front of a new version: labels that contradict the rest are set aside, and nothing may get worse."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hotline.learning.model.calibration import Prediction, accuracy, score_categories

COUNTED = 30  # labels from which on a category is judged by itself
LEAST_OF_BATCH = 10  # labels of one person from which on they are compared with the others'
CONTRADICTION = 0.4  # how much larger the contradicted share of a batch is than that of all other labels
SURE_OF_IT = 0.5  # confidence from which on a guess contradicts: below it, too few others labelled such texts
MINORITY = 3  # more than a third of all labels are not set aside because the others say otherwise
# a second person confirms a change with so many labels, and such a share of the same contradictions
LEAST_VOTES = 3
VOTES_SHARE = 0.2
GATE_SHARE = 5  # the newest fifth by time
LEAST_JUDGED = 20  # decisions: of fewer, chance alone may be right
# the share that must be right whatever was in use before. The first versions of the measured quarter (decision 47) were
# right on .41 to .59; one that is right less often has learned something else than what is asked
LEAST_RIGHT = 0.4


@dataclass(frozen=True, slots=True)
class HeldOutLabel:
    """A label and what a model fitted without its labeller says of the text."""

    by: str
    day: str
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """Labels of one person that were set aside. `day`: of that day alone; empty: all of theirs."""

    by: str
    day: str
    labels: int
    contradicted: float


@dataclass(frozen=True, slots=True)
class GateResult:
    passed: bool
    reasons: tuple[str, ...]


def find_contradicting(labels: Sequence[HeldOutLabel]) -> list[LabelBatch]:
    """The batches (one person, one day) and the persons whose labels contradict the rest.

    A label contradicts where the model fitted without its labeller is sure of something else and nobody else often
    chose the same against the same guess: a change that several persons make is no fault."""
    votes: dict[tuple[str, str], Counter[str]] = {}
    for label in labels:
        if not label.prediction.right:
            votes.setdefault((label.prediction.guess, label.prediction.truth), Counter())[label.by] += 1
    seconders = {kind: _seconders(counts) for kind, counts in votes.items()}
    against = [
        not label.prediction.right
        and label.prediction.confidence >= SURE_OF_IT
        and not seconders[label.prediction.guess, label.prediction.truth] - {label.by}
        for label in labels
    ]
    days = _stand_out([(label.by, label.day) for label in labels], against)
    rest = [place for place, label in enumerate(labels) if not is_set_aside(days, label.by, label.day)]
    persons = _stand_out([(labels[place].by, "") for place in rest], [against[place] for place in rest])
    whole = {batch.by for batch in persons}
    return sorted([*persons, *(batch for batch in days if batch.by not in whole)], key=lambda b: (b.by, b.day))


def _seconders(votes: Mapping[str, int]) -> set[str]:
    """Who chose the same often enough to excuse others. `votes`: how often each did."""
    least = max(LEAST_VOTES, VOTES_SHARE * sum(votes.values()))
    return {by for by, count in votes.items() if count >= least}


def _stand_out(names: Sequence[tuple[str, str]], against: Sequence[bool]) -> list[LabelBatch]:
    """The batches of which far more is contradicted than of all others. `names`: (person, day) of each label."""
    batches: dict[tuple[str, str], list[bool]] = {}
    for name, contradicted in zip(names, against, strict=True):
        batches.setdefault(name, []).append(contradicted)
    found: list[LabelBatch] = []
    for (by, day), each in batches.items():
        others = len(names) - len(each)
        if len(each) >= LEAST_OF_BATCH and MINORITY * len(each) <= len(names):
            share, usual = sum(each) / len(each), (sum(against) - sum(each)) / others
            if share >= usual + CONTRADICTION:
                found.append(LabelBatch(by, day, len(each), round(share, 3)))
    return found


def is_set_aside(batches: Sequence[LabelBatch], by: str, day: str) -> bool:
    return any(batch.by == by and batch.day in ("", day) for batch in batches)


def judge(
    candidate: Sequence[Prediction], current: Sequence[Prediction] | None, fitted: Collection[str] | None = None
) -> GateResult:
    """Whether the candidate may be used: it is right on LEAST_RIGHT of LEAST_JUDGED labels at least; and on the same
    labels no worse than the version in use in all, nor in any category of thirty labels by more than one of them.
    `current` None: there is no version in use. `fitted`: the categories it was fitted on; None: not known."""
    many, right = len(candidate), sum(p.right for p in candidate)
    if many < LEAST_JUDGED:
        return GateResult(False, (f"judged by {many} decisions; {LEAST_JUDGED} at least are needed",))
    unseen = sum(p.truth not in fitted for p in candidate) if fitted is not None else 0
    if 2 * unseen > many:
        return GateResult(
            False, (f"{unseen} of the {many} decisions it is judged by are of categories it was not fitted on",)
        )
    if right < LEAST_RIGHT * many:
        return GateResult(False, (f"right on {right} of {many} decisions; {LEAST_RIGHT:.0%} at least are needed",))
    if current is None:
        return GateResult(True, ("no version in use to compare it with",))
    reasons: list[str] = []
    new, old = accuracy(candidate) or 0.0, accuracy(current) or 0.0
    if new < old:
        reasons.append(f"right {new:.3f}, before {old:.3f}")
    scores, earlier = score_categories(candidate), score_categories(current)
    for category, score in scores.items():
        before = earlier.get(category)
        if before is not None and score.labels >= COUNTED and score.f1 < before.f1 - 1 / score.labels:
            reasons.append(f"{category} {score.f1:.3f}, before {before.f1:.3f}")
    return GateResult(not reasons, tuple(reasons) or (f"right {new:.3f}, before {old:.3f}",))


def confusion(predictions: Sequence[Prediction]) -> Mapping[str, Mapping[str, int]]:
    """How often each category was taken for which: by truth, then by guess."""
    found: dict[str, dict[str, int]] = {}
    for p in predictions:
        row = found.setdefault(p.truth, {})
        row[p.guess] = row.get(p.guess, 0) + 1
    return {truth: dict(sorted(row.items())) for truth, row in sorted(found.items())}
