"""Files under the hash of their bytes: kept once, synced before they are named, typed by what they are."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from hotline.refusals import Code, Refusal, Refused
from hotline.storage.file_types import ACCEPTED_TYPES, FIRST_BYTES, is_declared_type, media_type_of

MAX_FILE_BYTES = 10 * 1024 * 1024
_PIECE = 256 * 1024
QUARANTINE = "quarantine"
_CLEANED = "cleaned"  # copies of pictures as residents are shown them
_DELETED = "deleted"  # where bytes lie from when they are to go until it is sure that nothing names them
ReadChunk = Callable[[int], Awaitable[bytes]]


class Upload(Protocol):
    """What was sent, to be read more than once."""

    async def read(self, size: int, /) -> bytes: ...
    async def seek(self, offset: int, /) -> None: ...


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


def cleaned_path(folder: Path, sha256: str) -> Path:
    """The copy of a stored picture that residents are shown, named as the file is. It goes with that."""
    return folder / _CLEANED / sha256


async def store_if_gone(folder: Path, stored: StoredFile, upload: Upload) -> None:
    """Call it once the row that names a file is committed: bytes that were set aside since they were stored, because
    no row named them yet, are stored again."""
    if stored_path(folder, stored.sha256).exists() or (folder / QUARANTINE / stored.sha256).exists():
        return
    await upload.seek(0)
    await store_file(folder, upload.read, None)


def set_aside(folder: Path, hashes: Iterable[str]) -> set[str]:
    """The first half of deleting files that no row names: whoever stores the same bytes meanwhile finds them gone. The
    hashes of all that lies aside now, those included that an earlier deletion left there. `delete_aside` goes on."""
    aside = folder / _DELETED
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    for sha256 in hashes:
        with suppress(FileNotFoundError):
            os.replace(stored_path(folder, sha256), aside / sha256)
        cleaned_path(folder, sha256).unlink(missing_ok=True)
    return {path.name for path in aside.iterdir()}


def delete_aside(folder: Path, hashes: Iterable[str], used: Collection[str]) -> None:
    """The second half: what a row names by now (`used`) goes back, the rest is deleted, also from the quarantine."""
    for sha256 in hashes:
        aside, kept = folder / _DELETED / sha256, stored_path(folder, sha256)
        if sha256 not in used:
            aside.unlink(missing_ok=True)
            (folder / QUARANTINE / sha256).unlink(missing_ok=True)
            cleaned_path(folder, sha256).unlink(missing_ok=True)
        elif not (folder / QUARANTINE / sha256).exists():
            with suppress(FileNotFoundError):
                os.replace(aside, kept)
        else:
            aside.unlink(missing_ok=True)


def quarantine(folder: Path, sha256: str) -> None:
    """Move a stored file to where nothing is handed out from. Nothing happens where it is not there."""
    aside = folder / QUARANTINE
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        os.replace(stored_path(folder, sha256), aside / sha256)
    cleaned_path(folder, sha256).unlink(missing_ok=True)
