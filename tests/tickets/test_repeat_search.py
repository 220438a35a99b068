"""The worker looks for repeats by meaning where the rules find none, and offers them; it merges nothing."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from hotline.tickets.context import Services
from hotline.tickets.jobs import ticket_jobs
from hotline.tickets.repeat_search import search_by_meaning
from hotline.tickets.store.duplicates import delete_searches
from hotline.triage import meaning
from hotline.triage.meaning import SentenceEncoder
from tests.conftest import Cast, Clock, Player

SMOKE, BARBECUE = "7栋楼下烧烤摊的油烟熏得人睁不开眼", "building 7: grill smoke comes into my bedroom every night"
OTHER = "7栋有人在过道里面养鸡"
WANG, LI = {"phone": "13800138000"}, {"phone": "13900139000"}


class Dictionary:
    """An encoder that knows which of these sentences are about the same."""

    def __init__(self, *groups: Sequence[str]) -> None:
        self.groups, self.asked = groups, list[str]()

    def similarities(self, text: str, others: Sequence[str]) -> list[float]:
        self.asked.append(text)
        return [
            0.8 if any({self._of(text), self._of(o)} <= set(group) for group in self.groups) else 0.1 for o in others
        ]

    def _of(self, text: str) -> str:
        return next((said for group in self.groups for said in group if text in said or said in text), text)


def smoke() -> Dictionary:
    return Dictionary((SMOKE, BARBECUE))


async def found(player: Player, ticket: dict[str, Any]) -> list[tuple[str, float]]:
    reply = await player.get(f"/v1/tickets/{ticket['number']}/duplicates")
    assert reply.status_code == 200, reply.text
    return [(one["number"], one["score"]) for one in reply.json()["result"]]


async def search(services: Services, encoder: Any, clock: Clock) -> None:
    while await search_by_meaning(services, encoder, clock()):
        pass


async def test_what_means_the_same_is_offered_to_the_desk_and_never_merged(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    other, first = await desk.call(OTHER, caller=WANG), await desk.call(SMOKE, caller=WANG)
    second = await desk.call(BARBECUE, caller=LI)
    assert await found(switch, second) == []
    await search(services, smoke(), clock)
    assert await found(switch, second) == [(first["number"], 0.8)]
    assert await found(switch, first) == [(second["number"], 0.8)]
    assert await found(switch, other) == []
    assert (await switch.see(second))["parent"] is None
    # the second has an order and the first has none: what has an order carries the matter
    await switch.act(await switch.see(first), "merge", target=second["number"])
    assert await found(switch, second) == []  # it is one ticket now


async def test_each_ticket_is_searched_once_and_no_old_one(desk: Player, services: Services, clock: Clock) -> None:
    await desk.call(OTHER, caller=WANG)
    clock.forward(days=2)
    await desk.call(SMOKE, caller=WANG)
    await desk.call(BARBECUE, caller=LI)
    encoder = smoke()
    await search(services, encoder, clock)
    await search(services, encoder, clock)
    assert len(encoder.asked) == 2
    assert await services.db.transact(lambda c: delete_searches(c, clock() + timedelta(days=1), 10)) == 2


async def test_what_the_rules_found_is_not_asked_for_again(desk: Player, services: Services, clock: Clock) -> None:
    await desk.call("7栋楼道灯不亮", caller=WANG)
    await desk.call("7栋的楼道灯坏了", caller=LI)
    encoder = smoke()
    await search(services, encoder, clock)
    assert encoder.asked == []


@pytest.mark.parametrize("said", ["8栋楼下烧烤摊的油烟熏得人睁不开眼"])
async def test_another_building_is_not_compared(said: str, desk: Player, services: Services, clock: Clock) -> None:
    await desk.call(said, caller=WANG)
    await desk.call(BARBECUE, caller=LI)
    encoder = Dictionary((said, BARBECUE))
    await search(services, encoder, clock)
    assert encoder.asked == []


async def test_a_confidential_matter_is_neither_searched_nor_found(
    desk: Player, switch: Player, services: Services, clock: Clock, cast: Cast
) -> None:
    secret = await desk.call(SMOKE, caller={**WANG, "confidential": True})
    second = await desk.call(BARBECUE, caller=LI)
    await search(services, smoke(), clock)
    assert await found(switch, second) == [] == await found(switch, secret)
    # and one that became confidential after it was found is no longer shown
    third = await desk.call(SMOKE, caller=WANG)
    await search(services, smoke(), clock)
    assert await found(switch, third) == [(second["number"], 0.8)]
    await switch.act(await switch.see(second), "set_confidential", confidential=True, reason="来电人要求")
    assert await found(switch, third) == []


async def test_without_the_extra_the_job_does_nothing(
    desk: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.call(SMOKE, caller=WANG)

    def missing(_: str) -> Any:
        raise ImportError

    meaning.load_encoder.cache_clear()
    monkeypatch.setattr(meaning, "import_module", missing)
    (job,) = [job for job in ticket_jobs(services) if job.name == "repeats"]
    assert await job.step() is False
    meaning.load_encoder.cache_clear()


class Letters:
    """A model whose vectors say which of two letters stand in a text."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, texts: list[str]) -> list[Any]:
        self.batches.append(len(texts))
        return [Vector([float("a" in text), float("b" in text)]) for text in texts]


class Vector(list[float]):
    def __matmul__(self, other: "Vector") -> float:
        return sum(x * y for x, y in zip(self, other, strict=True))


def test_texts_are_encoded_once_and_in_batches() -> None:
    model = Letters()
    encoder = SentenceEncoder(model)
    assert encoder.similarities("a", ["a1", "b1"]) == [1.0, 0.0]
    assert encoder.similarities("b1", ["a1", "a", "b2"]) == [0.0, 0.0, 1.0]
    assert model.batches == [3, 1]
    encoder.similarities("a", [f"b{n}" for n in range(40)])
    assert model.batches[2:] == [16, 16, 6]
