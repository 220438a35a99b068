"""How many wrong tries are accepted, and when the next one is. Counts stand in the database; a try that was refused
unchecked is not counted, so that repeated requests do not make a wait longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """`tries` wrong ones are accepted within `window`, which begins with the first of them. After that none is accepted
    before its end; or, with `max_delay`, one is accepted after 1, 2, 4, … seconds, and after `max_delay` at most."""

    tries: int
    window: timedelta
    max_delay: timedelta | None = None


@dataclass(frozen=True, slots=True)
class FailureTally:
    """Wrong tries that were counted: how many, and when the first and the last of them were."""

    count: int
    began_at: datetime
    last_at: datetime

    def within(self, window: timedelta, now: datetime) -> bool:
        """Whether the counting goes on, or begins anew with the next try."""
        return self.count > 0 and now < self.began_at + window


def next_attempt_at(limit: AttemptLimit, tally: FailureTally | None, now: datetime) -> datetime:
    """The moment from which a try is accepted; `now` where it is already."""
    if tally is None or not tally.within(limit.window, now) or tally.count < limit.tries:
        return now
    end = tally.began_at + limit.window
    if limit.max_delay is None:
        return end
    doublings = min(tally.count - limit.tries, 30)
    return max(now, min(tally.last_at + min(timedelta(seconds=2**doublings), limit.max_delay), end))
