"""A PostgreSQL for the benchmark: durable, tuned as a small server would be, on a free port, gone afterwards."""

import glob
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.postgres import free_port

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "200",
    "checkpoint_timeout": "30min",
    "autovacuum_naptime": "30s",
}


@dataclass
class Bench:
    url: str
    port: int
    binaries: Path
    folder: Path
    control: list[str]

    def sql(self, text: str) -> str:
        done = subprocess.run(
            [self.binaries / "psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", self.url],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def stop(self) -> None:
        subprocess.run([*self.control, "-m", "fast", "stop"], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu(self) -> float:
        """Seconds of CPU of the server and all its children, ended ones included."""
        head = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        total = 0.0
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                fields = Path(stat).read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            pid = int(stat.split("/")[2])
            if pid == head:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == head:
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")


def start() -> Bench:
    binaries = Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
    folder = Path(tempfile.mkdtemp(prefix="hl-bench-"))
    as_user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    subprocess.run(
        [
            *as_user,
            binaries / "initdb",
            "-D",
            folder / "data",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ],
        check=True,
        capture_output=True,
    )
    options = " ".join(
        [f"-p {port} -k {folder} -c listen_addresses=127.0.0.1", *(f"-c {k}={v}" for k, v in SETTINGS.items())]
    )
    control = [
        *as_user,
        str(binaries / "pg_ctl"),
        "-D",
        str(folder / "data"),
        "-o",
        options,
        "-l",
        str(folder / "log"),
        "-t",
        "60",
    ]
    subprocess.run(
        [*control, "-w", "start"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    bench = Bench(f"postgresql://postgres@127.0.0.1:{port}/postgres", port, binaries, folder, control)
    bench.sql("CREATE DATABASE bench")
    bench.url = f"postgresql://postgres@127.0.0.1:{port}/bench"
    return bench
