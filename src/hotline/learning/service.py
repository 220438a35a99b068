"""Learning: fits versions on labels, puts them into use, and compares the one in use with what comes in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from hotline.database.prepared import Row
from hotline.delivery.alarms import add_alarm
from hotline.learning import store
from hotline.learning.in_use import ModelInUse, load_model
from hotline.learning.model.calibration import (
    Coverage,
    Prediction,
    accuracy,
    calibration_bins,
    calibration_error,
    may_act,
    measure_coverage,
    score_categories,
)
from hotline.learning.model.drift import DriftFigures, LearnedFrom, WeekOfLabels, measure_drift
from hotline.learning.model.gate import GateResult, confusion, judge
from hotline.learning.model.labels import LEAST_LABELS, TriageLabel, capped_weights
from hotline.learning.model.training import (
    HINT_WEIGHT,
    MOST_LABELS,
    MOST_UNLABELLED,
    FitResult,
    FitTask,
    LabelledText,
    judged_days,
)
from hotline.learning.model.uses import VersionUse, version_before
from hotline.learning.vocabulary import ModelState
from hotline.locales import bilingual
from hotline.organisation.model.directory import Directory
from hotline.refusals import Code, Refusal, Refused
from hotline.text.normalisation import fold_text
from hotline.tickets.context import Services

log = structlog.get_logger("hotline.learning")
T = TypeVar("T")
Fit = Callable[[FitTask], Awaitable[FitResult]]
REFIT_AFTER = 50  # strong labels
NIGHTLY = timedelta(days=1)
LEAST_PAUSE = timedelta(hours=1)  # between two fits, however much is decided
WEEK = timedelta(days=7)
LEASE = timedelta(minutes=30)  # a fit of 20,000 labels takes a minute
LOOKED_AT = 2000  # labels or narratives of a week that are compared
BY_WORKER = "worker"


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """What came of training. `used`: it is in use now."""

    version: int
    gate: GateResult
    used: bool
    figures: dict[str, Any] = field(default_factory=dict)


async def is_training_due(services: Services, now: datetime) -> bool:
    """After 50 new strong labels and an hour, or a day after the last time if there is any new one."""
    state = await store.load_state(services.db)
    if state is None or (state.trained_at is not None and now - state.trained_at < LEAST_PAUSE):
        return False
    new = await store.count_new_labels(services.db, state.trained_at or store.BEGINNING, LEAST_LABELS)
    if state.trained_at is None:
        return new >= LEAST_LABELS
    return new >= REFIT_AFTER or (new > 0 and now - state.trained_at >= NIGHTLY)


async def train(services: Services, fit: Fit, now: datetime, by: str = BY_WORKER) -> TrainedVersion | None:
    """Fit a version on the labels there are, keep it, and put it into use if it passes the gate. None: another worker
    is training. Raises Refused where there are too few labels."""
    # also after a failure the next attempt waits for more labels or for a day
    return await _run_alone(services, lambda: _train(services, fit, now, by), {"trained_at": now})


async def _run_alone(services: Services, work: Callable[[], Awaitable[T]], done: Mapping[str, Any]) -> T | None:
    """Do what puts versions into use while no other worker does. None: another does. `done`: columns of the state to
    set afterwards, also after a failure."""
    token = str(uuid4())
    if not await services.db.transact(lambda c: store.take_lease(c, token, LEASE)):
        return None
    try:
        return await work()
    finally:
        await services.db.transact(lambda c: store.release_lease(c, token, done))


async def _train(services: Services, fit: Fit, now: datetime, by: str) -> TrainedVersion:
    directory = await services.directory.now(now)
    rows = [row for row in await store.load_labelled(services.db, MOST_LABELS) if _is_known(directory, row.category)]
    strong = sum(row.strong for row in rows)
    if strong < LEAST_LABELS or len({row.category for row in rows}) < 2:
        detail = f"{strong} decisions by persons; {LEAST_LABELS} of two categories at least are needed"
        raise Refused(Refusal(Code.CONFLICT, detail))
    narratives = await store.load_narratives(services.db, store.BEGINNING, MOST_UNLABELLED)
    # seconds for 20,000 texts: not on the loop, nor in the one thread that requests wait for
    task = await asyncio.to_thread(make_task, directory, rows, narratives)
    uses = await store.load_uses(services.db, 1)
    result = await fit(task)
    current = await _predict_with_current(services, task, result, uses)
    gate = judge(result.predictions, current, result.mix)
    figures = {**_figures(result, gate), "judged_days": judged_days(task, result)}
    row = {
        "made_at": now,
        "hash": _hash(result.arrays),
        "directory_version": directory.version,
        "first_at": rows[0].at,
        "last_at": rows[-1].at,
        "labels": len(rows),
        "passed": gate.passed,
        "figures": figures,
        "arrays": result.arrays,
    }
    use = _use_after_training(gate, uses, now, by, compared=current is not None)

    def keep(c: Any) -> tuple[int, bool]:
        version = store.insert_version(c, row)
        last = uses[0] if uses else None
        # it was compared with that one: where a person has put another into use meanwhile, it waits for a person too
        return version, use is not None and store.insert_next_use(c, {**use, "version": version}, last)

    version, used = await services.db.transact(keep)
    log.info("model.trained", version=version, passed=gate.passed, used=used, reasons=gate.reasons)
    if used:
        await services.part(ModelInUse).refresh(services.db)
    return TrainedVersion(version, gate, used, figures)


def make_task(directory: Directory, rows: Sequence[Row], narratives: Sequence[str]) -> FitTask:
    """What a version is fitted on: labels (oldest first), the directory's own words, and narratives without labels."""
    weights = capped_weights([_label(row) for row in rows])
    labelled = [
        LabelledText(
            text=fold_text(row.narrative),
            category=row.category,
            kind=row.kind,
            weight=weight,
            strong=row.strong,
            by=row.by_id,
            day=f"{row.at:%Y-%m-%d}",
            department=row.department,
            department_weight=0.0 if row.department is None else 1.0 if row.department_strong else HINT_WEIGHT,
        )
        for row, weight in zip(rows, weights, strict=True)
    ]
    hints = [
        (fold_text(word), category.code)
        for category in directory.categories.values()
        if category.active
        for word in (*category.words, category.name, category.name_en)
        if word
    ]
    return FitTask(labelled, hints, [fold_text(text) for text in narratives])


