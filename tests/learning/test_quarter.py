"""A quarter of a desk: what is learned from its decisions, and what is not believed."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

import pytest
import sqlalchemy as sa

from hotline.learning import service, store
from hotline.learning.in_use import ModelInUse
from hotline.learning.model.training import FitResult, FitTask
from hotline.learning.service import check_drift, is_training_due, promote, review_shadow, rollback, train
from hotline.learning.tables import triage_label
from hotline.learning.vocabulary import ModelState
from hotline.refusals import Refused
from hotline.tickets.context import Services
from tests.conftest import NOON, Clock
from tests.learning.desk import Desk, fit_here
from tests.learning.narratives import MATTERS, Told, quarter, told

pytestmark = pytest.mark.unchained  # the desk writes what it decided, and no timelines

BEGIN = NOON.replace(hour=0)


@pytest.fixture
def at_work(services: Services) -> Desk:
    return Desk(services)


async def evening(desk: Desk, clock: Clock) -> None:
    services = desk.services
    await check_drift(services, clock())
    await review_shadow(services, clock())
    if await is_training_due(services, clock()):
        await train(services, fit_here, clock())


async def weeks(desk: Desk, clock: Clock, narratives: list[Told]) -> None:
    """Weeks of decisions; after each, what the worker does."""
    for start in range(0, len(narratives), 70):
        week = narratives[start : start + 70]
        for _, day in groupby(week, key=lambda each: each.at.date()):
            await desk.decide(list(day))
        clock.now = week[-1].at + timedelta(hours=2)
        await evening(desk, clock)


def some(seed: int, begin: datetime, number: int, category: str | None = None, by: str | None = None) -> list[Told]:
    chance = random.Random(seed)
    made = [told(chance, begin + timedelta(minutes=n), category) for n in range(number)]
    return [replace(each, by=by) for each in made] if by else made


async def taught(desk: Desk, clock: Clock, number: int = 300) -> None:
    """A version in shadow, fitted on this many labels of the days before."""
    await desk.decide(some(1, BEGIN - timedelta(days=3), number))
    clock.now = BEGIN
    await train(desk.services, fit_here, clock())


async def test_a_quarter_of_decisions_is_learned_and_then_acted_on(
    at_work: Desk, services: Services, clock: Clock
) -> None:
    narratives = list(quarter(7, BEGIN, a_day=10, days=84))
    await weeks(at_work, clock, narratives)
    uses = await store.load_uses(services.db, 100)
    acted = next(use for use in reversed(uses) if use.state == ModelState.ACTING)
    assert uses[0].state == ModelState.ACTING and uses[-1].state == ModelState.SHADOW
    assert all(use.state == ModelState.ACTING for use in uses if use.id >= acted.id)  # nothing calls chance a drift
    judged_before = sum(at < acted.at for at, _, _ in at_work.outcomes)
    assert judged_before >= 300  # in shadow until then
    early, late = narratives[200].at, narratives[-250].at
    coverage_then = len([1 for at, sure, _ in at_work.outcomes if sure and at < early]) / 200
    coverage, right = at_work.right_where_sure(late)
    assert right >= 0.95 and coverage >= 0.8 > coverage_then
    versions = await store.load_versions(services.db, 100)
    first, last = versions[-1].figures["accuracy"], versions[0].figures["accuracy"]
    assert last > first + 0.1
    # immutable: each has its own hash, and they are read from the oldest to the newest label
    assert len({row.hash for row in versions}) == len(versions)


async def test_one_persons_bad_batch_is_set_aside_and_changes_nothing(
    at_work: Desk, services: Services, clock: Clock
) -> None:
    await taught(at_work, clock)
    wrong = [replace(each, category="za-praise") for each in some(2, BEGIN + timedelta(days=1), 60, by="desk-b")]
    await at_work.decide(wrong)
    clock.now = BEGIN + timedelta(days=1, hours=5)
    trained = await train(services, fit_here, clock())
    assert trained is not None
    [batch] = trained.figures["set_aside"]
    assert (batch["by"], batch["labels"]) == ("desk-b", 60) and batch["contradicted"] > 0.6
    assert "za-praise" not in trained.figures["mix"]
    opinion = services.part(ModelInUse).form_opinion("电梯一抖一抖，停半层", await services.directory.now(clock()))
    assert opinion is not None and opinion.category == "dt-fault"


async def test_a_specialist_is_believed(at_work: Desk, services: Services, clock: Clock) -> None:
    usual = [each for each in some(1, BEGIN - timedelta(days=3), 300) if each.category != "az-title"]
    await at_work.decide(usual)
    await at_work.decide(some(12, BEGIN - timedelta(days=2), 60, "az-title", by="desk-z"))
    clock.now = BEGIN
    trained = await train(services, fit_here, clock())
    assert trained is not None and trained.figures["set_aside"] == []


async def test_a_version_that_got_worse_is_kept_but_not_used(at_work: Desk, services: Services, clock: Clock) -> None:
    await taught(at_work, clock, 400)
    # two persons agree on what nobody else would say: it cannot be told from a change, so the gate must see it
    chance = random.Random(3)
    swapped = {"hj-rubbish": "hj-sewer", "hj-sewer": "hj-rubbish"}
    wrong = [
        replace(each, category=swapped[each.category], by=chance.choice(["desk-a", "desk-b"]))
        for code in swapped
        for each in some(4, BEGIN + timedelta(days=1), 90, code)
    ]
    await at_work.decide(sorted(wrong, key=lambda each: each.at))
    await at_work.decide(some(5, BEGIN + timedelta(days=2), 150))
    clock.now = BEGIN + timedelta(days=2, hours=5)
    trained = await train(services, fit_here, clock())
    assert trained is not None and not trained.gate.passed and not trained.used
    assert any(reason.startswith(("right", "hj-")) for reason in trained.gate.reasons)
    assert (await store.load_uses(services.db, 1))[0].version == 1
    with pytest.raises(Refused, match="did not pass"):
        await promote(services, trained.version, "boss", clock(), acting=True)


async def test_drift_puts_an_acting_version_back_into_shadow_and_is_told(
    at_work: Desk, services: Services, clock: Clock
) -> None:
    await taught(at_work, clock)
    await promote(services, 1, "boss", clock(), acting=True)
    await at_work.decide(some(6, BEGIN + timedelta(days=1), 120))
    clock.now = BEGIN + timedelta(days=7, hours=1)
    calm = await check_drift(services, clock())
    assert calm is not None and calm.alarms == ()
    assert await check_drift(services, clock()) is None  # once a week
    # a new estate moves in: other matters, in other words
    await at_work.decide(some(7, BEGIN + timedelta(days=9), 150, "sb-elderly"))
    clock.now = BEGIN + timedelta(days=14, hours=2)
    found = await check_drift(services, clock())
    assert found is not None and "label_mix" in found.alarms and found.shift is not None and found.shift > 0.2
    use = (await store.load_uses(services.db, 1))[0]
    assert (use.state, use.version) == (ModelState.SHADOW, 1) and "drift" in use.reason
    model = services.part(ModelInUse).model
    assert model is not None and not model.meta.acting
    # the good record of before does not let it act again
    assert not await review_shadow(services, clock())


async def test_drift_in_shadow_is_judged_by_the_newest_decisions_of_persons(
    at_work: Desk, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taught(at_work, clock)
    await at_work.decide(some(6, BEGIN + timedelta(days=1), 120))
    untouched = sa.update(triage_label).values(strong=False, by_id="", guess="za-praise", confidence=0.99)
    await services.db.transact(lambda c: c.execute(untouched.where(triage_label.c.at > BEGIN)))
    clock.now = BEGIN + timedelta(days=7, hours=1)
    calm = await check_drift(services, clock())
    assert calm is not None and calm.alarms == ()  # closes say nothing of the model
    # of more than can be compared, the newest
    monkeypatch.setattr(service, "LOOKED_AT", 120)
    await at_work.decide(some(8, BEGIN + timedelta(days=8), 120))
    await at_work.decide(some(7, BEGIN + timedelta(days=13), 120, "sb-elderly"))
    clock.now = BEGIN + timedelta(days=14, hours=2)
    found = await check_drift(services, clock())
    assert found is not None and "label_mix" in found.alarms and found.shift is not None and found.shift > 1


async def test_a_rollback_brings_the_version_before_back_and_holds(
    at_work: Desk, services: Services, clock: Clock
) -> None:
    await taught(at_work, clock)
    await promote(services, 1, "boss", clock.forward(minutes=1), acting=True)
    await at_work.decide(some(8, BEGIN + timedelta(days=1), 100))
    clock.now = BEGIN + timedelta(days=1, hours=3)
    trained = await train(services, fit_here, clock())
    assert trained is not None and trained.used
    assert [u.version for u in await store.load_uses(services.db, 1)] == [2]
    assert await rollback(services, "boss", clock()) == (1, ModelState.ACTING)
    model = services.part(ModelInUse).model
    assert model is not None and model.meta.version == 1
    await at_work.decide(some(9, BEGIN + timedelta(days=2), 60))
    clock.now = BEGIN + timedelta(days=2, hours=3)
    held = await train(services, fit_here, clock())
    assert held is not None and held.gate.passed and not held.used
    await promote(services, held.version, "boss", clock())
    assert [(u.version, u.state) for u in await store.load_uses(services.db, 1)] == [(3, ModelState.SHADOW)]


async def test_new_versions_wait_after_a_rollback_though_the_matters_drift(
    at_work: Desk, services: Services, clock: Clock
) -> None:
    await taught(at_work, clock)
    await promote(services, 1, "boss", clock.forward(minutes=1), acting=True)
    await at_work.decide(some(8, BEGIN + timedelta(days=1), 100))
    clock.now = BEGIN + timedelta(days=1, hours=3)
    await train(services, fit_here, clock())
    assert await rollback(services, "boss", clock()) == (1, ModelState.ACTING)
    await at_work.decide(some(7, BEGIN + timedelta(days=5), 150, "sb-elderly"))
    clock.now = BEGIN + timedelta(days=8)
    found = await check_drift(services, clock())
    assert found is not None and found.alarms
    trained = await train(services, fit_here, clock())
    assert trained is not None and trained.gate.passed and not trained.used
    [use] = await store.load_uses(services.db, 1)
    assert (use.version, use.state, use.held) == (1, ModelState.SHADOW, True)


async def test_what_a_person_puts_into_use_while_a_version_is_fitted_stays(
    at_work: Desk, services: Services, clock: Clock
) -> None:
    await taught(at_work, clock)
    await at_work.decide(some(8, BEGIN + timedelta(days=1), 100))
    clock.now = BEGIN + timedelta(days=1, hours=3)

    async def fit_slowly(task: FitTask) -> FitResult:
        await promote(services, 1, "boss", clock(), acting=True)
        return await fit_here(task)

    trained = await train(services, fit_slowly, clock())
    assert trained is not None and trained.gate.passed and not trained.used
    [use] = await store.load_uses(services.db, 1)
    assert (use.version, use.state, use.by_id) == (1, ModelState.ACTING, "boss")


async def test_the_worker_reviews_nothing_while_another_does(at_work: Desk, services: Services, clock: Clock) -> None:
    await taught(at_work, clock)
    clock.now = BEGIN + timedelta(days=8)
    assert await services.db.transact(lambda c: store.take_lease(c, "another", timedelta(minutes=30)))
    assert await check_drift(services, clock()) is None
    assert await store.load_checks(services.db, 1) == []
    assert not await review_shadow(services, clock())
    await services.db.transact(lambda c: store.release_lease(c, "another", {}))
    assert await check_drift(services, clock()) is not None


async def test_a_use_is_written_only_after_the_one_that_was_read(
    at_work: Desk, services: Services, clock: Clock
) -> None:
    await taught(at_work, clock)
    [read] = await store.load_uses(services.db, 1)
    row = {"version": 1, "state": ModelState.ACTING, "held": False, "at": clock(), "by_id": "worker", "reason": "r"}
    await rollback(services, "boss", clock())
    assert not await services.db.transact(lambda c: store.insert_next_use(c, row, read))
    [now] = await store.load_uses(services.db, 1)
    assert now.held and await services.db.transact(lambda c: store.insert_next_use(c, row, now))


def test_the_narratives_name_every_matter() -> None:
    assert {each.category for each in quarter(1, BEGIN)} == set(MATTERS)
