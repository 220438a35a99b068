"""Debian's HAProxy over the file we ship: only the address to bind and the addresses of the servers are changed."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")


def configured(folder: Path, port: int, servers: Sequence[int]) -> Path:
    """The shipped file for this port and these servers on loopback."""
    text = SHIPPED.read_text()
    changed = {"bind :8080": f"bind 127.0.0.1:{port}", "api1:8000": f"127.0.0.1:{servers[0]}",
               "api2:8000": f"127.0.0.1:{servers[1]}"}  # fmt: skip
    for shipped, ours in changed.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, ours)
    path = folder / "haproxy.cfg"
    path.write_text(text)
    return path


def check(path: Path) -> "subprocess.CompletedProcess[str]":
    """What HAProxy says of a file."""
    assert HAPROXY is not None
    return subprocess.run([HAPROXY, "-c", "-f", str(path)], capture_output=True, text=True, check=False)


@contextmanager
def proxy(folder: Path, *servers: int) -> Iterator[str]:
    """HAProxy in front of two servers; its address."""
    assert HAPROXY is not None
    port = free_port()
    path = configured(folder, port, servers)
    checked = check(path)
    assert checked.returncode == 0, checked.stderr
    with (folder / "haproxy.log").open("ab") as log:
        running = subprocess.Popen([HAPROXY, "-db", "-f", str(path)], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert running.poll() is None, (folder / "haproxy.log").read_text()
                assert time.monotonic() < until, "the proxy does not listen"
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)
