"""The API and the console over the services, served until stopped."""

import hotline.lean_imports  # noqa: F401  # isort: skip  (before structlog)

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
from hotline.operations.readiness import refresh_caches
from hotline.runtime.memory import keep_one_heap
from hotline.runtime.upkeep import run_maintenance
from hotline.settings import Settings
from hotline.text.simplified import load_tables
from hotline.tickets.context import Services
from hotline.triage.model.lexicon import build_lexicon
from hotline.web import connections
from hotline.wiring import build_worker, configure_logging, open_services, tune_memory

SWITCH = 0.0005  # seconds
REQUEST_GRACE_SECONDS = 8  # seconds a shutdown waits for requests under way
UPKEEP_STOP_SECONDS = 3  # and for what the process does beside them


def build_server_app(settings: Settings, *, with_worker: bool) -> FastAPI:
    """The API over these settings; with the worker beside it in one process."""

    @asynccontextmanager
    async def open_app_services() -> AsyncIterator[Services]:
        async with open_services(settings) as services:
            worker = build_worker(settings, services) if with_worker else None
            running = asyncio.create_task(worker.run()) if worker else None
            # before the first request: the database may become unavailable at any moment
            if await refresh_caches(services, services.clock()):
                services.directory.derived(build_lexicon)
            load_tables()
            stop = asyncio.Event()
            upkeep = asyncio.create_task(run_maintenance(upkeep_jobs(services, worker), stop))
            try:
                yield services
            finally:
                stop.set()
                if not (await asyncio.wait({upkeep}, timeout=UPKEEP_STOP_SECONDS))[0]:  # what is spooled stays there
                    upkeep.cancel()
                if worker and running:
                    worker.stop()
                    await running

    app = build_app(
        open_app_services,
        with_docs=settings.docs,
        proxies=settings.proxies,
        anonymous_requests=settings.anonymous_requests,
    )
    app.router.routes.extend(console.console_routes())
    return app


class _Server(uvicorn.Server):
    """On a stop signal the readiness check fails and requests are served for `drain` more seconds; then open streams
    are closed and requests in progress are completed."""

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
    """Serve until stopped: refuse new requests, drain, exit."""
    os.umask(0o077)
    keep_one_heap()
    configure_logging(settings.log_level)
    if settings.notice_url is None:
        structlog.get_logger("hotline").warning(
            "notices.no_address", why="HOTLINE_NOTICE_URL is not set: messages wait"
        )
    # SQLite's writer asks for the interpreter after every row; at the usual 5 ms it would wait that long behind a
    # busy loop
    sys.setswitchinterval(SWITCH)
    app = build_server_app(settings, with_worker=with_worker)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=REQUEST_GRACE_SECONDS,
        proxy_headers=False,  # `web/forwarded` reads them
        server_header=False,
        timeout_keep_alive=30,
        http=connections.protocol_class(),
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
        tune_memory()
        if server.started and ready is not None:
            ready()
        await serving

    runner = config.get_loop_factory()  # uvloop where it is installed
    with asyncio.Runner(loop_factory=runner) as loop:
        loop.run(run())
