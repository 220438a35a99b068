"""The client's address behind the proxies that are named in the settings. Only this module reads X-Forwarded-For and
X-Forwarded-Proto; other code calls `client_address`."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from hotline.security_log.client import set_client_address
from hotline.web.addresses import Network, parse_address, resolve_client_address
from hotline.web.guard import App, Receive, Scope, Send


class ForwardedClient:
    """Plain ASGI around the application: sets `client` and `scheme` of each request. Headers of anybody but a named
    proxy are ignored; `Forwarded` and `X-Real-IP` are ignored from everybody."""

    def __init__(self, app: App, proxies: Sequence[Network] = ()) -> None:
        self.app, self._proxies = app, proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            peer, port = scope.get("client") or (None, 0)
            found = resolve_client_address(peer, _header_values(scope, b"x-forwarded-for"), self._proxies)
            address = parse_address(peer)
            if address is not None and any(address in network for network in self._proxies):
                scheme = (_header_values(scope, b"x-forwarded-proto") or [""])[-1].strip().lower()
                if scheme in ("http", "https"):
                    scope["scheme"] = scheme
            scope["client"] = None if found is None else (found, port if found == str(address) else 0)
            set_client_address(found)
        await self.app(scope, receive, send)


def _header_values(scope: Scope, name: bytes) -> list[str]:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key == name]


def client_address(request: Request) -> str | None:
    """The address of the client of this request, IPv4 or IPv6, without a port. None: it has none that is known."""
    client: Any = request.client
    return client.host if client else None
