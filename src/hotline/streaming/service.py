"""The live stream: events in commit order, to everybody who may see them, without a gap or a repeat.

One reader serves all listeners of the process: it numbers what was committed, reads it once and encodes it once. Bytes
for a listener go into its socket at once. Only a listener whose socket is full gets a queue; when the queue is full,
`resync` tells it to read everything again, so that it never misses an event without knowing."""

import asyncio
import contextlib
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from hotline.database.engine import Database
from hotline.organisation.model.actors import Actor
from hotline.organisation.service.credentials import Credential, CredentialChecker
from hotline.refusals import Code, Refusal, Refused
from hotline.streaming import store as streaming_store
from hotline.streaming.schemas import HelloMessage, StreamPosition, TicketMessage, framed, resync
from hotline.tickets.model.stream_events import StreamFilter, is_visible_to_listener

log = structlog.get_logger("hotline.stream")
POLL = 0.25  # seconds until other processes' events are looked for; our own are sent at once
MIN_SECONDS_BETWEEN_READS = 0.008  # seconds between one look and the next
CHECK = 0.5  # seconds between one look at whether they may still listen and the next
PING = 15.0  # seconds between signs of life
KEEP = timedelta(days=7)  # how long events are kept for those who come back
MOST_QUEUED = 256 * 1024  # bytes waiting for one listener
MOST_REPLAYED = 5000  # events replayed to a client that reconnects; beyond it, `resync`
MAX_STREAMS_PER_OWNER = 12  # streams of one person: a few screens, each with a few pages
RETRY = (1000, 5000)  # milliseconds: when the stream ends, all come back, and not at the same moment

Give = Callable[[bytes], bool]  # into the socket now; False: it is full, nothing was written
Wait = Callable[[bytes], Awaitable[None]]  # into the socket, when there is room


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """What a stream was opened with: a credential, and whose it was then."""

    credential: Credential
    actor: Actor


class Listener:
    """One open stream. There may be ten thousand: what is not needed is not there."""

    __slots__ = ("_busy", "_emptying", "_give", "_holding", "_lost", "_queue", "_queued", "_stream", "_wait", "access",
                 "ended", "owner", "until", "watching")  # fmt: skip

    def __init__(
        self, stream: "Stream", stream_filter: StreamFilter, owner: str, try_send: Give, send: Wait,
        access: "StreamAccess | None" = None,
    ) -> None:  # fmt: skip
        self._stream, self.watching, self.owner = stream, stream_filter, owner
        self.access = access
        self.until: datetime | None = None  # how long the credential stands; None: not looked at yet
        self._give, self._wait = try_send, send
        self._queue: deque[bytes] | None = None
        self._queued = 0
        self._lost = False
        self._busy = True  # until what it missed was sent
        self._emptying: asyncio.Task[None] | None = None
        self._holding: asyncio.Task[None] | None = None
        self.ended = False

    def push(self, data: bytes) -> None:
        """Tell it, now or behind what waits for it."""
        if not self._busy and self._give(data):
            return
        if self._lost or self._queued + len(data) > MOST_QUEUED:
            self._queue, self._queued, self._lost = None, 0, True
        else:
            self._queue = self._queue or deque()
            self._queue.append(data)
            self._queued += len(data)
        if not self._busy:
            self._busy = True
            self._emptying = asyncio.create_task(self.empty())

    async def empty(self) -> None:
        """Hand over what waits, at the pace of its socket."""
        while self._queue or self._lost:
            if self._lost:
                self._lost = False
                await self._wait(framed(resync(self._stream.position)))
            elif self._queue:
                chunk = b"".join(self._queue)
                self._queue, self._queued = None, 0
                await self._wait(chunk)
        self._busy = False

    async def tell(self, data: bytes) -> None:
        """Before it is up to date: what comes first."""
        await self._wait(data)

    def hold(self, task: "asyncio.Task[None] | None") -> None:
        """The task that keeps the stream open; it is cancelled when the stream is to end."""
        self._holding = task

    def close(self) -> None:
        if self._emptying is not None:
            self._emptying.cancel()
        if self._holding is not None and not self.ended:
            self._holding.cancel()
        self.ended = True


