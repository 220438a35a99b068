"""The CTI contract of sipgate, Zammad and their kin: newCall, answer, hangup, by form or JSON, in whatever order."""

from collections.abc import Mapping

from hotline.delivery.payloads import hashed_key, item_key, raw_item
from hotline.inbound.webhook_request import UnreadableItem, WebhookRequest
from hotline.telephony.contract import (
    IGNORED_EVENT,
    EventMeaning,
    Exchange,
    PushedEvents,
    event_time,
    field_text,
    field_texts,
    parse_event_fields,
    unknown_event,
    with_time_warnings,
)
from hotline.telephony.model import CallEvent, CallSignal
from hotline.telephony.vocabulary import Direction

EVENTS: Mapping[str, EventMeaning] = {
    "newcall": EventMeaning(CallSignal.OFFERED),
    "answer": EventMeaning(CallSignal.ANSWERED),
    "hangup": EventMeaning(CallSignal.HUNG_UP),
    "dtmf": IGNORED_EVENT,
    "hold": IGNORED_EVENT,
    "unhold": IGNORED_EVENT,
}


class Cti(PushedEvents):
    """Beyond the contract an event may carry `eventId`, `timestamp`, `queue`, `queuedAt`, `abandoned` and `recording`
    {id, url, duration, sha256}."""

    def events(self, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        found: list[CallEvent | UnreadableItem] = []
        for fields in parse_event_fields(request):
            word, raw = (field_text(fields, "event") or "").casefold(), raw_item(fields)
            meaning = EVENTS.get(word)
            if word and meaning is None:
                found.append(unknown_event(word, raw, request.at))
                continue
            if meaning is IGNORED_EVENT:
                continue
            what, reference = meaning.signal if meaning else None, field_text(fields, "callId", "callid", "call_id")
            if what is None or reference is None:
                found.append(UnreadableItem("event or callId is missing", raw))
                continue
            reference = item_key(reference)
            at, unread = event_time(self.account, fields, request.at, "timestamp", "time")
            out = (field_text(fields, "direction") or "in").casefold() == "out"
            agent = (
                field_text(fields, "answeringNumber", "user")
                if what is CallSignal.ANSWERED
                else field_text(fields, "user")
            )
            own = field_text(fields, "eventId", "event_id")
            key = (
                hashed_key("event", reference, own)
                if own
                else hashed_key(what, reference, agent, field_text(fields, "cause"), field_text(fields, "timestamp"))
            )
            abandoned = fields.get("abandoned")
            event = CallEvent(
                reference, key, what, at, Direction.OUT if out else Direction.IN,
                phone=field_text(fields, "to") if out else field_text(fields, "from"),
                line=field_text(fields, "from") if out else field_text(fields, "to"),
                queue=field_text(fields, "queue"), agent=agent, cause=field_text(fields, "cause"),
                abandoned=_parse_bool(abandoned), recording=_parse_recording(fields.get("recording")), unread=unread,
            )  # fmt: skip
            events = [event]
            if what is CallSignal.OFFERED and event.direction is Direction.IN:
                events += [
                    CallEvent(
                        reference, hashed_key("rings", key, user), CallSignal.RINGS, at, agent=user, unread=unread
                    )
                    for user in field_texts(fields, "user")
                ]
            queued = field_text(fields, "queuedAt", "queued_at")
            if queued or (what is CallSignal.OFFERED and event.queue):
                if queued:
                    at, unread = event_time(self.account, fields, request.at, "queuedAt", "queued_at")
                events.append(
                    CallEvent(
                        reference, hashed_key("queued", reference, queued), CallSignal.QUEUED, at, event.direction,
                              queue=event.queue, unread=unread)
                )  # fmt: skip
            found += with_time_warnings(events, raw, request.at)
        return found


def _parse_bool(value: object) -> bool | None:
    return None if value is None else str(value).casefold() in ("true", "1", "yes")


def _parse_recording(value: object) -> dict[str, object] | None:
    if not isinstance(value, dict):
        return None
    kept = {k: value[k] for k in ("id", "url", "duration", "sha256") if isinstance(value.get(k), str | int | float)}
    return kept or None


PROVIDER = Exchange(
    name="cti",
    about="the CTI contract of sipgate, Zammad and their kin: newCall, answer, hangup",
    adapter=Cti,
)
