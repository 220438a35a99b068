"""Every event of every exchange, by its maker's own list: what it does to a call that waits, and to one that is answered."""

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from urllib.parse import urlencode

import pytest

from hotline.delivery.account import Account
from hotline.inbound.webhook_request import UnreadableItem, WebhookRequest
from hotline.telephony.contract import exchange_provider
from hotline.telephony.exchanges.asterisk import AMI_EVENTS, QUEUE_LOG_EVENTS
from hotline.telephony.exchanges.cti import EVENTS
from hotline.telephony.exchanges.freeswitch import ACTIONS, CANCEL_REASONS, CHANNEL_EVENTS
from hotline.telephony.exchanges.threecx import IS_ANSWERED_BY_KIND
from hotline.telephony.exchanges.twilio_voice import DIAL_RESULTS, QUEUE_RESULTS, SIGNAL_BY_STATUS
from hotline.telephony.model import CallEvent, VoiceCall, build_call

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
T = int(NOW.timestamp()) - 600
PLAIN, JSON, FORM = "text/plain", "application/json", "application/x-www-form-urlencoded"


def pushed(provider: str, body: Any, media_type: str = JSON, **settings: Any) -> list[CallEvent | UnreadableItem]:
    """What an exchange's file makes of one push."""
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    push = WebhookRequest(
        "POST", "https://h/v1/hooks/voice/x", b"", {"content-type": media_type}, raw, "127.0.0.1", NOW
    )
    return exchange_provider(provider).adapter(Account("x", settings, {}, "")).events(push)


def the_call(items: Sequence[CallEvent | UnreadableItem]) -> VoiceCall:
    return build_call({e.key: e for e in items if isinstance(e, CallEvent)}.values())  # each once, as they are kept


def stands(items: Sequence[CallEvent | UnreadableItem]) -> str:
    """`waiting`, `talking`, or how it ended."""
    call = the_call(items)
    return {"offered": "waiting", "answered": "talking", "ended": f"ended {call.outcome}"}[call.state]


def odd(items: Sequence[CallEvent | UnreadableItem]) -> list[str]:
    return [e.why for e in items if isinstance(e, UnreadableItem)]


# --- Asterisk's queue_log: docs.asterisk.org, "Queue Logs", and what app_queue writes besides
NEITHER = ("waiting", "talking")
LOG = {  # of a caller who waits, of a caller who talks
    "ABANDON": ("ended abandoned", "ended answered"),
    "ADDMEMBER": NEITHER,
    "AGENTCALLBACKLOGIN": NEITHER,
    "AGENTCALLBACKLOGOFF": NEITHER,
    "AGENTDUMP": NEITHER,
    "AGENTLOGIN": NEITHER,
    "AGENTLOGOFF": NEITHER,
    "ATTENDEDTRANSFER": ("ended answered", "ended answered"),  # the connect was lost, and then not
    "BLINDTRANSFER": ("ended answered", "ended answered"),
    "TRANSFER": ("ended answered", "ended answered"),
    "COMPLETEAGENT": ("ended answered", "ended answered"),
    "COMPLETECALLER": ("ended answered", "ended answered"),
    "CONFIGRELOAD": NEITHER,
    "CONNECT": ("talking", "talking"),
    "DID": NEITHER,
    "ENTERQUEUE": ("waiting", "waiting"),  # again: whoever had them is out of it
    "EXITEMPTY": ("ended missed", "talking"),
    "EXITWITHKEY": ("ended abandoned", "talking"),
    "EXITWITHTIMEOUT": ("ended missed", "talking"),
    "INFO": NEITHER,
    "PAUSE": NEITHER,
    "PAUSEALL": NEITHER,
    "PENALTY": NEITHER,
    "QUEUESTART": NEITHER,
    "REMOVEMEMBER": NEITHER,
    "RINGCANCELED": NEITHER,
    "RINGINUSE": NEITHER,
    "RINGNOANSWER": NEITHER,
    "SYSCOMPAT": ("ended missed", "talking"),
    "UNPAUSE": NEITHER,
    "UNPAUSEALL": NEITHER,
    "WITHDRAW": ("ended missed", "talking"),
}
IN = f"{T}|7.1|main|NONE|ENTERQUEUE||13800138000|1"
UP = f"{T + 9}|7.1|main|SIP/101|CONNECT|9|7.2|3"


