"""One try to send one message, and its result: sent, queued for a later try, or dead."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import orjson
import sqlalchemy as sa
import structlog

from hotline.database.prepared import Row
from hotline.database.write_batcher import WriteBatcher
from hotline.delivery import attempts as outbox_attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.alarms import add_alarm
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.context import DeliveryServices
from hotline.delivery.model import NOTICE_RETRIES, RetryPolicy
from hotline.delivery.notices import GatewayDown, GatewayRefused, HttpAnswer, NoticeBody
from hotline.locales import bilingual

S = TypeVar("S", bound=DeliveryServices)
log = structlog.get_logger("hotline.outbox")


def retry_wait(policy: RetryPolicy, attempts: int) -> float:
    """The policy's wait in seconds, up to a fifth more or less, so that messages that failed together do not come back
    together."""
    return policy.wait(attempts) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter


@dataclass(frozen=True, slots=True)
class FailedTry:
    """Why a message was not handed over. `after`: seconds the far side asked to be left alone; `way` and `begun` (on
    the performance counter): where and since when it was tried, if it was; `never`: no further try; `answer`: what
    came back over HTTP."""

    why: str
    after: float | None = None
    way: str | None = None
    begun: float | None = None
    never: bool = False
    answer: HttpAnswer | None = None


@dataclass
class Handover(Generic[S]):
    """What those that send messages share: services, channels, and how the outcome is recorded."""

    services: S
    channels: DeliveryChannels
    batcher: WriteBatcher = field(init=False)

    def __post_init__(self) -> None:
        self.batcher = WriteBatcher(self.services.db)

    async def notice(self, m: Row, token: str) -> None:
        """Hand a message to the notice address."""
        notices = self.channels.notices
        if notices is None:
            why = "no way to them: no phone number on the roster, and HOTLINE_NOTICE_URL is not set"
            await self.failed(m, token, NOTICE_RETRIES, FailedTry(why, never=True))
            return
        body = orjson.dumps(NoticeBody(m.id, f"hotline.{m.kind}", m.number, m.created_at, m.payload))
        await self.attempt(m, token, "notices", NOTICE_RETRIES, lambda: notices.send(m.id, body, self.services.clock()))

    async def attempt(
        self, m: Row, token: str, way: str, policy: RetryPolicy, send: Callable[[], Awaitable[HttpAnswer | None]]
    ) -> GatewayRefused | None:
        """Try once and record the outcome. `send` raises GatewayDown or GatewayRefused; the refusal is returned."""
        begun = time.perf_counter()
        try:
            answer = await send()
        except GatewayRefused as refused:
            never = refused.gone or policy.final
            await self.failed(
                m, token, policy, FailedTry(f"refused: {refused}", None, way, begun, never, refused.answer)
            )
            return refused
        except GatewayDown as down:
            await self.failed(m, token, policy, FailedTry(f"down: {down}", down.after, way, begun, answer=down.answer))
            return None
        tried = attempt_row(m.id, m.attempts, way, begun, self.services.clock(), None) | _answer_columns(answer)

        def mark(c: sa.Connection) -> bool:
            outbox_attempts.log_attempts(c, [tried])
            return outbox_store.mark_sent(c, m.id, token)

        if not await self.batcher.write(mark):
            log.info("outbox.lease_lost", id=m.id)  # another worker has it: it may be sent twice, never lost
        return None

    async def failed(self, m: Row, token: str, policy: RetryPolicy, fault: FailedTry) -> None:
        """Put a message back for its next try; dead where it has none left."""
        now = self.services.clock()
        again = None
        if not fault.never and m.attempts < max(policy.tries, m.max_attempts):
            # by the database's clock, as it will be looked for
            wait = timedelta(seconds=max(retry_wait(policy, m.attempts), fault.after or 0.0))
            again = await self.services.db.time() + wait
        tried = []
        if fault.way and fault.begun is not None:
            row = attempt_row(m.id, m.attempts, fault.way, fault.begun, now, fault.why)
            tried.append(row | _answer_columns(fault.answer))

        def put(c: sa.Connection) -> None:
            outbox_attempts.log_attempts(c, tried)
            outbox_store.reschedule(c, m.id, token, again, fault.why, max_tries=policy.tries)
            if again is None:
                note_dead(c, m, fault.why, now)

        await self.batcher.write(put)


def attempt_row(id: str, n: int, way: str, begun: float, at: datetime, why: str | None) -> dict[str, Any]:  # noqa: A002
    """A row of the delivery log. `begun`: on the performance counter; `why`: what went wrong, None where nothing."""
    return {
        "message": id,
        "n": n,
        "way": way[:60],
        "at": at,
        "ms": int((time.perf_counter() - begun) * 1000),
        "good": why is None,
        "said": (why or "ok")[:200],
    }


def _answer_columns(answer: HttpAnswer | None) -> dict[str, int | None]:
    return {"answer_status": answer.status if answer else None, "answer_bytes": answer.size if answer else None}


def note_dead(c: sa.Connection, m: Row, why: str, now: datetime) -> None:
    """A message ended undelivered: operators are notified, once an hour."""
    log.warning("outbox.dead", id=m.id, kind=m.kind, why=why)
    if m.kind != "alarm":
        add_alarm(c, "dead", bilingual("alarm.dead"), now)
