"""The whole circle: persons correct over HTTP, the worker learns, a version acts, and is taken back."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import product
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.learning import service
from hotline.learning.jobs import learning_jobs
from hotline.organisation.model.actors import Actor, ActorKind
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.runtime.jobs import WorkerContext
from hotline.tickets.context import Services
from tests.conftest import CAST, Clock, Player

PASSWORD = "a long pass 24365"
MATTERS = {
    "wx-gate": (("认人的那个机子", "门口那个机子", "进出那个铁家伙"), ("认不到人", "关不拢", "弹得哐哐响", "没反应", "合不上")),
    "az-title": (("那个红本", "本本", "办下来的那个证"), ("好久下来", "要带啥子去", "在哪个窗口领", "名字写错了", "拖三年了")),
}  # fmt: skip
NEW = "进出那个机子又合不上，弹得哐哐响"

Come = Callable[[str], Awaitable[Player]]


@pytest.fixture
async def holders(app: FastAPI, services: Services, clock: Clock) -> AsyncIterator[Come]:
    """`await holders("desk")`: that member as a person, with a token of their own."""
    clients: list[httpx.AsyncClient] = []

    async def come(name: str) -> Player:
        made = await add_person(services, NewPerson(name, name, PASSWORD, CAST[name]), clock())
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline")
        clients.append(http)
        reply = await http.post("/v1/token", json={"login": name, "password": PASSWORD})
        http.headers["authorization"] = f"Bearer {reply.json()['token']}"
        return Player(name, http, Actor(ActorKind.PERSON, made["id"], name, CAST[name].roles))

    yield come
    for client in clients:
        await client.aclose()


async def test_what_persons_correct_is_learned_shown_acted_on_and_taken_back(
    holders: Come, services: Services, clock: Clock
) -> None:
    desk, switch, watch = [await holders(name) for name in ("desk", "switch", "watch")]
    learn, refresh = learning_jobs(WorkerContext(services))

    async def shown() -> dict[str, Any]:
        return dict((await watch.get("/v1/triage/model")).json())

    async def told() -> tuple[str, str | None, bool | None]:
        """Where a call that the rules do not understand ends, and whether a version acted on it."""
        ticket = await desk.call(NEW)
        opinion = (await desk.see(ticket))["advice"].get("model")
        return ticket["status"], ticket["category"] and ticket["category"]["code"], opinion and opinion["acting"]

    assert (await shown())["use"] is None and await told() == ("received", None, None)
    texts = [(code, "".join(words)) for code, parts in MATTERS.items() for words in product(*parts, ("", "，麻烦处理"))]
    for code, text in sorted(texts, key=lambda pair: pair[1]):
        clock.forward(minutes=2)
        ticket = await desk.call(text)
        assert ticket["status"] == "received", text  # the rules leave it to persons
        await switch.act(ticket, "triage", category=code, kind="request", priority="normal")
    clock.forward(minutes=2)
    await learn.step()
    await refresh.step()

    model = await shown()
    assert (model["use"]["state"], model["use"]["reason"]) == ("shadow", "no version in use to compare it with")
    assert (model["strong_labels"], model["version"]["passed"], model["version"]["set_aside"]) == (60, True, [])
    assert {row["truth"] for row in model["confusion"]} == set(MATTERS)
    assert await told() == ("received", None, False)  # recorded beside the rules
    await service.promote(services, 1, "command-line", clock(), acting=True)
    assert await told() == ("dispatched", "wx-gate", True)
    wrong = await desk.call("门口有人砸刷脸的机器，拿刀追人")
    assert wrong["priority"] == "emergency" and wrong["category"]["code"] != "wx-gate"

    # a person decides otherwise than the model, and is read a minute later
    ticket = await desk.call("门口那个机子弹得哐哐响，合不上")
    await switch.act(await switch.see(ticket), "amend", category="zy-noise", reason="是噪声")
    clock.forward(minutes=2)
    await learn.step()
    [other] = (await shown())["disagreements"]
    assert (other["number"], other["said"], other["chosen"]) == (ticket["number"], "wx-gate", "zy-noise")

    assert await service.rollback(services, "command-line", clock()) == (1, "shadow")
    assert await told() == ("received", None, False)
    held = (await shown())["use"]
    assert (held["held"], held["reason"]) == (True, "rolled back from 1")
    clock.forward(hours=1)
    assert await service.rollback(services, "command-line", clock()) == (1, "shadow")
    assert (await shown())["use"] == held  # nothing was to be changed
