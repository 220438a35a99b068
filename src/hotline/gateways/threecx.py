"""3CX: it asks us who is calling, and posts one report when a call has ended. No call id comes with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hotline.domain.telephony import CallEvent, Rang
from hotline.domain.vocabulary import Direction

from .sms import Account, Acknowledgement, Odd, Push, hashed_key, item_raw
from .voice import EMPTY, check_exchange, given_fields, text

_UNANSWERED = frozenset({"missed", "notanswered"})


class ThreeCx:
    """Settings: `agents` (extensions to our logins). Secrets: `token`, `hmac`."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_exchange(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        found: list[CallEvent | Odd] = []
        for raw in given_fields(push):
            fields = {
                k.casefold(): v for k, v in raw.items() if not str(v).startswith("[")
            }  # "[Name]": never filled in
            found += _events(fields, push.at)
        return found

    def acknowledge(self) -> Acknowledgement:
        return EMPTY


def _events(fields: dict[str, Any], now: datetime) -> list[CallEvent | Odd]:
    kind, number = (text(fields, "calltype") or "").casefold(), text(fields, "number")
    if not kind or number is None:
        return [Odd("CallType or Number is missing", item_raw(fields))]
    agent = text(fields, "agent", "agentextension")
    length = _duration(text(fields, "duration"))
    begun = _utc(text(fields, "callstarttimeutc")) or now - length
    ended = _utc(text(fields, "callendtimeutc")) or begun + length
    established = _utc(text(fields, "callestablishedtimeutc"))
    direction = Direction.OUT if kind == "outbound" or text(fields, "calldirection") == "Outbound" else Direction.IN
    answered = kind not in _UNANSWERED
    # of a ring group every telephone reports the call it missed: that is one call
    reference = hashed_key(begun.replace(microsecond=0).isoformat(), agent if answered else None, number, direction)

    def event(what: Rang, at: datetime, **more: Any) -> CallEvent:
        return CallEvent(reference, hashed_key(what, reference), what, at, direction, phone=number, **more)

    found: list[CallEvent | Odd] = [event(Rang.OFFERED, begun)]
    if answered:
        found.append(event(Rang.ANSWERED, established or begun, agent=agent))
    found.append(event(Rang.HUNG_UP, ended, cause="normalClearing" if answered else "noAnswer"))
    return found


def _utc(said: str | None) -> datetime | None:
    if said is None:
        return None
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"):
        try:
            return datetime.strptime(said.rstrip("Z")[:19], form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _duration(said: str | None) -> timedelta:
    parts = (said or "0").split(":")
    try:
        seconds = 0.0
        for part in parts:
            seconds = seconds * 60 + float(part)
    except ValueError:
        seconds = 0.0
    return timedelta(seconds=min(seconds, 86400))
