"""What the worker does by itself."""

import threading
from datetime import timedelta

import pytest

from hotline.learning import service, store
from hotline.learning.in_use import ModelInUse
from hotline.learning.jobs import KEPT, UNUSED_KEPT, learning_jobs, retention
from hotline.learning.service import check_drift, is_training_due, promote, rollback, train
from hotline.learning.vocabulary import ModelState
from hotline.runtime.jobs import WorkerContext
from hotline.text.normalisation import fold_text
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.learning.desk import Desk, fit_here
from tests.learning.test_quarter import BEGIN, some, taught

pytestmark = pytest.mark.unchained  # the desk writes what it decided, and no timelines


async def test_the_worker_reads_decisions_and_trains(services: Services, clock: Clock, clerk: Player) -> None:
    learn, refresh = learning_jobs(WorkerContext(services))
    await clerk.call("门口有点问题", category="wx-road")
    clock.forward(minutes=2)
    assert not await learn.step()
    assert await store.count_labels(services.db) == (1, 1)
    assert await store.load_versions(services.db, 9) == []  # one decision is not enough
    await Desk(services).decide(some(1, clock() - timedelta(hours=3), 80))
    await learn.step()
    [version] = await store.load_versions(services.db, 9)
    assert version.labels == 81 and version.passed
    await refresh.step()
    model = services.part(ModelInUse).model
    assert model is not None and model.meta.version == 1 and not model.meta.acting
    ticket = await clerk.call("过道的灯拍手也不燃")
    assert ticket["advice"]["model"]["version"] == 1


async def test_training_is_due_after_fifty_decisions_or_a_night(services: Services, clock: Clock) -> None:
    desk = Desk(services)
    assert not await is_training_due(services, clock())
    await desk.decide(some(1, clock() - timedelta(hours=8), 49))
    assert not await is_training_due(services, clock())
    await desk.decide(some(2, clock() - timedelta(hours=4), 60))
    assert await is_training_due(services, clock())
    await train(services, fit_here, clock())
    assert not await is_training_due(services, clock.forward(minutes=1))
    await desk.decide(some(3, clock(), 5))
    assert not await is_training_due(services, clock.forward(hours=1))
    assert await is_training_due(services, clock.forward(hours=23))


async def test_an_hour_goes_by_between_two_fits(services: Services, clock: Clock) -> None:
    desk = Desk(services)
    await desk.decide(some(1, clock() - timedelta(hours=8), 80))
    await train(services, fit_here, clock())
    await desk.decide(some(2, clock() + timedelta(minutes=1), 60))
    assert not await is_training_due(services, clock.forward(minutes=59))
    assert await is_training_due(services, clock.forward(minutes=1))


async def test_versions_that_were_never_in_use_go_after_a_month(services: Services, clock: Clock) -> None:
    desk = Desk(services)
    await taught(desk, clock)
    await rollback(services, "boss", clock())  # the next one waits
    await desk.decide(some(2, BEGIN + timedelta(hours=1), 60))
    clock.now = BEGIN + timedelta(hours=3)
    await train(services, fit_here, clock())
    [rule] = retention()
    assert await rule.tidy(services, clock() + UNUSED_KEPT - timedelta(days=1)) == 0
    assert await rule.tidy(services, clock() + UNUSED_KEPT + timedelta(days=1)) == 1
    assert [row.version for row in await store.load_versions(services.db, 9)] == [1]


async def test_two_workers_do_not_train_at_once(services: Services, clock: Clock) -> None:
    await Desk(services).decide(some(1, BEGIN - timedelta(days=1), 80))
    assert await services.db.transact(lambda c: store.take_lease(c, "another", timedelta(minutes=30)))
    assert await train(services, fit_here, clock()) is None
    clock.forward(minutes=31)  # it died
    assert await train(services, fit_here, clock()) is not None


async def test_texts_are_folded_beside_the_loop(
    services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded_in: set[threading.Thread] = set()

    def fold_and_note(text: str) -> str:
        folded_in.add(threading.current_thread())
        return fold_text(text)

    monkeypatch.setattr(service, "fold_text", fold_and_note)
    desk = Desk(services)
    await taught(desk, clock)
    assert folded_in and threading.current_thread() not in folded_in
    folded_in.clear()
    await desk.decide(some(2, BEGIN + timedelta(days=5), 20))
    assert await check_drift(services, clock.forward(days=8)) is not None
    assert folded_in and threading.current_thread() not in folded_in


async def test_a_damaged_version_is_not_used(services: Services, clock: Clock) -> None:
    await taught(Desk(services), clock)
    await services.db.transact(lambda c: c.exec_driver_sql("UPDATE model_version SET hash = 'x'"))
    elsewhere = ModelInUse()
    await elsewhere.refresh(services.db)
    assert elsewhere.model is None


async def test_what_follows_a_damaged_version_begins_in_shadow(services: Services, clock: Clock) -> None:
    desk = Desk(services)
    await taught(desk, clock)
    await promote(services, 1, "boss", clock(), acting=True)
    await services.db.transact(lambda c: c.exec_driver_sql("UPDATE model_version SET hash = 'x'"))
    await desk.decide(some(2, BEGIN + timedelta(hours=1), 60))
    clock.now = BEGIN + timedelta(hours=3)
    trained = await train(services, fit_here, clock())
    assert trained is not None and trained.used
    assert [use.state for use in await store.load_uses(services.db, 2)] == [ModelState.SHADOW, ModelState.ACTING]


async def test_old_versions_go_and_the_one_in_use_stays(services: Services, clock: Clock) -> None:
    desk = Desk(services)
    await taught(desk, clock)
    await desk.decide(some(2, BEGIN + timedelta(hours=1), 60))
    clock.now = BEGIN + timedelta(hours=3)
    await train(services, fit_here, clock())
    await promote(services, 1, "boss", clock())
    [rule] = retention()
    assert await rule.tidy(services, clock()) == 0
    assert await rule.tidy(services, clock() + KEPT + timedelta(days=1)) == 1
    assert [row.version for row in await store.load_versions(services.db, 9)] == [1]
    assert {row.version for row in await store.load_uses(services.db, 9)} == {1}