def test_the_list_of_queue_log_is_whole() -> None:
    assert set(QUEUE_LOG_EVENTS) == set(LOG)


@pytest.mark.parametrize("word", LOG)
def test_every_event_of_queue_log(word: str) -> None:
    event = f"{T + 30}|7.1|main|SIP/101|{word}|1|2|3|4|5"
    waits, talks = LOG[word]
    assert stands(pushed("asterisk", f"{IN}\n{event}", PLAIN)) == waits
    assert stands(pushed("asterisk", f"{IN}\n{UP}\n{event}", PLAIN)) == talks
    assert odd(pushed("asterisk", event, PLAIN)) == []


@pytest.mark.parametrize("word", ["ATTENDEDTRANSFER|BRIDGE|abc|9|21|1", "BLINDTRANSFER|204|internal|9|21|1",
                                  "TRANSFER|204|internal|9|21|1"])  # fmt: skip
def test_a_transferred_call_has_ended_for_us_with_the_talk_it_had(word: str) -> None:
    call = the_call(pushed("asterisk", f"{IN}\n{UP}\n{T + 30}|7.1|main|SIP/101|{word}", PLAIN))
    assert (call.state, call.outcome, call.cause, call.talk_ms, call.wait_ms) == (
        "ended", "answered", "transferred", 21_000, 9_000,
    )  # fmt: skip


