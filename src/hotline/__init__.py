"""A 24365 hotline: take a matter in, triage it, route it, follow it until it is solved and the resident called back."""

import sys

# Two libraries import rich and Pygments, 7 MB of every process, for what is never used here: structlog for tracebacks
# in colour (the log is JSON), httpx for its command line. Both do without where rich is not to be had; our own command
# line imports it afterwards.
if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
