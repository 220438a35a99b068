"""Starts `hotline` in processes of their own without importing it each time: a server imports it once and forks for
every command.

A start costs 30 ms of processor instead of 1.3 s. What runs is a real process: own environment, folder, umask, standard
streams, signals, exit code. Tests of the start itself use `subprocess`.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn

LARGEST = 1 << 20  # bytes of one request: arguments and environment
HIGHEST = 256  # file descriptors the server may hold


class ForkedProcess:
    """What `subprocess.Popen` offers, for a child of the fork server."""

    def __init__(self, args: list[str], told: int) -> None:
        self.args, self._told = args, told
        self.returncode: int | None = None
        self.pid = int(self._next(None) or 0)

    def _next(self, timeout: float | None) -> str | None:
        """The next line about it; None: not yet."""
        if not select.select([self._told], [], [], timeout)[0]:
            return None
        return os.read(self._told, 100).decode() or "-9"  # the server died

    def poll(self) -> int | None:
        if self.returncode is None and (said := self._next(0)) is not None:
            self.returncode = int(said)
            os.close(self._told)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if (said := self._next(timeout)) is None:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = int(said)
            os.close(self._told)
        return self.returncode

    def send_signal(self, sign: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Server:
    """The one fork server of this process."""

    def __init__(self) -> None:
        self.control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._running = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(far.fileno())],
            cwd=Path(__file__).parents[1],
            pass_fds=[far.fileno()],
            stdin=subprocess.DEVNULL,
        )
        far.close()

    def close(self) -> None:
        self.control.close()
        self._running.wait(20)


_servers: list[_Server] = []


def _server() -> _Server:
    if not _servers:
        _servers.append(_Server())
        atexit.register(_servers[0].close)
    return _servers[0]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def start(
    args: list[str], *, env: Mapping[str, str], cwd: Path, stdin: IO[Any] | None, stdout: IO[Any], stderr: IO[Any]
) -> ForkedProcess:
    """`hotline ARGS` in a process of its own. `stdin` None: nothing to read."""
    request = json.dumps({"args": args, "env": dict(env), "cwd": str(cwd), "umask": _umask()}).encode()
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as opened:
        opened.callback(theirs.close)
        given = stdin if stdin is not None else opened.enter_context(open(os.devnull, "rb"))
        streams = [given.fileno(), stdout.fileno(), stderr.fileno(), theirs.fileno()]
        socket.send_fds(_server().control, [request], streams)
    return ForkedProcess(["hotline", *args], ours.detach())


def run(
    args: list[str], *, env: Mapping[str, str], cwd: Path, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """`hotline ARGS` to its end; `text` is its standard input."""
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write((text or "").encode())
        given.seek(0)
        code = start(args, env=env, cwd=cwd, stdin=given, stdout=out, stderr=err).wait()
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    return subprocess.CompletedProcess(["hotline", *args], code, *said)


# The other side: the server's own process


def _fork_for(control: socket.socket) -> tuple[int, int] | None:
    """Fork for the next request: (pid, where to tell how it ended); None: nobody asks any more. In the child it does
    not return, but leaves as `hotline` does."""
    request, descriptors, _, _ = socket.recv_fds(control, LARGEST, 4)
    if not request:
        return None
    *streams, told = descriptors
    pid = os.fork()
    if pid == 0:
        _become(json.loads(request), streams)
    for stream in streams:
        os.close(stream)
    os.write(told, str(pid).encode())
    return pid, told


def _become(request: dict[str, Any], streams: list[int]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
    os.closerange(3, HIGHEST)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    os.umask(request["umask"])
    at_once = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"), encoding="utf-8", write_through=at_once, line_buffering=at_once)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb"), "utf-8", "backslashreplace", line_buffering=True)
    sys.argv = ["hotline", *request["args"]]
    from hotline import cli

    try:
        cli.app()
    except SystemExit as left:
        if isinstance(left.code, str):  # a text for standard error: the interpreter's own way
            raise
        _leave(left.code or 0)
    _leave(0)


def _leave(code: int) -> NoReturn:
    """End as an interpreter ends, but for taking its modules apart: that touches, and so copies, most of the memory
    shared with the server, and costs as much as all that a short command does."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _serve(control: socket.socket) -> None:
    import hotline
    from tests.triage.seeded import keep_patterns, seeded_lexicon

    for module in pkgutil.walk_packages(hotline.__path__, "hotline."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    for name in ("uvicorn.protocols.http.httptools_impl", "uvloop", "httpcore"):  # what uvicorn and httpx choose later
        importlib.import_module(name)
    # each server makes the same of the same directory: a quarter of the processor time of its start
    keep_patterns()
    seeded_lexicon("ruiquan")

    gc.collect()
    gc.freeze()
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    children: dict[int, int] = {}
    while True:
        ready = select.select([control, woken], [], [])[0]
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                woken.recv(4096)
        if control in ready:
            made = _fork_for(control)
            if made is None:
                return
            children[made[0]] = made[1]
        for pid, told in [*children.items()]:
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone:
                del children[pid]
                with contextlib.suppress(BrokenPipeError):  # nobody waits for it
                    os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
                os.close(told)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
