"""What every exchange's file speaks: how its events are authenticated and its fields read."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from hotline.domain.telephony import CallEvent

from .sms import Account, Acknowledgement, Odd, Push, Unauthentic, check_address, check_token, clean, document, same


class Exchange(Protocol):
    """One exchange's way of speaking."""

    def __init__(self, account: Account) -> None: ...

    def authenticate(self, push: Push) -> None:
        """Raises Unauthentic."""

    def events(self, push: Push) -> list[CallEvent | Odd]:
        """The events of a push. Raises ValueError where nothing of it can be read."""

    def acknowledge(self) -> Acknowledgement: ...


EMPTY = Acknowledgement(b"{}", "application/json; charset=utf-8")


def check_exchange(account: Account, push: Push) -> None:
    """The token in the query; where a secret `hmac` is set, an HMAC-SHA256 of the body in X-Signature too."""
    check_token(account, push)
    keys = account.all_of("hmac")
    if keys:
        given = push.headers.get("x-signature", "").removeprefix("sha256=").lower()
        rights = [hmac.new(k.encode(), push.body, "sha256").hexdigest() for k in keys]
        if not given or not same(given, rights):
            raise Unauthentic("the signature is missing or wrong")
    check_address(account, push)


def given_fields(push: Push) -> list[dict[str, Any]]:
    """JSON (one object, an array, or `events` in one) or a form; repeated fields become lists."""
    if push.media_type == "application/json":
        found = document(push.body)
        if isinstance(found, dict):
            found = found["events"] if isinstance(found.get("events"), list) else [found]
        if not isinstance(found, list) or len(found) > 500 or not all(isinstance(e, dict) for e in found):
            raise ValueError("no list of events")
        return found
    fields: dict[str, Any] = {}
    for name, value in push.in_form():
        name = name.removesuffix("[]")
        known = fields.get(name)
        fields[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return [fields] if fields else []


def text(fields: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that says anything."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is not None and not isinstance(value, dict | bool) and str(value).strip():
            return clean(str(value)).strip()[:200] or None
    return None


def moment(fields: Mapping[str, Any], now: datetime, *names: str) -> datetime:
    """When it happened: seconds of the epoch or RFC 3339 with zone; where nothing can be read, now."""
    said = text(fields, *names)
    if said is None:
        return now
    try:
        found = datetime.fromtimestamp(float(said), UTC)
    except (ValueError, OverflowError, OSError):
        try:
            found = datetime.fromisoformat(said)
        except ValueError:
            return now
    if found.tzinfo is None or abs((found - now).total_seconds()) > 86400:
        return now
    return found.astimezone(UTC)
