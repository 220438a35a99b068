"""Imports structlog and httpx without rich and Pygments, 7 MB of a server that it never uses: structlog has them for
tracebacks in colour (the log is JSON), httpx for its command line. Both do without where rich is not to be had. To be
imported before them; the command line imports rich afterwards."""

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
