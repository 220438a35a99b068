"""Calls on the exchange: whatever order its events come in and however often, the same call comes of them."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from hotline.telephony.vocabulary import Direction, VoiceOutcome, VoiceState


class CallSignal(StrEnum):
    """What an event says."""

    OFFERED = "offered"
    QUEUED = "queued"
    RINGS = "rings"  # at an agent's telephone
    RANG_OUT = "rang_out"  # the agent did not answer: it rings there no longer
    ANSWERED = "answered"
    EXITED = "exited"  # out of the queue, without an answer: the call may go on elsewhere, as in another queue
    LEFT = "left"  # the agent is out of it: it may go on elsewhere
    HUNG_UP = "hung_up"  # over, whatever other events say
    RECORDED = "recorded"
    NO_END = "no_end"  # ours: nothing was heard of the call for too long. `at` is when it was last heard of


_ORDER = {
    CallSignal.OFFERED: 0, CallSignal.QUEUED: 1, CallSignal.RINGS: 2, CallSignal.RANG_OUT: 3, CallSignal.ANSWERED: 4,
    CallSignal.EXITED: 5, CallSignal.LEFT: 6,
    CallSignal.HUNG_UP: 7, CallSignal.RECORDED: 8,
    CallSignal.NO_END: 9,
}  # fmt: skip
RINGING = frozenset({CallSignal.RINGS, CallSignal.RANG_OUT})  # of each agent the last one counts
MISSED_CAUSES = frozenset(
    {"busy", "noanswer", "no-answer", "congestion", "timeout", "failed", "exitwithtimeout", "exitempty"}
)
REJECTED_CAUSES = frozenset({"notfound", "rejected", "forwarded"})
TRANSFERRED = "transferred"  # the cause of an end: the call went on where its exchange reports nothing
NO_END_REPORTED = "no_end_reported"  # the cause of an end that no event reported
WAIT_TIMEOUT = timedelta(hours=2)  # without any news, before a call that waits counts as over
TALK_TIMEOUT = timedelta(hours=12)  # the same for one that was answered
RETURN_WITHIN = timedelta(minutes=30)  # after a missed call: our own promise, no standard names a time


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One event of one call. `reference` is the exchange's id of the whole call, `key` distinguishes this event from
    every other; `abandoned` where the exchange itself says so. `at` is the exchange's time of it. Where that cannot be
    read, `unread` is how it was written, and `at` is when the event was received: good for its place among the others,
    and for no duration."""

    reference: str
    key: str
    signal: CallSignal
    at: datetime
    direction: Direction = Direction.IN
    phone: str | None = None  # as the exchange wrote it
    line: str | None = None
    queue: str | None = None
    agent: str | None = None
    cause: str | None = None
    abandoned: bool | None = None
    recording: Mapping[str, Any] | None = None
    unread: str | None = None
    received_at: datetime | None = None  # by us; None: as `at`

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Its place among the events of its call."""
        return (self.at, _ORDER[self.signal], self.key)

    def as_dict(self) -> dict[str, Any]:
        return {
            "what": self.signal, "at": self.at.isoformat(), "direction": self.direction, "phone": self.phone,
            "line": self.line, "queue": self.queue, "agent": self.agent, "cause": self.cause,
            "abandoned": self.abandoned,
            "recording": dict(self.recording) if self.recording else None,
            **({"unread": self.unread} if self.unread is not None else {}),
        }  # fmt: skip


def parse_event(reference: str, key: str, data: Mapping[str, Any], received: datetime | None = None) -> CallEvent:
    """An event as it was kept."""
    return CallEvent(
        reference, key, CallSignal(data["what"]), datetime.fromisoformat(data["at"]), Direction(data["direction"]),
        data.get("phone"), data.get("line"), data.get("queue"), data.get("agent"), data.get("cause"),
        data.get("abandoned"), data.get("recording"), data.get("unread"), received,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class VoiceCall:
    """A call, from its events. Waits and talks in milliseconds; None, too, where a time could not be read or no
    end was reported. `last_received_at`: when we last received something of it. `time_unknown`: a time of its events
    could not be read."""

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
    last_received_at: datetime
    time_unknown: bool


def is_call(events: Iterable[CallEvent]) -> bool:
    """Whether these events describe a call: one was offered, or they name the caller or the queue. The end
    of a call that was not offered is none."""
    return any(
        e.signal in (CallSignal.OFFERED, CallSignal.QUEUED, CallSignal.ANSWERED) or e.phone or e.queue for e in events
    )


def rung_agents(events: Iterable[CallEvent]) -> dict[str, datetime]:
    """The agents at whose telephones the call rings, by the exchange's names, and when that was last heard: until they
    answer, or do not."""
    found: dict[str, datetime] = {}
    for event in sorted(events, key=lambda e: e.order):
        if event.agent and event.signal is CallSignal.RINGS:
            found[event.agent] = event.received_at or event.at
        elif event.agent and event.signal is CallSignal.RANG_OUT:
            found.pop(event.agent, None)
    return found


def build_call(events: Iterable[CallEvent]) -> VoiceCall:
    """The call that these events make: all that have come so far, in any order."""
    every = list(events)
    ordered_events = _sorted_events(e for e in every if e.signal is not CallSignal.NO_END)
    if not ordered_events:
        raise ValueError("a call without an event")

    def first(what: CallSignal) -> CallEvent | None:
        return next((e for e in ordered_events if e.signal is what), None)

    def last(what: CallSignal) -> CallEvent | None:
        return next((e for e in reversed(ordered_events) if e.signal is what), None)

    def said(name: str) -> Any:
        return next((v for e in ordered_events if (v := getattr(e, name))), None)

    offered = ordered_events[0]
    # an agent who left had been there, whether or not their answer was reported
    was_answered = any(e.signal in (CallSignal.ANSWERED, CallSignal.LEFT) for e in ordered_events)
    queued, first_answer, hung_up = first(CallSignal.QUEUED), first(CallSignal.ANSWERED), last(CallSignal.HUNG_UP)
    last_answer = last(CallSignal.ANSWERED)  # after a transfer, the agent who has it now
    direction = next((e.direction for e in ordered_events if e.signal is CallSignal.OFFERED), offered.direction)
    path = _caller_path(ordered_events)
    end = hung_up or path.exit_event
    news = [e.received_at or e.at for e in ordered_events if e.signal is not CallSignal.RECORDED] or [
        e.received_at or e.at for e in ordered_events
    ]
    heard_at = max(news)
    is_silent = end is None and any(e.signal is CallSignal.NO_END and e.at >= heard_at for e in every)
    if end is not None or is_silent:
        state = VoiceState.ENDED
    else:
        state = VoiceState.ANSWERED if path.place is _CallerState.WITH_AGENT else VoiceState.OFFERED
    outcome = (
        _outcome(was_answered, hung_up, path.exit_event, queued, ordered_events) if state is VoiceState.ENDED else None
    )
    recorded = last(CallSignal.RECORDED)
    return VoiceCall(
        reference=ordered_events[0].reference,
        direction=direction,
        phone=said("phone"),
        line=said("line"),
        queue=said("queue"),
        agent=last_answer.agent if last_answer and last_answer.agent else None,
        state=state,
        outcome=outcome,
        cause=end.cause if end else NO_END_REPORTED if is_silent else None,
        offered_at=offered.at,
        queued_at=queued.at if queued else None,
        answered_at=first_answer.at if first_answer else None,
        # a caller nobody answered is to be called back, and for that their call has its place among their others
        ended_at=end.at if end else ordered_events[-1].at if is_silent and not was_answered else None,
        wait_ms=_elapsed_ms(queued or offered, first_answer if was_answered else end),
        talk_ms=_talk_ms(path, end),
        recording=recorded.recording if recorded else said("recording"),
        last_received_at=heard_at,
        time_unknown=any(e.unread is not None for e in ordered_events),
    )


class _CallerState(StrEnum):
    """Where a caller is."""

    WAITING = "waiting"
    WITH_AGENT = "with_agent"
    OUT = "out"


@dataclass(slots=True)
class _CallerPath:
    """The path of a caller through a call. `place`: where they are now; `exit_event`: the event by which they left.
    `talks`: finished talks, each its first and last event; `since`: the answer that began the present one."""

    place: _CallerState = _CallerState.WAITING
    exit_event: CallEvent | None = None
    queue: str | None = None  # the one they wait in, or were answered from
    agent: str | None = None
    since: CallEvent | None = None
    talks: list[tuple[CallEvent, CallEvent]] = field(default_factory=list)


def _sorted_events(events: Iterable[CallEvent]) -> list[CallEvent]:
    """By time. Many exchanges count whole seconds, and a caller goes from one queue into the next within one: of what
    has the same time, first what fits the queue the caller is in."""
    left = sorted(events, key=lambda e: e.order)
    found: list[CallEvent] = []
    is_queued, queue = False, None
    for _, same_time in groupby(left, key=lambda e: e.at):
        waiting = _SimultaneousEvents(list(same_time))
        while (event := waiting.take(is_queued, queue)) is not None:
            found.append(event)
            if event.signal is CallSignal.QUEUED:
                is_queued, queue = True, event.queue
            elif event.signal in _OUT_OF_QUEUE:
                is_queued, queue = False, None
    return found


_OUT_OF_QUEUE = (CallSignal.EXITED, CallSignal.LEFT)
_IN_QUEUE = (CallSignal.ANSWERED, *_OUT_OF_QUEUE)


class _SimultaneousEvents:
    """Events of one time in their order, to be taken out one by one. Each is found by what it is and by its queue, so
    that all of them together take linear time."""

    def __init__(self, events: list[CallEvent]) -> None:
        self._events, self._taken = events, bytearray(len(events))
        self._places: dict[tuple[str | None, ...], deque[int]] = {}
        for place, event in enumerate(events):
            for group in ((), (event.signal,), (event.signal, event.queue)):
                self._places.setdefault(group, deque()).append(place)

    def take(self, is_queued: bool, queue: str | None) -> CallEvent | None:
        """The first that fits a caller who is in this queue or in none, else the first of all. None: none is left."""
        groups: list[tuple[str | None, ...]] = [(CallSignal.OFFERED,)]
        if not is_queued:
            groups.append((CallSignal.QUEUED,))
        elif queue is None:
            groups += [(what,) for what in _IN_QUEUE]
        else:
            groups += [(what, of) for what in _IN_QUEUE for of in (queue, None)]
        fitting = [place for group in groups if (place := self._first_index(group)) is not None]
        place = min(fitting) if fitting else self._first_index(())
        if place is None:
            return None
        self._taken[place] = 1
        return self._events[place]

    def _first_index(self, group: tuple[str | None, ...]) -> int | None:
        places = self._places.get(group)
        while places and self._taken[places[0]]:
            places.popleft()
        return places[0] if places else None


def _caller_path(events: Iterable[CallEvent]) -> _CallerPath:
    """The caller's way through events in their order."""
    way = _CallerPath()
    for e in events:
        other_queue = way.queue is not None and e.queue is not None and e.queue != way.queue
        if e.signal is CallSignal.QUEUED:
            # one that only has its time from us may be reported late: the caller waited before the answer, not after it
            own_time = e.unread is None and e.at != e.received_at
            if way.place is not _CallerState.WITH_AGENT or other_queue or own_time:
                if way.since is not None:
                    way.talks.append((way.since, way.exit_event or e))
                way.place, way.exit_event, way.since, way.queue = _CallerState.WAITING, None, None, e.queue
        elif e.signal is CallSignal.ANSWERED:
            way.since = way.since or e
            way.place, way.exit_event, way.queue, way.agent = (
                _CallerState.WITH_AGENT,
                None,
                e.queue or way.queue,
                e.agent,
            )
        elif _ends_stay(e, way, other_queue):
            way.place, way.exit_event = _CallerState.OUT, e
    return way


