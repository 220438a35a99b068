"""Gateways at hand, and how they are added, changed and given new secrets."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hotline.db import gateways as kept
from hotline.db.database import Database
from hotline.domain.timestamps import DateOrder
from hotline.domain.vocabulary import GatewayKind, Provider
from hotline.gateways.egress import is_web_address, networks
from hotline.gateways.providers import SMS, kind_of
from hotline.gateways.sms import Account
from hotline.refusals import Code, Refusal, Refused

from .at_hand import AtHand
from .deadlines import Deadlines
from .directory import DirectoryAtHand
from .sealing import seal, unseal

NEW_AT_ONCE = timedelta(milliseconds=50)  # but pushes to names that are not there must not ask the database each time
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
NOBODY = Refusal(Code.NOT_FOUND, "no such gateway")
WEIGHTS = range(0, 101)
LONGEST_LIMIT = 7 * 24 * 60  # minutes a call may be silent at most: its events are kept for a month


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway ready for use. `weight` is its share of what is sent now, `resting` the one it drifts back to."""

    name: str
    kind: GatewayKind
    provider: Provider
    account: Account
    active: bool
    sends: bool
    weight: int
    resting: int
    shifted_at: datetime | None
    version: int


class GatewaysAtHand(AtHand[Mapping[str, Gateway]]):
    """Every gateway by name: a push must find its own also while the database is away. `url` is our public address:
    providers sign it, and reports come back to it."""

    def __init__(
        self,
        db: Database,
        secret: bytes,
        url: str,
        directory: DirectoryAtHand | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        super().__init__(self._every, deadlines)
        self._db, self._secret, self._url, self._directory = db, secret, url, directory

    async def _every(self, now: datetime) -> Mapping[str, Gateway]:
        return {row.name: self._read(row) for row in await kept.every(self._db)}

    async def named(self, name: str, kind: GatewayKind, now: datetime) -> Gateway:
        """The active gateway of that name. Raises Refused where there is none."""
        found = (await self.now(now)).get(name)
        if found is None:  # it may have been added a moment ago, by another process
            found = (await self.now(now, NEW_AT_ONCE)).get(name)
        if found is None or found.kind is not kind or not found.active:
            raise Refused(NOBODY)
        return found

    async def senders(self, now: datetime) -> list[Gateway]:
        """Those that texts are sent by."""
        return [g for g in (await self.now(now)).values() if g.active and g.sends and g.kind is GatewayKind.SMS]

    def _read(self, row: Any) -> Gateway:
        secrets = unseal(self._secret, f"gateway {row.name}", row.sealed)
        account = Account(row.name, row.settings, secrets, self._url)
        return Gateway(
            row.name, GatewayKind(row.kind), Provider(row.provider), account, row.active, row.sends, row.weight,
            row.resting, row.shifted_at, row.version,
        )  # fmt: skip


async def add(
    at_hand: GatewaysAtHand,
    db: Database,
    secret: bytes,
    name: str,
    provider: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, Sequence[str]],
    *,
    sends: bool,
    weight: int,
    by: str,
    now: datetime,
) -> None:
    """A new gateway. Raises Refused with all that is wrong."""
    errors: list[tuple[str, str]] = []
    if not _NAME.fullmatch(name):
        errors.append(("name", "lower-case letters, digits, - and _, at most 40"))
    if provider not in set(Provider):
        errors.append(("provider", "one of " + ", ".join(Provider)))
    else:
        errors += _faults(Provider(provider), settings, secrets, sends)
    if weight not in WEIGHTS:
        errors.append(("weight", "0 to 100"))
    if errors:
        raise Refused(Refusal(Code.INVALID, "the gateway cannot be added like this", errors=tuple(errors)))
    row = {
        "name": name, "kind": kind_of(Provider(provider)), "provider": provider, "settings": dict(settings),
        "sealed": seal(secret, f"gateway {name}", {k: list(v) for k, v in secrets.items()}), "active": True,
        "sends": sends, "weight": weight, "resting": weight, "shifted_at": None, "version": 1, "created_at": now,
        "created_by": by,
    }  # fmt: skip
    try:
        await db.transact(lambda c: kept.keep(c, row))
    except sa.exc.IntegrityError:
        raise Refused(Refusal(Code.CONFLICT, "the name is taken", errors=(("name", "taken"),))) from None
    at_hand.forget()


