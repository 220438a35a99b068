"""A desk that decides hundreds of narratives: tickets and labels written at once, with the opinion that the version in
use has at that moment."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa
from threadpoolctl import threadpool_limits

from hotline.learning import store
from hotline.learning.fitting import fit
from hotline.learning.in_use import ModelInUse
from hotline.learning.model.labels import TriageLabel
from hotline.learning.model.training import FitResult, FitTask
from hotline.organisation.model.vocabulary import Channel, Kind
from hotline.text.normalisation import fold_text
from hotline.text.numbering import FIRST, number_from_serial
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.tables import ticket
from tests.learning.narratives import Told

_FITTED: dict[int, FitResult] = {}


async def fit_here(task: FitTask) -> FitResult:
    """The same task is fitted once, whatever database it came from."""
    key = hash(tuple(task.labelled))
    if key not in _FITTED:
        with threadpool_limits(1):
            _FITTED[key] = fit(FitTask(task.labelled, task.hints))
    return _FITTED[key]


class Desk:
    """`decide` writes what persons decided. `outcomes`: (day, sure, right) of each opinion at intake."""

    def __init__(self, services: Services, first: int = 50_000) -> None:
        self.services = services
        self.serials = count(FIRST + first)
        self.outcomes: list[tuple[datetime, bool, bool]] = []

    async def decide(self, many: Iterable[Told]) -> None:
        directory = await self.services.directory.now(self.services.clock())
        tickets: list[dict[str, Any]] = []
        labels: list[TriageLabel] = []
        for told in many:
            opinion = self.services.part(ModelInUse).form_opinion(fold_text(told.text), directory)
            number = number_from_serial(next(self.serials))
            made = Ticket(
                number, TicketStatus.TRIAGED, Kind(told.kind), Channel.PHONE, told.text, told.text, told.at, told.at,
                category=told.category,
            )  # fmt: skip
            tickets.append({field.name: getattr(made, field.name) for field in fields(Ticket)})
            label = TriageLabel(
                number, told.at, told.by, strong=True, category=told.category, kind=told.kind,
                department=told.department, department_strong=True,
                version=opinion.version if opinion else None, guess=opinion.category if opinion else None,
                confidence=opinion.confidence if opinion else None, sure=bool(opinion and opinion.sure),
            )  # fmt: skip
            labels.append(label)
            if opinion is not None:
                self.outcomes.append((told.at, opinion.sure, opinion.category == told.category))
        now = labels[-1].at + timedelta(minutes=1)

        def keep(c: sa.Connection) -> None:
            c.execute(sa.insert(ticket), tickets)
            store.write_labels(c, [row.number for row in labels], labels, now)
            store.write_state(c, {"read_to": now})

        await self.services.db.transact(keep)

    def right_where_sure(self, since: datetime) -> tuple[float, float]:
        """(coverage, share right) of the opinions since then."""
        recent = [(sure, right) for at, sure, right in self.outcomes if at >= since]
        sure = [right for was_sure, right in recent if was_sure]
        return len(sure) / max(1, len(recent)), sum(sure) / max(1, len(sure))
