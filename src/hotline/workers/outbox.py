"""Sending what waits: claim, let the database go, send, mark. One poisonous message never holds up the others."""

import asyncio
import random
from datetime import datetime, timedelta
from uuid import uuid4

import orjson
import structlog

from hotline.db import outbox
from hotline.db.question import Row
from hotline.gateways.notices import GatewayDown, GatewayRefused, Notices
from hotline.services.house import House

AT_ONCE = 10
BACK_OFF = (5, 30, 120, 600, 1800, 3600, 7200)  # seconds before each further try
EXPIRES = timedelta(hours=72)
log = structlog.get_logger("hotline.outbox")


async def send_next(house: House, notices: Notices, now: datetime) -> int:
    """Send the messages due now, a few at once; how many were claimed."""
    token = uuid4().hex
    claimed = await house.db.transact(lambda db: outbox.claim(db, now, token, AT_ONCE))
    await asyncio.gather(*(_send(house, notices, message, token) for message in claimed))
    return len(claimed)


async def _send(house: House, notices: Notices, m: Row, token: str) -> None:
    id, attempts, most = m.id, m.attempts, m.max_attempts  # noqa: A001
    body = orjson.dumps(
        {"id": id, "type": f"hotline.{m.kind}", "number": m.number, "created_at": m.created_at, "data": m.payload}
    )
    now = house.clock()
    try:
        await notices.send(id, body, now)
    except GatewayRefused as refused:
        log.warning("outbox.dead", id=id, why=str(refused))
        why = f"refused: {refused}"
        await house.db.transact(lambda db: outbox.put_back(db, id, token, None, why))
        return
    except GatewayDown as down:
        wait = BACK_OFF[min(attempts, len(BACK_OFF)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        again = house.clock() + timedelta(seconds=wait) if attempts < most else None
        if again is None:
            log.warning("outbox.dead", id=id, why=str(down))
        why = f"down: {down}"
        await house.db.transact(lambda db: outbox.put_back(db, id, token, again, why))
        return
    if not await house.db.transact(lambda db: outbox.mark_sent(db, id, token)):
        log.info("outbox.lost_lease", id=id)  # another worker has it: it may be sent twice, never lost
