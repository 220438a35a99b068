"""Files wait for the virus scanner, and an infected one is never handed out."""

import asyncio
import json
import os
import shutil
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.delivery.tables import outbox
from hotline.operations.security_checks import check_scanner
from hotline.scanning.clamd import ScannerAddress, ScannerDown, ScanRefused, parse_scanner_address, ping, scan_file
from hotline.scanning.service import FileScanner, note_older_files, scan_next
from hotline.scanning.store import claim_due
from hotline.scanning.tables import file_scan
from hotline.security_log.tables import security_log
from hotline.tickets.context import Services
from tests.conftest import Clock, Player

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 200_000
MARK = b"HOTLINE-TEST-SIGNATURE"
CLAMD = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
Judge = Callable[[bytes], bytes]


def judge(content: bytes) -> bytes:
    return b"stream: Hotline.Test FOUND\0" if MARK in content else b"stream: OK\0"


@asynccontextmanager
async def clamd_like(socket: Path, answer: Judge = judge, received: list[bytes] | None = None) -> AsyncIterator[None]:
    """A far side that speaks clamd's protocol."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await reader.readuntil(b"\0")
        if command == b"zPING\0":
            writer.write(b"PONG\0")
        else:
            content = b""
            while size := struct.unpack(">I", await reader.readexactly(4))[0]:
                content += await reader.readexactly(size)
            if received is not None:
                received.append(content)
            writer.write(answer(content))
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(socket))
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "clamd.sock"


@pytest.fixture
def scanned(services: Services, socket: Path) -> ScannerAddress:
    """The hotline with a scanner set."""
    services.part(FileScanner).address = ScannerAddress(socket=socket)
    return ScannerAddress(socket=socket)


async def attach(who: Player, number: str, content: bytes, name: str = "door.png") -> Any:
    return await who.http.post(f"/v1/tickets/{number}/attachments", files={"file": (name, content, "image/png")})


async def listed(who: Player, number: str) -> list[dict[str, Any]]:
    return list((await who.get(f"/v1/tickets/{number}/attachments")).json()["items"])


async def open_file(who: Player, number: str, file: dict[str, Any]) -> Any:
    return await who.get(f"/v1/tickets/{number}/attachments/{file['id']}")


async def alarms(services: Services) -> list[str]:
    query = sa.select(outbox.c.payload).where(outbox.c.kind == "alarm")
    rows = await services.db.transact(lambda c: c.execute(query).scalars().all())
    return [row["text"] for row in rows if "infected" in row["text"]]


async def test_a_file_is_opened_only_after_it_was_found_clean(
    lift_ticket: dict[str, Any], desk: Player, services: Services, scanned: ScannerAddress, socket: Path, clock: Clock
) -> None:
    number = lift_ticket["number"]
    assert (await attach(desk, number, PNG)).status_code == 201  # a scanner that is away holds nobody up
    (file,) = await listed(desk, number)
    waiting = await open_file(desk, number, file)
    assert (file["scan"], waiting.status_code, waiting.headers["retry-after"]) == ("waiting", 503, "5")

    assert not await scan_next(services, scanned, clock())  # nobody listens there yet
    clock.forward(seconds=10)
    received: list[bytes] = []
    async with clamd_like(socket, received=received):
        assert await scan_next(services, scanned, clock())
        assert not await scan_next(services, scanned, clock())
    assert received == [PNG]
    assert [f["scan"] for f in await listed(desk, number)] == ["clean"]
    assert (await open_file(desk, number, file)).content == PNG


async def test_an_infected_file_is_withheld_and_operators_are_told(
    lift_ticket: dict[str, Any], desk: Player, services: Services, scanned: ScannerAddress, socket: Path, clock: Clock
) -> None:
    number = lift_ticket["number"]
    assert (await attach(desk, number, PNG + MARK)).status_code == 201
    (file,) = await listed(desk, number)
    async with clamd_like(socket):
        assert await scan_next(services, scanned, clock())
    (file,) = await listed(desk, number)
    opened = await open_file(desk, number, file)
    assert (file["scan"], opened.status_code) == ("infected", 404) and MARK not in opened.content
    kept = [path for path in services.files.rglob("*") if path.is_file()]
    assert [path.parent.name for path in kept] == ["quarantine"]
    (told,) = await alarms(services)
    assert "Hotline.Test" in told and number in told
    query = sa.select(security_log.c.deed, security_log.c.details).where(security_log.c.deed == "file_found_infected")
    (logged,) = await services.db.transact(lambda c: c.execute(query).all())
    assert logged.details == {"file": file["sha256"], "found": "Hotline.Test"}
    told_again = (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"][-1]
    assert (told_again["action"], told_again["by"]["kind"]) == ("comment", "rules")
    assert "door.png" in json.dumps(told_again) and "Hotline.Test" in json.dumps(told_again)
    again = await attach(desk, number, PNG + MARK)  # the same bytes are known
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (415, "not infected")
    assert [path.parent.name for path in services.files.rglob("*") if path.is_file()] == ["quarantine"]
    async with clamd_like(socket):
        (finding,) = await check_scanner(services, await services.directory.now(clock()), clock())
    assert finding.warns and "1 files were found infected" in finding.says
    (down,) = [f for f in await check_scanner(services, await services.directory.now(clock()), clock()) if f.wrong]
    assert "does not answer" in down.says


async def test_a_file_the_scanner_cannot_judge_is_withheld(
    lift_ticket: dict[str, Any], desk: Player, services: Services, scanned: ScannerAddress, socket: Path, clock: Clock
) -> None:
    number = lift_ticket["number"]
    await attach(desk, number, PNG)
    async with clamd_like(socket, lambda _: b"INSTREAM size limit exceeded. ERROR\0"):
        for _ in range(3):
            assert await scan_next(services, scanned, clock())
            clock.forward(minutes=6)
    (file,) = await listed(desk, number)
    assert (file["scan"], (await open_file(desk, number, file)).status_code) == ("failed", 404)


async def test_files_older_than_the_scanner_are_scanned_and_without_one_all_are_opened(
    lift_ticket: dict[str, Any], desk: Player, services: Services, socket: Path, clock: Clock
) -> None:
    number = lift_ticket["number"]
    await attach(desk, number, PNG)
    (file,) = await listed(desk, number)
    assert file["scan"] is None and (await open_file(desk, number, file)).status_code == 200
    scanned = services.part(FileScanner).address = ScannerAddress(socket=socket)
    assert (await open_file(desk, number, file)).status_code == 503
    assert not await note_older_files(services, clock())
    await services.db.transact(lambda c: c.execute(sa.delete(file_scan)))
    assert not await note_older_files(services, clock())
    rows = await services.db.transact(lambda c: c.execute(sa.select(file_scan)).all())
    assert rows == []  # all of them are looked through once, and not each hour
    services.part(FileScanner).older_noted = False  # a worker that was started again
    assert not await note_older_files(services, clock())
    claimed = await services.db.transact(lambda c: claim_due(c, clock(), timedelta(minutes=10)))
    assert claimed is not None and claimed.attempts == 0
    clock.forward(minutes=10)  # the worker ended over it
    claimed = await services.db.transact(lambda c: claim_due(c, clock(), timedelta(minutes=10)))
    assert claimed is not None and claimed.attempts == 1
    clock.forward(minutes=10)
    async with clamd_like(socket):
        assert await scan_next(services, scanned, clock())
    assert (await open_file(desk, number, file)).status_code == 200


@pytest.mark.parametrize("said", [b"", b"stream: ", b"rubbish\0"])
async def test_what_is_no_judgement_is_never_taken_for_clean(said: bytes, tmp_path: Path, socket: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(PNG)
    async with clamd_like(socket, lambda _: said):
        with pytest.raises(ScanRefused):
            await scan_file(ScannerAddress(socket=socket), file)
    with pytest.raises(ScannerDown):
        await scan_file(ScannerAddress(socket=socket), file)


@pytest.mark.parametrize("text", ["", "clamd", "unix:relative", "tcp:host", "tcp::1", "tcp:host:0", "tcp:host:99999"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unix:/run/clamav/clamd\.ctl"):
        parse_scanner_address(text)


def test_an_address_is_a_path_or_a_host_and_a_port() -> None:
    assert parse_scanner_address("unix:/run/clamd") == ScannerAddress(socket=Path("/run/clamd"))
    assert parse_scanner_address("tcp:[::1]:3310") == ScannerAddress(host="::1", port=3310)


async def _until(tried: Callable[[], Awaitable[None]], process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while True:
        try:
            return await tried()
        except ScannerDown:
            assert process.poll() is None and time.monotonic() < until, "clamd does not listen"
            await asyncio.sleep(0.05)


async def test_debians_clamd_finds_a_signature_of_ours(tmp_path: Path, socket: Path) -> None:
    if CLAMD is None:
        pytest.skip("no clamd on this machine")
    database = tmp_path / "signatures"
    database.mkdir()
    (database / "hotline.ndb").write_text(f"Hotline.Test:0:*:{MARK.hex()}\n")
    config = tmp_path / "clamd.conf"
    user = "User root\n" if os.geteuid() == 0 else ""
    config.write_text(
        f"Foreground yes\nLocalSocket {socket}\nDatabaseDirectory {database}\nOfficialDatabaseOnly no\n"
        f"StreamMaxLength 1M\n{user}"
    )
    clean, bad, large = (tmp_path / name for name in ("clean", "bad", "large"))
    clean.write_bytes(PNG)
    bad.write_bytes(PNG + MARK)
    large.write_bytes(PNG * 20)
    address = ScannerAddress(socket=socket)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([CLAMD, "--config-file", str(config)], stdout=log, stderr=log)
    try:
        await _until(lambda: ping(address), process)
        assert await scan_file(address, clean) is None
        assert await scan_file(address, bad) == "Hotline.Test.UNOFFICIAL"
        with pytest.raises(ScanRefused):  # the reason may be lost with the connection
            await scan_file(address, large)
    finally:
        process.terminate()
        process.wait(30)
