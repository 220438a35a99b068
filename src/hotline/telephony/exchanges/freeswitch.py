"""FreeSWITCH mod_callcenter: callcenter::info events as JSON, and the hang-ups of channels. The caller's session is the
whole call."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from hotline.delivery.payloads import hashed_key, item_key, raw_item
from hotline.inbound.webhook_request import UnreadableItem, WebhookRequest
from hotline.telephony.contract import (
    IGNORED_EVENT,
    EventMeaning,
    Exchange,
    PushedEvents,
    event_time,
    field_text,
    parse_event_fields,
    unknown_event,
    with_time_warnings,
)
from hotline.telephony.model import CallEvent, CallSignal
from hotline.telephony.vocabulary import Direction

# CC-Action of every callcenter::info event. A member leaves the queue also into another one, in the same session.
ACTIONS: Mapping[str, EventMeaning] = {
    "member-queue-start": EventMeaning(CallSignal.QUEUED),
    "member-queue-resume": EventMeaning(CallSignal.QUEUED),
    "agent-offering": EventMeaning(CallSignal.RINGS),
    "bridge-agent-fail": EventMeaning(CallSignal.RANG_OUT),
    "bridge-agent-start": EventMeaning(CallSignal.ANSWERED),
    "bridge-agent-end": EventMeaning(CallSignal.LEFT),
    "member-queue-end": EventMeaning(CallSignal.EXITED),  # CC-Cause says more
    "members-count": IGNORED_EVENT,
}
AGENT_ACTION_PREFIXES = ("agent-", "tier-", "queue-")  # what an action begins with that is about no call
CANCEL_REASONS: Mapping[str, EventMeaning] = {  # CC-Cancel-Reason of a member that left unanswered
    "TIMEOUT": EventMeaning(CallSignal.EXITED, "timeout", abandoned=False),
    "NO_AGENT_TIMEOUT": EventMeaning(CallSignal.EXITED, "no_agent_timeout", abandoned=False),
    "BREAK_OUT": EventMeaning(CallSignal.EXITED, "break_out", abandoned=True),  # the caller hung up
    "EXIT_WITH_KEY": EventMeaning(CallSignal.EXITED, "exit_with_key", abandoned=True),
    "NONE": EventMeaning(CallSignal.EXITED, abandoned=True),
}
_TIMES = {
    "member-queue-start": "CC-Member-Joined-Time",
    "bridge-agent-start": "CC-Agent-Answered-Time",
    "bridge-agent-end": "CC-Bridge-Terminated-Time",
    "member-queue-end": "CC-Member-Leaving-Time",
}
# Event-Name of the other events of a server, where all are passed on
CHANNEL_EVENTS: Mapping[str, EventMeaning] = {
    **dict.fromkeys(("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"), EventMeaning(CallSignal.HUNG_UP)),
    **dict.fromkeys(
        """CHANNEL_ANSWER CHANNEL_APPLICATION CHANNEL_BRIDGE CHANNEL_CALLSTATE CHANNEL_CREATE CHANNEL_DATA
CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_GLOBAL CHANNEL_HOLD CHANNEL_ORIGINATE CHANNEL_OUTGOING CHANNEL_PARK
CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_STATE CHANNEL_UNBRIDGE CHANNEL_UNHOLD CHANNEL_UNPARK CHANNEL_UUID
ADD_SCHEDULE API BACKGROUND_JOB CALL_DETAIL CALL_SECURE CALL_SETUP_REQ CALL_SETUP_RESULT CALL_UPDATE CLONE CODEC
COMMAND CONFERENCE_DATA CONFERENCE_DATA_QUERY CUSTOM DEL_SCHEDULE DETECTED_SPEECH DETECTED_TONE DEVICE_STATE DTMF
EXE_SCHEDULE FAILURE GENERAL HEARTBEAT LOG MEDIA_BUG_START MEDIA_BUG_STOP MESSAGE MESSAGE_QUERY MESSAGE_WAITING
MODULE_LOAD MODULE_UNLOAD NAT NOTALK NOTIFY NOTIFY_IN PHONE_FEATURE PHONE_FEATURE_SUBSCRIBE PLAYBACK_START
PLAYBACK_STOP PRESENCE_IN PRESENCE_OUT PRESENCE_PROBE PRIVATE_COMMAND PUBLISH QUEUE_LEN RECORD_START RECORD_STOP
RECV_INFO RECV_MESSAGE RECV_RTCP_MESSAGE RELOADXML REQUEST_PARAMS RE_SCHEDULE ROSTER SEND_INFO SEND_MESSAGE
SEND_RTCP_MESSAGE SESSION_CRASH SESSION_DATA SESSION_HEARTBEAT SHUTDOWN SOCKET_DATA STARTUP STREAM_FILE SUBCLASS_ANY
TALK TEXT TRAP UNPUBLISH UNSUBSCRIBE""".split(),  # noqa: SIM905
        IGNORED_EVENT,
    ),
}
_CAUSES = {
    "NORMAL_CLEARING": "normalClearing",
    "USER_BUSY": "busy",
    "NO_ANSWER": "noAnswer",
    "NO_USER_RESPONSE": "noAnswer",
    "CALL_REJECTED": "rejected",
    "ORIGINATOR_CANCEL": "cancel",
    "NORMAL_CIRCUIT_CONGESTION": "congestion",
}


class FreeSwitch(PushedEvents):
    """`agents` of the settings: CC-Agent to our logins."""

    def events(self, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        return [e for fields in parse_event_fields(request) for e in self._events(fields, request)]

    def _events(self, fields: dict[str, Any], request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        action, name, raw = field_text(fields, "CC-Action"), field_text(fields, "Event-Name"), raw_item(fields)
        if action is None:
            return self._channel_events(name, fields, request)
        meaning = ACTIONS.get(action)
        if meaning is None and action.startswith(AGENT_ACTION_PREFIXES):
            return []
        if meaning is None:
            return [unknown_event(action, raw, request.at)]
        if meaning is IGNORED_EVENT:
            return []
        reference = field_text(fields, "CC-Member-Session-UUID", "CC-Member-UUID")
        if reference is None or meaning.signal is None:
            return [UnreadableItem("CC-Member-Session-UUID is missing", raw)]
        unreadable: list[UnreadableItem] = []
        if meaning.signal is CallSignal.EXITED:
            reason = field_text(fields, "CC-Cancel-Reason") or "NONE"
            if field_text(fields, "CC-Cause") != "Cancel":
                meaning = EventMeaning(CallSignal.LEFT)  # Terminated: they were spoken to
            elif reason in CANCEL_REASONS:
                meaning = CANCEL_REASONS[reason]
            else:
                unreadable.append(unknown_event(f"CC-Cancel-Reason {reason}", raw, request.at))
                meaning = EventMeaning(CallSignal.EXITED, reason.casefold())
        agent, queue = field_text(fields, "CC-Agent"), field_text(fields, "CC-Queue")
        times = (_TIMES.get(action, ""), "Event-Date-Timestamp")
        happened = {name: value for name, value in fields.items() if str(value) != "0"}  # 0: it has not happened
        at, unread = event_time(self.account, happened, request.at, *times)
        key = hashed_key(
            action, reference, agent, queue, field_text(fields, *times), field_text(fields, "CC-Member-UUID")
        )
        event = CallEvent(
            item_key(reference), key, meaning.signal or CallSignal.EXITED, at, Direction.IN,
            phone=unquote(field_text(fields, "CC-Member-CID-Number") or "") or None, line=field_text(fields,
            "CC-Member-DNIS"),
            queue=queue, agent=agent, cause=meaning.cause, abandoned=meaning.abandoned, unread=unread,
        )  # fmt: skip
        return [*with_time_warnings([event], raw, request.at), *unreadable]

    def _channel_events(
        self, name: str | None, fields: dict[str, Any], request: WebhookRequest
    ) -> list[CallEvent | UnreadableItem]:
        """Of a channel's own events only its end says something: the caller's session is over, whatever the queue
        reported. The end of a channel that was in no queue is none of ours."""
        raw = raw_item(fields)
        if name is None:
            return [UnreadableItem("CC-Action is missing", raw)]
        meaning = CHANNEL_EVENTS.get(name)
        if meaning is None:
            return [unknown_event(name, raw, request.at)]
        reference = field_text(fields, "Unique-ID", "Channel-Call-UUID")
        if meaning.signal is None or reference is None:
            return []
        at, unread = event_time(self.account, fields, request.at, "Event-Date-Timestamp")
        cause = field_text(fields, "Hangup-Cause")
        event = CallEvent(
            item_key(reference), hashed_key(name, reference), meaning.signal, at, Direction.IN,
            cause=_CAUSES.get(cause or "", cause), unread=unread,
        )  # fmt: skip
        return with_time_warnings([event], raw, request.at)


PROVIDER = Exchange(
    name="freeswitch",
    about="FreeSWITCH mod_callcenter: callcenter::info events as JSON",
    adapter=FreeSwitch,
)
