"""Brings in what was spooled while the database was unavailable, through the normal intake and under the same keys."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

import structlog

from hotline.database.outages import OUTAGES, outage_of
from hotline.inbound.context import InboundServices
from hotline.inbound.spool import parse_row
from hotline.refusals import Refused

S = TypeVar("S", bound=InboundServices)
SpoolHandler = Callable[[S, Mapping[str, Any]], Awaitable[None]]
log = structlog.get_logger("hotline.spool")


class SpoolHandlers(Generic[S]):
    """How a spooled record is brought in, by its `kind`: the package that spools a kind declares it. `declared` is
    called when they are first asked for."""

    def __init__(self, declared: Callable[[], Iterable[Mapping[str, SpoolHandler[S]]]]) -> None:
        self._declared = declared

    @cached_property
    def by_kind(self) -> Mapping[str, SpoolHandler[S]]:
        return {kind: handler for some in self._declared() for kind, handler in some.items()}


async def drain_spooled_records(services: InboundServices) -> int:
    """Bring in what is spooled; how many records. None while the database is still unavailable or full; the records
    stay in the spool."""
    if services.spool is None or services.spool.size() == 0:
        return 0

    async def one(record: Mapping[str, Any]) -> None:
        try:
            await services.part(SpoolHandlers).by_kind[record["kind"]](services, record)
        except Exception as fault:  # what only the database is to blame for must not be set aside
            if not isinstance(fault, Refused) and (outage := outage_of(fault)) is not None:
                raise outage from fault
            raise

    try:
        await services.db.time()
        done = await services.spool.drain(one)
    except OUTAGES:
        return 0
    except Refused as refused:
        log.warning("spool.database_unavailable", why=refused.refusal.detail)
        return 0
    if done:
        log.info("spool.drained", records=done)
    return done


async def _bring_in_rows(services: InboundServices, record: Mapping[str, Any]) -> None:
    await services.inbox.save_to_database([parse_row(row) for row in record["rows"]])


SPOOLED: Mapping[str, SpoolHandler[InboundServices]] = {"inbound": _bring_in_rows}