def _use_after_training(
    gate: GateResult, uses: Sequence[Row], now: datetime, by: str, *, compared: bool
) -> dict[str, Any] | None:
    """A version that passed takes the place of the one in use, in its state. It begins in shadow where it was not
    `compared`: it is the first, or the one in use is damaged. After a rollback it waits for a person."""
    if not gate.passed or (uses and uses[0].held):
        return None
    state = uses[0].state if uses and compared else ModelState.SHADOW
    return {"state": state, "held": False, "at": now, "by_id": by, "reason": "; ".join(gate.reasons)}


async def _predict_with_current(
    services: Services, task: FitTask, result: FitResult, uses: Sequence[Row]
) -> list[Prediction] | None:
    """What the version in use says of the labels that the new one is judged by."""
    current = await load_model(services.db, uses[0].version, acting=False) if uses else None
    if current is None:
        return None
    labels, predict = [task.labelled[place] for place in result.gate], current.predict
    return await asyncio.to_thread(lambda: [Prediction(label.category, *predict(label.text)) for label in labels])


def _figures(result: FitResult, gate: GateResult) -> dict[str, Any]:
    predictions = result.predictions
    coverage = measure_coverage(predictions, result.thresholds)
    return {
        "heads": [asdict(head) for head in result.heads],
        "thresholds": dict(result.thresholds),
        "temperature": result.temperature,
        "judged_by": len(predictions),
        "fitted_on": result.fitted_on,
        "accuracy": accuracy(predictions),
        "coverage": coverage.covered,
        "right_where_sure": coverage.right,
        "ece": calibration_error(predictions),
        "categories": {code: asdict(score) for code, score in score_categories(predictions).items()},
        "bins": [list(each) for each in calibration_bins(predictions)],
        "confusion": confusion(predictions),
        "mix": dict(result.mix),
        "unknown": result.unknown,
        "reduced": result.reduced,
        "set_aside": [asdict(batch) for batch in result.set_aside],
        "reasons": list(gate.reasons),
    }


