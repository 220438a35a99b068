"""What the module of an exchange declares, and how its events are authenticated and its fields read."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Protocol

from hotline.delivery import registry
from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import Days, GatewaySettings, LoginMap, Minutes, setting
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import clean_text, hashed_key, parse_json
from hotline.delivery.provider import TOKEN, GatewayProvider, Secret
from hotline.inbound.signatures import check_address, check_token, matches_any
from hotline.inbound.webhook_request import Acknowledgement, AuthenticationFailed, UnreadableItem, WebhookRequest
from hotline.telephony.model import CallEvent, CallSignal
from hotline.text.timestamps import is_too_far_ahead


class ExchangeAdapter(Protocol):
    """One exchange's way of speaking, for one gateway of it. `authenticate` and `events` may run in a thread of their
    own, so they wait for nothing."""

    def __init__(self, account: Account) -> None: ...

    def authenticate(self, request: WebhookRequest) -> None:
        """Raises AuthenticationFailed."""

    def events(self, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        """The events of a push. Raises ValueError where nothing of it can be read."""

    def acknowledge(self) -> Acknowledgement: ...


class ExchangeSettings(GatewaySettings):
    """What every exchange may have set."""

    agents: LoginMap | None = setting("their users to our logins")
    retention_days: Days | None = setting("how long a recording's reference is kept")
    longest_wait_minutes: Minutes | None = setting("after how long without a word a waiting call counts as over")
    longest_talk_minutes: Minutes | None = setting("the same for an answered one")


EXCHANGE_SECRETS = (TOKEN, Secret("hmac", "of the body, HMAC-SHA256 in X-Signature"))


@dataclass(frozen=True, kw_only=True)
class Exchange(GatewayProvider):
    """An exchange, as its file declares it. `looks_up_callers`: it asks for the caller's name to show it on the
    telephone."""

    adapter: type[ExchangeAdapter]
    settings: type[GatewaySettings] = ExchangeSettings
    secrets: tuple[Secret, ...] = EXCHANGE_SECRETS
    looks_up_callers: bool = False


def exchange_provider(name: str) -> Exchange:
    """The exchange of that name. Raises Refused: it is not installed."""
    return registry.find_provider(GatewayKind.VOICE, name, Exchange)


def check_exchange_push(account: Account, request: WebhookRequest) -> None:
    """The token in the query; where a secret `hmac` is set, an HMAC-SHA256 of the body in X-Signature too."""
    check_token(account, request)
    keys = account.secret_values("hmac")
    if keys:
        given = request.headers.get("x-signature", "").removeprefix("sha256=").lower()
        rights = [hmac.new(k.encode(), request.body, "sha256").hexdigest() for k in keys]
        if not given or not matches_any(given, rights):
            raise AuthenticationFailed("the signature is missing or wrong")
    check_address(account, request)


EMPTY_JSON_ACK = Acknowledgement(b"{}", "application/json; charset=utf-8")


class PushedEvents:
    """What most exchanges share: events are pushed with our token, and an empty JSON object is success."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_exchange_push(self.account, request)

    def acknowledge(self) -> Acknowledgement:
        return EMPTY_JSON_ACK


def parse_event_fields(request: WebhookRequest) -> list[dict[str, Any]]:
    """JSON (one object, an array, or `events` in one) or a form; repeated fields become lists."""
    if request.media_type == "application/json":
        found = parse_json(request.body, request.charset)
        if isinstance(found, dict):
            found = found["events"] if isinstance(found.get("events"), list) else [found]
        if not isinstance(found, list) or len(found) > 500 or not all(isinstance(e, dict) for e in found):
            raise ValueError("no list of events")
        return found
    fields: dict[str, Any] = {}
    for name, value in request.form_pairs():
        name = name.removesuffix("[]")
        known = fields.get(name)
        fields[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return [fields] if fields else []


def field_text(fields: Mapping[str, Any], *names: str) -> str | None:
    """The first of these fields that says anything."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is not None and not isinstance(value, dict | bool) and str(value).strip():
            return clean_text(str(value)).strip()[:200] or None
    return None


def field_texts(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """All that a field says, where it may be repeated: at most fifty."""
    value = fields.get(name)
    each = value if isinstance(value, list) else [value]
    found = (field_text({name: one}, name) for one in each[:50])
    return tuple(dict.fromkeys(text for text in found if text))


@dataclass(frozen=True, slots=True)
class EventMeaning:
    """What an event of an exchange says of its call. `signal` None: nothing, it is about agents, devices or the
    exchange itself."""

    signal: CallSignal | None
    cause: str | None = None
    abandoned: bool | None = None


IGNORED_EVENT = EventMeaning(None)


def event_time(
    account: Account, fields: Mapping[str, Any], now: datetime, *names: str, zone: tzinfo | None = None
) -> tuple[datetime, str | None]:
    """When it happened, by the first of these fields that says anything. Where that cannot be read: `now`, and how it
    was written. Where none says anything, `now`: an exchange that sends no times reports everything at once."""
    for name in names:
        value = fields.get(name)
        if value is None or not str(value).strip():
            continue
        found = account.time(value, zone or account.local_zone, now)
        return (found, None) if found is not None else (now, clean_text(str(value))[:80])
    return now, None


def with_time_warnings(events: list[CallEvent], raw: str, now: datetime) -> list[CallEvent | UnreadableItem]:
    """The events, and something for an operator to look at where a time of theirs cannot be read: once a day for each
    way of writing it, since a gateway that is not set up writes all its times that way."""
    unread = {e.unread for e in events if e.unread is not None}
    warnings = [
        UnreadableItem(_time_warning(text, now), raw,
            hashed_key("time", re.sub("[0-9]", "9", text), now.date()))
        for text in sorted(unread)
    ]  # fmt: skip
    return [*events, *warnings]


def _time_warning(written_time: str, now: datetime) -> str:
    if is_too_far_ahead(written_time, now):
        return f"the time lies too far ahead: {written_time[:60]}; look at the clock of the exchange"
    return f"the time cannot be read: {written_time[:60]}; look at date_order and zone"


def unknown_event(word: str, raw: str, now: datetime) -> UnreadableItem:
    """An event whose name is not known: it is shown for review, once a day for each name, and changes no
    call."""
    return UnreadableItem(
        f"an event that is not known: {clean_text(word)[:80]}", raw, hashed_key("event", word.casefold(), now.date())
    )
