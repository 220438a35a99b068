"""How the tests run `hotline`."""

import os
import subprocess
import sys
from pathlib import Path

from tests import fork_server


def hotline(folder: Path, *args: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """The command to its end, by a server that has imported everything."""
    done = fork_server.run([*args], env=settings_of(folder, env), cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def interpreted(folder: Path, *args: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """The same by a new interpreter, as in life."""
    command = [sys.executable, "-m", "hotline.cli", *args]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=settings_of(folder, env),
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def settings_of(folder: Path, more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "HOTLINE_DATA_DIR": str(folder / "data"), **more}
