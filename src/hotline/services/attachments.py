"""Files of a ticket: kept once under the hash of their bytes, typed by what they are, never shown as something to
run."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from hotline.db import tickets
from hotline.domain.filetypes import FIRST_BYTES, KNOWN, agrees, media_type_of
from hotline.domain.lifecycle import decide
from hotline.domain.privacy import Scope, visible_file
from hotline.domain.ticket import Actor, Attachment, Command, Facts
from hotline.domain.vocabulary import Action
from hotline.refusals import Code, Refusal, Refused

from .act import Asked, Done, act, authors_for, seen
from .house import House

LARGEST = 10 * 1024 * 1024
_PIECE = 256 * 1024
Read = Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Stored:
    sha256: str
    size: int
    media_type: str


async def store(house: House, read: Read, declared: str | None) -> Stored:
    """Take the bytes piece by piece. Raises Refused where they are too many, none, or not what they claim to be."""
    house.files.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = house.files / f"fresh-{uuid4().hex}"
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
        final = place_of(house, digest.hexdigest())
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


def place_of(house: House, sha256: str) -> Path:
    return house.files / sha256[:2] / sha256


async def may_attach(house: House, number: str, actor: Actor, now: datetime) -> None:
    """Before a byte is kept: is the ticket theirs to see, and does it still take files? Raises Refused."""
    facts = await seen(house, number, actor)
    decided = decide(facts, Command(Action.ATTACH, facts.ticket.version), actor, now)
    if isinstance(decided, Refusal):
        raise Refused(decided)


async def attach(
    house: House,
    number: str,
    stored: Stored,
    name: str,
    actor: Actor,
    asked: Asked,
    show: Callable[[Attachment], str],
    now: datetime,
    scope: Scope | None = None,
) -> Done:
    """Note a stored file on its ticket. Never locks the ticket: nobody sent a version, so a change in between is no
    refusal."""
    for _ in range(10):
        facts = await seen(house, number, actor, scope)
        file = Attachment(
            str(uuid4()), facts.ticket.number, stored.sha256, name, stored.media_type, stored.size, now, actor.id
        )
        command = Command(Action.ATTACH, facts.ticket.version)

        def shown(_: Facts, file: Attachment = file) -> str:
            return show(file)

        try:
            return await act(house, number, command, actor, asked, shown, now, status=201, attachment=file, scope=scope)
        except Refused as refused:
            if refused.refusal.code is not Code.STALE:
                raise
    raise Refused(Refusal(Code.OVERLOADED, "the ticket changes too fast just now; nothing was written, try again"))


async def files_seen(house: House, number: str, actor: Actor) -> list[Any]:
    """The rows of a ticket's files that the actor may see, oldest first. Raises Refused: not theirs to see."""
    facts = await seen(house, number, actor)
    rows = await tickets.files_of(house.db, facts.ticket.number)
    authors = await authors_for(house, actor, (r.by_id for r in rows))
    return [r for r in rows if visible_file(r.by_id, facts.assignments, actor, authors)]


async def found(house: House, number: str, attachment: str, actor: Actor) -> tuple[Any, Path]:
    """The row and the place of a file, if its ticket is the actor's to see."""
    row = next((r for r in await files_seen(house, number, actor) if r.id == attachment), None)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such attachment"))
    return row, place_of(house, row.sha256)
