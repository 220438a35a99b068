"""The protocol of clamd, https://docs.clamav.net/manual/Usage/Scanning.html: INSTREAM and PING over its socket."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

CONNECT_SECONDS = 5.0
SCAN_SECONDS = 120.0  # clamd's own limit for a file (MaxScanTime)
_PIECE = 64 * 1024
_LONGEST_REPLY = 4096


class ScannerDown(Exception):
    """The scanner cannot be reached, or broke off: the file is scanned later."""


class ScanRefused(Exception):
    """The scanner answered that it cannot judge this file, such as one over its limit of size."""


@dataclass(frozen=True, slots=True)
class ScannerAddress:
    """Where clamd listens: `socket`, a path; or a host and a port."""

    socket: Path | None = None
    host: str = ""
    port: int = 0


def parse_scanner_address(text: str) -> ScannerAddress:
    """`unix:/run/clamav/clamd.ctl` or `tcp:host:3310`. Raises ValueError."""
    kind, _, place = text.partition(":")
    if kind == "unix" and place.startswith("/"):
        return ScannerAddress(socket=Path(place))
    host, _, port = place.rpartition(":")
    if kind == "tcp" and host and port.isdigit() and 0 < int(port) < 65536:
        return ScannerAddress(host=host.strip("[]"), port=int(port))
    raise ValueError("unix:/run/clamav/clamd.ctl or tcp:host:3310")


async def scan_file(address: ScannerAddress, path: Path) -> str | None:
    """The name of the signature the file matches. None: none. Raises ScannerDown, ScanRefused, FileNotFoundError."""
    with await asyncio.to_thread(path.open, "rb") as file:
        async with _connection(address, SCAN_SECONDS) as (reader, writer):
            writer.write(b"zINSTREAM\0")
            try:
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    writer.write(struct.pack(">I", len(piece)) + piece)
                    await writer.drain()
                writer.write(struct.pack(">I", 0))
                await writer.drain()
            except ConnectionError:
                pass  # over its limit, clamd answers and closes before it has read everything
            return _judgement(await _reply(reader))


async def ping(address: ScannerAddress) -> None:
    """Raises ScannerDown where it does not answer."""
    async with _connection(address, CONNECT_SECONDS) as (reader, writer):
        writer.write(b"zPING\0")
        if await _reply(reader) != "PONG":
            raise ScannerDown("it is no clamd")


def _judgement(reply: str) -> str | None:
    _, _, said = reply.rpartition(": ")
    if said == "OK":
        return None
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")[:200]
    if reply.endswith("ERROR"):
        raise ScanRefused(reply[:200])
    raise ScannerDown("it broke off")


@asynccontextmanager
async def _connection(
    address: ScannerAddress, seconds: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        async with asyncio.timeout(seconds):
            async with asyncio.timeout(CONNECT_SECONDS):
                if address.socket is not None:
                    reader, writer = await asyncio.open_unix_connection(str(address.socket))
                else:
                    reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                yield reader, writer
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as fault:
        raise ScannerDown(type(fault).__name__) from fault


async def _reply(reader: asyncio.StreamReader) -> str:
    """One answer, which ends with a zero byte or the connection."""
    said = b""
    while b"\0" not in said and len(said) < _LONGEST_REPLY and (piece := await reader.read(_LONGEST_REPLY)):
        said += piece
    return said.partition(b"\0")[0].decode("utf-8", "replace").strip()