async def change(
    at_hand: GatewaysAtHand, db: Database, secret: bytes, name: str, now: datetime, *,
    settings: Mapping[str, Any] | None = None, new: Mapping[str, Sequence[str]] | None = None,
    drop: Mapping[str, Sequence[str]] | None = None, active: bool | None = None, sends: bool | None = None,
    weight: int | None = None,
) -> Gateway:  # fmt: skip
    """Settings are merged (null removes one); `new` secrets live beside the old ones until these are dropped. Raises
    Refused."""
    at_hand.forget()
    found = (await at_hand.now(now)).get(name)
    if found is None:
        raise Refused(NOBODY)
    merged = {k: v for k, v in {**found.account.settings, **(settings or {})}.items() if v is not None}
    secrets = {k: list(v) for k, v in found.account.secrets.items()}
    for word, values in (new or {}).items():
        secrets[word] = [*dict.fromkeys([*secrets.get(word, []), *values])]
    for word, values in (drop or {}).items():
        secrets[word] = [v for v in secrets.get(word, []) if v not in values]
    sending = found.sends if sends is None else sends
    unknown = [
        (f"secrets.{word}", "no such value to drop")
        for word, values in (drop or {}).items()
        if not set(values) <= set(found.account.secrets.get(word, ()))
    ]
    errors = unknown + _faults(found.provider, merged, secrets, sending)
    if weight is not None and weight not in WEIGHTS:
        errors.append(("weight", "0 to 100"))
    if errors:
        raise Refused(Refusal(Code.INVALID, "the gateway cannot be changed like this", errors=tuple(errors)))
    values_set: dict[str, Any] = {
        "settings": merged, "sealed": seal(secret, f"gateway {name}", secrets), "sends": sending,
        "active": found.active if active is None else active,
    }  # fmt: skip
    if weight is not None:
        values_set |= {"weight": weight, "resting": weight, "shifted_at": None}
    if not await db.transact(lambda c: kept.change(c, name, values_set, found.version)):
        raise Refused(Refusal(Code.STALE, "somebody else changed the gateway just now: look again"))
    at_hand.forget()
    return (await at_hand.now(now))[name]


async def remove(at_hand: GatewaysAtHand, db: Database, name: str) -> None:
    if not await db.transact(lambda c: kept.remove(c, name)):
        raise Refused(NOBODY)
    at_hand.forget()


SETTINGS = frozenset(
    {
        "access_key_id", "account_sid", "addresses", "agents", "api", "api_key", "area", "certificates", "date_order",
        "longest_talk_minutes", "longest_wait_minutes", "numbers", "opt_out", "region", "retention_days", "sdk_app_id",
        "secret_id", "sender", "sign_name", "signature_method", "smsc", "system", "templates", "topics", "url", "user",
        "wanted_certificate", "zone",
    }
)  # fmt: skip
_TO_SEND: Mapping[
    Provider, tuple[tuple[str, ...], tuple[str, ...]]
] = {  # settings and secrets without which none leaves
    Provider.KANNEL: (("url", "user"), ("password",)),
    Provider.TWILIO: (("account_sid", "sender"), ("auth_token",)),
    Provider.VONAGE: (("api_key", "sender"), ("api_secret",)),
    Provider.ALIYUN: (("access_key_id", "sign_name", "templates"), ("access_key_secret",)),
    Provider.TENCENT: (("secret_id", "sdk_app_id", "templates"), ("secret_key",)),
    Provider.HUAWEI: (("api", "sender", "templates"), ("app_key", "app_secret")),
    Provider.INFOBIP: (("api", "sender"), ("api_key",)),
    Provider.AWS: (("region", "access_key_id"), ("secret_access_key",)),
    Provider.GENERIC: (("url",), ("secret",)),
}


