"""What takes longer than other requests may wait is worked out beside the event loop."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.application import build_app
from hotline.tickets.context import Services
from hotline.tickets.routes import explain
from tests.conftest import Player, _never

Noted = Callable[[Callable[..., Any]], Callable[..., Any]]


@pytest.fixture
def threads() -> set[str]:
    return set()


@pytest.fixture
def noted(threads: set[str]) -> Noted:
    """Wraps a function, to note on which threads it runs."""

    def wrap(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            threads.add(threading.current_thread().name.rpartition("_")[0])
            return work(*args)

        return run

    return wrap


async def test_the_api_description_is_made_beside_the_event_loop(
    services: Services, app: FastAPI, noted: Noted, threads: set[str]
) -> None:
    documented = build_app(_never, with_docs=True)
    documented.state = app.state
    documented.openapi = noted(documented.openapi)  # type: ignore[method-assign]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=documented), base_url="http://hotline") as http:
        replies = [await http.get("/openapi.json") for _ in range(2)]
    assert [r.json()["info"]["title"] for r in replies] == ["Hotline", "Hotline"]
    assert threads == {"offload"}


async def test_a_limit_of_thousands_of_days_is_counted_beside_the_event_loop(
    desk: Player, noted: Noted, threads: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("calculate_limit", "explain_limit"):
        monkeypatch.setattr(explain, name, noted(getattr(explain, name)))
    question = {"start": "2026-02-13T10:00:00+08:00", "amount": 9000, "unit": "working_days"}
    reply = await desk.post("/v1/explain/deadline", question)
    assert reply.status_code == 200, reply.text
    assert threads == {"offload"}
