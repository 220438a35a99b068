"""Twilio Voice: status callbacks by form, signed like its texts. The caller's CallSid is the call; the legs to our
operators name it as their ParentCallSid."""

from email.utils import parsedate_to_datetime

from hotline.domain.telephony import CallEvent, Rang
from hotline.domain.vocabulary import Direction

from .sms import Account, Acknowledgement, Odd, Push, hashed_key, item_raw, key_of
from .twilio import check_signature

_STATUSES = {
    "queued": Rang.OFFERED,
    "initiated": Rang.OFFERED,
    "ringing": Rang.OFFERED,
    "in-progress": Rang.ANSWERED,
    "answered": Rang.ANSWERED,
    "completed": Rang.HUNG_UP,
    "busy": Rang.HUNG_UP,
    "no-answer": Rang.HUNG_UP,
    "failed": Rang.HUNG_UP,
    "canceled": Rang.HUNG_UP,
}

_LEG = {"in-progress": Rang.ANSWERED, "answered": Rang.ANSWERED, "completed": Rang.LEFT}


class TwilioVoice:
    """Settings: `agents` (numbers or clients to our logins). Secrets: `auth_token`, `signing_keys`. An inbound call
    that is in progress listens to the announcement: it is answered when the leg to an operator is, so the `<Number>` or
    `<Client>` within `<Dial>` needs a `statusCallback` to here too."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_signature(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        given = dict(push.in_form())
        parent, own, status = given.get("ParentCallSid", ""), given.get("CallSid", ""), given.get("CallStatus", "")
        if not own:
            return [Odd("CallSid is missing", item_raw(given))]
        try:
            at = parsedate_to_datetime(given["Timestamp"])
            at = at if at.tzinfo is not None else push.at
        except (KeyError, ValueError, TypeError):
            at = push.at
        leg, reference = bool(parent), parent or own
        out = not leg and given.get("Direction", "inbound").startswith("outbound")
        direction = Direction.OUT if out else Direction.IN
        phone, line = (given.get("To"), given.get("From")) if out else (given.get("From"), given.get("To"))
        found: list[CallEvent | Odd] = []
        if given.get("RecordingSid"):
            recording = {
                "id": given["RecordingSid"],
                "url": given.get("RecordingUrl"),
                "duration": given.get("RecordingDuration"),
            }
            found.append(
                CallEvent(key_of(reference), hashed_key("recorded", reference, given["RecordingSid"]), Rang.RECORDED,
                          at, direction, recording={k: v for k, v in recording.items() if v})
            )  # fmt: skip
        what = _LEG.get(status) if leg else _STATUSES.get(status)
        if what is Rang.ANSWERED and not leg and not out:
            what = Rang.QUEUED
        if leg and status in _STATUSES and what is None:
            return found  # an operator's telephone rings, or rang in vain: the caller is still there
        if what is None and not found:
            return [Odd("CallStatus is not known", item_raw(given))]
        if what is not None:
            agent = (given.get("Called") or given.get("To")) if leg else None
            phone, line = (None, None) if leg else (phone, line)
            cause = {"canceled": "cancel", "completed": "normalClearing"}.get(status, status)
            found.append(
                CallEvent(key_of(reference), hashed_key(status, reference, own), what, at, direction, phone=phone,
                          line=line, agent=agent, cause=cause if what is Rang.HUNG_UP else None)
            )  # fmt: skip
        return found

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement(b"<Response></Response>", "text/xml; charset=utf-8")
