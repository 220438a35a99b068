"""Hashes passwords: slow on purpose, so a few run at once, a few wait, and further ones are refused. Whoever logged in
before has threads of their own, so that log-ins by strangers do not delay them."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from hotline.organisation.service.password_strength import is_guessable
from hotline.refusals import Code, Refusal, Refused

T = TypeVar("T")
MAX_WAITING = 8  # in a lane, behind those that are being hashed: about three seconds
NICENESS = 5  # the event loop goes first: one hash uses several processors
_HASHER = PasswordHash((Argon2Hasher(),))
_NOBODY = "nobody's password"  # checked for unknown log-ins, so that timing reveals nothing
# As `_HASHER` hashes it; written down, because hashing it costs every command 0.2 s of its start.
_NOBODY_HASHED = "$argon2id$v=19$m=65536,t=3,p=4$lOnnGyamt9tPm9icvvKoeg$CnLYjOh5szcnjQdjgIJ9pCFkFjNX4Y+4DVp81d0i6fA"
NO_PASSWORD = ""  # stored of an account without one: its log-ins are made elsewhere
BUSY = Refusal(Code.OVERLOADED, "too many log-ins at once; nothing was checked, try again in a moment", retry_after=3)


def has_password(hashed: str) -> bool:
    """Whether an account has a password of its own, by what is stored."""
    return bool(hashed)


class Hasher(Protocol):
    def hash(self, password: str) -> str: ...

    def verify(self, password: str, hash: str) -> bool: ...  # noqa: A002


class HashingLane:
    """Threads that hash, and at most `max_waiting` more passwords behind them."""

    def __init__(self, threads: int, max_waiting: int) -> None:
        self._most = threads + max_waiting
        self._busy = 0
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(threads, "hotline-hashing", _lower_priority)

    async def run(self, work: Callable[..., T], *args: str) -> T:
        """What `work(*args)` returns, run on a thread. Raises Refused(OVERLOADED) where too many wait."""
        with self._lock:
            if self._busy >= self._most:
                raise Refused(BUSY)
            self._busy += 1
        done: Future[T] = self._threads.submit(work, *args)
        done.add_done_callback(self._release)  # also of one whose asker has gone: its thread is still busy
        return await asyncio.wrap_future(done)

    def _release(self, _: object) -> None:
        with self._lock:
            self._busy -= 1


def _lower_priority() -> None:
    """On Linux each thread has a priority of its own, and hands it to the threads that argon2 starts."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class PasswordHashing:
    """argon2id, off the loop. `known`: from a place where this log-in was right before, or by a person who is logged
    in."""

    def __init__(self, hasher: Hasher | None = None, processors: int | None = None) -> None:
        self._hasher: Hasher = hasher or _HASHER
        self._nobody = _NOBODY_HASHED if hasher is None else hasher.hash(_NOBODY)
        spare = (processors or os.cpu_count() or 1) - 2  # one for the loop, one for the known
        self._strangers = HashingLane(max(1, spare), MAX_WAITING)
        self._known = HashingLane(1, 2 * MAX_WAITING)

    async def verify(self, password: str, hash: str | None, *, known: bool) -> bool:  # noqa: A002
        """Whether the password is right. None for a log-in that is not there, and NO_PASSWORD of one that has none:
        false, after as much work."""
        lane = self._known if known else self._strangers
        right = await lane.run(self._hasher.verify, password, hash or self._nobody)
        return right and hash is not None and has_password(hash)

    async def is_guessable(self, password: str, words: Sequence[str]) -> bool:
        """Whether the password is easy to guess, for somebody who also tries `words`."""
        return await self._known.run(is_guessable, password, *words)

    async def hash(self, password: str) -> str:
        return await self._known.run(self._hasher.hash, password)
