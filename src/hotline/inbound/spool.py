"""The spool: while the database is unavailable, what is taken in is appended to a local file, synced before it is
acknowledged, and brought in through the normal path afterwards."""

import asyncio
import errno
import fcntl
import hmac
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import structlog

from hotline.database.sealing import Sealing
from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import accepted_secrets

ROTATE_BYTES = 64 * 1024 * 1024
MAX_BYTES = 2 * 1024 * 1024 * 1024
RESERVED_BYTES = 1024 * 1024  # the longest record: a batch of texts
TEST_WRITE_BYTES = 64 * 1024  # bytes written to see whether the disk takes them
RETEST_SECONDS = 5.0  # seconds between two trials
DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SEAL = 16  # hex digits of a record's seal
TIMESTAMP_COLUMNS = ("sent_at", "received_at", "next_at", "lease_until")
log = structlog.get_logger("hotline.spool")


class SpoolFull(Refused):
    """No room is left in the spool; nothing was kept."""

    def __init__(self) -> None:
        super().__init__(
            Refusal(Code.STORAGE_FULL, "the database takes nothing and the spool is full; nothing was kept")
        )


class Spool:
    """One folder. Every process writes files of its own; a drain takes those that no process writes to. A line is a
    check over its record, a blank, the record sealed; a line that is torn or does not fit its check ends its file."""

    def __init__(self, folder: Path, secret: bytes, max_bytes: int = MAX_BYTES) -> None:
        self.folder, self.cap = folder, max_bytes
        self._keys = [hmac.digest(each, b"spool", "sha256") for each in accepted_secrets(secret)]
        self._sealing = Sealing(secret)
        self._open: FileIO | None = None
        self._turn = asyncio.Lock()
        self._tried: float | None = None  # when the folder was last tried, on the loop's clock
        self._usable = False

    async def append(self, record: Mapping[str, Any], now: datetime) -> None:
        """Durable when this returns. Raises SpoolFull, or Refused where the folder cannot be used."""
        async with self._turn:
            try:
                await asyncio.shield(asyncio.to_thread(self._append, record, now))
            except OSError as fault:
                self._tried = None
                log.error("spool.write_failed", why=type(fault).__name__)
                if fault.errno in DISK_FULL_ERRNOS:
                    raise SpoolFull from fault
                why = "the database takes nothing and the spool cannot be used; nothing was kept"
                raise Refused(Refusal(Code.UNAVAILABLE, why)) from fault

    async def is_usable(self) -> bool:
        """Whether the next record would be kept: there is room below the cap, and the folder takes a synced write."""
        now = asyncio.get_running_loop().time()
        if self._tried is None or now - self._tried >= RETEST_SECONDS:
            self._usable = await asyncio.to_thread(self._test_write)
            self._tried = now
        return self._usable and self.size() + min(RESERVED_BYTES, self.cap // 16) <= self.cap

    def _test_write(self) -> bool:
        path = self.folder / f"trial-{os.getpid()}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            try:
                is_complete = os.write(handle, bytes(TEST_WRITE_BYTES)) == TEST_WRITE_BYTES
                os.fdatasync(handle)
            finally:
                os.close(handle)
                path.unlink()
        except OSError as fault:
            log.error("spool.unusable", why=type(fault).__name__)
            return False
        return is_complete

    def _append(self, record: Mapping[str, Any], now: datetime) -> None:
        body = self._sealed(record)
        line = self._mac(body) + b" " + body + b"\n"
        if self.size() + len(line) > self.cap:
            raise SpoolFull
        if self._open is None or self._open.tell() > ROTATE_BYTES:
            self.close()
            self._open = self._fresh(now)
        size_before = self._open.tell()
        try:
            if self._open.write(line) != len(line):
                raise OSError(errno.ENOSPC, "half a line")
            os.fdatasync(self._open.fileno())
        except OSError:  # no half line may stand before the next record
            handle, self._open = self._open, None
            with suppress(OSError):
                os.ftruncate(handle.fileno(), size_before)
            with suppress(OSError):
                handle.close()
            raise

    def _fresh(self, now: datetime) -> FileIO:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{now:%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}.spool"
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)  # as long as it is held, no process drains it
        if os.fstat(handle).st_nlink == 0:  # another process drained it, empty, before it was ours
            os.close(handle)
            return self._fresh(now)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # else a power cut may take the file's very name
        finally:
            os.close(folder)
        return os.fdopen(handle, "ab", buffering=0)  # half a line must not wait in memory, and come after all

    def _quarantine(self, record: Mapping[str, Any], path: Path) -> None:
        body = self._sealed(record)
        line = self._mac(body) + b" " + body + b"\n"
        handle = os.open(path.with_suffix(".poison.bad"), os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
        with os.fdopen(handle, "a+b") as out:
            out.seek(0)
            if line in out.readlines():  # its file was drained before, and not to the end
                return
            out.write(line)
            out.flush()
            os.fsync(out.fileno())

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _sealed(self, record: Mapping[str, Any]) -> bytes:
        # the same record is sealed the same way: one that is set aside twice is recognised
        plain = orjson.dumps(dict(record), option=orjson.OPT_NON_STR_KEYS)
        return self._sealing.seal_key("spool", plain.decode()).encode()

    def _mac(self, body: bytes, key: bytes | None = None) -> bytes:
        return hmac.digest(key or self._keys[0], body, "sha256").hex()[:_SEAL].encode()

    def _is_sealed(self, seal: bytes, body: bytes) -> bool:
        return any([hmac.compare_digest(seal, self._mac(body, key)) for key in self._keys])

    def size(self) -> int:
        """Bytes that wait."""
        total = 0
        for path in self._files():
            with suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def count_records(self) -> int:
        """How many records wait."""
        count = 0
        for path in self._files():
            with suppress(FileNotFoundError):
                count += sum(1 for _ in self._records(path.read_bytes()))
        return count

    def records(self) -> Iterator[Mapping[str, Any]]:
        """The records that wait."""
        for path in self._files():
            with suppress(FileNotFoundError):
                yield from self._records(path.read_bytes())

    def count_bad_files(self) -> int:
        """Files set aside because something in the middle of them did not fit its seal."""
        return len(list(self.folder.glob("*.bad"))) if self.folder.is_dir() else 0

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.spool")) if self.folder.is_dir() else []

    def _records(self, raw: bytes) -> Iterator[Mapping[str, Any]]:
        """The whole records of a file; behind the first that does not fit, nothing is believed."""
        for line in raw.split(b"\n"):
            seal, _, body = line.partition(b" ")
            if not body or not self._is_sealed(seal, body):
                return
            yield orjson.loads(self._sealing.unseal("spool", body.decode()))

    async def drain(self, process: Callable[[Mapping[str, Any]], Awaitable[None]]) -> int:
        """Bring every record in, oldest file first; how many. A file goes when all of it is in; a record brought in
        twice must do no harm. Raises what `process` raises: the rest stays."""
        if not self._files():
            return 0
        async with self._turn:
            await asyncio.to_thread(self.close)
        done = 0
        for path in self._files():
            try:
                handle = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue  # another process was quicker
            try:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                raw = await asyncio.to_thread(path.read_bytes) if path.exists() else b""
                processed = 0
                for record in self._records(raw):
                    try:
                        await process(record)
                    except (Refused, OSError):
                        raise
                    except Exception as fault:  # one that cannot be brought in must not hold up the others
                        log.error("spool.record_failed", file=path.name, fault=type(fault).__name__, exc_info=fault)
                        await asyncio.to_thread(self._quarantine, record, path)
                    done += 1
                    processed += 1
                if raw.count(b"\n") > processed:  # whole lines that do not fit: not a torn end, so it needs review
                    log.error("spool.file_damaged", file=path.name, drained=processed)
                    path.rename(path.with_suffix(".bad"))
                else:
                    path.unlink(missing_ok=True)
            finally:
                os.close(handle)
        return done


def serialize_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `inbound` as plain data."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}


def parse_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same, read again."""
    return {k: datetime.fromisoformat(v) if k in TIMESTAMP_COLUMNS and v is not None else v for k, v in row.items()}
