"""Counts events that come again and again from one address, so that nobody can fill the log with them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from hotline.security_log.store import NOBODY, SecurityEvent

MOST_KINDS = 500  # told apart within a minute; what comes beyond is counted by event alone
_IPV6_LINE = 64  # bits of the network that one customer has
_MANY = "many addresses"


@dataclass(slots=True)
class _Repeated:
    event: SecurityEvent
    count: int  # of those that have no row yet


class RepeatCounter:
    """The events of the present minute, in this process. The first of a kind has a row of its own; a second row says
    how many more there were in that minute (`count`). Of one kind: the same event, of the same principal, about the
    same, with the same details, from one address (of IPv6: one /64)."""

    def __init__(self, most_kinds: int = MOST_KINDS) -> None:
        self._most_kinds = most_kinds
        self._minute = -1
        self._kinds: dict[object, _Repeated] = {}

    def admit(self, event: SecurityEvent) -> bool:
        """True: it is the first of its kind in this minute, and has a row of its own. False: it was counted."""
        kind: object = _kind(event)
        known = self._kinds.get(kind)
        if known is None and len(self._kinds) >= self._most_kinds:
            kind = (event.deed, event.outcome)
            known = self._kinds.setdefault(kind, _Repeated(_of_many(event), 0))
        if known is None:
            self._kinds[kind] = _Repeated(event, 0)
            return True
        known.count += 1
        known.event = replace(known.event, at=event.at)
        return False

    def begin_minute(self, now: datetime) -> Sequence[SecurityEvent]:
        """What was counted before the minute of `now`; nothing within the same minute."""
        minute = int(now.timestamp()) // 60
        if minute == self._minute:
            return ()
        counted = self.take()
        self._minute, self._kinds = minute, {}
        return counted

    def take(self) -> Sequence[SecurityEvent]:
        """What was counted so far and has no row yet, as events with `count`."""
        found = []
        for repeated in self._kinds.values():
            if repeated.count:
                details = {**repeated.event.details, "count": repeated.count}
                found.append(replace(repeated.event, details=details))
                repeated.count = 0
        return found


def _kind(event: SecurityEvent) -> object:
    details = json.dumps(dict(event.details), sort_keys=True)
    return event.deed, event.outcome, event.by.kind, event.by.id, event.about, details, _network(event.address)


def _network(address: str | None) -> str | None:
    try:
        found = ip_address(address) if address is not None else None
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return f"{int(found) >> (128 - _IPV6_LINE):x}"
    return address


def _of_many(event: SecurityEvent) -> SecurityEvent:
    return replace(event, by=NOBODY, about=None, details={"why": _MANY}, address=None)
