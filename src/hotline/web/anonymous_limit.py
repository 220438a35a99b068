"""How much one address may ask without a log-in. Whoever has a good credential is never counted: many people stand
behind one address."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from hotline.refusals import Code, Refusal
from hotline.web.forwarded import client_address
from hotline.web.guard import App, Message, Receive, Scope, Send
from hotline.web.limits import AddressBudget
from hotline.web.problems import problem_response

HEALTH_PATHS = ("/healthz", "/readyz")
HEALTH_REQUESTS = 10  # times as many: a load balancer that is refused takes the server out
HOOKS = "/v1/hooks/"
_NO_CREDENTIAL = frozenset({401})
_NOT_AUTHENTIC = frozenset({400, 401, 403, 404, 413, 415, 422})  # of a hook, whose sender signs


Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def leads_to_log_in(endpoint: Endpoint) -> Endpoint:
    """Marks a page that tells whoever is not logged in where the log-in is, or 401, and nothing else. Every other page
    is counted before it is answered."""
    endpoint.__dict__["leads_to_log_in"] = True
    return endpoint


def open_pages(routes: Iterable[BaseRoute]) -> list[str]:
    """The paths of the pages that answer somebody who is not logged in. Operations of the API declare a policy."""
    return [
        route.path
        for route in routes
        if type(route) is Route and "leads_to_log_in" not in getattr(route.endpoint, "__dict__", {})
    ]


def open_paths(templates: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is one of these, as routes write them: `/v1/departments/{code}/duty.ics`."""
    plain = frozenset(t for t in templates if "{" not in t)
    shaped = [t.split("/") for t in templates if "{" in t]

    def is_open(path: str) -> bool:
        if path in plain:
            return True
        parts = path.split("/")
        return any(len(parts) == len(form) and all(map(_fits, form, parts)) for form in shaped)

    return is_open


def _fits(form: str, part: str) -> bool:
    """Whether a part of a path is of this form: `duty.ics`, or `{code}` with what stands before and behind it."""
    before, brace, rest = form.partition("{")
    if not brace:
        return form == part
    behind = rest.rpartition("}")[2]
    return len(part) > len(before) + len(behind) and part.startswith(before) and part.endswith(behind)


class AnonymousLimiter:
    """Plain ASGI around the routes. What needs no credential is counted before it is answered; of everything else, what
    is refused for its credential, what is no path of ours, and a page that leads to the log-in. `most`: a minute, from
    one address, in this process; 0: no limit. `find_open`: which paths need no credential, asked with the first
    request; `unlimited`: where paths begin that have limits of their own, or none."""

    def __init__(
        self, app: App, most: int, find_open: Callable[[], Callable[[str], bool]], unlimited: tuple[str, ...]
    ) -> None:
        self.app, self._most, self._unlimited = app, most, unlimited
        self._find_open = find_open
        self._is_open: Callable[[str], bool] | None = None
        self._budget, self._health = AddressBudget(), AddressBudget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not self._most or path.startswith(self._unlimited):
            await self.app(scope, receive, send)
            return
        if self._is_open is None:
            self._is_open = self._find_open()
        if path.startswith(HEALTH_PATHS):
            wait = self._spend(self._health, scope, self._most * HEALTH_REQUESTS)
        elif self._is_open(path):
            wait = self._spend(self._budget, scope, self._most)
        else:
            await self._answer_counting(path, scope, receive, send)
            return
        if wait:
            await _refusal(self._most, wait)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer_counting(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        counted = _NOT_AUTHENTIC if path.startswith(HOOKS) else _NO_CREDENTIAL
        refused = False

        async def send_counted(message: Message) -> None:
            nonlocal refused
            begins = message["type"] == "http.response.start"
            if begins and (message["status"] in counted or _is_astray(scope, message)):
                wait = self._spend(self._budget, scope, self._most)
                if wait:
                    refused = True
                    await _refusal(self._most, wait)(scope, receive, send)
            if not refused:
                await send(message)

        await self.app(scope, receive, send_counted)

    @staticmethod
    def _spend(budget: AddressBudget, scope: Scope, most: int) -> int:
        return budget.spend(client_address(Request(scope)), most, scope["app"].state.services.clock())


def _is_astray(scope: Scope, message: Message) -> bool:
    """Whether an answer is to somebody who is not logged in: there is no such path, or a page leads to the log-in."""
    if message["status"] == 404:
        return scope.get("route") is None
    return message["status"] == 303 and any(
        name == b"location" and value.startswith(b"/console/login") for name, value in message["headers"]
    )


def _refusal(most: int, wait: int) -> Any:
    return problem_response(
        Refusal(Code.TOO_MANY, f"at most {most} requests a minute without a log-in", retry_after=wait)
    )
