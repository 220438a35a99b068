"""Files under the hash of their bytes: kept once, synced before they are named, typed by what they are."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from hotline.refusals import Code, Refusal, Refused
from hotline.storage.file_types import FIRST_BYTES, KNOWN, agrees, media_type_of

LARGEST = 10 * 1024 * 1024
_PIECE = 256 * 1024
Read = Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Stored:
    sha256: str
    size: int
    media_type: str


async def store(folder: Path, read: Read, declared: str | None) -> Stored:
    """Take the bytes piece by piece. Raises Refused where they are too many, none, or not what they claim to be."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    fresh = folder / f"fresh-{uuid4().hex}"
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            while piece := await read(_PIECE):
                size += len(piece)
                if size > LARGEST:
                    raise Refused(
                        Refusal(
                            Code.TOO_LARGE, f"at most {LARGEST} bytes", errors=(("file", f"at most {LARGEST} bytes"),)
                        )
                    )
                head = head or piece[:FIRST_BYTES]
                digest.update(piece)
                await asyncio.to_thread(out.write, piece)
            await asyncio.to_thread(_synced, out)
        real = media_type_of(head)
        if size == 0:
            raise Refused(Refusal(Code.INVALID, "the file is empty", errors=(("file", "not empty"),)))
        if real is None:
            rule = "one of " + ", ".join(KNOWN)
            raise Refused(Refusal(Code.UNSUPPORTED_MEDIA, "not a type we take", errors=(("file", rule),)))
        if not agrees(declared, real):
            raise Refused(
                Refusal(
                    Code.UNSUPPORTED_MEDIA,
                    "the file is not what it claims to be",
                    errors=(("file", f"its bytes are {real}"),),
                )
            )
        final = place_of(folder, digest.hexdigest())
        final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.replace(fresh, final)
        await asyncio.to_thread(_sync_folder, final.parent)
    except OSError as fault:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        code = Code.STORAGE_FULL if full else Code.UNAVAILABLE
        raise Refused(
            Refusal(code, "there is no room for the file" if full else "the file store cannot be used")
        ) from fault
    finally:
        fresh.unlink(missing_ok=True)
    return Stored(digest.hexdigest(), size, real)


def _synced(out: Any) -> None:
    out.flush()
    os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def place_of(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256
