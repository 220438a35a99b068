"""Notes in the security log when a process starts with other settings than the one before it."""

import hmac
from collections.abc import Mapping
from datetime import datetime

from hotline.database.outages import OUTAGES
from hotline.security_log.store import SYSTEM, LogFilter, SecurityEvent, load_page
from hotline.security_log.vocabulary import Deed
from hotline.server_secret import digest_key, lookup_keys
from hotline.tickets.context import Services

OF_ONE_PROCESS = frozenset({"host", "port", "shard", "http_port", "operations_host", "operations_port", "data_dir"})


async def note_settings(services: Services, values: Mapping[str, str], now: datetime) -> None:
    """`values`: each setting as text. The log tells the names of those that are others than at the last start, and a
    keyed digest of each; no value."""
    named = {name: value for name, value in values.items() if name not in OF_ONE_PROCESS}
    found = _digests(digest_key(services.secret), named)
    try:
        rows = await load_page(services.db, LogFilter(None, None, Deed.SETTINGS_CHANGED, None, None), None, 1)
    except OUTAGES:  # the server starts all the same
        return
    before = dict(each.split("=") for each in rows[0].details["settings"]) if rows else {}
    changed = sorted(name for name in {*found, *before} if found.get(name) != before.get(name))
    if changed and before in [_digests(key, named) for key in lookup_keys(services.secret)]:
        before = {}  # by the key of versions before, which may be replaced: nothing else is another
    if changed:
        told = {"changed": changed if before else [], "settings": [f"{name}={found[name]}" for name in sorted(found)]}
        services.security_log.note(SecurityEvent(Deed.SETTINGS_CHANGED, SYSTEM, now, details=told, address=None))


def _digests(key: bytes, values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: hmac.digest(key, f"setting {name} {value}".encode(), "sha256").hex()[:8] for name, value in values.items()
    }
