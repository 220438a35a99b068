"""3CX: it asks us who is calling, and posts one report when a call has ended. No call id comes with it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from hotline.delivery.account import Account
from hotline.delivery.payloads import hashed_key, raw_item
from hotline.inbound.webhook_request import UnreadableItem, WebhookRequest
from hotline.telephony.contract import (
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

IS_ANSWERED_BY_KIND: Mapping[str, bool] = {
    "inbound": True,
    "outbound": True,
    "missed": False,
    "notanswered": False,
}  # answered?
_UNANSWERED = frozenset(kind for kind, answered in IS_ANSWERED_BY_KIND.items() if not answered)
_LENGTH = re.compile(r"(?:(?:(?:([0-9]{1,2})\.)?([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,6})(?:[.,][0-9]{1,7})?")


class ThreeCx(PushedEvents):
    """`agents` of the settings: extensions to our logins; `date_order`: the language of its server decides."""

    def events(self, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        found: list[CallEvent | UnreadableItem] = []
        for raw in parse_event_fields(request):
            # "[Name]": never filled in
            fields = {k.casefold(): v for k, v in raw.items() if not str(v).startswith("[")}
            found += _report_events(fields, self.account, request.at)
        return found


def _report_events(fields: dict[str, Any], account: Account, now: datetime) -> list[CallEvent | UnreadableItem]:
    kind, number = (field_text(fields, "calltype") or "").casefold(), field_text(fields, "number")
    if not kind or number is None:
        return [UnreadableItem("CallType or Number is missing", raw_item(fields))]
    if kind not in IS_ANSWERED_BY_KIND:
        return [unknown_event(f"CallType {kind}", raw_item(fields), now)]
    agent = field_text(fields, "agent", "agentextension")
    length = _parse_duration(field_text(fields, "duration"))
    started, ended, established = (
        _time_with_zone(fields, account, now, name) for name in ("start", "end", "established")
    )
    direction = (
        Direction.OUT if kind == "outbound" or field_text(fields, "calldirection") == "Outbound" else Direction.IN
    )
    answered = kind not in _UNANSWERED
    if started is None:
        started = (now - (length or timedelta(0)), None)
    if ended is None:  # it is reported when it is over
        ended = (started[0] + length, None) if started[1] is None and length is not None else (now, started[1])
        if length is None:
            ended = (now, field_text(fields, "duration"))
    start_text = started[1] if started[1] is not None else started[0].replace(microsecond=0).isoformat()
    # of a ring group every telephone reports the call it missed: that is one call
    reference = hashed_key(start_text, agent if answered else None, number, direction)

    def event(what: CallSignal, time: tuple[datetime, str | None], **more: Any) -> CallEvent:
        at, unread = time
        return CallEvent(
            reference, hashed_key(what, reference), what, at, direction, phone=number, unread=unread, **more
        )

    found = [event(CallSignal.OFFERED, started)]
    if answered:
        found.append(event(CallSignal.ANSWERED, established or started, agent=agent))
    found.append(event(CallSignal.HUNG_UP, ended, cause="normalClearing" if answered else "noAnswer"))
    return with_time_warnings(found, raw_item(fields), now)


def _time_with_zone(
    fields: dict[str, Any], account: Account, now: datetime, name: str
) -> tuple[datetime, str | None] | None:
    """A time of the call: in UTC, else in the zone of the exchange; None where there is neither."""
    zones: tuple[tuple[str, tzinfo], ...] = (("utc", UTC), ("local", account.local_zone))
    for suffix, zone in zones:
        field = f"call{name}time{suffix}"
        if field_text(fields, field) is not None:
            return event_time(account, fields, now, field, zone=zone)
    return None


def _parse_duration(duration: str | None) -> timedelta | None:
    """Seconds, or [[days.]hours:]minutes:seconds; None where it cannot be read."""
    found = _LENGTH.fullmatch(duration or "0")
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return min(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds), timedelta(days=1))


PROVIDER = Exchange(
    name="threecx",
    about="3CX: one report when a call is over, and asks who is calling",
    adapter=ThreeCx,
    looks_up_callers=True,
)
