"""TLS to PostgreSQL, as its URL says in libpq's words: `sslmode`, `sslrootcert`, `sslcert`, `sslkey`."""

import ssl
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

_OURS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
WIRE_SQL = """SELECT host(inet_server_addr()) AS address,
 coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted"""


def tls_options(url: sa.URL) -> str | ssl.SSLContext | None:
    """What asyncpg takes as `ssl`. None: the URL says nothing, so TLS is tried and may be left out. ValueError for an
    unknown mode, OSError for a file that cannot be read."""
    mode, *files = (_one(url, name) for name in _OURS)
    if mode is None and not any(files):
        return None
    mode = mode or "verify-full"
    if mode not in _MODES:
        raise ValueError(f"sslmode is one of {', '.join(_MODES)}")
    root, certificate, key = files
    if mode == "require" and root:  # libpq checks the certificate, too, where it is told whose it must be
        mode = "verify-ca"
    if mode in _MODES[:4] and not certificate:
        return mode
    context = ssl.create_default_context(cafile=root)
    context.check_hostname = mode == "verify-full"
    if mode not in ("verify-ca", "verify-full"):
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate, key)
    return context


def without_tls_options(url: sa.URL) -> sa.URL:
    """For the driver, which takes them apart from the URL."""
    return url.difference_update_query(_OURS)


def _one(url: sa.URL, name: str) -> str | None:
    found: Any = url.query.get(name)
    return found if found is None or isinstance(found, str) else str(found[-1])


def leaves_the_machine(address: str | None) -> bool:
    """Whether a server at this address is reached by a network; None is a socket."""
    return address is not None and not ip_address(address).is_loopback
