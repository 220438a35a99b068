"""What the worker reads when it looks for incidents, and what it keeps beside the actions of people."""

from datetime import timedelta

from hotline.incidents import service, store
from hotline.incidents.model.codes import parse_code
from hotline.incidents.model.vocabulary import IncidentAction
from hotline.incidents.watch import IncidentWatch
from hotline.organisation.model.actors import CLOCK
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_stories import BURST, call_all, only_incident, settled, storm_of_five


async def test_calls_that_come_late_from_the_spool_make_an_incident(
    desk: Player, services: Services, clock: Clock
) -> None:
    watch = IncidentWatch(services)
    await watch.step()
    begun = clock.now
    clock.forward(minutes=3)
    await watch.step()
    clock.now = begun + timedelta(seconds=30)  # when they were taken; they are stored three minutes later
    await call_all(desk, BURST)
    clock.now = begun + timedelta(minutes=4)
    await settled(watch)
    assert (await only_incident(desk))["callers"] == 5


async def test_an_action_writes_nothing_over_that_the_worker_has_stored(
    desk: Player, services: Services, clock: Clock
) -> None:
    """The worker stores something between the look of an action and its commit."""
    _, _, incident = await storm_of_five(desk, services)
    code = parse_code(incident["code"])
    assert code is not None
    seen = await store.load_incident(services.db, SYSTEM_SCOPE, code)
    assert seen is not None
    told = clock.now + timedelta(seconds=7)
    values = {"announced_at": told, "callers": 77}
    assert await services.db.transact(lambda c: store.update_worker_columns(c, code, seen.version, values))
    assert await service.act_as_system(services, seen, IncidentAction.END, CLOCK, text="done") is not None
    after = await store.load_incident(services.db, SYSTEM_SCOPE, code)
    assert after is not None
    assert (after.state, after.announced_at, after.callers) == ("over", told, 77)
