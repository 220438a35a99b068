"""Reads labels from timelines, as far as the worker has not read them yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hotline.database.prepared import Row
from hotline.learning import store
from hotline.learning.model.labels import DECISIONS, DecidedTicket, Decision, TriageLabel, label_of
from hotline.organisation.model.actors import ActorKind
from hotline.tickets.context import Services
from hotline.tickets.model.undo import standing_steps
from hotline.tickets.model.vocabulary import Action, TicketStatus

AT_ONCE = 500  # entries
# an entry has the time of its request, and is there a little later
SETTLED = timedelta(minutes=1)
FIRST_LOOK = timedelta(days=180)  # how far back a worker begins; `forget_labels` goes back to the beginning
_NAMES = frozenset({"category", "kind"})


async def collect_labels(services: Services, now: datetime) -> int:
    """Read the next entries of timelines and note what was decided; how many entries there were. The same entry may be
    read twice: a label is made of the whole ticket each time."""
    state = await store.load_state(services.db)
    since = state.read_to if state is not None else now - FIRST_LOOK
    entries = await store.load_entries(services.db, since, now - SETTLED, AT_ONCE)
    if not entries:
        return 0
    await _note_labels(services, entries, now)
    many, last = len(entries), entries[-1]
    # an import writes thousands of entries of one moment: it is behind us only when all of them are read
    while many % AT_ONCE == 0 and (rest := await store.load_entries_of_moment(services.db, last, AT_ONCE)):
        await _note_labels(services, rest, now)
        many, last = many + len(rest), rest[-1]
    await services.db.transact(lambda c: store.write_state(c, {"read_to": last.at}))
    return many


async def has_unsettled_entries(services: Services, now: datetime) -> bool:
    """Whether there are entries too new to be read now."""
    return bool(await store.load_entries(services.db, now - SETTLED, now, 1))


async def _note_labels(services: Services, entries: Sequence[Row], now: datetime) -> None:
    numbers = sorted({entry.number for entry in entries})
    labels = await _read_labels(services, numbers)
    await services.db.transact(lambda c: store.write_labels(c, numbers, labels, now))


async def forget_labels(services: Services) -> None:
    """Read all timelines anew: after an import, which writes entries of the past."""
    await services.db.transact(lambda c: store.write_state(c, {"read_to": store.BEGINNING}))


async def _read_labels(services: Services, numbers: Sequence[str]) -> list[TriageLabel]:
    tickets, decisions, leads = await store.load_decided(services.db, numbers)
    rows: dict[str, list[Row]] = {}
    for row in decisions:
        rows.setdefault(row.number, []).append(row)
    # what was undone was never decided
    by_number = {
        number: [_decision(row) for row in standing_steps(each) if row.action in DECISIONS]
        for number, each in rows.items()
    }
    found = (
        label_of(
            DecidedTicket(
                row.number,
                TicketStatus(row.status),
                row.category,
                row.kind,
                leads.get(row.number),
                row.ended_at,
                (row.advice or {}).get("model"),
                by_number.get(row.number, ()),
                hinted=(row.advice or {}).get("hints", {}).get("category") is not None,
            )
        )
        for row in tickets
    )
    return [label for label in found if label is not None]


def _decision(row: Row) -> Decision:
    action = Action(row.action)
    names = action is Action.TRIAGE or bool(_NAMES & set(row.changes or {}))
    return Decision(row.at, ActorKind(row.by_kind), row.by_id, action, names and action is not Action.DISPATCH)