def _ends_stay(event: CallEvent, way: _CallerPath, other_queue: bool) -> bool:
    """Whether this event takes the caller out of where they are."""
    if other_queue or way.place is _CallerState.OUT:
        return False
    if way.place is _CallerState.WAITING:
        return event.signal is CallSignal.EXITED or (
            event.signal is CallSignal.LEFT and (event.queue or way.queue) == event.queue
        )
    return event.signal is CallSignal.LEFT and (way.agent is None or event.agent in (None, way.agent))


def _talk_ms(way: _CallerPath, end: CallEvent | None) -> int | None:
    """Milliseconds with agents: from an answer until the caller waits again, or the call is over."""
    talks = [*way.talks, (way.since, end)] if way.since is not None else way.talks
    lengths = [_elapsed_ms(start, over) for start, over in talks]
    return None if end is None or not lengths or None in lengths else sum(n for n in lengths if n is not None)


def _outcome(
    was_answered: bool,
    hung_up: CallEvent | None,
    exit_event: CallEvent | None,
    queued: CallEvent | None,
    events: Iterable[CallEvent],
) -> VoiceOutcome:
    if was_answered:
        return VoiceOutcome.ANSWERED
    end = hung_up or exit_event
    if (
        exit_event is not None
        and exit_event.signal is CallSignal.EXITED
        and (hung_up is None or hung_up.abandoned is None)
    ):
        end = exit_event  # the queue let them go before they hung up
    if end is None:
        return VoiceOutcome.MISSED  # no event says that the caller gave up
    abandoned = [e.abandoned for e in events if e is end or e.signal is not CallSignal.EXITED]
    if any(abandoned):
        return VoiceOutcome.ABANDONED
    cause = (end.cause or "").replace("_", "").casefold()
    if cause in MISSED_CAUSES or any(s is False for s in abandoned):
        return VoiceOutcome.MISSED
    if cause in REJECTED_CAUSES:
        return VoiceOutcome.REJECTED
    if end.signal is CallSignal.EXITED:
        return VoiceOutcome.MISSED
    return (
        VoiceOutcome.ABANDONED if queued is not None or cause in ("cancel", "normalclearing") else VoiceOutcome.MISSED
    )


