"""The CTI contract of sipgate, Zammad and their kin: newCall, answer, hangup, by form or JSON, in whatever order."""

from collections.abc import Mapping

from hotline.delivery.account import Account
from hotline.delivery.payloads import hashed_key, item_raw, key_of
from hotline.inbound.push import Acknowledgement, Odd, Push
from hotline.telephony.contract import (
    EMPTY,
    NOT_OF_A_CALL,
    EventMeaning,
    Exchange,
    check_exchange,
    given_fields,
    text,
    time_of,
    unknown_event,
    with_unread_times,
)
from hotline.telephony.model import CallEvent, CallSignal
from hotline.telephony.vocabulary import Direction

EVENTS: Mapping[str, EventMeaning] = {
    "newcall": EventMeaning(CallSignal.OFFERED),
    "answer": EventMeaning(CallSignal.ANSWERED),
    "hangup": EventMeaning(CallSignal.HUNG_UP),
    "dtmf": NOT_OF_A_CALL,
    "hold": NOT_OF_A_CALL,
    "unhold": NOT_OF_A_CALL,
}


class Cti:
    """Beyond the contract an event may carry `eventId`, `timestamp`, `queue`, `queuedAt`, `abandoned` and `recording`
    {id, url, duration, sha256}."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_exchange(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        found: list[CallEvent | Odd] = []
        for fields in given_fields(push):
            word, raw = (text(fields, "event") or "").casefold(), item_raw(fields)
            meaning = EVENTS.get(word)
            if word and meaning is None:
                found.append(unknown_event(word, raw, push.at))
                continue
            if meaning is NOT_OF_A_CALL:
                continue
            what, reference = meaning.what if meaning else None, text(fields, "callId", "callid", "call_id")
            if what is None or reference is None:
                found.append(Odd("event or callId is missing", raw))
                continue
            reference = key_of(reference)
            at, unread = time_of(self.account, fields, push.at, "timestamp", "time")
            out = (text(fields, "direction") or "in").casefold() == "out"
            agent = text(fields, "answeringNumber", "user") if what is CallSignal.ANSWERED else text(fields, "user")
            own = text(fields, "eventId", "event_id")
            key = (
                hashed_key("event", reference, own)
                if own
                else hashed_key(what, reference, agent, text(fields, "cause"), text(fields, "timestamp"))
            )
            abandoned = fields.get("abandoned")
            event = CallEvent(
                reference, key, what, at, Direction.OUT if out else Direction.IN,
                phone=text(fields, "to") if out else text(fields, "from"),
                line=text(fields, "from") if out else text(fields, "to"),
                queue=text(fields, "queue"), agent=agent, cause=text(fields, "cause"),
                abandoned=_truth(abandoned), recording=_recording(fields.get("recording")), unread=unread,
            )  # fmt: skip
            events = [event]
            queued = text(fields, "queuedAt", "queued_at")
            if queued or (what is CallSignal.OFFERED and event.queue):
                if queued:
                    at, unread = time_of(self.account, fields, push.at, "queuedAt", "queued_at")
                events.append(
                    CallEvent(
                        reference, hashed_key("queued", reference, queued), CallSignal.QUEUED, at, event.direction,
                              queue=event.queue, unread=unread)
                )  # fmt: skip
            found += with_unread_times(events, raw, push.at)
        return found

    def acknowledge(self) -> Acknowledgement:
        return EMPTY


def _truth(value: object) -> bool | None:
    return None if value is None else str(value).casefold() in ("true", "1", "yes")


def _recording(value: object) -> dict[str, object] | None:
    if not isinstance(value, dict):
        return None
    kept = {k: value[k] for k in ("id", "url", "duration", "sha256") if isinstance(value.get(k), str | int | float)}
    return kept or None


PROVIDER = Exchange(
    name="cti",
    about="the CTI contract of sipgate, Zammad and their kin: newCall, answer, hangup",
    adapter=Cti,
)
