"""Imports libraries without what a server never uses, as they do themselves where it is not to be had: structlog and
httpx without rich and Pygments (7 MB, for tracebacks in colour and for a command line), FastAPI without pydantic.v1 (2
MB, of which it asks whether a type is one). To be imported before them; the command line imports rich afterwards."""

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]
