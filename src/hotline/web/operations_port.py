"""Who may ask for figures, readiness and the API's documentation: the machine itself, networks that are named, and
whoever reaches the operations port."""

from collections.abc import Sequence

from hotline.refusals import Code, Refusal
from hotline.web.addresses import Network, parse_address
from hotline.web.guard import App, Receive, Scope, Send
from hotline.web.problems import problem_response

OPERATIONS_SCOPE_KEY = "hotline.operations"  # in a scope: it came by the operations port
OPERATIONS_PATHS = frozenset({"/metrics", "/readyz", "/docs", "/openapi.json"})
_FOLDERS = ("/docs-files/",)
HEALTH_PATHS = frozenset({"/healthz", "/readyz/intake"})  # for anybody: a proxy asks for them
_NOT_HERE = Refusal(Code.NOT_FOUND, "there is nothing at this path")


class OperationsGate:
    """Plain ASGI, within `ForwardedClient`, so that a client is who a named proxy says it is."""

    def __init__(self, app: App, allowed: Sequence[Network] = ()) -> None:
        self.app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._lets_through(scope):
            await problem_response(_NOT_HERE)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _lets_through(self, scope: Scope) -> bool:
        path: str = scope["path"]
        is_of_operations = path in OPERATIONS_PATHS or path.startswith(_FOLDERS)
        if scope.get(OPERATIONS_SCOPE_KEY):
            return is_of_operations or path in HEALTH_PATHS
        if not is_of_operations:
            return True
        address = parse_address((scope.get("client") or (None,))[0])
        return address is not None and any(address in network for network in self._allowed)


class OperationsPort:
    """The application as it answers at the operations port."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[OPERATIONS_SCOPE_KEY] = True
        await self.app(scope, receive, send)
