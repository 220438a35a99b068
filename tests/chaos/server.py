"""A real server process for the tests that kill one."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests import fork_server
from tests.fork_server import ForkedProcess
from tests.postgres import free_port


@dataclass
class Process:
    """`hotline serve` over these settings; `kill` as a crash would, `stop` as an operator would. `imported`: by a
    server that has imported everything; False: by a new interpreter, as in life."""

    env: dict[str, str]
    folder: Path
    port: int = field(default_factory=free_port)
    imported: bool = True
    tls: ssl.SSLContext | None = None  # of a client, where the server ends TLS
    running: subprocess.Popen[bytes] | ForkedProcess | None = None

    def cli(self, *args: str, input: str | None = None) -> str:  # noqa: A002
        done = fork_server.run([*args], env={**os.environ, **self.env}, cwd=self.folder, text=input)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.strip()

    def start(self, *args: str) -> None:
        command = [*(args or ("serve",)), "--port", str(self.port)]
        env = {**os.environ, "HOTLINE_LOG_LEVEL": "error", **self.env}
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            if self.imported:
                self.running = fork_server.start(command, env=env, cwd=self.folder, stdin=None, stdout=out, stderr=err)
            else:
                whole = [sys.executable, "-m", "hotline.cli", *command]
                self.running = subprocess.Popen(whole, env=env, cwd=self.folder, stdout=out, stderr=err)
        until = time.monotonic() + 90  # a new interpreter on a busy machine
        while time.monotonic() < until:
            try:
                scheme = "http" if self.tls is None else "https"
                at = f"{scheme}://127.0.0.1:{self.port}/healthz"
                urllib.request.urlopen(at, timeout=1, context=self.tls).read()
                return
            except OSError:
                assert self.running.poll() is None, (self.folder / "err").read_text()
                time.sleep(0.05)
        raise AssertionError("the server did not answer")

    def said(self, last: str, after: int = 0) -> str:
        """What it printed beyond the first `after` characters, once `last` stands there: it answers before it greets."""
        until = time.monotonic() + 30
        while last not in (text := (self.folder / "out").read_text()[after:]):
            assert time.monotonic() < until, text
            time.sleep(0.02)
        return text

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def stop(self) -> int:
        assert self.running is not None
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(timeout=20)

    async def astart(self) -> None:
        await asyncio.to_thread(self.start)
