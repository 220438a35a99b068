"""Which calls the worker reads when it looks for incidents."""

from datetime import timedelta

from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_stories import BURST, call_all, only_incident, settled


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
