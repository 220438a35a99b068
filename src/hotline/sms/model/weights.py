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
SLOW_AFTER = timedelta(minutes=5)
MAX_ERRORS = 50  # in the errors' window, however many were sent
MIN_TRIES, BAD_SHARE = 10, 0.3  # where little is sent: this share of at least so many tries
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
        if self.errors > MAX_ERRORS or (self.tries >= MIN_TRIES and self.errors >= self.tries * BAD_SHARE):
            return True
        return self.texts >= MIN_TRIES and self.slow >= self.texts * SLOW_SHARE


def choose_gateway(weights: Sequence[GatewayWeight], roll: float, excluded: Sequence[str] = ()) -> str | None:
    """The gateway for a roll in [0, 1), by weight; `excluded` not these, where another is left."""
    candidates = [s for s in weights if s.name not in excluded] or list(weights)
    total_weight = sum(s.weight for s in candidates)
    if total_weight <= 0:
        return candidates[0].name if candidates else None
    mark = roll * total_weight
    for share in candidates:
        mark -= share.weight
        if mark < 0:
            return share.name
    return candidates[-1].name


def weight_changes(
    weights: Sequence[GatewayWeight], health: Mapping[str, GatewayHealth], now: datetime
) -> dict[str, int]:
    """The weights that change now: name -> new weight. One step at a time; with one gateway nothing ever moves."""
    if len(weights) < 2:
        return {}
    if any(s.shifted_at is not None and now - s.shifted_at < PAUSE for s in weights):
        return {}
    bad = [s for s in weights if health.get(s.name, GatewayHealth()).is_bad]
    well = [s for s in weights if s not in bad]
    if bad and well:
        worst = max(bad, key=lambda s: (s.weight, s.name))
        moved = min(STEP, worst.weight - FLOOR)
        best = max(well, key=lambda s: (s.resting, s.name))
        if moved <= 0:
            return {}
        return {worst.name: worst.weight - moved, best.name: min(100, best.weight + moved)}
    if bad:
        return {}
    if any(s.shifted_at is not None and now - s.shifted_at < DRIFT for s in weights):
        return {}
    back = {s.name: s.weight + max(-STEP, min(STEP, s.resting - s.weight)) for s in weights if s.weight != s.resting}
    return back
