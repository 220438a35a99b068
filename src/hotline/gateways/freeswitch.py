"""FreeSWITCH mod_callcenter: callcenter::info events as JSON. The caller's session is the whole call."""

from typing import Any
from urllib.parse import unquote

from hotline.domain.telephony import CallEvent, Rang
from hotline.domain.vocabulary import Direction

from .sms import Account, Acknowledgement, Odd, Push, hashed_key, item_raw, key_of
from .voice import EMPTY, check_exchange, given_fields, moment, text

_ACTIONS = {
    "member-queue-start": Rang.QUEUED,
    "bridge-agent-start": Rang.ANSWERED,
    "bridge-agent-end": Rang.LEFT,
    "member-queue-end": Rang.HUNG_UP,
}
_TIMES = {
    "member-queue-start": "CC-Member-Joined-Time",
    "bridge-agent-start": "CC-Agent-Answered-Time",
    "bridge-agent-end": "CC-Bridge-Terminated-Time",
    "member-queue-end": "CC-Member-Leaving-Time",
}
_CANCELLED = {"TIMEOUT": False, "NO_AGENT_TIMEOUT": False, "BREAK_OUT": True, "EXIT_WITH_KEY": True}


class FreeSwitch:
    """Settings: `agents` (CC-Agent to our logins). Secrets: `token`, `hmac`."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_exchange(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        return [e for fields in given_fields(push) if (e := _event(fields, push)) is not None]

    def acknowledge(self) -> Acknowledgement:
        return EMPTY


def _event(fields: dict[str, Any], push: Push) -> CallEvent | Odd | None:
    action = text(fields, "CC-Action")
    reference = text(fields, "CC-Member-Session-UUID", "CC-Member-UUID")
    if action is None:
        return Odd("CC-Action is missing", item_raw(fields))
    what = _ACTIONS.get(action)
    if what is None:
        return None  # agents' states, and offers nobody took
    if reference is None:
        return Odd("CC-Member-Session-UUID is missing", item_raw(fields))
    agent, stamp = text(fields, "CC-Agent"), text(fields, _TIMES[action], "Event-Date-Timestamp")
    if stamp is not None and stamp.isdigit() and len(stamp) > 12:
        stamp = stamp[:-6]  # microseconds
    at = moment({"at": stamp}, push.at, "at")
    cancelled = text(fields, "CC-Cause") == "Cancel"
    reason = text(fields, "CC-Cancel-Reason") or ""
    return CallEvent(
        key_of(reference), hashed_key(action, reference, agent, stamp), what, at, Direction.IN,
        phone=unquote(text(fields, "CC-Member-CID-Number") or "") or None, line=text(fields, "CC-Member-DNIS"),
        queue=text(fields, "CC-Queue"), agent=agent, cause=reason.casefold() if cancelled else None,
        abandoned=_CANCELLED.get(reason, True) if cancelled else None,
    )  # fmt: skip
