"""The worker's periodic jobs and retention rules, as packages declare them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

# seconds a job waits when there was nothing to do
AT_ONCE = 0.25
MEDIUM_PAUSE = 1.0
LONG_PAUSE = 60.0
HOURLY = 3600.0

BATCH = 500  # rows that one retention rule deletes at a time, at most
S = TypeVar("S", contravariant=True)


@dataclass(frozen=True, slots=True)
class Job:
    """`step` does one piece and returns True where there may be more at once; otherwise the job waits `pause` seconds.
    What it raises is logged, and the step is tried again."""

    name: str
    step: Callable[[], Awaitable[bool]]
    pause: float


@dataclass(frozen=True, slots=True)
class RetentionPeriod:
    """How long a noun is kept: days by default (None: without end), and at least. `retention.<rule>` in the catalogues
    tells what is kept; `minimum_why`: the key of the text that tells why no shorter."""

    days: int | None
    minimum: int = 1
    minimum_why: str | None = None


@dataclass(frozen=True, slots=True)
class RetentionRule(Generic[S]):
    """What is deleted when its time is over. `tidy(services, moment)` deletes one bounded batch and returns how many
    rows it was: with a period, what is older than `moment`; without one, `moment` is now. `count`: how many rows there
    are to delete. `repeats`: after a batch that deleted something, all rules are applied again at once."""

    name: str
    tidy: Callable[[S, datetime], Awaitable[int]]
    repeats: bool = False
    period: RetentionPeriod | None = None
    count: Callable[[S, datetime], Awaitable[int]] | None = None