async def promote(services: Services, version: int, by: str, now: datetime, *, acting: bool = False) -> None:
    """Put a version into use by hand, in shadow or acting. Raises Refused as `load_promotable` does."""
    await load_promotable(services, version)
    state = ModelState.ACTING if acting else ModelState.SHADOW
    await _put_into_use(services, _use(version, state, by, "promoted", now))


async def load_promotable(services: Services, version: int) -> Row:
    """A version that may be put into use. Raises Refused where there is none, or where it did not pass the gate."""
    row = await store.load_version(services.db, version)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such version"))
    if not row.passed:
        raise Refused(Refusal(Code.CONFLICT, f"version {version} did not pass: {'; '.join(row.figures['reasons'])}"))
    return row


async def rollback(services: Services, by: str, now: datetime) -> tuple[int, ModelState]:
    """Go back to the version that was in use before, as it was; new versions then wait for `promote`. Where there was
    no other, the one in use goes back to shadow. Raises Refused where none is in use."""
    uses = await store.load_uses(services.db, LOOKED_AT)
    if not uses:
        raise Refused(Refusal(Code.CONFLICT, "no version is in use"))
    before = version_before([VersionUse(use.version, use.state, use.held) for use in reversed(uses)])
    version = before.version if before is not None else uses[0].version
    state = ModelState(before.state) if before is not None else ModelState.SHADOW
    if uses[0].held and (version, state) == (uses[0].version, uses[0].state):
        return version, state
    reason = f"rolled back from {uses[0].version}"
    await _put_into_use(services, {**_use(version, state, by, reason, now), "held": True})
    return version, state


async def review_shadow(services: Services, now: datetime) -> bool:
    """Let the version in use act once its record in shadow is long and good enough. True: it acts from now on."""
    if not _may_be_raised(await store.load_uses(services.db, 1)):
        return False
    return bool(await _run_alone(services, lambda: _review_shadow(services, now), {}))


def _may_be_raised(uses: Sequence[Row]) -> bool:
    return bool(uses) and uses[0].state == ModelState.SHADOW and not uses[0].held


async def _review_shadow(services: Services, now: datetime) -> bool:
    uses = await store.load_uses(services.db, LOOKED_AT)
    if not _may_be_raised(uses):
        return False
    record = await load_record(services, uses)
    if not may_act([(row.sure, row.guess == row.category) for row in record]):
        return False
    use = _use(uses[0].version, ModelState.ACTING, BY_WORKER, "record in shadow", now)
    if not await services.db.transact(lambda c: store.insert_next_use(c, use, uses[0])):
        return False
    await services.part(ModelInUse).refresh(services.db)
    log.info("model.acts", version=uses[0].version, labels=len(record))
    return True


async def load_record(services: Services, uses: Sequence[Row]) -> Sequence[Row]:
    """The labels of texts on which a version had an opinion since it is in its present state."""
    since = store.BEGINNING
    for use in uses:
        if use.state != uses[0].state:
            break
        since = use.at
    judged = await store.load_judged(services.db, since, LOOKED_AT)
    return _confirming(judged, uses[0].state)


def _confirming(rows: Sequence[Row], state: str) -> Sequence[Row]:
    """The labels that an opinion can be judged by. In shadow those by persons alone: an untouched close then confirms
    the rules."""
    return [row for row in rows if row.strong or state == ModelState.ACTING]


async def check_drift(services: Services, now: datetime) -> DriftFigures | None:
    """Once a week, compare the version in use with what came in. An alarm puts it back into shadow, and operators are
    told. None: not due, no version is in use, or another worker is at it."""
    if await _checked_use(services, now) is None:
        return None
    return await _run_alone(services, lambda: _check_drift(services, now), {})


