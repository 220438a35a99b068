"""Memory that a process has freed and the C library keeps."""

import ctypes
import sys

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def keep_one_heap() -> None:
    """Let all threads allocate from one heap. By itself glibc gives each of the first sixteen on two cores its own, and
    what a thread frees stays there: 6 MB of an API. To be called before threads begin; only glibc."""
    limit = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if limit is not None:
        limit(_ARENA_MAX, 1)


def release_unused_memory() -> None:
    """Give it back to the system: after something large was read or built in many steps, such as a directory's words or
    a model. Takes some milliseconds; does nothing where the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
