"""3CX: it asks us who is calling, and posts one report when a call has ended. No call id comes with it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from hotline.delivery.account import Account
from hotline.delivery.payloads import hashed_key, item_raw
from hotline.inbound.push import Acknowledgement, Odd, Push
from hotline.telephony.contract import (
    EMPTY,
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

KINDS: Mapping[str, bool] = {"inbound": True, "outbound": True, "missed": False, "notanswered": False}  # answered?
_UNANSWERED = frozenset(kind for kind, answered in KINDS.items() if not answered)
_LENGTH = re.compile(r"(?:(?:(?:([0-9]{1,2})\.)?([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,6})(?:[.,][0-9]{1,7})?")


class ThreeCx:
    """`agents` of the settings: extensions to our logins; `date_order`: the language of its server decides."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_exchange(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        found: list[CallEvent | Odd] = []
        for raw in given_fields(push):
            # "[Name]": never filled in
            fields = {k.casefold(): v for k, v in raw.items() if not str(v).startswith("[")}
            found += _events(fields, self.account, push.at)
        return found

    def acknowledge(self) -> Acknowledgement:
        return EMPTY


def _events(fields: dict[str, Any], account: Account, now: datetime) -> list[CallEvent | Odd]:
    kind, number = (text(fields, "calltype") or "").casefold(), text(fields, "number")
    if not kind or number is None:
        return [Odd("CallType or Number is missing", item_raw(fields))]
    if kind not in KINDS:
        return [unknown_event(f"CallType {kind}", item_raw(fields), now)]
    agent = text(fields, "agent", "agentextension")
    length = _duration(text(fields, "duration"))
    begun, ended, established = (_told(fields, account, now, name) for name in ("start", "end", "established"))
    direction = Direction.OUT if kind == "outbound" or text(fields, "calldirection") == "Outbound" else Direction.IN
    answered = kind not in _UNANSWERED
    if begun is None:
        begun = (now - (length or timedelta(0)), None)
    if ended is None:  # it is told of when it is over
        ended = (begun[0] + length, None) if begun[1] is None and length is not None else (now, begun[1])
        if length is None:
            ended = (now, text(fields, "duration"))
    said = begun[1] if begun[1] is not None else begun[0].replace(microsecond=0).isoformat()
    # of a ring group every telephone reports the call it missed: that is one call
    reference = hashed_key(said, agent if answered else None, number, direction)

    def event(what: CallSignal, told: tuple[datetime, str | None], **more: Any) -> CallEvent:
        at, unread = told
        return CallEvent(
            reference, hashed_key(what, reference), what, at, direction, phone=number, unread=unread, **more
        )

    found = [event(CallSignal.OFFERED, begun)]
    if answered:
        found.append(event(CallSignal.ANSWERED, established or begun, agent=agent))
    found.append(event(CallSignal.HUNG_UP, ended, cause="normalClearing" if answered else "noAnswer"))
    return with_unread_times(found, item_raw(fields), now)


def _told(fields: dict[str, Any], account: Account, now: datetime, name: str) -> tuple[datetime, str | None] | None:
    """A time of the call: in UTC, else in the zone of the exchange; None where neither is told."""
    zones: tuple[tuple[str, tzinfo], ...] = (("utc", UTC), ("local", account.local_zone))
    for suffix, zone in zones:
        field = f"call{name}time{suffix}"
        if text(fields, field) is not None:
            return time_of(account, fields, now, field, zone=zone)
    return None


def _duration(said: str | None) -> timedelta | None:
    """Seconds, or [[days.]hours:]minutes:seconds; None where it cannot be read."""
    found = _LENGTH.fullmatch(said or "0")
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return min(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds), timedelta(days=1))


PROVIDER = Exchange(
    name="threecx",
    about="3CX: one report when a call is over, and asks who is calling",
    adapter=ThreeCx,
    asks_who_calls=True,
)
