"""A provider's far side for sending: takes what the adapters send, remembers it, answers as told."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson


class Handset:
    """An httpx transport handler: every text that was handed over, in order. `say` decides what each is answered."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.requests: list[httpx.Request] = []
        self.say: Callable[[dict[str, Any]], httpx.Response | Exception | None] = lambda text: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = orjson.loads(request.content) if request.content[:1] == b"{" else {}
        text = {**body, "host": request.url.host}
        said = self.say(text)
        if isinstance(said, Exception):
            raise said
        if said is not None and said.status_code >= 300:
            return said
        self.got.append(text)
        return said or httpx.Response(200, json={"id": f"p-{len(self.got)}"})

    def bodies(self) -> list[str]:
        return [t["text"] for t in self.got]
