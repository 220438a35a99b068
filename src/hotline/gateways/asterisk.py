"""Asterisk: AMI events passed on as JSON, and lines of queue_log as plain text. Linkedid is the whole call."""

from datetime import UTC, datetime
from typing import Any

from hotline.domain.telephony import CallEvent, Rang
from hotline.domain.vocabulary import Direction

from .sms import Account, Acknowledgement, Odd, Push, hashed_key, item_raw, key_of
from .voice import EMPTY, check_exchange, given_fields, moment, text

_AMI = {
    "queuecallerjoin": Rang.QUEUED,
    "agentconnect": Rang.ANSWERED,
    "agentcomplete": Rang.LEFT,
    "queuecallerabandon": Rang.HUNG_UP,
    "hangup": Rang.HUNG_UP,
    "cdr": Rang.RECORDED,
}
_LOG = {
    "ENTERQUEUE": Rang.QUEUED,
    "CONNECT": Rang.ANSWERED,
    "ABANDON": Rang.HUNG_UP,
    "EXITWITHTIMEOUT": Rang.HUNG_UP,
    "EXITEMPTY": Rang.HUNG_UP,
    "COMPLETEAGENT": Rang.HUNG_UP,
    "COMPLETECALLER": Rang.HUNG_UP,
}
_CAUSES = {
    "16": "normalClearing",
    "17": "busy",
    "18": "noAnswer",
    "19": "noAnswer",
    "21": "rejected",
    "34": "congestion",
}


class Asterisk:
    """Settings: `agents` (interfaces or member names to our logins). Secrets: `token`, `hmac`. The calls of its queues:
    what goes straight to an extension is none of ours."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_exchange(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        if push.media_type == "text/plain":
            lines = push.body.decode("utf-8", "replace").splitlines()[:500]
            return [e for line in lines if line.strip() and (e := _line(line)) is not None]
        return [e for fields in given_fields(push) if (e := _ami(fields, push.at)) is not None]

    def acknowledge(self) -> Acknowledgement:
        return EMPTY


def _ami(fields: dict[str, Any], now: datetime) -> CallEvent | Odd | None:
    word = (text(fields, "Event", "event") or "").casefold()
    what, reference = _AMI.get(word), text(fields, "Linkedid", "linkedid", "Uniqueid", "uniqueid")
    own = text(fields, "Uniqueid", "uniqueid")
    if not word or reference is None:
        return Odd("Event or Linkedid is missing", item_raw(fields))
    if what is None:
        return None  # AgentCalled, AgentRingNoAnswer and the many others say nothing of the call itself
    if word == "hangup" and own is not None and own != reference:
        return None  # a leg of the call, not the caller's
    agent = text(fields, "MemberName", "Interface", "DestChannel")
    at = moment(fields, now, "Timestamp", "timestamp")
    cause = text(fields, "Cause")
    recording = text(fields, "RecordingFile", "recordingfile")
    if what is Rang.RECORDED and recording is None:
        return None
    # only the queue's own events say that somebody rang us: every channel hangs up, also of a call to the baker
    queued = word not in ("hangup", "cdr")
    return CallEvent(
        key_of(reference), hashed_key(word, reference, own, agent, text(fields, "Timestamp", "timestamp")), what, at,
        Direction.IN, phone=text(fields, "CallerIDNum", "CallerIdNum") if queued else None,
        line=text(fields, "Exten") if queued else None,
        queue=text(fields, "Queue") if queued else None, agent=agent, cause=_CAUSES.get(cause or "", cause),
        abandoned=True if word == "queuecallerabandon" else None,
        recording={"id": recording} if recording else None,
    )  # fmt: skip


def _line(line: str) -> CallEvent | Odd | None:
    """epoch|uniqueid|queue|agent|EVENT|params"""
    parts = line.strip().split("|")
    if len(parts) < 5:
        return Odd("not a line of queue_log", line[:500])
    stamp, reference, queue, agent, word, *params = parts
    what = _LOG.get(word.upper())
    if what is None or not reference or reference == "NONE":
        return None
    try:
        at = datetime.fromtimestamp(float(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return Odd("a line without a time", line[:500])
    phone = params[1] if what is Rang.QUEUED and len(params) > 1 else None
    cause = {"EXITWITHTIMEOUT": "timeout", "EXITEMPTY": "timeout"}.get(word.upper())
    return CallEvent(
        key_of(reference), hashed_key(stamp, reference, word, agent), what, at, Direction.IN, phone=phone or None,
        queue=None if queue == "NONE" else queue, agent=None if agent == "NONE" else agent, cause=cause,
        abandoned=True if word.upper() == "ABANDON" else None,
    )  # fmt: skip
