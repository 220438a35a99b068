"""The worker's jobs and the connections of a real PostgreSQL: more jobs at once than connections."""

import asyncio

import pytest
import sqlalchemy as sa
import structlog

from hotline.database import connection_wait
from hotline.database.engine import DatabaseUnavailable
from hotline.database.engine_postgres import TRANSACTIONS, Postgres
from hotline.jobs import Job
from hotline.runtime.jobs import WorkerContext
from hotline.runtime.worker import Worker
from hotline.tickets.context import Services


def work(c: sa.Connection) -> None:
    c.execute(sa.text("SELECT pg_sleep(0.1)"))


@pytest.mark.parametrize("db", ["postgres"], indirect=True)
async def test_more_jobs_than_connections_fail_at_nothing_and_hold_up_no_request(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = services.db
    assert isinstance(db, Postgres)
    monkeypatch.setattr(connection_wait, "REQUEST_WAIT", 0.05)
    begun, done = asyncio.Event(), 0
    many = 5 * TRANSACTIONS
    worker: Worker

    async def step() -> bool:
        nonlocal done
        begun.set()
        await db.transact(work)
        done += 1
        if done >= many:
            worker.stop()
        return False

    worker = Worker(WorkerContext(services), [Job(f"job {n}", step, 60.0) for n in range(many)])
    with structlog.testing.capture_logs() as logs:
        running = asyncio.create_task(worker.run())
        await begun.wait()
        answered = await db.transact(lambda c: c.execute(sa.text("SELECT 1")).scalar())  # a request, meanwhile
        assert answered == 1 and done < many
        await running
    assert done == many and [line for line in logs if line["event"] == "worker.fault"] == []
    # and requests among themselves still wait for a moment alone
    told = await asyncio.gather(*(db.transact(work) for _ in range(many)), return_exceptions=True)
    assert any(isinstance(one, DatabaseUnavailable) for one in told)