STORIES: dict[str, tuple[list[str], str, int | None]] = {
    # each in the order it happened; how it stands; the talk in seconds
    "timed out, and waits in the next queue": (
        [IN, f"{T + 60}|7.1|main|NONE|EXITWITHTIMEOUT|1|1|60", f"{T + 60}|7.1|second|NONE|ENTERQUEUE||13800138000|1"],
        "waiting",
        None,
    ),
    "timed out twice": (
        [
            IN,
            f"{T + 60}|7.1|main|NONE|EXITWITHTIMEOUT|1|1|60",
            f"{T + 60}|7.1|second|NONE|ENTERQUEUE||13800138000|1",
            f"{T + 90}|7.1|second|NONE|EXITWITHTIMEOUT|1|1|30",
        ],
        "ended missed",
        None,
    ),
    "round and round the same queue within a second": (
        [
            IN,
            f"{T + 60}|7.1|main|NONE|EXITWITHTIMEOUT|1|1|60",
            f"{T + 60}|7.1|main|NONE|ENTERQUEUE||13800138000|1",
        ],
        "waiting",
        None,
    ),
    "through an empty queue within a second": (
        [
            IN,
            f"{T}|7.1|main|NONE|EXITEMPTY|1|1|0",
            f"{T}|7.1|second|NONE|ENTERQUEUE||13800138000|1",
            f"{T}|7.1|second|NONE|EXITEMPTY|1|1|0",
        ],
        "ended missed",
        None,
    ),
    "gave up in the second queue": (
        [
            IN,
            f"{T + 60}|7.1|main|NONE|EXITWITHKEY|1|1|1|60",
            f"{T + 61}|7.1|second|NONE|ENTERQUEUE||13800138000|1",
            f"{T + 80}|7.1|second|NONE|EXITWITHTIMEOUT|1|1|19",
        ],
        "ended missed",  # they had left the first by a key, and were let go by the second
        None,
    ),
    "answered, transferred into another queue, waits there": (
        [
            IN,
            UP,
            f"{T + 30}|7.1|main|SIP/101|BLINDTRANSFER|601|queues|9|21|1",
            f"{T + 30}|7.1|second|NONE|ENTERQUEUE||13800138000|1",
        ],
        "waiting",
        None,
    ),
    "answered again there": (
        [
            IN,
            UP,
            f"{T + 30}|7.1|main|SIP/101|BLINDTRANSFER|601|queues|9|21|1",
            f"{T + 30}|7.1|second|NONE|ENTERQUEUE||13800138000|1",
            f"{T + 90}|7.1|second|SIP/202|CONNECT|60|7.9|3",
            f"{T + 100}|7.1|second|SIP/202|COMPLETECALLER|60|10|1",
        ],
        "ended answered",
        31,  # 21 and 10: not the minute between
    ),
    "the agent of the first queue reports late": (
        [
            IN,
            UP,
            f"{T + 29}|7.1|second|NONE|ENTERQUEUE||13800138000|1",
            f"{T + 30}|7.1|main|SIP/101|BLINDTRANSFER|601|queues|9|21|1",
        ],
        "waiting",
        None,
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_queues_and_transfers_in_whatever_order_and_how_often_events_come(name: str) -> None:
    lines, expected, talk = STORIES[name]
    orders = list(permutations(lines))
    for order in random.Random(24365).sample(orders, min(len(orders), 120)):
        items = pushed("asterisk", "\n".join([*order, order[0], order[-1]]), PLAIN)
        call = the_call(items)
        assert (stands(items), call.talk_ms) == (expected, None if talk is None else talk * 1000), order
        assert call.answered_at is None or call.agent in ("SIP/101", "SIP/202")


# --- Asterisk's AMI
BASE = {"Linkedid": "9.1", "Uniqueid": "9.1", "Queue": "main", "CallerIDNum": "13800138000"}
JOIN = {**BASE, "Event": "QueueCallerJoin", "Timestamp": f"{T}.000001"}
MEMBER = {**BASE, "Event": "AgentConnect", "MemberName": "SIP/101", "Timestamp": f"{T + 9}.5"}
SAID = {  # what says something of a call; every other event of the list says nothing
    "queuecallerjoin": ("waiting", "waiting"),
    "join": ("waiting", "waiting"),
    "queuecallerleave": ("ended missed", "talking"),
    "leave": ("ended missed", "talking"),
    "queuecallerabandon": ("ended abandoned", "ended answered"),
    "agentconnect": ("talking", "talking"),
    "agentcomplete": ("ended answered", "ended answered"),
    "hangup": ("ended abandoned", "ended answered"),
    "blindtransfer": ("waiting", "ended answered"),  # who transfers a caller that waits is no agent
    "attendedtransfer": ("waiting", "ended answered"),
    "transfer": ("waiting", "ended answered"),
    "cdr": NEITHER,
}


@pytest.mark.parametrize("word", sorted(AMI_EVENTS))
def test_every_event_of_ami(word: str) -> None:
    event = {**BASE, "Event": word, "Timestamp": f"{T + 30}.25", "MemberName": "SIP/101", "Result": "Success"}
    waits, talks = SAID.get(word, NEITHER)
    assert stands(pushed("asterisk", [JOIN, event])) == waits
    assert stands(pushed("asterisk", [JOIN, MEMBER, event])) == talks
    assert odd(pushed("asterisk", {"Event": word, "Linkedid": "1.1"})) == []


def test_a_caller_leaves_the_queue_for_an_agent_in_whatever_order_and_without_times() -> None:
    leave = {**BASE, "Event": "QueueCallerLeave", "Count": "0", "Position": "1"}
    timeless = [{k: v for k, v in e.items() if k != "Timestamp"} for e in (JOIN, leave, MEMBER)]
    for order in permutations(timeless):
        assert stands(pushed("asterisk", list(order))) == "talking"


def test_a_transfer_of_ami_names_the_call_by_its_parts_and_one_that_failed_ends_nothing() -> None:
    moved = {
        "Event": "BlindTransfer",
        "TransfererLinkedid": "9.1",
        "TransfereeLinkedid": "9.1",
        "TransfererUniqueid": "9.2",
    }
    assert (
        stands(pushed("asterisk", [JOIN, MEMBER, {**moved, "Result": "Success", "Timestamp": f"{T + 30}"}]))
        == "ended answered"
    )
    assert (
        stands(pushed("asterisk", [JOIN, MEMBER, {**moved, "Result": "Fail", "Timestamp": f"{T + 30}"}])) == "talking"
    )
    assert pushed("asterisk", {"Event": "PeerStatus", "PeerStatus": "Registered"}) == []


# --- FreeSWITCH
CC = {"Event-Name": "CUSTOM", "Event-Subclass": "callcenter::info", "CC-Queue": "main", "CC-Member-Session-UUID": "u-1",
      "CC-Member-CID-Number": "13800138000"}  # fmt: skip
START = {**CC, "CC-Action": "member-queue-start", "CC-Member-Joined-Time": str(T)}
BRIDGE = {**CC, "CC-Action": "bridge-agent-start", "CC-Agent": "li", "CC-Agent-Answered-Time": str(T + 9)}
END = {**CC, "CC-Action": "member-queue-end", "CC-Member-Leaving-Time": str(T + 30)}
DONE = {  # by CC-Action
    "member-queue-start": ("waiting", "waiting"),
    "member-queue-resume": ("waiting", "waiting"),
    "bridge-agent-start": ("talking", "talking"),
    "bridge-agent-end": ("ended answered", "ended answered"),
    "bridge-agent-fail": NEITHER,
    "agent-offering": NEITHER,
    "agent-status-change": NEITHER,
    "agent-state-change": NEITHER,
    "members-count": NEITHER,
    "member-queue-end": ("ended answered", "ended answered"),  # Terminated
}
REASONS = {"TIMEOUT": "missed", "NO_AGENT_TIMEOUT": "missed", "BREAK_OUT": "abandoned", "EXIT_WITH_KEY": "abandoned",
           "NONE": "abandoned"}  # fmt: skip


@pytest.mark.parametrize("action", DONE)
def test_every_action_of_mod_callcenter(action: str) -> None:
    event = {
        **CC,
        "CC-Action": action,
        "CC-Agent": "li",
        "CC-Cause": "Terminated",
        "Event-Date-Timestamp": f"{T + 30}000000",
    }
    waits, talks = DONE[action]
    assert stands(pushed("freeswitch", [START, event])) == waits
    assert stands(pushed("freeswitch", [START, BRIDGE, event])) == talks
    assert set(ACTIONS) <= set(DONE) and odd(pushed("freeswitch", event)) == []


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_a_member_leaves_for_and_the_next_queue(reason: str) -> None:
    assert set(CANCEL_REASONS) == set(REASONS)
    left = {**END, "CC-Cause": "Cancel", "CC-Cancel-Reason": reason}
    again = {**CC, "CC-Queue": "second", "CC-Action": "member-queue-start", "CC-Member-Joined-Time": str(T + 30)}
    for order in permutations([START, left, again]):
        assert stands(pushed("freeswitch", list(order))) == "waiting"
    assert stands(pushed("freeswitch", [left, START])) == f"ended {REASONS[reason]}"


@pytest.mark.parametrize("name", sorted(CHANNEL_EVENTS))
def test_every_event_of_freeswitch(name: str) -> None:
    event = {
        "Event-Name": name,
        "Unique-ID": "u-1",
        "Hangup-Cause": "NORMAL_CLEARING",
        "Event-Date-Timestamp": f"{T + 30}000000",
    }
    over = name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")
    assert stands(pushed("freeswitch", [START, event])) == ("ended abandoned" if over else "waiting")
    assert stands(pushed("freeswitch", [START, BRIDGE, event])) == ("ended answered" if over else "talking")
    assert odd(pushed("freeswitch", event)) == []


# --- Twilio
TWILIO = {
    "queued": "waiting", "initiated": "waiting", "ringing": "waiting", "in-progress": "waiting", "answered": "waiting",
    "completed": "ended abandoned", "busy": "ended missed", "no-answer": "ended missed", "failed": "ended missed",
    "canceled": "ended abandoned",
}  # fmt: skip
DIAL = {
    "completed": "ended answered", "answered": "ended answered", "busy": "ended missed", "no-answer": "ended missed",
    "failed": "ended missed", "canceled": "ended abandoned",
}  # fmt: skip
QUEUED = {
    "bridged": "ended answered", "bridging-in-process": "talking", "redirected-from-bridged": "ended answered",
    "redirected": "ended missed", "leave": "ended missed", "hangup": "ended abandoned", "error": "ended missed",
    "queue-full": "ended missed", "system-error": "ended missed",
}  # fmt: skip


def twilio(**fields: str) -> list[CallEvent | UnreadableItem]:
    base = {"CallSid": "CA1", "From": "+8613800138000", "To": "+862812345", "Direction": "inbound"}
    return pushed("twilio_voice", urlencode({**base, **fields}), FORM)


def test_every_status_and_result_of_twilio() -> None:
    ringing = twilio(CallStatus="ringing", Timestamp="Wed, 25 Nov 2026 03:50:00 +0000")
    waiting = twilio(CallStatus="in-progress", Timestamp="Wed, 25 Nov 2026 03:50:01 +0000")
    assert (set(SIGNAL_BY_STATUS), set(DIAL_RESULTS), set(QUEUE_RESULTS)) == (set(TWILIO), set(DIAL), set(QUEUED))
    for word, expected in TWILIO.items():
        assert stands([*ringing, *twilio(CallStatus=word)]) == expected, word
        assert odd(twilio(CallStatus=word, ParentCallSid="CA0")) == []
    for name, words in (("DialCallStatus", DIAL), ("QueueResult", QUEUED)):
        for word, expected in words.items():
            assert stands([*waiting, *twilio(CallStatus="in-progress", **{name: word})]) == expected, word


def test_a_dial_nobody_took_is_followed_by_one_that_is_answered() -> None:
    told_ = [
        *twilio(CallStatus="in-progress", Timestamp="Wed, 25 Nov 2026 03:50:01 +0000"),
        *twilio(
            CallStatus="in-progress",
            DialCallStatus="no-answer",
            DialCallSid="CA2",
            Timestamp="Wed, 25 Nov 2026 03:50:30 +0000",
        ),
        *twilio(
            CallSid="CA3", ParentCallSid="CA1", CallStatus="in-progress", Timestamp="Wed, 25 Nov 2026 03:50:40 +0000"
        ),
    ]
    assert stands(told_) == "talking"


# --- the generic contract, and 3CX
@pytest.mark.parametrize("word", EVENTS)
def test_every_event_of_the_generic_contract(word: str) -> None:
    base = {"from": "13800138000", "to": "12345", "callId": "c", "direction": "in"}
    first = {**base, "event": "newCall", "timestamp": T}
    event = {**base, "event": word, "timestamp": T + 30, "cause": "cancel"}
    expected = {"answer": "talking", "hangup": "ended abandoned"}.get(word, "waiting")
    assert stands(pushed("cti", [first, event])) == expected
    assert odd(pushed("cti", event)) == []


def test_every_kind_of_report_of_3cx_is_a_call_that_is_over() -> None:
    found = {
        k: stands(pushed("threecx", {"CallType": k, "Number": "13800138000", "Duration": "10"}))
        for k in IS_ANSWERED_BY_KIND
    }
    answered, missed = "ended answered", "ended missed"
    assert found == {"inbound": answered, "outbound": answered, "missed": missed, "notanswered": missed}


@pytest.mark.parametrize(
    ("provider", "body", "media_type"),
    [
        ("asterisk", f"{T}|7.1|main|SIP/101|TELEPORTED|1|2|3", PLAIN),
        ("asterisk", {**BASE, "Event": "AgentTeleported"}, JSON),
        ("freeswitch", {**CC, "CC-Action": "member-teleported"}, JSON),
        ("freeswitch", {"Event-Name": "CHANNEL_TELEPORTED", "Unique-ID": "u-1"}, JSON),
        ("cti", {"event": "teleported", "callId": "c"}, JSON),
        ("threecx", {"CallType": "Teleported", "Number": "13800138000"}, JSON),
        ("twilio_voice", urlencode({"CallSid": "CA1", "CallStatus": "teleported"}), FORM),
        ("twilio_voice", urlencode({"CallSid": "CA1", "ParentCallSid": "CA0", "CallStatus": "teleported"}), FORM),
    ],
)
def test_an_event_that_is_not_known_is_kept_for_somebody_and_changes_no_call(
    provider: str, body: Any, media_type: str
) -> None:
    (item,) = pushed(provider, body, media_type)
    assert (
        isinstance(item, UnreadableItem)
        and "eleported" in item.raw.casefold()
        and item.why.startswith("an event that is not known")
    )


# --- times
BAD = "03/04/2026 10:00:00"


@pytest.mark.parametrize(
    ("provider", "body", "media_type"),
    [
        ("asterisk", IN.replace(str(T), BAD), PLAIN),
        ("asterisk", {**JOIN, "Timestamp": BAD}, JSON),
        ("freeswitch", {**START, "CC-Member-Joined-Time": BAD}, JSON),
        ("cti", {"event": "newCall", "callId": "c", "from": "13800138000", "timestamp": BAD}, JSON),
        ("threecx", {"CallType": "Missed", "Number": "13800138000", "CallStartTimeUTC": BAD}, JSON),
        ("twilio_voice", urlencode({"CallSid": "CA1", "From": "+8613800138000", "CallStatus": "ringing", "Timestamp": BAD}), FORM),
    ],
)  # fmt: skip
def test_an_unreadable_time_is_reported_and_measures_nothing(provider: str, body: Any, media_type: str) -> None:
    items = pushed(provider, body, media_type)
    events = [e for e in items if isinstance(e, CallEvent)]
    assert events and all(e.unread == BAD and e.at == NOW for e in events)
    (why,) = odd(items)
    assert BAD in why
    other = json.loads(json.dumps(body).replace("03", "05"))  # the same way of writing: one thing to look at a day
    again = pushed(provider, other, media_type)
    assert len({item.key for item in [*items, *again] if isinstance(item, UnreadableItem)}) == 1


@pytest.mark.parametrize(
    ("said", "settings", "expected"),
    [
        ("11/28/2026 08:54:22 PM", {}, "2026-11-28T20:54:22"),
        ("11/28/2026 8:54:22 PM", {"date_order": "mdy"}, "2026-11-28T20:54:22"),
        ("2026/11/28 20:54:22", {}, "2026-11-28T20:54:22"),
        ("28.11.2026 20:54:22", {"date_order": "dmy"}, "2026-11-28T20:54:22"),
        ("03/04/2026 10:00:00", {"date_order": "mdy"}, "2026-03-04T10:00:00"),
        ("03/04/2026 10:00:00", {"date_order": "dmy"}, "2026-04-03T10:00:00"),
        ("8:54:22 PM", {}, None),
        ("03/04/2026 10:00:00", {}, None),
        ("28.11.2026 20:54:22", {"date_order": "mdy"}, None),
    ],
)
def test_3cx_writes_its_times_in_the_language_of_its_server(
    said: str, settings: dict[str, Any], expected: str | None
) -> None:
    body = {
        "CallType": "Inbound",
        "Number": "13800138000",
        "Agent": "101",
        "Duration": "00:01:05",
        "CallStartTimeUTC": said,
    }
    raw = json.dumps(body).encode()
    late = NOW + timedelta(days=4)
    push = WebhookRequest("POST", "https://h/x", b"", {"content-type": JSON}, raw, "127.0.0.1", late)
    items = exchange_provider("threecx").adapter(Account("x", settings, {}, "")).events(push)
    call = the_call(items)
    if expected is None:
        assert (call.offered_at, call.wait_ms, call.talk_ms, len(odd(items))) == (late, None, None, 1)
    else:
        assert (call.offered_at, call.talk_ms) == (datetime.fromisoformat(f"{expected}+00:00"), 65_000)
        assert odd(items) == []


def test_local_times_lie_where_the_exchange_stands_and_a_duration_nobody_can_read_is_none() -> None:
    report = {"CallType": "Inbound", "Number": "13800138000", "Agent": "101", "Duration": "00:01:05",
              "CallStartTimeLocal": "2026-11-25 11:50:00"}  # fmt: skip
    assert the_call(pushed("threecx", report)).offered_at == datetime(2026, 11, 25, 3, 50, tzinfo=UTC)
    there = the_call(pushed("threecx", {**report, "CallStartTimeLocal": "2026-11-25 04:50:00"}, zone="Europe/Berlin"))
    assert there.offered_at == datetime(2026, 11, 25, 3, 50, tzinfo=UTC)
    items = pushed("threecx", {**report, "Duration": "about a minute"})
    assert the_call(items).talk_ms is None and len(odd(items)) == 1
