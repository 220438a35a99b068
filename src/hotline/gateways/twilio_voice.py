"""Twilio Voice: status callbacks by form, signed like its texts. CallSid is the call."""

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


class TwilioVoice:
    """Settings: `agents` (numbers or clients to our logins). Secrets: `auth_token`, `signing_keys`."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_signature(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        given = dict(push.in_form())
        reference, status = given.get("CallSid", ""), given.get("CallStatus", "")
        if not reference:
            return [Odd("CallSid is missing", item_raw(given))]
        try:
            at = parsedate_to_datetime(given["Timestamp"])
            at = at if at.tzinfo is not None else push.at
        except (KeyError, ValueError, TypeError):
            at = push.at
        out = given.get("Direction", "inbound").startswith("outbound")
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
        what = _STATUSES.get(status)
        if what is None and not found:
            return [Odd("CallStatus is not known", item_raw(given))]
        if what is not None:
            agent = given.get("Called") if what is Rang.ANSWERED and not out else None
            cause = {"canceled": "cancel", "completed": "normalClearing"}.get(status, status)
            found.append(
                CallEvent(key_of(reference), hashed_key(status, reference), what, at, direction, phone=phone, line=line,
                          agent=agent, cause=cause if what is Rang.HUNG_UP else None)
            )  # fmt: skip
        return found

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement(b"<Response></Response>", "text/xml; charset=utf-8")
