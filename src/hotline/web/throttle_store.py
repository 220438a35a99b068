"""Wrong tries and known places, counted in the database so that a limit holds over several processes. Both are stored
under keyed hashes, so the tables do not show who tried from where."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.web.tables import known_place as k
from hotline.web.tables import throttle as t
from hotline.web.throttling import AttemptLimit, FailureTally

REFRESH_AFTER = timedelta(days=1)  # a known place is written down once a day


def lock_tallies(
    c: sa.Connection, subjects: Iterable[str], now: datetime, *, create_missing: bool = True
) -> dict[str, FailureTally]:
    """What is counted for each of these subjects, held until the transaction ends: tries at once are checked one after
    the other. `create_missing`: rows are made where there are none, to be counted in."""
    wanted = sorted(subjects)
    if create_missing:
        insert_ignoring_duplicates(c, t, [{"subject": s, "count": 0, "began_at": now, "last_at": now} for s in wanted])
    held = sa.select(t.c.subject, t.c["count"].label("tries"), t.c.began_at, t.c.last_at)
    held = held.where(t.c.subject.in_(wanted)).order_by(t.c.subject).with_for_update()
    return {row.subject: FailureTally(row.tries, row.began_at, row.last_at) for row in c.execute(held)}


def add_failure(
    c: sa.Connection, limits: Mapping[str, AttemptLimit], tallies: Mapping[str, FailureTally], now: datetime
) -> None:
    """One more wrong try for each subject, as held; where its window has ended, a new one begins."""
    for subject, limit in limits.items():
        tally = tallies[subject]
        goes_on = tally.within(limit.window, now)
        values = {"count": tally.count + 1 if goes_on else 1, "last_at": now}
        c.execute(sa.update(t).where(t.c.subject == subject).values(**values, **({} if goes_on else {"began_at": now})))


def undo_failure(c: sa.Connection, subjects: Iterable[str]) -> None:
    """One wrong try less: it was none."""
    for subject in sorted(subjects):
        c.execute(sa.update(t).where(t.c.subject == subject, t.c["count"] > 0).values(count=t.c["count"] - 1))


def clear_failures(c: sa.Connection, subjects: Iterable[str]) -> None:
    """Nothing is counted for these any more."""
    c.execute(sa.delete(t).where(t.c.subject.in_(sorted(subjects))))


def load_known_places(c: sa.Connection, places: Iterable[str], since: datetime) -> set[str]:
    """Those of these places that were noted since."""
    return set(c.scalars(sa.select(k.c.place).where(k.c.place.in_(sorted(places)), k.c.last_at > since)))


def store_known_places(c: sa.Connection, places: Iterable[str], now: datetime) -> None:
    """Keep these places as known."""
    wanted = sorted(places)
    insert_ignoring_duplicates(c, k, [{"place": place, "last_at": now} for place in wanted])
    stale = sa.update(k).where(k.c.place.in_(wanted), k.c.last_at < now - REFRESH_AFTER)
    c.execute(stale.values(last_at=now))


def delete_expired(c: sa.Connection, tried_before: datetime, known_before: datetime) -> int:
    """Delete counts and places whose last time is longer ago; how many."""
    counts = c.execute(sa.delete(t).where(t.c.last_at < tried_before)).rowcount
    return counts + c.execute(sa.delete(k).where(k.c.last_at < known_before)).rowcount
