"""Runs work that takes minutes of processor time in a process of its own, so that it delays no request."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence

MAX_OUTPUT = 4000  # characters of what it said that are kept
KILL_AFTER_SECONDS = 5.0  # seconds from the word to leave until it is ended
EXIT_DRIFT = 3  # how `figures check` leaves where rollups differ
NORMAL_EXITS = (0, -signal.SIGTERM, -signal.SIGINT)  # done, or stopped by a signal


class WorkerSubprocess:
    """Runs one command of `hotline` at a time on the same database. `settings`: environment variables beside those of
    this process."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._running: asyncio.subprocess.Process | None = None
        self._stopped = False
        self._turn = asyncio.Lock()

    async def run(self, *command: str) -> tuple[int, str]:
        """Its exit code and the end of its output; -15 where it was stopped."""
        async with self._turn:
            return (-15, "") if self._stopped else await self._run(command)

    async def _run(self, command: Sequence[str]) -> tuple[int, str]:
        process = self._running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hotline.cli", *command),
            env={**os.environ, **self._settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us, who tell it
        )
        if self._stopped:  # while it was begun
            self._end()
        try:
            output, _ = await process.communicate()
        finally:
            self._end()
            self._running = None
        return process.returncode or 0, output.decode(errors="replace")[-MAX_OUTPUT:]

    def stop(self) -> None:
        """Starts nothing more, and stops what runs."""
        self._stopped = True
        self._end()

    def _end(self) -> None:
        if self._running is not None and self._running.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._running.terminate()
            asyncio.get_running_loop().call_later(KILL_AFTER_SECONDS, _kill, self._running)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
