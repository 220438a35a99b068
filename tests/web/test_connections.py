"""A connection ends: a header that drips, is huge, or never comes; a refused body; a reader who does not read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import pytest
import uvicorn

from hotline.locales import translate_pair
from hotline.refusals import Code
from hotline.web.connections import LARGEST_HEADER, MOST_HEADERS, ConnectionDeadlines, protocol_class

pytestmark = pytest.mark.parametrize("parser", ["httptools", "h11"])
SHORT = ConnectionDeadlines(header=0.3, unread=0.3, unsent=0.3)
Scope = dict[str, Any]


async def echo(scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Answers with the names of the headers; reads the body but at /unread; sends without end at /much."""
    size, more = 0, scope["path"] != "/unread"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    names = b" ".join(sorted({name for name, _ in scope["headers"]}))
    said = b"%d %s" % (size, names)
    status, much = (401 if scope["path"] == "/unread" else 200), scope["path"] == "/much"
    headers = [] if much else [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    while much:
        scope["state"]["sent"].append(1)
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": said})


@contextlib.asynccontextmanager
async def serving(parser: str, deadlines: ConnectionDeadlines, app: Any = echo) -> AsyncIterator[int]:
    config = uvicorn.Config(
        app, port=0, log_level="critical", lifespan="off", http=protocol_class(parser, deadlines), timeout_keep_alive=30
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await running
        for connection in list(server.server_state.connections):  # uvicorn leaves what is not answered yet
            connection.transport.abort()  # type: ignore[union-attr]
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def connected(parser: str, deadlines: ConnectionDeadlines = SHORT) -> AsyncIterator[tuple[Any, Any]]:
    """A raw connection; nothing in it may take longer than ten seconds."""
    async with serving(parser, deadlines) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()  # closed, it would wait until what was written is read


async def status_of(reader: asyncio.StreamReader) -> int:
    return int((await reader.readline()).split()[1])


@pytest.mark.parametrize(
    "begun",
    [b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"GET /", b"\r\n", b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n"],
)
async def test_a_header_that_never_ends_is_cut(parser: str, begun: bytes) -> None:
    async with connected(parser) as (reader, writer):
        writer.write(begun)
        said = await reader.read()
        assert said == b"" or b" 408 " in said or b" 400 " in said


async def test_a_header_that_drips_is_cut_however_steadily_it_drips(parser: str) -> None:
    async with connected(parser) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nx: ")

        async def drip() -> None:
            while True:
                writer.write(b"y")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        try:
            assert await status_of(reader) == 408
        finally:
            dripping.cancel()


async def test_a_silent_connection_is_closed_and_told_nothing(parser: str) -> None:
    async with connected(parser) as (reader, _):
        assert await reader.read() == b""


async def test_the_next_header_of_a_kept_connection_has_the_same_deadline(parser: str) -> None:
    async with connected(parser, ConnectionDeadlines(header=1)) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await status_of(reader) == 200
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"GET / HT")
        rest = await reader.read()
        assert b" 408 " in rest


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "header",
    [
        b"x: " + b"y" * 2_000_000,
        b"x: " + b"y" * LARGEST_HEADER,
        b"\r\n".join(b"x%d: y" % n for n in range(MOST_HEADERS + 1)),
        b"\r\n".join(b"x: y" for _ in range(20_000)),
    ],
    ids=["2 MB", "one byte too many", "101 headers", "20,000 headers"],
)
async def test_a_huge_header_is_refused(parser: str, header: bytes, whole: bool) -> None:
    async with connected(parser, ConnectionDeadlines()) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n" + header)
        if whole or len(header) < LARGEST_HEADER:
            writer.write(b"\r\n\r\n")
        assert await status_of(reader) == 431


async def test_a_huge_request_line_is_refused(parser: str) -> None:
    async with connected(parser, ConnectionDeadlines()) as (reader, writer):
        writer.write(b"GET /?" + b"a" * LARGEST_HEADER + b" HTTP/1.1\r\nhost: a\r\n\r\n")
        assert await status_of(reader) == 431


async def test_a_header_just_within_the_limit_is_served(parser: str) -> None:
    lines = b"".join(b"x%d: %s\r\n" % (n, b"y" * 300) for n in range(MOST_HEADERS - 1))
    async with connected(parser, ConnectionDeadlines()) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n" + lines + b"\r\n")
        assert await status_of(reader) == 200


async def test_a_trailer_never_becomes_a_header(parser: str) -> None:
    async with connected(parser, ConnectionDeadlines()) as (reader, writer):
        writer.write(
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
            b"x-forwarded-for: 192.0.2.1\r\n\r\n"
        )
        assert await status_of(reader) == 200
        said = await reader.readuntil(b"transfer-encoding")
        assert b"3 host" in said and b"forwarded" not in said


@pytest.mark.parametrize("connection", [b"keep-alive", b"close"])
async def test_whoever_is_refused_before_the_body_was_read_reads_the_refusal(parser: str, connection: bytes) -> None:
    async with connected(parser, ConnectionDeadlines()) as (reader, writer):
        writer.write(
            b"POST /unread HTTP/1.1\r\nhost: a\r\nconnection: %s\r\ncontent-length: 4000000\r\n\r\n" % connection
        )
        for _ in range(40):
            writer.write(b"b" * 100_000)
            await writer.drain()
        assert await status_of(reader) == 401
        await reader.readuntil(b"host")


async def test_the_rest_of_a_refused_body_cannot_drip_for_ever(parser: str) -> None:
    async with connected(parser) as (reader, writer):
        writer.write(b"POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n\r\nb")
        assert await status_of(reader) == 401

        async def drip() -> None:
            while True:
                writer.write(b"b")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        try:
            with contextlib.suppress(ConnectionError):
                await reader.read()
        finally:
            dripping.cancel()


async def test_requests_that_came_together_are_answered_in_order(parser: str) -> None:
    async with connected(parser, ConnectionDeadlines()) as (reader, writer):
        one = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%s"
        writer.write(b"".join(one % (n, b"b" * n) for n in (1, 22, 70_000, 4)))
        for n in (b"1", b"22", b"70000", b"4"):
            assert await status_of(reader) == 200
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            assert (await reader.readexactly(length)).split()[0] == n


async def test_what_is_malformed_behind_a_good_request_does_not_lose_its_answer(parser: str) -> None:
    async with connected(parser, ConnectionDeadlines()) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc\0\0 nonsense\r\n\r\n")
        assert await status_of(reader) == 200


async def test_a_reader_who_reads_nothing_is_let_go(parser: str) -> None:
    sent: list[int] = []

    async def counted(scope: Scope, receive: Any, send: Any) -> None:
        scope["state"]["sent"] = sent
        await echo(scope, receive, send)
        raise AssertionError("it never ends by itself")

    ended = asyncio.Event()

    async def watched(scope: Scope, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if ended.is_set():
                raise ConnectionError
            await send(message)

        async def hang_up() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            ended.set()

        scope["state"]["sent"] = sent
        await receive()
        watching = asyncio.create_task(hang_up())
        with contextlib.suppress(ConnectionError):
            await echo({**scope, "path": "/much"}, _nothing, sending)
        await watching

    async with serving(parser, SHORT, watched) as port, asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET /much HTTP/1.1\r\nhost: a\r\n\r\n")
        await ended.wait()
        writer.transport.abort()


async def _nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"BR{W / HTTP/1.1\r\nhost: a\r\n\r\n", 400, Code.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"x" * 40_000 + b"\r\n\r\n", 431, Code.TOO_LARGE),
    ],
)
async def test_what_never_becomes_a_request_is_told_in_the_one_shape(
    parser: str, sent: bytes, status: int, code: Code
) -> None:
    async with connected(parser) as (reader, writer):
        writer.write(sent)
        said = orjson.loads((await reader.read()).rpartition(b"\r\n\r\n")[2])
        titles = (said["title_zh"], said["title"])
        assert (said["status"], said["type"], titles) == (
            status,
            f"urn:hotline:problem:{code}",
            translate_pair(f"problem.{code}"),
        )
