"""The API and the console over the services, served until stopped."""

import hotline.lean_imports  # noqa: F401  # isort: skip  (before structlog)

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from hotline.application import EdgeSettings, build_app
from hotline.composition import upkeep_jobs
from hotline.console import app as console
from hotline.operations.readiness import refresh_caches
from hotline.operations.settings_log import note_settings
from hotline.runtime.memory import keep_one_heap
from hotline.runtime.upkeep import run_maintenance
from hotline.settings import Settings
from hotline.text.simplified import load_tables
from hotline.tickets.context import Services
from hotline.triage.model.lexicon import build_lexicon
from hotline.web import connections
from hotline.web.https import HttpsRedirect
from hotline.web.operations_port import OperationsPort
from hotline.web.tls import ServerCertificate
from hotline.wiring import build_worker, configure_logging, open_services, tune_memory

SWITCH = 0.0005  # seconds
REQUEST_GRACE_SECONDS = 8  # seconds a shutdown waits for requests under way
CERTIFICATE_WATCH_SECONDS = 60  # between two looks at its file
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
            await note_settings(services, settings.as_texts(), services.clock())
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

    edge = EdgeSettings(
        settings.proxies, settings.operators, settings.public_url, settings.body_seconds, settings.anonymous_requests
    )
    app = build_app(open_app_services, with_docs=settings.docs, edge=edge)
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


def _config(
    app: Callable[..., Any], host: str, port: int, settings: Settings, certificate: ServerCertificate | None = None
) -> uvicorn.Config:
    """A server with the same limits whatever it serves."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=REQUEST_GRACE_SECONDS,
        proxy_headers=False,  # `web/forwarded` reads them
        server_header=False,
        timeout_keep_alive=settings.idle_seconds,
        http=connections.protocol_class(deadlines=connections.ConnectionDeadlines(header=settings.header_seconds)),
        ssl_context_factory=None if certificate is None else lambda *_: certificate.context,
    )


def _second_server(app: Callable[..., Any], host: str, port: int, settings: Settings) -> uvicorn.Server:
    config = _config(app, host, port, settings)
    config.lifespan = "off"  # the application is started once
    return uvicorn.Server(config)


async def _watch_certificate(certificate: ServerCertificate) -> None:
    """Read the certificate anew when its file changes, and at once on SIGHUP."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    log = structlog.get_logger("hotline")
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), CERTIFICATE_WATCH_SECONDS)
        try:
            if asked.is_set() or certificate.has_changed():
                certificate.reload()
                log.info("tls.certificate_read")
        except OSError as fault:  # the files are being replaced, or do not belong together
            log.error("tls.certificate_unreadable", why=type(fault).__name__)
        asked.clear()


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
    certificate: ServerCertificate | None = None
    if settings.tls_cert is not None and settings.tls_key is not None:
        certificate = ServerCertificate(settings.tls_cert, settings.tls_key)
    config = _config(app, settings.host, settings.port, settings, certificate)
    server = _Server(config, app, settings.drain_seconds)
    beside: list[uvicorn.Server] = []  # what is served at ports of their own
    if settings.operations_port:
        beside.append(_second_server(OperationsPort(app), settings.operations_host, settings.operations_port, settings))
    if settings.http_port:
        beside.append(_second_server(HttpsRedirect(settings.public_url), settings.host, settings.http_port, settings))

    # uvicorn handles these while it serves, and raises them once more when it has left: by then we have drained and
    # are done
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: None)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        tune_memory()
        async with asyncio.TaskGroup() as tasks:
            if server.started:
                if certificate is not None:
                    watching = tasks.create_task(_watch_certificate(certificate))
                    serving.add_done_callback(lambda _: watching.cancel())
                for other in beside:
                    tasks.create_task(other._serve())  # `serve` would catch the signals of the other server
                if ready is not None:
                    ready()
            await serving
            for other in beside:
                other.should_exit = True

    runner = config.get_loop_factory()  # uvloop where it is installed
    with asyncio.Runner(loop_factory=runner) as loop:
        loop.run(run())
