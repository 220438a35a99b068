"""Which gateway carries the next text: by weight, moved in tens away from what fails or is slow, drifting back.

The first form of this elsewhere swung all traffic on one error, and to and fro; hence thresholds, steps and a pause
(GOV.UK Notify's lesson)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STEP = 10
FLOOR = 10  # no gateway falls to nothing: how would one see that it is well again?
PAUSE = timedelta(seconds=60)  # between two shifts
DRIFT = timedelta(minutes=5)  # between two steps back
ERRORS_WINDOW, SLOW_WINDOW = timedelta(seconds=60), timedelta(minutes=15)
SLOW = timedelta(minutes=5)
MANY_ERRORS = 50  # in the errors' window, however many were sent
FEW_TRIES, BAD_SHARE = 10, 0.3  # where little is sent: this share of at least so many tries
SLOW_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class GatewayWeight:
    """One gateway: the weight it has, the one it rests at, and when it was last moved."""

    name: str
    weight: int
    resting: int
    shifted_at: datetime | None


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """How a gateway did: tries and errors of the last minute, texts of the last quarter of an hour and how many of them
    are slow."""

    tries: int = 0
    errors: int = 0
    texts: int = 0
    slow: int = 0

    @property
    def is_bad(self) -> bool:
        if self.errors > MANY_ERRORS or (self.tries >= FEW_TRIES and self.errors >= self.tries * BAD_SHARE):
            return True
        return self.texts >= FEW_TRIES and self.slow >= self.texts * SLOW_SHARE


def chosen(shares: Sequence[GatewayWeight], roll: float, but: Sequence[str] = ()) -> str | None:
    """The gateway for a roll in [0, 1), by weight; `but` not these, where another is left."""
    left = [s for s in shares if s.name not in but] or list(shares)
    whole = sum(s.weight for s in left)
    if whole <= 0:
        return left[0].name if left else None
    mark = roll * whole
    for share in left:
        mark -= share.weight
        if mark < 0:
            return share.name
    return left[-1].name


def shifted(shares: Sequence[GatewayWeight], health: Mapping[str, GatewayHealth], now: datetime) -> dict[str, int]:
    """The weights that change now: name -> new weight. One step at a time; with one gateway nothing ever moves."""
    if len(shares) < 2:
        return {}
    if any(s.shifted_at is not None and now - s.shifted_at < PAUSE for s in shares):
        return {}
    bad = [s for s in shares if health.get(s.name, GatewayHealth()).is_bad]
    well = [s for s in shares if s not in bad]
    if bad and well:
        worst = max(bad, key=lambda s: (s.weight, s.name))
        moved = min(STEP, worst.weight - FLOOR)
        best = max(well, key=lambda s: (s.resting, s.name))
        if moved <= 0:
            return {}
        return {worst.name: worst.weight - moved, best.name: min(100, best.weight + moved)}
    if bad:
        return {}
    if any(s.shifted_at is not None and now - s.shifted_at < DRIFT for s in shares):
        return {}
    back = {s.name: s.weight + max(-STEP, min(STEP, s.resting - s.weight)) for s in shares if s.weight != s.resting}
    return back
