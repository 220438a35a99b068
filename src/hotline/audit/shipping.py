"""Sends the security log to other systems: lines of JSON in a file, and syslog (RFC 5424) over UDP or TCP.

Each destination keeps how far it came, so that every row arrives at least once."""

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from hotline.audit import shipments
from hotline.audit.checkpoints import checkpoint_line, load_checkpoints_after
from hotline.database.context import PlatformServices
from hotline.database.prepared import Row
from hotline.security_log.store import load_after
from hotline.security_log.vocabulary import EventOutcome

MAX_BATCH = 500
CHECKPOINT_FILE = "checkpoint"
LEASE = timedelta(minutes=2)
TIMEOUT = 10.0  # seconds to connect, and to send a batch
LOG_AUDIT = 13  # the facility of RFC 5424
_SEVERITY = {EventOutcome.DONE: 6, EventOutcome.FAILED: 4, EventOutcome.REFUSED: 4}  # informational, warning


@dataclass(frozen=True, slots=True)
class LogDestinations:
    """Where the security log goes. `syslog`: udp://host:port or tcp://host:port. None: nowhere."""

    file: Path | None = None
    syslog: str | None = None
    checkpoints: Path | None = None  # a file that each new checkpoint is appended to

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in ("file", "syslog") if getattr(self, name) is not None)


async def ship_checkpoints(services: PlatformServices) -> None:
    """Append the checkpoints that are not in the file yet, in order. Raises OSError: none counts as kept then. After a
    crash the last ones may stand there twice."""
    path, token = services.part(LogDestinations).checkpoints, str(uuid4())
    if path is None:
        return
    position = await services.db.transact(lambda c: shipments.claim(c, CHECKPOINT_FILE, token, LEASE))
    if position is None:
        return
    last = position
    try:
        rows = await services.db.snapshot(lambda c: load_checkpoints_after(c, position, MAX_BATCH))
        if rows:
            await asyncio.to_thread(append_private, path, b"".join(checkpoint_line(row) + b"\n" for row in rows))
            last = rows[-1]["number"]
    finally:
        await services.db.transact(lambda c: shipments.release(c, CHECKPOINT_FILE, token, last))


async def ship_next(services: PlatformServices, destination: str) -> bool:
    """Send the next rows to one destination. False: all have arrived, or another worker sends. Raises OSError where it
    cannot be reached: nothing counts as sent then, and the next call begins there again."""
    to, token = services.part(LogDestinations), str(uuid4())
    position = await services.db.transact(lambda c: shipments.claim(c, destination, token, LEASE))
    if position is None:
        return False
    last = position
    try:
        rows = await load_after(services.db, position, MAX_BATCH)
        if rows:
            async with asyncio.timeout(TIMEOUT):
                if destination == "file" and to.file is not None:
                    await asyncio.to_thread(append_lines, to.file, rows)
                elif to.syslog is not None:
                    await send_syslog(to.syslog, rows)
            last = rows[-1].position
    except TimeoutError as slow:
        raise OSError("it took too long") from slow
    finally:
        await services.db.transact(lambda c: shipments.release(c, destination, token, last))
    return len(rows) == MAX_BATCH


def event_line(row: Row) -> bytes:
    """A row as one line of JSON, its hash included."""
    return orjson.dumps(row._asdict(), option=orjson.OPT_UTC_Z)


def append_lines(path: Path, rows: Sequence[Row]) -> None:
    """Opened for each batch, so that a file which was moved away is begun anew. Only its owner may read it."""
    append_private(path, b"".join(event_line(row) + b"\n" for row in rows))


def append_private(path: Path, content: bytes) -> None:
    """Append to a file that only its owner may read, and write it through to the disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def syslog_message(row: Row) -> bytes:
    """A row as a message of RFC 5424: its deed as the message id, and JSON as the message."""
    at: datetime = row.at
    severity = _SEVERITY.get(row.outcome, 5)
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    head = f"<{LOG_AUDIT * 8 + severity}>1 {stamp} {_host_name()} hotline {os.getpid()} {row.deed} - "
    return head.encode() + b"\xef\xbb\xbf" + event_line(row)


def _host_name() -> str:
    name = socket.gethostname()
    return name if name and name.isascii() and name.isprintable() and " " not in name else "-"


def parse_syslog_address(address: str) -> tuple[str, str, int]:
    """udp or tcp, host and port. Raises ValueError."""
    parts = urlsplit(address)
    if parts.scheme not in ("udp", "tcp") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("udp://host:port or tcp://host:port")
    return parts.scheme, parts.hostname, parts.port or (514 if parts.scheme == "udp" else 601)


async def send_syslog(address: str, rows: Sequence[Row]) -> None:
    """Send rows: a datagram each over UDP; over TCP framed by their length (RFC 6587). Raises OSError."""
    scheme, host, port = parse_syslog_address(address)
    messages = [syslog_message(row) for row in rows]
    if scheme == "udp":
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(host, port)
        )
        for message in messages:
            transport.sendto(message)
        transport.close()
        return
    _, writer = await asyncio.open_connection(host, port)
    try:
        writer.writelines([f"{len(message)} ".encode() + message for message in messages])
        await writer.drain()
        writer.write_eof()
    finally:
        writer.close()
        await writer.wait_closed()
