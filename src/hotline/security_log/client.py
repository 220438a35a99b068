"""The address of the client whose request is being answered, as the edge tells it."""

from contextvars import ContextVar

_ADDRESS: ContextVar[str | None] = ContextVar("client_address", default=None)


def set_client_address(address: str | None) -> None:
    """Called once for each request, by what resolves the address behind named proxies."""
    _ADDRESS.set(address)


def current_client_address() -> str | None:
    """None: no request, or its address is not known. A database's thread does not know it either: an event is made
    before its transaction."""
    return _ADDRESS.get()
