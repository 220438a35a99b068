"""The API and the console over the services, served until told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from hotline.application import build_app
from hotline.composition import upkeep_jobs
from hotline.console import app as console
from hotline.operations.readiness import refresh
from hotline.runtime.upkeep import keep_up
from hotline.settings import Settings
from hotline.tickets.context import Services
from hotline.web import connections
from hotline.wiring import open_services, set_up_logs, settle_memory, worker_of

SWITCH = 0.0005  # seconds
GRACE = 8  # seconds a shutdown waits for requests under way
STOP = 3  # and for what the process does beside them


def app_of(settings: Settings, *, with_worker: bool) -> FastAPI:
    """The API over these settings; with the worker beside it in one process."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Services]:
        async with open_services(settings) as services:
            worker = worker_of(settings, services) if with_worker else None
            running = asyncio.create_task(worker.run()) if worker else None
            # before the first request: the database may go away at any moment
            await refresh(services, services.clock())
            stop = asyncio.Event()
            upkeep = asyncio.create_task(keep_up(upkeep_jobs(services, worker), stop))
            try:
                yield services
            finally:
                stop.set()
                if not (await asyncio.wait({upkeep}, timeout=STOP))[0]:  # what is spooled stays there
                    upkeep.cancel()
                if worker and running:
                    worker.stop()
                    await running

    app = build_app(opening, with_docs=settings.docs, proxies=settings.proxies)
    app.router.routes.extend(console.routes())
    return app


class _Server(uvicorn.Server):
    """Told to stop, it says so to whoever asks for its health and goes on for `drain` seconds; then it ends what waits
    for news, and waits for what is under way."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain: float) -> None:
        super().__init__(config)
        self._app, self._drain = app, drain

    async def shutdown(self, sockets: Any = None) -> None:
        self._app.state.services.leaving = True
        until = asyncio.get_running_loop().time() + self._drain
        while asyncio.get_running_loop().time() < until and not self.force_exit:
            await asyncio.sleep(0.1)
        self._app.state.services.leave()
        await super().shutdown(sockets)


def serve(settings: Settings, *, with_worker: bool, ready: Any = None) -> None:
    """Serve until told to stop: refuse, drain, leave."""
    os.umask(0o077)
    set_up_logs(settings.log_level)
    if settings.notice_url is None:
        structlog.get_logger("hotline").warning(
            "notices.no_address", why="HOTLINE_NOTICE_URL is not set: messages wait"
        )
    # SQLite's writer asks for the interpreter after every row; at the usual 5 ms it would wait that long behind a
    # busy loop
    sys.setswitchinterval(SWITCH)
    app = app_of(settings, with_worker=with_worker)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        proxy_headers=False,  # `web/forwarded` reads them
        server_header=False,
        timeout_keep_alive=30,
        http=connections.protocol(),
    )
    server = _Server(config, app, settings.drain_seconds)

    # uvicorn handles these while it serves, and raises them once more when it has left: by then we have drained and
    # are done
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: None)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        settle_memory()
        if server.started and ready is not None:
            ready()
        await serving

    runner = config.get_loop_factory()  # uvloop where it is installed
    with asyncio.Runner(loop_factory=runner) as loop:
        loop.run(run())
