"""Retention of used proofs of work: deleted when their challenges have expired."""

from collections.abc import Sequence
from datetime import datetime

from hotline.jobs import BATCH, RetentionRule
from hotline.public.store import delete_expired_proofs
from hotline.tickets.context import Services


async def _forget_proofs(services: Services, now: datetime) -> int:
    return await services.db.transact(lambda c: delete_expired_proofs(c, now, BATCH))


def retention() -> Sequence[RetentionRule[Services]]:
    return (RetentionRule("spent_proofs", _forget_proofs, repeats=True),)
