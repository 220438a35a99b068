"""How long work waits for a connection of the pool: a request for a moment, as somebody waits for its answer; a job of
the worker longer, as it would only have to begin again."""

from contextvars import ContextVar

REQUEST_WAIT, JOB_WAIT = 2.0, 30.0  # seconds
_IS_JOB: ContextVar[bool] = ContextVar("is_job", default=False)


def mark_as_job() -> None:
    """What this task does from now on, and the tasks it starts, is a job's."""
    _IS_JOB.set(True)


def is_job() -> bool:
    return _IS_JOB.get()


def connection_wait() -> float:
    """Seconds that this task waits for a connection."""
    return JOB_WAIT if _IS_JOB.get() else REQUEST_WAIT
