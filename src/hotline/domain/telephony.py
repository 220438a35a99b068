"""Calls on the exchange: whatever order its events come in and however often, the same call comes of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .vocabulary import Direction, VoiceOutcome, VoiceState


class Rang(StrEnum):
    """What an event says."""

    OFFERED = "offered"
    QUEUED = "queued"
    ANSWERED = "answered"
    LEFT = "left"  # the agent is out of it; the call may go on elsewhere
    HUNG_UP = "hung_up"
    RECORDED = "recorded"


_ORDER = {Rang.OFFERED: 0, Rang.QUEUED: 1, Rang.ANSWERED: 2, Rang.LEFT: 3, Rang.HUNG_UP: 4, Rang.RECORDED: 5}
MISSED = frozenset({"busy", "noanswer", "no-answer", "congestion", "timeout", "failed", "exitwithtimeout", "exitempty"})
REJECTED = frozenset({"notfound", "rejected", "forwarded"})


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One event of one call. `reference` is the exchange's id of the whole call, `key` tells this event from every
    other; `abandoned` where the exchange itself says so."""

    reference: str
    key: str
    what: Rang
    at: datetime
    direction: Direction = Direction.IN
    phone: str | None = None  # as the exchange wrote it
    line: str | None = None
    queue: str | None = None
    agent: str | None = None
    cause: str | None = None
    abandoned: bool | None = None
    recording: Mapping[str, Any] | None = None

    def plain(self) -> dict[str, Any]:
        return {
            "what": self.what, "at": self.at.isoformat(), "direction": self.direction, "phone": self.phone,
            "line": self.line, "queue": self.queue, "agent": self.agent, "cause": self.cause,
            "abandoned": self.abandoned,
            "recording": dict(self.recording) if self.recording else None,
        }  # fmt: skip


def read_event(reference: str, key: str, data: Mapping[str, Any]) -> CallEvent:
    """An event as it was kept."""
    return CallEvent(
        reference, key, Rang(data["what"]), datetime.fromisoformat(data["at"]), Direction(data["direction"]),
        data.get("phone"), data.get("line"), data.get("queue"), data.get("agent"), data.get("cause"),
        data.get("abandoned"), data.get("recording"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class VoiceCall:
    """A call as its events tell it. Waits and talks in milliseconds."""

    reference: str
    direction: Direction
    phone: str | None
    line: str | None
    queue: str | None
    agent: str | None
    state: VoiceState
    outcome: VoiceOutcome | None
    cause: str | None
    offered_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    wait_ms: int | None
    talk_ms: int | None
    recording: Mapping[str, Any] | None


def began(events: Iterable[CallEvent]) -> bool:
    """Whether these events tell of a call: one was offered, or they know who called or which queue it was in. The end
    of something nobody offered us is none."""
    return any(e.what in (Rang.OFFERED, Rang.QUEUED, Rang.ANSWERED) or e.phone or e.queue for e in events)


def told(events: Iterable[CallEvent]) -> VoiceCall:
    """The call that these events make: all that have come so far, in any order."""
    found = sorted(events, key=lambda e: (e.at, _ORDER[e.what], e.key))
    if not found:
        raise ValueError("a call without an event")

    def first(what: Rang) -> CallEvent | None:
        return next((e for e in found if e.what is what), None)

    def last(what: Rang) -> CallEvent | None:
        return next((e for e in reversed(found) if e.what is what), None)

    def said(name: str) -> Any:
        return next((v for e in found if (v := getattr(e, name))), None)

    offered = found[0].at
    queued, answer, end = first(Rang.QUEUED), first(Rang.ANSWERED), last(Rang.HUNG_UP)
    taken = last(Rang.ANSWERED)  # after a transfer, whoever has it now
    direction = next((e.direction for e in found if e.what is Rang.OFFERED), found[0].direction)
    state = VoiceState.ENDED if end else VoiceState.ANSWERED if answer else VoiceState.OFFERED
    outcome = _outcome(answer, end, queued, found) if end else None
    waited_to = answer.at if answer else end.at if end else None
    waited_from = queued.at if queued else offered
    recorded = last(Rang.RECORDED)
    return VoiceCall(
        reference=found[0].reference,
        direction=direction,
        phone=said("phone"),
        line=said("line"),
        queue=said("queue"),
        agent=taken.agent if taken and taken.agent else None,
        state=state,
        outcome=outcome,
        cause=end.cause if end else None,
        offered_at=offered,
        queued_at=queued.at if queued else None,
        answered_at=answer.at if answer else None,
        ended_at=end.at if end else None,
        wait_ms=_ms(waited_from, waited_to),
        talk_ms=_ms(answer.at, end.at) if answer and end else None,
        recording=recorded.recording if recorded else said("recording"),
    )


def _outcome(
    answer: CallEvent | None, end: CallEvent, queued: CallEvent | None, events: Iterable[CallEvent]
) -> VoiceOutcome:
    if answer is not None:
        return VoiceOutcome.ANSWERED
    if any(e.abandoned for e in events):
        return VoiceOutcome.ABANDONED
    cause = (end.cause or "").replace("_", "").casefold()
    if cause in MISSED or any(e.abandoned is False for e in events):
        return VoiceOutcome.MISSED
    if cause in REJECTED:
        return VoiceOutcome.REJECTED
    return (
        VoiceOutcome.ABANDONED if queued is not None or cause in ("cancel", "normalclearing") else VoiceOutcome.MISSED
    )


def _ms(start: datetime, end: datetime | None) -> int | None:
    return None if end is None else max(0, round((end - start).total_seconds() * 1000))


@dataclass(frozen=True, slots=True)
class Share:
    """A figure with its formula: how it is called, what is divided by what."""

    name: str
    formula: str
    numerator: int
    denominator: int

    def shown(self) -> dict[str, Any]:
        value = round(self.numerator / self.denominator, 4) if self.denominator else None
        return {
            "name": self.name, "formula": self.formula, "numerator": self.numerator, "denominator": self.denominator,
            "value": value,
        }  # fmt: skip


def acd_figures(counts: Mapping[str, int], threshold: int, short: int) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """The figures of a call centre: counts, and shares with named formulas. Seconds. There is no one formula of the
    service level, so the three in use are all named."""
    c = counts
    within = f"answered within {threshold} s"
    shares = [
        Share("connection_rate", "answered ÷ offered", c["answered"], c["offered"]),
        Share("abandon_rate", "abandoned ÷ offered", c["abandoned"], c["offered"]),
        Share("service_level_of_answered", f"{within} ÷ answered", c["in_time"], c["answered"]),
        Share("service_level_of_offered", f"{within} ÷ offered", c["in_time"], c["offered"]),
        Share(
            "service_level_without_short_abandons", f"{within} ÷ (offered − abandoned within {short} s)", c["in_time"],
            c["offered"] - c["short_abandons"],
        ),
        Share("average_speed_of_answer_ms", "waiting of answered calls ÷ answered", c["wait_ms"], c["answered"]),
        Share("average_wait_of_abandoned_ms", "their waiting ÷ abandoned", c["abandoned_ms"], c["abandoned"]),
        Share("average_talk_ms", "talking ÷ answered calls that have ended", c["talk_ms"], c["talked"]),
    ]  # fmt: skip
    return dict(c), [s.shown() for s in shares]
