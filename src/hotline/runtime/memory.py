"""Memory that a process has freed and the C library keeps."""

import ctypes
import sys


def release_unused_memory() -> None:
    """Give it back to the system: after something large was read or built in many steps, such as a directory's words or
    a model. Takes some milliseconds; does nothing where the C library is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