def _elapsed_ms(start: CallEvent | None, end: CallEvent | None) -> int | None:
    if start is None or end is None or start.unread is not None or end.unread is not None:
        return None
    return max(0, round((end.at - start.at).total_seconds() * 1000))


@dataclass(frozen=True, slots=True)
class CallFigure:
    """A figure of the call centre: its name, what is divided by what, and the result; None: nothing to divide by."""

    name: str
    formula: str
    numerator: int
    denominator: int
    value: float | None


def _figure(name: str, formula: str, numerator: int, denominator: int) -> CallFigure:
    return CallFigure(name, formula, numerator, denominator, round(numerator / denominator, 4) if denominator else None)


def acd_figures(counts: Mapping[str, int], threshold: int, short: int) -> tuple[dict[str, int], tuple[CallFigure, ...]]:
    """The figures of a call centre: counts, and shares with named formulas. Seconds. There is no one formula of the
    service level, so the three in use are all named."""
    c = counts
    answered_in_time = f"answered within {threshold} s"
    found = (
        _figure("connection_rate", "answered ÷ offered", c["answered"], c["offered"]),
        _figure("abandon_rate", "abandoned ÷ offered", c["abandoned"], c["offered"]),
        _figure("service_level_of_answered", f"{answered_in_time} ÷ answered", c["in_time"], c["answered"]),
        _figure("service_level_of_offered", f"{answered_in_time} ÷ offered", c["in_time"], c["offered"]),
        _figure(
            "service_level_without_short_abandons", f"{answered_in_time} ÷ (offered − abandoned within {short} s)",
            c["in_time"],
            c["offered"] - c["short_abandons"],
        ),
        _figure(
            "average_speed_of_answer_ms", "waiting of answered calls ÷ answered, of those whose wait is known",
            c["wait_ms"], c["answered_waits_known"],
        ),
        _figure(
            "average_wait_of_abandoned_ms", "their waiting ÷ abandoned, of those whose wait is known",
            c["abandoned_ms"], c["abandoned_waits_known"],
        ),
        _figure("average_talk_ms", "talking ÷ answered calls whose end is known", c["talk_ms"], c["talked"]),
    )  # fmt: skip
    return dict(c), found
