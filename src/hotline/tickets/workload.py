"""Chooses who takes an order: people of a department by duty and load. A person's choice is never changed."""

from dataclasses import dataclass
from datetime import datetime

from hotline.database.engine import Database
from hotline.organisation.model import duty
from hotline.organisation.model.directory import Directory
from hotline.tickets.model.ticket import Assignment
from hotline.tickets.store import workload


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could take an order now; `load` is how many running ones they have."""

    id: str
    login: str
    name: str
    department: str
    on_duty: bool
    load: int


async def load_candidates(db: Database, directory: Directory, department: str, now: datetime) -> list[Candidate]:
    """The handlers of a department and of those below it: on duty first, then the least loaded."""
    below = directory.department_subtrees.get(department, frozenset({department}))
    turns = {t.member.code for code in below for t in duty.members_on_duty(directory, code, now)}
    found = [
        Candidate(r.id, r.login, r.name, r.department, r.login in turns, int(r.load))
        for r in await workload.load_handler_workloads(db, below)
    ]
    return sorted(found, key=lambda c: (not c.on_duty, c.load, c.login))


async def choose_assignee(db: Database, directory: Directory, department: str, now: datetime) -> str | None:
    """Who is given an order automatically: the least loaded of those on duty. None: nobody is on duty."""
    first = next(iter(await load_candidates(db, directory, department, now)), None)
    return first.id if first is not None and first.on_duty else None


async def load_assignable_person(
    db: Database, directory: Directory, order: Assignment, who: str
) -> tuple[str, str] | None:
    """Id and name of a handler, by id or login, who may be given this order. None: nobody of that name works there."""
    holders = [d for d in (order.department, order.performer) if d is not None]
    below = frozenset(x for d in holders for x in directory.department_subtrees.get(d, frozenset({d})))
    found = await workload.load_handler_workloads(db, below)
    return next(((str(r.id), str(r.name)) for r in found if who in (r.id, r.login)), None)