class Stream:
    """All listeners of this process. `committed` is set by the journal after each commit."""

    def __init__(
        self,
        db: Database,
        committed: asyncio.Event,
        max_listeners: int = 10_000,
        credentials: CredentialChecker | None = None,
    ) -> None:
        self._db, self._written, self.most = db, committed, max_listeners
        self._credentials = credentials
        self._access_version: tuple[int, int] | None = None  # the version at which every credential was looked at
        self._listeners: set[Listener] = set()
        self._alike: dict[StreamFilter, set[Listener]] = {}  # listeners with the same filter are looked up once
        self._each: Counter[str] = Counter()
        self._reader: asyncio.Task[None] | None = None
        self._pinger: asyncio.Task[None] | None = None
        self._begun: asyncio.Task[int] | None = None
        self._joining = 0
        self.position = 0
        self.events_delivered = 0  # events handed to listeners so far
        self.closing = False

    @property
    def listener_count(self) -> int:
        return len(self._listeners)

    def check_room(self, owner: str) -> None:
        """Raises Refused where one more stream is one too many."""
        if self.closing or len(self._listeners) >= self.most:
            raise Refused(Refusal(Code.OVERLOADED, "too many streams are open here; try again, or ask another process"))
        if self._each[owner] >= MAX_STREAMS_PER_OWNER:
            raise Refused(
                Refusal(Code.TOO_MANY, f"at most {MAX_STREAMS_PER_OWNER} streams of one person; close another page")
            )

    async def join(self, listener: Listener, after: int | None, recent: int = 0) -> None:
        """Bring a listener up to date behind `after` (None: from now on, with so many `recent` events of before), then
        add it to the live listeners."""
        self._joining += 1  # the reader must not leave between its beginning and our first word
        try:
            await self._reading()
        finally:
            self._joining -= 1
        self.check_room(listener.owner)
        # in one breath: what comes after `here` is pushed, what lies before it is read below
        self._listeners.add(listener)
        self._alike.setdefault(listener.watching, set()).add(listener)
        self._each[listener.owner] += 1
        here = self.position
        retry = random.randint(*RETRY)  # noqa: S311 - to spread, not to hide
        hello = HelloMessage("hello", here if after is None else None, StreamPosition(here))
        await listener.tell(b"retry: %d\n" % retry + framed(hello))
        if after is None and recent:
            after = max(here - recent, await streaming_store.load_first_position(self._db) - 1)
        if after is not None and after != here:
            await self._replay(listener, after, here)
        await listener.empty()

    async def _replay(self, listener: Listener, after: int, here: int) -> None:
        first = await streaming_store.load_first_position(self._db)
        if after > here or after < first - 1 or here - after > MOST_REPLAYED:
            await listener.tell(framed(resync(here)))  # too far back, or of another database
            return
        while after < here:
            rows = await streaming_store.load_events_after(self._db, after)
            seen = [r for r in rows if r.position <= here]
            if not seen:
                return
            theirs = b"".join(
                framed(TicketMessage("ticket", r.position, r.body))
                for r in seen
                if is_visible_to_listener(listener.watching, r.area, frozenset(r.holders))
            )
            after = seen[-1].position
            if theirs:
                await listener.tell(theirs)

    def leave(self, listener: Listener) -> None:
        listener.hold(None)
        listener.close()
        if listener in self._listeners:
            self._listeners.remove(listener)
            alike = self._alike[listener.watching]
            alike.remove(listener)
            if not alike:
                del self._alike[listener.watching]
            self._each[listener.owner] -= 1
            if not self._each[listener.owner]:
                del self._each[listener.owner]

    def close(self) -> None:
        """End every stream; clients reconnect to another process."""
        self.closing = True
        for listener in list(self._listeners):
            listener.close()
        for task in (self._reader, self._pinger):
            if task is not None:
                task.cancel()

    async def _reading(self) -> None:
        """The reader runs and has its first position."""
        if self._begun is None:
            self._begun = asyncio.create_task(self._begin())
        try:
            await asyncio.shield(self._begun)
        except Exception:
            self._begun = None  # the next one to come tries again
            raise

    async def _begin(self) -> int:
        await streaming_store.assign_positions(self._db)
        self.position = await streaming_store.load_last_position(self._db)
        self._reader = asyncio.create_task(self._read(), name="stream-reader")
        if self._pinger is None or self._pinger.done():
            self._pinger = asyncio.create_task(self._ping(), name="stream-ping")
        return self.position

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        stepped = checked = 0.0
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), POLL)
                # the first after a pause is sent at once; under load, what is committed close together is sent together
                await asyncio.sleep(max(0.0, stepped + MIN_SECONDS_BETWEEN_READS - loop.time()))
            self._written.clear()
            if not self._listeners and not self._joining:  # no listener: the next one starts the reader again
                self._begun = None
                return
            try:
                if loop.time() - checked >= CHECK:
                    checked = loop.time()
                    await self.check_access()
                while await self.step():
                    pass
                stepped = loop.time()
            except Refused as away:  # the database is unavailable: the streams stay open, and continue when it is back
                log.warning("stream.database_unavailable", why=away.refusal.detail)
                await asyncio.sleep(1)
            except Exception as fault:
                log.error("stream.fault", kind=type(fault).__name__, exc_info=fault)
                await asyncio.sleep(1)

    async def check_access(self) -> None:
        """End the streams of those who may listen no more, or no longer to the same: disabled, logged out, given other
        roles, revoked or expired, in whichever process. One small query; one more for all of them where anything of
        that kind has changed."""
        if self._credentials is None:
            return
        version, now = await self._credentials.version(), self._credentials.clock()
        moved = version != self._access_version
        held = [(x, x.access) for x in self._listeners if x.access is not None]
        due = [(x, access) for x, access in held if moved or x.until is None or x.until <= now]
        if due:
            standing = await self._credentials.valid_credentials({access.credential for _, access in due})
            for listener, access in due:
                found = standing.get(access.credential)
                if found is None or found.actor != access.actor:
                    listener.close()
                else:
                    listener.until = found.until
        self._access_version = version

    async def step(self) -> bool:
        """Place, read and send what is new. True: there may be more."""
        await streaming_store.assign_positions(self._db)
        rows = await streaming_store.load_events_after(self._db, self.position)
        if not rows:
            return False
        messages = [(r.area, frozenset(r.holders), framed(TicketMessage("ticket", r.position, r.body))) for r in rows]
        self.position = rows[-1].position
        for watching, alike in list(self._alike.items()):
            theirs = [data for area, holders, data in messages if is_visible_to_listener(watching, area, holders)]
            if theirs:
                data = b"".join(theirs)
                for listener in list(alike):
                    listener.push(data)
                self.events_delivered += len(theirs) * len(alike)
        return len(rows) == streaming_store.EVENTS_PER_READ

    async def _ping(self) -> None:
        while self._listeners or self._begun is not None:
            await asyncio.sleep(PING)
            here = b"id: %d\n\n" % self.position  # and where one stands, though nothing was for one's ears
            for listener in list(self._listeners):
                listener.push(here)
