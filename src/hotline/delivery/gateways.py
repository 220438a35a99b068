"""The cached gateways of a process; adding and changing gateways, and renewing their secrets."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.cache import CachedTable
from hotline.database.deadlines import Deadlines
from hotline.database.engine import Database
from hotline.delivery import gateway_store, registry, tables
from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import FieldErrors
from hotline.delivery.model import GatewayKind
from hotline.delivery.provider import GatewayProvider
from hotline.organisation.service.directory import DirectoryCache
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.secret_box import SealedColumn, seal, unseal
from hotline.security_log.store import SYSTEM, Identity, SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed

MISSING_RECHECK = timedelta(
    milliseconds=50
)  # but webhooks to names that are not there must not ask the database each time
UNKNOWN_GATEWAY = Refusal(Code.NOT_FOUND, "no such gateway")
WEIGHTS = range(0, 101)
SEALED = (SealedColumn(tables.gateway, "sealed", lambda row: f"gateway {row['name']}"),)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway ready for use. `weight` is its share of what is sent now, `resting` the one it drifts back to."""

    name: str
    kind: GatewayKind
    provider: str  # a name of the registry
    account: Account
    active: bool
    sends: bool
    weight: int
    resting: int
    shifted_at: datetime | None
    version: int


class GatewayCache(CachedTable[Mapping[str, Gateway]]):
    """Every gateway by name: a webhook must find its own also while the database is unavailable. `url` is our public
    address: providers sign it, and reports come back to it."""

    def __init__(
        self,
        db: Database,
        secret: bytes,
        url: str,
        directory: DirectoryCache | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        super().__init__(self._load, deadlines)
        self.db, self._secret, self._url, self._directory = db, secret, url, directory

    async def _load(self, now: datetime) -> Mapping[str, Gateway]:
        return {row.name: self._read(row) for row in await gateway_store.load_gateways(self.db)}

    async def named(self, name: str, kind: GatewayKind, now: datetime) -> Gateway:
        """The active gateway of that name. Raises Refused where there is none."""
        found = (await self.now(now)).get(name)
        if found is None:  # it may have been added a moment ago, by another process
            found = (await self.now(now, MISSING_RECHECK)).get(name)
        if found is None or found.kind is not kind or not found.active:
            raise Refused(UNKNOWN_GATEWAY)
        return found

    async def sms_senders(self, now: datetime) -> list[Gateway]:
        """Those that texts are sent by."""
        return [g for g in (await self.now(now)).values() if g.active and g.sends and g.kind is GatewayKind.SMS]

    def seal(self, name: str, secrets: Mapping[str, Sequence[str]]) -> str:
        """The secrets of the gateway of that name as they are kept."""
        return seal(self._secret, f"gateway {name}", {k: list(v) for k, v in secrets.items()})

    def _read(self, row: Any) -> Gateway:
        secrets = unseal(self._secret, f"gateway {row.name}", row.sealed)
        account = Account(row.name, row.settings, secrets, self._url)
        return Gateway(
            row.name, GatewayKind(row.kind), row.provider, account, row.active, row.sends, row.weight,
            row.resting, row.shifted_at, row.version,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewGateway:
    """A gateway to be added. `weight`: its share of what is sent, 0 to 100."""

    name: str
    provider: str  # a name of the registry
    settings: Mapping[str, Any]
    secrets: Mapping[str, Sequence[str]]
    sends: bool
    weight: int


@dataclass(frozen=True, slots=True)
class GatewayChange:
    """What is to be another. Settings are merged (null removes one); `new` secrets live beside the old ones until
    these are dropped; None: stays as it is."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Sequence[str]] = field(default_factory=dict)
    drop: Mapping[str, Sequence[str]] = field(default_factory=dict)
    active: bool | None = None
    sends: bool | None = None
    weight: int | None = None


async def create_gateway(
    gateways: GatewayCache, gateway: NewGateway, created_by: str, now: datetime, by: Identity = SYSTEM
) -> None:
    """`by`: whose deed it is in the security log. Raises Refused with all that is wrong."""
    errors: list[tuple[str, str]] = []
    provider = gateway.provider
    kind = registry.provider_kind(provider)
    if not registry.NAME_PATTERN.fullmatch(gateway.name):
        errors.append(("name", "lower-case letters, digits, - and _, at most 40"))
    if kind is None:
        known = [word for each in GatewayKind for word in registry.provider_names(each)]
        errors.append(("provider", f"one of {', '.join(known)}"))
    else:
        errors += _configuration_errors(kind, provider, gateway.settings, gateway.secrets, sends=gateway.sends)
    if gateway.weight not in WEIGHTS:
        errors.append(("weight", "0 to 100"))
    if errors or kind is None:
        raise Refused(Refusal(Code.INVALID, "the gateway cannot be added like this", errors=tuple(errors)))
    row = {
        "name": gateway.name, "kind": kind, "provider": provider, "settings": dict(gateway.settings),
        "sealed": gateways.seal(gateway.name, gateway.secrets), "active": True, "sends": gateway.sends,
        "weight": gateway.weight, "resting": gateway.weight, "shifted_at": None, "version": 1, "created_at": now,
        "created_by": created_by,
    }  # fmt: skip
    told = {"provider": provider, "secrets": sorted(gateway.secrets), "sends": gateway.sends, "weight": gateway.weight}
    event = SecurityEvent(Deed.GATEWAY_ADDED, by, now, ("gateway", gateway.name), told, address=None)

    def write(c: sa.Connection) -> None:
        gateway_store.insert_gateway(c, row)
        record_deed(c, event)

    try:
        await gateways.db.transact(write)
    except sa.exc.IntegrityError:
        raise Refused(Refusal(Code.CONFLICT, "the name is taken", errors=(("name", "taken"),))) from None
    gateways.forget()


async def change_gateway(
    gateways: GatewayCache, name: str, wanted: GatewayChange, now: datetime, by: Identity = SYSTEM
) -> Gateway:
    """The gateway as it is then. Raises Refused with all that is wrong."""
    gateways.forget()
    found = (await gateways.now(now)).get(name)
    if found is None:
        raise Refused(UNKNOWN_GATEWAY)
    merged = {k: v for k, v in {**found.account.settings, **wanted.settings}.items() if v is not None}
    secrets = {k: list(v) for k, v in found.account.secrets.items()}
    for word, values in wanted.new.items():
        secrets[word] = [*dict.fromkeys([*secrets.get(word, []), *values])]
    for word, values in wanted.drop.items():
        secrets[word] = [v for v in secrets.get(word, []) if v not in values]
    sending = found.sends if wanted.sends is None else wanted.sends
    unknown = [
        (f"secrets.{word}", "no such value to drop")
        for word, values in wanted.drop.items()
        if not set(values) <= set(found.account.secrets.get(word, ()))
    ]
    errors = unknown
    # a weight can be set, and a gateway switched off, without its package
    if wanted.settings or wanted.new or wanted.drop or wanted.sends:
        errors += _change_errors(found, merged, secrets, {*wanted.settings, *wanted.new}, sending)
    if wanted.weight is not None and wanted.weight not in WEIGHTS:
        errors.append(("weight", "0 to 100"))
    if errors:
        raise Refused(Refusal(Code.INVALID, "the gateway cannot be changed like this", errors=tuple(errors)))
    values_set: dict[str, Any] = {
        "settings": merged, "sealed": gateways.seal(name, secrets), "sends": sending,
        "active": found.active if wanted.active is None else wanted.active,
    }  # fmt: skip
    if wanted.weight is not None:
        values_set |= {"weight": wanted.weight, "resting": wanted.weight, "shifted_at": None}
    event = SecurityEvent(Deed.GATEWAY_CHANGED, by, now, ("gateway", name), _told_change(wanted), address=None)

    def write(c: sa.Connection) -> bool:
        is_changed = gateway_store.update_gateway(c, name, values_set, found.version)
        if is_changed:
            record_deed(c, event)
        return is_changed

    if not await gateways.db.transact(write):
        raise Refused(Refusal(Code.STALE, "somebody else changed the gateway just now: look again"))
    gateways.forget()
    return (await gateways.now(now))[name]


def _told_change(wanted: GatewayChange) -> dict[str, Any]:
    """What the security log says of a change: names of settings and secrets, and no value of them."""
    names = {"settings": wanted.settings, "secrets_added": wanted.new, "secrets_dropped": wanted.drop}
    plain = {"active": wanted.active, "sends": wanted.sends, "weight": wanted.weight}
    told: dict[str, Any] = {word: sorted(values) for word, values in names.items() if values}
    return told | {word: value for word, value in plain.items() if value is not None}


async def delete_gateway(gateways: GatewayCache, name: str, now: datetime, by: Identity = SYSTEM) -> None:
    """Raises Refused where there is none of that name."""
    event = SecurityEvent(Deed.GATEWAY_REMOVED, by, now, ("gateway", name), address=None)

    def write(c: sa.Connection) -> bool:
        is_gone = gateway_store.delete_gateway(c, name)
        if is_gone:
            record_deed(c, event)
        return is_gone

    if not await gateways.db.transact(write):
        raise Refused(UNKNOWN_GATEWAY)
    gateways.forget()


def _configuration_errors(
    kind: GatewayKind, provider: str, settings: Mapping[str, Any], secrets: Mapping[str, Sequence[str]], *, sends: bool
) -> FieldErrors:
    """All that is wrong with what is set: (field, rule). Raises Refused: the provider cannot be loaded."""
    errors = registry.find_provider(kind, provider, GatewayProvider).faults(
        settings, secrets, sends=sends and kind is GatewayKind.SMS
    )
    if sends and kind is not GatewayKind.SMS:
        errors.append(("sends", "only SMS gateways send texts"))
    return errors


def _change_errors(
    found: Gateway,
    settings: Mapping[str, Any],
    secrets: Mapping[str, Sequence[str]],
    changed_names: Container[str],
    sends: bool,
) -> FieldErrors:
    """The same for a gateway that is in use. `changed_names`: the names of settings and secrets that are set now. Other
    names are not checked again, so that a stricter rule does not block a change of something else."""
    known = registry.find_provider(found.kind, found.provider, GatewayProvider).secret_names
    looked_at = {name: values for name, values in secrets.items() if name in known or name in changed_names}
    faults = _configuration_errors(found.kind, found.provider, settings, looked_at, sends=sends)
    stands = {f"settings.{name[:40]}" for name, value in settings.items() if value and name not in changed_names}
    return [fault for fault in faults if fault[0] not in stands]