async def _checked_use(services: Services, now: datetime) -> Row | None:
    """The version in use, if a week has gone since the last check."""
    uses, checks = await store.load_uses(services.db, LOOKED_AT), await store.load_checks(services.db, 1)
    due = bool(uses) and now - (checks[0].at if checks else uses[-1].at) >= WEEK
    return uses[0] if due else None


async def _check_drift(services: Services, now: datetime) -> DriftFigures | None:
    use = await _checked_use(services, now)
    if use is None:
        return None
    version = await store.load_version(services.db, use.version)
    model = await load_model(services.db, use.version, acting=False)
    if version is None or model is None:
        return None
    rows = await store.load_labels(services.db, now - WEEK, LOOKED_AT)
    narratives = await store.load_narratives(services.db, now - WEEK, LOOKED_AT)
    unknown = await asyncio.to_thread(lambda: model.unknown_share([fold_text(text) for text in narratives]))
    judged = [row for row in _confirming(rows, use.state) if row.guess is not None and row.confidence is not None]
    week = WeekOfLabels(
        categories=[row.category for row in rows],
        predictions=[Prediction(row.category, row.guess, row.confidence) for row in judged],
        overridden=[row.guess != row.category for row in judged if row.sure],
        unknown=unknown,
    )
    figures = version.figures
    found = measure_drift(week, LearnedFrom(figures["fitted_on"], figures["mix"], figures["unknown"]))
    lower = bool(found.alarms) and use.state == ModelState.ACTING
    reason = f"drift: {', '.join(found.alarms)}"

    def keep(c: Any) -> bool:
        figures = {name: value for name, value in asdict(found).items() if name != "alarms"}
        store.insert_check(c, {"at": now, "version": use.version, "figures": figures, "alarms": list(found.alarms)})
        if found.alarms:
            add_alarm(c, "model", bilingual("alarm.model", version=use.version), now)
        # after a rollback new versions still wait
        row = {**_use(use.version, ModelState.SHADOW, BY_WORKER, reason, now), "held": use.held}
        return lower and store.insert_next_use(c, row, use)

    lowered = await services.db.transact(keep)
    if found.alarms:
        log.warning("model.drift", version=use.version, alarms=found.alarms, lowered=lowered)
    await services.part(ModelInUse).refresh(services.db)
    return found


def _use(version: int, state: ModelState, by: str, reason: str, now: datetime) -> dict[str, Any]:
    return {"version": version, "state": state, "held": False, "at": now, "by_id": by, "reason": reason}


async def _put_into_use(services: Services, use: dict[str, Any]) -> None:
    await services.db.transact(lambda c: store.insert_use(c, use))
    await services.part(ModelInUse).refresh(services.db)


@dataclass(frozen=True, slots=True)
class LearningOverview:
    """All that is shown of the model. `version`: the row of the one in use; `record`: how its opinions fared since it
    is in its present state."""

    use: Row | None
    version: Row | None
    versions: Sequence[Row]
    record: Coverage
    labels: int
    strong: int
    check: Row | None
    disagreements: Sequence[Row]


async def load_overview(services: Services) -> LearningOverview:
    uses, checks = await store.load_uses(services.db, LOOKED_AT), await store.load_checks(services.db, 1)
    use = uses[0] if uses else None
    record = await load_record(services, uses) if uses else []
    sure = [row for row in record if row.sure]
    right = sum(row.guess == row.category for row in sure) / len(sure) if sure else None
    labels, strong = await store.count_labels(services.db)
    return LearningOverview(
        use=use,
        version=await store.load_version(services.db, use.version) if use else None,
        versions=await store.load_versions(services.db, 20),
        record=Coverage(len(record), len(sure), right),
        labels=labels,
        strong=strong,
        check=checks[0] if checks else None,
        disagreements=await store.load_disagreements(services.db, 20),
    )


def _is_known(directory: Directory, code: str) -> bool:
    category = directory.categories.get(code)
    return category is not None and category.active


def _label(row: Row) -> TriageLabel:
    return TriageLabel(
        row.number, row.at, row.by_id, row.strong, row.category, row.kind, row.department, row.department_strong
    )


def _hash(arrays: bytes) -> str:
    from hotline.learning.scoring import hash_arrays

    return hash_arrays(arrays)