def _faults(
    provider: Provider, settings: Mapping[str, Any], secrets: Mapping[str, Sequence[str]], sends: bool
) -> list[tuple[str, str]]:
    errors: list[tuple[str, str]] = []
    needed = (
        SMS[provider].secrets if provider in SMS else ("secret",) if provider is Provider.HOTLINE_12345 else ("token",)
    )
    if provider is Provider.TWILIO_VOICE:
        needed = ("auth_token", "signing_keys")
    if needed and not any(secrets.get(n) for n in needed):
        errors.append(("secrets", "needs " + " or ".join(needed)))
    if provider is Provider.AWS and not settings.get("topics"):
        errors.append(("settings.topics", "the ARNs that may speak to us"))
    errors += _ill_formed(settings)
    if provider in (Provider.GENERIC, Provider.HOTLINE_12345) and not all(map(_is_key, secrets.get("secret", ()))):
        errors.append(("secrets.secret", "whsec_ and the base64 of 24 to 64 bytes; without =VALUE one is made"))
    if settings.get("zone"):
        try:
            ZoneInfo(str(settings["zone"]))
        except (KeyError, ValueError, OSError):
            errors.append(("settings.zone", "no such time zone"))
    if any(len(v) < 16 for v in secrets.get("token", ())):
        errors.append(("secrets.token", "at least 16 characters"))
    if sends:
        if provider not in _TO_SEND:
            errors.append(("sends", "only SMS gateways send texts"))
        else:
            names, hidden = _TO_SEND[provider]
            errors += [(f"settings.{n}", "needed to send") for n in names if not settings.get(n)]
            errors += [(f"secrets.{n}", "needed to send") for n in hidden if not secrets.get(n)]
    return errors


def _ill_formed(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings that have a form, whatever the provider."""
    errors = [(f"settings.{n[:40]}", "no provider knows this setting") for n in settings if n not in SETTINGS]
    for name in ("addresses", "topics"):
        if name in settings and not _is_list_of_text(settings[name]):
            errors.append((f"settings.{name}", 'a JSON list of texts, as ["10.1.0.0/16"]'))
        elif name == "addresses":
            try:
                networks(",".join(settings.get(name) or ()))
            except ValueError:
                errors.append((f"settings.{name}", "addresses or networks, as 10.1.0.0/16"))
    for name, rule in (("numbers", "receiving numbers to areas"), ("agents", "their users to our logins")):
        given = settings.get(name, {})
        if not isinstance(given, dict) or not all(isinstance(v, str) and v for v in given.values()):
            errors.append((f"settings.{name}", f'{rule}, as a JSON object of texts: {{"101":"li.min"}}'))
    if not isinstance(settings.get("templates", {}), dict):
        errors.append(("settings.templates", "our notices to the provider's templates, as a JSON object"))
    for name in ("url", "api"):
        if settings.get(name) and not is_web_address(str(settings[name])):
            errors.append((f"settings.{name}", "an address that begins with https:// or http://"))
    if str(settings.get("date_order", DateOrder.MDY)) not in set(DateOrder):
        errors.append(("settings.date_order", "mdy, dmy or ymd"))
    for name in ("longest_wait_minutes", "longest_talk_minutes"):
        minutes = str(settings.get(name, 1))
        if not (minutes.isascii() and minutes.isdigit() and len(minutes) <= 5 and 1 <= int(minutes) <= LONGEST_LIMIT):
            errors.append((f"settings.{name}", "1 to 10080 minutes"))
    days = str(settings.get("retention_days", 1))
    if not (days.isascii() and days.isdigit() and 1 <= int(days) <= 3650):
        errors.append(("settings.retention_days", "1 to 3650"))
    return errors


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_key(secret: str) -> bool:
    """As Standard Webhooks has them."""
    try:
        return 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    except (binascii.Error, ValueError):
        return False
