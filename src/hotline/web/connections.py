"""Limits of HTTP connections: on the header of a request and on how long each part of it may take, the same for both of
uvicorn's parsers. `serving` hands them to uvicorn; bodies are limited by `web/guard`."""

import asyncio
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from hotline.locales import translate_pair
from hotline.refusals import Code
from hotline.web.schemas import Problem

LARGEST_HEADER = 32 * 1024  # bytes of request line and headers together
MOST_HEADERS = 100
_PIECE = 32 * 1024
_UNREAD = 16 * 1024 * 1024  # bytes of a refused body that are thrown away, so that its sender reads the refusal


@dataclass(frozen=True, slots=True)
class ConnectionDeadlines:
    """Seconds. `header`: from the connection, or from its next request's first byte, to the end of the header.
    `unread`: for the rest of a body that nobody reads any more. `unsent`: for a client to read what waits for it."""

    header: float = 10.0
    unread: float = 10.0
    unsent: float = 60.0


def _raw_problem(status: int, reason: str, code: Code, detail: str) -> bytes:
    title_zh, title = translate_pair(f"problem.{code}")
    body = Problem(f"urn:hotline:problem:{code}", title, title_zh, status, detail, ()).render()
    head = (
        f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"
        "content-security-policy: default-src 'none'; frame-ancestors 'none'\r\nx-frame-options: DENY\r\n"
        "cross-origin-opener-policy: same-origin\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


_LIMIT = f"at most {LARGEST_HEADER} bytes and {MOST_HEADERS} headers"
_TOO_LARGE = _raw_problem(431, "Request Header Fields Too Large", Code.TOO_LARGE, _LIMIT)
_TOO_SLOW = _raw_problem(408, "Request Timeout", Code.BAD_REQUEST, "the header did not come to its end in time")
_MALFORMED = _raw_problem(400, "Bad Request", Code.BAD_REQUEST, "the request cannot be read")


class _TimedProtocol(asyncio.Protocol):
    """What both protocols share: the clocks of a connection, and how it is ended. Mixed in before uvicorn's class,
    which keeps `transport`, `loop`, `flow` and `cycle`."""

    deadlines = ConnectionDeadlines()
    transport: Any
    loop: asyncio.AbstractEventLoop
    cycle: Any
    _timers: dict[str, asyncio.TimerHandle]
    _is_refused = False  # answered and about to be closed: what still comes is thrown away
    _discarded_bytes = 0
    _too_large = False
    timeout_keep_alive_task: asyncio.TimerHandle | None
    flow: Any

    def connection_made(self, transport: Any) -> None:
        self._timers = {}
        super().connection_made(transport)
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        for name in list(self._timers):
            self._stop(name)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            self._throw_away(len(data))
            return
        if self._is_reading_header():
            self._start_header_timer()
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            if self._is_body_unread():
                self._throw_away(len(piece))
            self._feed(piece)
            if self._is_refused or self.transport.is_closing():
                return
        if not self._is_body_unread():
            self._discarded_bytes = 0
            self._stop("unread")
            answered = self.cycle is None or self.cycle.response_complete
            if answered and self._is_reading_header() and self.timeout_keep_alive_task is None:
                self._start_header_timer()  # uvicorn's clock for a quiet connection ends with the first byte

    def on_response_complete(self) -> None:
        super().on_response_complete()  # type: ignore[misc]
        if self._is_body_unread() and not self.transport.is_closing():
            self._start("unread", self.deadlines.unread, self._close)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start("unsent", self.deadlines.unsent, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop("unsent")

    def send_400_response(self, msg: str) -> None:
        """uvicorn's word for a request its parser refused."""
        self._send_refusal(_TOO_LARGE if self._too_large else _MALFORMED, in_body=not self._is_reading_header())

    def _feed(self, piece: bytes) -> None:
        raise NotImplementedError

    def _is_reading_header(self) -> bool:
        """Whether the next byte belongs to a header."""
        raise NotImplementedError

    def _is_reading_body(self) -> bool:
        raise NotImplementedError

    def _has_begun_header(self) -> bool:
        """Whether bytes of a header came that is not whole yet."""
        raise NotImplementedError

    def _is_body_unread(self) -> bool:
        """Whether the request was answered before its body came to its end."""
        return self.cycle is not None and self.cycle.response_complete and self._is_reading_body()

    def _start_header_timer(self) -> None:
        if not self.transport.is_closing():
            self._start("header", self.deadlines.header, self._on_header_timeout)

    def _stop_header_timer(self) -> None:
        self._stop("header")

    def _on_header_timeout(self) -> None:
        self._stop("header")
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False  # half of a next request, behind one that is still being answered
        elif self._has_begun_header():
            self._send_refusal(_TOO_SLOW)
        else:
            self._close()

    def _send_refusal(self, answer: bytes, *, in_body: bool = False) -> None:
        """Answer what cannot be read, and close. `in_body`: it belongs to the request under way."""
        if self._is_refused or self.transport.is_closing():
            return
        self._stop_header_timer()
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way and not in_body:  # it came behind one that is still being answered
            self._is_refused, self.cycle.keep_alive = True, False
            return
        if under_way and self.cycle.response_started:
            self.transport.close()
            return
        if under_way:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(answer)
        self._end()

    def _end(self) -> None:
        """Say that nothing more comes, and throw away for a while what is still sent: closed at once, the sender would
        be told of a broken connection and not of the answer."""
        self._is_refused, self._discarded_bytes = True, 0
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._stop("unread")
        self._start("unread", self.deadlines.unread, self._close)

    def close_after_answer(self) -> None:
        """Close behind the last answer."""
        if self._is_body_unread() and not self.transport.is_closing():
            self._end()
        else:
            self.transport.close()

    def _wrap_answer_transport(self) -> None:
        if self.cycle is not None and self.cycle.transport is self.transport:
            self.cycle.transport = _AnswerTransport(self)

    def _throw_away(self, count: int) -> None:
        self._discarded_bytes += count
        if self._discarded_bytes > _UNREAD:
            self._close()

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _start(self, name: str, seconds: float, done: Callable[[], None]) -> None:
        """Begin a timer that does not run yet."""
        if name not in self._timers:
            self._timers[name] = self.loop.call_later(seconds, done)

    def _stop(self, name: str) -> None:
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()


class _AnswerTransport:
    """What one answer is written to. Its end is not closed before its request was read."""

    def __init__(self, protocol: _TimedProtocol) -> None:
        self._protocol = protocol
        self.write, self.is_closing = protocol.transport.write, protocol.transport.is_closing

    def close(self) -> None:
        self._protocol.close_after_answer()


class _LimitedConnection(h11.Connection):
    """h11 limits what it has not read yet; this also limits what came at once."""

    too_large = False

    def next_event(self) -> Any:
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as wrong:
            self.too_large = wrong.error_status_hint == 431
            raise
        if isinstance(event, h11.Request):
            raw = event.headers.raw_items()
            size = len(event.method) + len(event.target) + 12 + sum(len(name) + len(value) + 4 for name, value in raw)
            if size > LARGEST_HEADER or len(raw) > MOST_HEADERS:
                self.too_large = True
                raise h11.RemoteProtocolError(_LIMIT, error_status_hint=431)
        return event


class LimitedH11(_TimedProtocol, H11Protocol):
    """uvicorn's protocol over h11, limited."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.conn: _LimitedConnection = _LimitedConnection(h11.SERVER, LARGEST_HEADER)

    def _feed(self, piece: bytes) -> None:
        H11Protocol.data_received(self, piece)

    def handle_events(self) -> None:
        super().handle_events()
        self._wrap_answer_transport()
        if self._is_refused or self.transport.is_closing():
            return
        if not self._is_reading_header():
            self._stop_header_timer()
        elif self.conn.trailing_data[0]:
            self._start_header_timer()

    def send_400_response(self, msg: str) -> None:
        self._too_large = self.conn.too_large
        super().send_400_response(msg)

    def _is_reading_header(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _is_reading_body(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    def _has_begun_header(self) -> bool:
        return bool(self.conn.trailing_data[0])


def _httptools_protocol() -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class LimitedHttpTools(_TimedProtocol, HttpToolsProtocol):
        """uvicorn's protocol over httptools, limited: its parser has no limit of its own."""

        def __init__(self, *args: Any, **kw: Any) -> None:
            super().__init__(*args, **kw)
            self._part = "header"  # of a request, that the next byte belongs to; then "body"
            self._pending = 0  # bytes of a header that is not whole yet
            self._size = self._count = 0  # of the header lines and URL read so far
            self._begun = 0  # requests
            self._is_whole = True  # no request has begun that is not read to its end

        def _feed(self, piece: bytes) -> None:
            begun, was_whole = self._begun, self._is_whole
            HttpToolsProtocol.data_received(self, piece)
            if self._is_refused or self.transport.is_closing():
                return
            if self._part == "header" and not self._is_whole and self._begun == begun + was_whole:
                self._pending += len(piece)
                if self._pending > LARGEST_HEADER:
                    self._too_large = True
                    self._send_refusal(_TOO_LARGE)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._part, self._begun, self._is_whole = "header", self._begun + 1, False
            self._size = self._count = self._pending = 0
            self._start_header_timer()

        def on_url(self, url: bytes) -> None:
            super().on_url(url)
            self._sized(len(url))

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count += 1
            self._sized(len(name) + len(value) + 4)
            if self._part == "header":  # a trailer is no header, and would be taken for one
                super().on_header(name, value)

        def _sized(self, more: int) -> None:
            self._size += more
            if self._size > LARGEST_HEADER or self._count > MOST_HEADERS:
                self._too_large = True
                raise ValueError(_LIMIT)

        def on_headers_complete(self) -> None:
            self._part = "body"
            self._stop_header_timer()
            super().on_headers_complete()
            self._wrap_answer_transport()

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._part, self._pending, self._is_whole = "header", 0, True

        def _is_reading_header(self) -> bool:
            return self._part == "header"

        def _is_reading_body(self) -> bool:
            return self._part == "body"

        def _has_begun_header(self) -> bool:
            return not self._is_whole

    return LimitedHttpTools


def protocol_class(name: str = "auto", deadlines: ConnectionDeadlines | None = None) -> type[asyncio.Protocol]:
    """The protocol class for uvicorn's `http`: over `httptools`, `h11`, or (`auto`) httptools where it is installed."""
    if name == "auto":
        name = "httptools" if importlib.util.find_spec("httptools") else "h11"
    base: type[Any] = _httptools_protocol() if name == "httptools" else LimitedH11
    return type(base.__name__, (base,), {"deadlines": deadlines or ConnectionDeadlines()})
