"""Retention of the answers that are kept under an Idempotency-Key: deleted after 72 hours."""

from collections.abc import Sequence
from datetime import datetime

from hotline.database import idempotency
from hotline.database.context import PlatformServices
from hotline.jobs import BATCH, RetentionRule
from hotline.web.idempotency import ANSWER_RETENTION


async def _forget_answers(services: PlatformServices, now: datetime) -> int:
    return await services.db.transact(lambda c: idempotency.delete_old_answers(c, now - ANSWER_RETENTION, BATCH))


def retention() -> Sequence[RetentionRule[PlatformServices]]:
    return (RetentionRule("answers", _forget_answers, repeats=True),)
