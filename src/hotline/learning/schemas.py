"""The model in replies: the version in use, its figures, and what persons decided otherwise."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.database.prepared import Row
from hotline.learning.service import LearningOverview
from hotline.learning.vocabulary import ModelState
from hotline.replies import reply_type

Share = Annotated[float | None, Field(description="0-1; null: nothing to measure it on")]


@reply_type()
class CategoryFigures:
    """How a category fared among the labels the version was judged by. `threshold`: from which confidence on it may
    be decided; null: never."""

    category: str
    labels: int
    f1: float
    threshold: float | None


@reply_type()
class CalibrationBin:
    """Guesses of one tenth of the scale of confidence."""

    guesses: int
    confidence: float
    right: float


@reply_type()
class Confusion:
    """`count` texts of category `truth` were taken for `guess`."""

    truth: str
    guess: str
    count: int


@reply_type()
class AsideOut:
    """Labels of one person that contradict all others, and were not used. `day`: of that day alone."""

    by: str
    day: str
    labels: int
    contradicted: float


@reply_type()
class VersionOut:
    """A version, and how it did on the newest fifth of the labels, which it was not fitted on. `passed`: judged by
    at least 20 decisions, at most half of them of categories it was not fitted on; 40 % of them right; and no worse
    there than the version then in use. `reasons` say why or why not. `ece`: expected calibration error; `coverage`:
    the share of texts on which it is sure, `right_where_sure` how many of those are right."""

    version: int
    made_at: datetime
    hash: str
    directory_version: int
    first_at: datetime
    last_at: datetime
    labels: int
    judged_by: int
    passed: bool
    reasons: list[str]
    accuracy: Share
    coverage: float
    right_where_sure: Share
    ece: Share
    set_aside: tuple[AsideOut, ...]


@reply_type()
class RecordOut:
    """How the opinions at intake fared since the model is in its present state: of `labels` decisions it was sure on
    `sure`, and `right` is the share of those that was right."""

    labels: int
    sure: int
    coverage: float
    right: Share


@reply_type()
class DriftOut:
    """The last weekly check. `shift`: population stability index of the label mix; `overridden`: sure opinions that a
    person decided otherwise; `unknown`: n-grams the version does not know."""

    at: datetime
    version: int
    labels: int
    shift: float | None
    error: float | None
    overridden: float | None
    unknown: float | None
    alarms: list[str]


@reply_type()
class Disagreement:
    """A ticket whose category a person chose otherwise than the model said at intake."""

    number: str
    at: datetime
    version: int
    said: str
    confidence: float
    chosen: str


@reply_type()
class UseOut:
    """The version in use. `held`: new versions wait for a person, as after a rollback."""

    version: int
    state: ModelState
    since: datetime
    by: str
    reason: str
    held: bool


@reply_type()
class ModelOut:
    """The model that learns from decisions. `use` and `version` are null until there are labels enough."""

    use: UseOut | None
    version: VersionOut | None
    categories: tuple[CategoryFigures, ...]
    bins: tuple[CalibrationBin, ...]
    confusion: tuple[Confusion, ...]
    record: RecordOut
    labels: int
    strong_labels: int
    drift: DriftOut | None
    disagreements: tuple[Disagreement, ...]
    versions: tuple[VersionOut, ...]


def render_model(overview: LearningOverview) -> ModelOut:
    use, version, record = overview.use, overview.version, overview.record
    figures: dict[str, Any] = version.figures if version is not None else {}
    return ModelOut(
        use=UseOut(use.version, ModelState(use.state), use.at, use.by_id, use.reason, use.held) if use else None,
        version=render_version(version) if version is not None else None,
        categories=tuple(
            CategoryFigures(code, score["labels"], round(score["f1"], 3), figures["thresholds"].get(code))
            for code, score in figures.get("categories", {}).items()
        ),
        bins=tuple(CalibrationBin(n, round(said, 3), round(right, 3)) for n, said, right in figures.get("bins", ())),
        confusion=tuple(
            Confusion(truth, guess, count)
            for truth, row in figures.get("confusion", {}).items()
            for guess, count in row.items()
        ),
        record=RecordOut(record.total, record.sure, round(record.covered, 3), _rounded(record.right)),
        labels=overview.labels,
        strong_labels=overview.strong,
        drift=_render_check(overview.check) if overview.check is not None else None,
        disagreements=tuple(
            Disagreement(row.number, row.at, row.version, row.guess, round(row.confidence, 3), row.category)
            for row in overview.disagreements
        ),
        versions=tuple(map(render_version, overview.versions)),
    )


def render_version(row: Row) -> VersionOut:
    figures = row.figures
    return VersionOut(
        version=row.version,
        made_at=row.made_at,
        hash=row.hash,
        directory_version=row.directory_version,
        first_at=row.first_at,
        last_at=row.last_at,
        labels=row.labels,
        judged_by=figures["judged_by"],
        passed=row.passed,
        reasons=figures["reasons"],
        accuracy=_rounded(figures["accuracy"]),
        coverage=round(figures["coverage"], 3),
        right_where_sure=_rounded(figures["right_where_sure"]),
        ece=_rounded(figures["ece"]),
        set_aside=tuple(AsideOut(**batch) for batch in figures["set_aside"]),
    )


def _render_check(row: Row) -> DriftOut:
    figures = row.figures
    return DriftOut(
        at=row.at,
        version=row.version,
        labels=figures["labels"],
        shift=_rounded(figures["shift"]),
        error=_rounded(figures["error"]),
        overridden=_rounded(figures["overridden"]),
        unknown=_rounded(figures["unknown"]),
        alarms=row.alarms,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
