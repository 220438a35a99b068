"""Twilio Voice: status callbacks by form, signed like its texts. The caller's CallSid is the call; the legs to our
operators name it as their ParentCallSid."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hotline.delivery.account import Account
from hotline.delivery.payloads import hashed_key, item_key, raw_item
from hotline.delivery.provider import Secret
from hotline.inbound.twilio_signature import check_twilio_signature
from hotline.inbound.webhook_request import Acknowledgement, UnreadableItem, WebhookRequest
from hotline.telephony.contract import EventMeaning, Exchange, event_time, unknown_event, with_time_warnings
from hotline.telephony.model import TRANSFERRED, CallEvent, CallSignal
from hotline.telephony.vocabulary import Direction

SIGNAL_BY_STATUS: Mapping[str, CallSignal] = {  # CallStatus, and the events of a status callback
    "queued": CallSignal.OFFERED,
    "initiated": CallSignal.OFFERED,
    "ringing": CallSignal.OFFERED,
    "in-progress": CallSignal.ANSWERED,
    "answered": CallSignal.ANSWERED,
    "completed": CallSignal.HUNG_UP,
    "busy": CallSignal.HUNG_UP,
    "no-answer": CallSignal.HUNG_UP,
    "failed": CallSignal.HUNG_UP,
    "canceled": CallSignal.HUNG_UP,
}

_LEG: Mapping[str, CallSignal] = {
    "in-progress": CallSignal.ANSWERED,
    "answered": CallSignal.ANSWERED,
    "completed": CallSignal.LEFT,
}
# DialCallStatus, where a <Dial> ends: the call goes on with what its action answers
DIAL_RESULTS: Mapping[str, EventMeaning] = {
    "completed": EventMeaning(CallSignal.LEFT),
    "answered": EventMeaning(CallSignal.LEFT),
    "busy": EventMeaning(CallSignal.EXITED, "busy"),
    "no-answer": EventMeaning(CallSignal.EXITED, "noAnswer"),
    "failed": EventMeaning(CallSignal.EXITED, "failed"),
    "canceled": EventMeaning(CallSignal.EXITED, "cancel", abandoned=True),
}
QUEUE_RESULTS: Mapping[str, EventMeaning] = {  # QueueResult, where an <Enqueue> ends
    "bridged": EventMeaning(CallSignal.LEFT),
    "bridging-in-process": EventMeaning(CallSignal.ANSWERED),
    "redirected-from-bridged": EventMeaning(CallSignal.LEFT, TRANSFERRED),
    "redirected": EventMeaning(CallSignal.EXITED, "redirected"),
    "leave": EventMeaning(CallSignal.EXITED, "leave"),
    "hangup": EventMeaning(CallSignal.HUNG_UP, "cancel", abandoned=True),
    "error": EventMeaning(CallSignal.EXITED, "failed"),
    "queue-full": EventMeaning(CallSignal.EXITED, "congestion"),
    "system-error": EventMeaning(CallSignal.EXITED, "failed"),
}


class TwilioVoice:
    """An inbound call that is in progress listens to the announcement: it is answered when the leg to an operator
    is, so the `<Number>` or `<Client>` within `<Dial>` needs a `statusCallback` to here too. `agents` of the settings:
    numbers or clients to our logins."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_twilio_signature(self.account, request)

    def events(self, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        given = dict(request.form_pairs())
        parent, own, status = given.get("ParentCallSid", ""), given.get("CallSid", ""), given.get("CallStatus", "")
        if not own:
            return [UnreadableItem("CallSid is missing", raw_item(given))]
        at, unread = event_time(self.account, given, request.at, "Timestamp", zone=UTC)
        leg, reference = bool(parent), parent or own
        out = not leg and given.get("Direction", "inbound").startswith("outbound")
        direction = Direction.OUT if out else Direction.IN
        phone, line = (given.get("To"), given.get("From")) if out else (given.get("From"), given.get("To"))
        found: list[CallEvent] = []
        if given.get("RecordingSid"):
            recording = {
                "id": given["RecordingSid"],
                "url": given.get("RecordingUrl"),
                "duration": given.get("RecordingDuration"),
            }
            found.append(
                CallEvent(
                    item_key(reference), hashed_key("recorded", reference, given["RecordingSid"]), CallSignal.RECORDED,
                          at, direction, recording={k: v for k, v in recording.items() if v}, unread=unread)
            )  # fmt: skip
        found += _ended_verb_events(given, reference, at, unread)
        unreadable = _unknown_words(given, request.at)
        what = _LEG.get(status) if leg else SIGNAL_BY_STATUS.get(status)
        if what is CallSignal.ANSWERED and not leg and not out:
            what = CallSignal.QUEUED
        if what is None and not found and not unreadable and not (leg and status in SIGNAL_BY_STATUS):
            unreadable.append(UnreadableItem("CallStatus is missing", raw_item(given)))
        if what is not None:
            agent = (given.get("Called") or given.get("To")) if leg else None
            phone, line = (None, None) if leg else (phone, line)
            cause = {"canceled": "cancel", "completed": "normalClearing"}.get(status, status)
            found.append(
                CallEvent(item_key(reference), hashed_key(status, reference, own), what, at, direction, phone=phone,
                          line=line, agent=agent, cause=cause if what is CallSignal.HUNG_UP else None, unread=unread)
            )  # fmt: skip
        # without an event of ours: an operator's telephone rings or was not answered, and the caller is still there
        return [*with_time_warnings(found, raw_item(given), request.at), *unreadable]

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement(b"<Response></Response>", "text/xml; charset=utf-8")


def _ended_verb_events(fields: Mapping[str, str], reference: str, at: datetime, unread: str | None) -> list[CallEvent]:
    """What the action of a <Dial> or an <Enqueue> says: how it ended, while the caller may go on."""
    found: list[CallEvent] = []
    for name, meanings in (("DialCallStatus", DIAL_RESULTS), ("QueueResult", QUEUE_RESULTS)):
        meaning = meanings.get(fields.get(name, ""))
        if meaning is None or meaning.signal is None:
            continue
        own = fields.get("DialCallSid") or fields.get("QueueSid") or ""
        key = hashed_key(name, fields[name], reference, own, fields.get("QueueTime", ""))
        length = fields.get("DialCallDuration", "")
        if meaning.signal is CallSignal.LEFT and length.isascii() and length.isdigit() and len(length) <= 6:
            begun = at - timedelta(seconds=int(length))  # for who has no status callback of the leg
            found.append(
                CallEvent(item_key(reference), hashed_key(key, "answer"), CallSignal.ANSWERED, begun, unread=unread)
            )
        found.append(
            CallEvent(item_key(reference), key, meaning.signal, at, cause=meaning.cause, abandoned=meaning.abandoned,
                      unread=unread)
        )  # fmt: skip
    return found


def _unknown_words(fields: Mapping[str, str], now: datetime) -> list[UnreadableItem]:
    """A word for each of the three that its list does not have."""
    lists = (("CallStatus", SIGNAL_BY_STATUS), ("DialCallStatus", DIAL_RESULTS), ("QueueResult", QUEUE_RESULTS))
    return [
        unknown_event(f"{name} {fields[name]}", raw_item(fields), now)
        for name, known in lists
        if fields.get(name) and fields[name] not in known
    ]


PROVIDER = Exchange(
    name="twilio_voice",
    about="Twilio Voice: status callbacks by form, signed",
    adapter=TwilioVoice,
    secrets=(
        Secret("auth_token", "of the account", authenticates=True),
        Secret("signing_keys", "JSON: id to key", authenticates=True),
    ),
)
