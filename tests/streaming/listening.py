"""A real server on loopback in the test's own loop, and somebody who listens to its stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import uvicorn
from fastapi import FastAPI


@contextlib.asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The app's address. Its services are opened and closed by the test."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    with contextlib.suppress(AttributeError):
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server._serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        app.state.services.leave()
        server.should_exit = True
        await running
        for connection in list(server.server_state.connections):  # uvicorn leaves what the grace was too short for
            connection.transport.abort()  # type: ignore[union-attr]
        await asyncio.sleep(0)


class Ear:
    """One open stream: events as (id, name, data)."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.last: int | None = None

    async def next(self, within: float = 5) -> tuple[int | None, str, Any]:
        place, name, data = None, "", None
        async with asyncio.timeout(within):
            async for line in self._lines:
                if line.startswith("id: "):
                    place = int(line[4:])
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    data = orjson.loads(line[6:])
                elif not line and name:
                    self.last = place if place is not None else self.last
                    return place, name, data
        raise EOFError

    async def tickets(self, count: int) -> list[tuple[int | None, Any]]:
        found: list[tuple[int | None, Any]] = []
        while len(found) < count:
            place, name, data = await self.next()
            if name == "ticket":
                found.append((place, data))
        return found


@contextlib.asynccontextmanager
async def listening(address: str, authorization: str, query: str = "", after: int | None = None) -> AsyncIterator[Ear]:
    headers = {"authorization": authorization, **({"last-event-id": str(after)} if after is not None else {})}
    async with (
        httpx.AsyncClient(base_url=address, timeout=10) as http,
        http.stream("GET", f"/v1/stream{query}", headers=headers) as response,
    ):
        if response.status_code != 200:
            await response.aread()
        yield Ear(response)
