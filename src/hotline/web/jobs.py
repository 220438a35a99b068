"""Retention of the answers that are kept under an Idempotency-Key: deleted after 72 hours."""

from collections.abc import Sequence
from datetime import datetime

from hotline.database import idempotency
from hotline.database.context import PlatformServices
from hotline.database.counting import count_rows
from hotline.database.tables import answer
from hotline.jobs import BATCH, RetentionPeriod, RetentionRule
from hotline.web.idempotency import ANSWER_RETENTION

_PERIOD = RetentionPeriod(ANSWER_RETENTION.days, ANSWER_RETENTION.days, "retention.why.promised")


async def _forget_answers(services: PlatformServices, before: datetime) -> int:
    return await services.db.transact(lambda c: idempotency.delete_old_answers(c, before, BATCH))


async def _count_answers(services: PlatformServices, before: datetime) -> int:
    return await services.db.snapshot(lambda c: count_rows(c, answer, answer.c.at < before))


def retention() -> Sequence[RetentionRule[PlatformServices]]:
    return (RetentionRule("answers", _forget_answers, repeats=True, period=_PERIOD, count=_count_answers),)
