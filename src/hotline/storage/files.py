"""Files under the hash of their bytes: kept once, synced before they are named, typed by what they are."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from hotline.refusals import Code, Refusal, Refused
from hotline.storage.file_types import ACCEPTED_TYPES, FIRST_BYTES, is_declared_type, media_type_of

MAX_FILE_BYTES = 10 * 1024 * 1024
_PIECE = 256 * 1024
ReadChunk = Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class StoredFile:
    sha256: str
    size: int
    media_type: str


async def store_file(folder: Path, read: ReadChunk, declared: str | None) -> StoredFile:
    """Take the bytes piece by piece. Raises Refused where they are too many, none, or not what they claim to be."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    temporary_path = folder / f"fresh-{uuid4().hex}"
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        with os.fdopen(os.open(temporary_path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            while piece := await read(_PIECE):
                size += len(piece)
                if size > MAX_FILE_BYTES:
                    raise Refused(
                        Refusal(
                            Code.TOO_LARGE,
                            f"at most {MAX_FILE_BYTES} bytes",
                            errors=(("file", f"at most {MAX_FILE_BYTES} bytes"),),
                        )
                    )
                head = head or piece[:FIRST_BYTES]
                digest.update(piece)
                await asyncio.to_thread(out.write, piece)
            await asyncio.to_thread(_flush_to_disk, out)
        media_type = media_type_of(head)
        if size == 0:
            raise Refused(Refusal(Code.INVALID, "the file is empty", errors=(("file", "not empty"),)))
        if media_type is None:
            rule = "one of " + ", ".join(ACCEPTED_TYPES)
            raise Refused(Refusal(Code.UNSUPPORTED_MEDIA, "not a type we take", errors=(("file", rule),)))
        if not is_declared_type(declared, media_type):
            raise Refused(
                Refusal(
                    Code.UNSUPPORTED_MEDIA,
                    "the file is not what it claims to be",
                    errors=(("file", f"its bytes are {media_type}"),),
                )
            )
        final = stored_path(folder, digest.hexdigest())
        final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.replace(temporary_path, final)
        await asyncio.to_thread(_sync_folder, final.parent)
    except OSError as fault:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        code = Code.STORAGE_FULL if full else Code.UNAVAILABLE
        raise Refused(
            Refusal(code, "there is no room for the file" if full else "the file store cannot be used")
        ) from fault
    finally:
        temporary_path.unlink(missing_ok=True)
    return StoredFile(digest.hexdigest(), size, media_type)


def _flush_to_disk(out: Any) -> None:
    out.flush()
    os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stored_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256


def quarantine(folder: Path, sha256: str) -> None:
    """Move a stored file to where nothing is handed out from. Nothing happens where it is not there."""
    aside = folder / "quarantine"
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        os.replace(stored_path(folder, sha256), aside / sha256)
