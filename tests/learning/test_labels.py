"""What counts as a decision, and whose."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.learning import store
from hotline.learning.collecting import collect_labels, forget_labels
from hotline.learning.model.labels import LEAST_LABELS, WEAK, TriageLabel, capped_weights
from hotline.tickets.context import Services
from tests.conftest import NOON, Cast, Clock, Player


async def labels_of(services: Services, clock: Clock) -> dict[str, object]:
    while await collect_labels(services, clock.forward(minutes=2)):
        pass
    return {row.number: row for row in await store.load_labels(services.db, store.BEGINNING, 100)}


async def test_a_persons_triage_is_a_strong_label_and_the_rules_own_is_none(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    loose = await desk.call("说不清楚的事情，有点问题")
    loose = await switch.act(loose, "triage", category="wx-gate", kind="request", priority="normal")
    by_rules = await desk.call("5栋路灯坏了，不亮")
    by_hand = await desk.call("门口有点问题", category="wx-road")
    found = await labels_of(services, clock)
    assert set(found) == {loose["number"], by_hand["number"]} and by_rules["category"] is not None
    first = found[loose["number"]]
    assert (first.category, first.kind, first.strong, first.by_id) == ("wx-gate", "request", True, switch.actor.id)
    assert found[by_hand["number"]].by_id == desk.actor.id


async def test_a_correction_replaces_the_label_of_before(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    ticket = await desk.call("门口有点问题", category="wx-road")
    await labels_of(services, clock)
    ticket = await switch.act(await switch.see(ticket), "amend", category="wx-gate", reason="是门禁")
    await switch.act(ticket, "comment", text="改好了")
    [label] = (await labels_of(services, clock)).values()
    assert (label.category, label.by_id, label.strong) == ("wx-gate", switch.actor.id, True)


async def test_what_is_only_talked_about_is_no_new_decision(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    ticket = await desk.call("门口有点问题", category="wx-road")
    await labels_of(services, clock)
    read = clock()
    await switch.act(await switch.see(ticket), "comment", text="还在问")
    await labels_of(services, clock)
    assert await store.count_new_labels(services.db, read, 9) == 0
    await switch.act(await switch.see(ticket), "amend", category="wx-gate", reason="是门禁")
    await labels_of(services, clock)
    assert await store.count_new_labels(services.db, read, 9) == 1


async def test_an_untouched_close_is_a_weak_label(desk: Player, services: Services, clock: Clock) -> None:
    ticket = await desk.call("请问物业费怎么交", at_once={"action": "answer", "answer": "到一楼窗口"})
    assert ticket["status"] == "closed"
    found = await labels_of(services, clock)
    assert [row.strong for row in found.values()] == [False] * (ticket["category"] is not None)


async def test_where_a_granted_return_ended_is_a_strong_department(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock
) -> None:
    ticket = await desk.call("3栋2单元电梯坏了，不动了", category="dt-fault")
    before = (await labels_of(services, clock))[ticket["number"]]
    assert (before.department, before.department_strong) == (None, False)
    wish = {"reason_code": "not_our_duty", "basis": "职责清单", "department": "residents-affairs"}
    ticket = await lifts.order(ticket, "request_return", **wish)
    ticket = await switch.order(ticket, "approve_return")
    await switch.act(ticket, "dispatch", department="residents-affairs")
    after = (await labels_of(services, clock))[ticket["number"]]
    assert (after.department, after.department_strong) == ("residents-affairs", True)


async def test_a_public_hint_is_no_decision(cast: Cast, services: Services, clock: Clock) -> None:
    gate = await cast("gate")
    ticket = await gate.call("门口有点问题", channel="web", category="wx-road")
    assert ticket["category"]["code"] == "wx-road"
    assert await labels_of(services, clock) == {}


async def test_after_an_import_timelines_are_read_anew(desk: Player, services: Services, clock: Clock) -> None:
    await desk.call("门口有点问题", category="wx-road")
    assert len(await labels_of(services, clock)) == 1
    assert await collect_labels(services, clock()) == 0
    await forget_labels(services)
    assert await collect_labels(services, clock()) > 0


def a_label(by: str, *, strong: bool = True) -> TriageLabel:
    return TriageLabel("1", NOON, by if strong else "", strong, "c", "request", None, False)


def held_by(labellers: Sequence[str]) -> dict[str, float]:
    held: dict[str, float] = {}
    for by, weight in zip(labellers, capped_weights([a_label(by) for by in labellers]), strict=True):
        held[by] = held.get(by, 0.0) + weight
    return held


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=6))
def test_nobody_holds_more_than_their_share(counts: list[int]) -> None:
    labellers = [f"p{n}" for n, count in enumerate(counts) for _ in range(count)]
    held = held_by(labellers)
    assert sum(held.values()) == pytest.approx(len(labellers))  # the total stays
    busy = sum(count >= LEAST_LABELS for count in counts)
    if busy < 2:
        assert held == {f"p{n}": count for n, count in enumerate(counts) if count}
    else:
        share = max(1 / 3, 1 / busy)
        assert max(held.values()) <= share * sum(held.values()) + 1e-6


@pytest.mark.parametrize(
    ("labellers", "first"),
    [
        ("a" * 900 + "b" * 100 + "c" * 100, 1100 / 3),
        ("a" * 900 + "b" * 100, 500),
        ("a" * 1000 + "b" * 1000 + "c" * 10, 1000),  # two have enough: a half is the most
        ("a" * 400 + "b" * 49, 400),
        ("aaaa", 4),
        ("ab", 1),
    ],
)
def test_a_busy_labeller_is_weighed_down(labellers: str, first: float) -> None:
    assert held_by(labellers)["a"] == pytest.approx(first)


def test_one_label_of_a_second_person_leaves_a_thousand_as_they_are() -> None:
    assert held_by("a" * 1000 + "b") == {"a": 1000, "b": 1}


def test_weak_labels_keep_their_weight_whoever_is_capped() -> None:
    weights = capped_weights([a_label(by) for by in "a" * 200 + "b" * 60] + [a_label("", strong=False)])
    assert weights[-1] == WEAK
