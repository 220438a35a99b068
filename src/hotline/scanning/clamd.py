"""The protocol of clamd, https://docs.clamav.net/manual/Usage/Scanning.html: INSTREAM and PING over its socket."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CONNECT_SECONDS = 5.0
SCAN_SECONDS = 120.0  # clamd's own limit for a file (MaxScanTime)
_PIECE = 64 * 1024
_LONGEST_REPLY = 4096


class ScannerDown(Exception):
    """The scanner cannot be reached: the file is scanned later."""


class ScanRefused(Exception):
    """The scanner does not judge this file, such as one over its limit of size or one that it breaks on."""


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
        async with _connection(address) as (reader, writer):
            try:
                async with asyncio.timeout(SCAN_SECONDS):
                    return _judgement(await _stream(file, reader, writer))
            except (OSError, TimeoutError) as fault:  # it took the connection and gave up on this file
                raise ScanRefused(f"it broke off: {type(fault).__name__}") from fault


async def _stream(file: BinaryIO, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Send a file; the answer. It is read meanwhile: of a file over its limit, clamd says so and closes at once."""
    answer = asyncio.create_task(_reply(reader))
    try:
        writer.write(b"zINSTREAM\0")
        with suppress(ConnectionError):
            while not answer.done() and (piece := await asyncio.to_thread(file.read, _PIECE)):
                writer.write(struct.pack(">I", len(piece)) + piece)
                await writer.drain()
            writer.write(struct.pack(">I", 0))
            await writer.drain()
        return await answer
    finally:
        answer.cancel()


async def ping(address: ScannerAddress) -> None:
    """Raises ScannerDown where it does not answer."""
    async with _connection(address) as (reader, writer):
        writer.write(b"zPING\0")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                said = await _reply(reader)
        except (OSError, TimeoutError) as fault:
            raise ScannerDown(type(fault).__name__) from fault
        if said != "PONG":
            raise ScannerDown("it is no clamd")


def _judgement(reply: str) -> str | None:
    _, _, said = reply.rpartition(": ")
    if said == "OK":
        return None
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")[:200]
    raise ScanRefused(reply[:200] or "it broke off")


@asynccontextmanager
async def _connection(address: ScannerAddress) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Raises ScannerDown where nobody takes it."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if address.socket is not None:
                reader, writer = await asyncio.open_unix_connection(str(address.socket))
            else:
                reader, writer = await asyncio.open_connection(address.host, address.port)
    except (OSError, TimeoutError) as fault:
        raise ScannerDown(type(fault).__name__) from fault
    try:
        yield reader, writer
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> str:
    """One answer, which ends with a zero byte or the connection."""
    said = b""
    while b"\0" not in said and len(said) < _LONGEST_REPLY and (piece := await reader.read(_LONGEST_REPLY)):
        said += piece
    return said.partition(b"\0")[0].decode("utf-8", "replace").strip()
