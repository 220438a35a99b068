"""What counts as a decision, and whose."""

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hotline.learning import collecting, store
from hotline.learning.collecting import collect_labels, forget_labels, has_unsettled_entries
from hotline.learning.model.labels import LEAST_LABELS, WEAK, DecidedTicket, TriageLabel, capped_weights, label_of
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.tables import timeline
from tests.conftest import NOON, Cast, Clock, Player


async def labels_of(services: Services, clock: Clock) -> dict[str, object]:
    while await collect_labels(services, clock.forward(minutes=2)):
        pass
    return {row.number: row for row in await store.load_labels(services.db, store.BEGINNING, 100)}


async def test_a_persons_triage_is_a_strong_label_and_the_rules_own_is_none(
    clerk: Player, dispatcher: Player, services: Services, clock: Clock
) -> None:
    loose = await clerk.call("说不清楚的事情，有点问题")
    loose = await dispatcher.act(loose, "triage", category="wx-gate", kind="request", priority="normal")
    by_rules = await clerk.call("5栋路灯坏了，不亮")
    by_hand = await clerk.call("门口有点问题", category="wx-road")
    found = await labels_of(services, clock)
    assert set(found) == {loose["number"], by_hand["number"]} and by_rules["category"] is not None
    first = found[loose["number"]]
    assert (first.category, first.kind, first.strong, first.by_id) == ("wx-gate", "request", True, dispatcher.actor.id)
    assert found[by_hand["number"]].by_id == clerk.actor.id


async def test_a_correction_replaces_the_label_of_before(
    clerk: Player, dispatcher: Player, services: Services, clock: Clock
) -> None:
    ticket = await clerk.call("门口有点问题", category="wx-road")
    await labels_of(services, clock)
    ticket = await dispatcher.act(await dispatcher.see(ticket), "amend", category="wx-gate", reason="是门禁")
    await dispatcher.act(ticket, "comment", text="改好了")
    [label] = (await labels_of(services, clock)).values()
    assert (label.category, label.by_id, label.strong) == ("wx-gate", dispatcher.actor.id, True)


async def test_what_is_only_talked_about_is_no_new_decision(
    clerk: Player, dispatcher: Player, services: Services, clock: Clock
) -> None:
    ticket = await clerk.call("门口有点问题", category="wx-road")
    await labels_of(services, clock)
    read = clock()
    await dispatcher.act(await dispatcher.see(ticket), "comment", text="还在问")
    await labels_of(services, clock)
    assert await store.count_new_labels(services.db, read, 9) == 0
    await dispatcher.act(await dispatcher.see(ticket), "amend", category="wx-gate", reason="是门禁")
    await labels_of(services, clock)
    assert await store.count_new_labels(services.db, read, 9) == 1


async def test_an_untouched_close_is_a_weak_label(clerk: Player, services: Services, clock: Clock) -> None:
    ticket = await clerk.call("请问物业费怎么交", at_once={"action": "answer", "answer": "到一楼窗口"})
    assert ticket["status"] == "closed"
    found = await labels_of(services, clock)
    assert [row.strong for row in found.values()] == [False] * (ticket["category"] is not None)


async def test_where_a_granted_return_ended_is_a_strong_department(
    clerk: Player, dispatcher: Player, lifts: Player, services: Services, clock: Clock
) -> None:
    ticket = await clerk.call("3栋2单元电梯坏了，不动了", category="dt-fault")
    before = (await labels_of(services, clock))[ticket["number"]]
    assert (before.department, before.department_strong) == (None, False)
    wish = {"reason_code": "not_our_duty", "basis": "职责清单", "department": "residents-affairs"}
    ticket = await lifts.order(ticket, "request_return", **wish)
    ticket = await dispatcher.order(ticket, "approve_return")
    await dispatcher.act(ticket, "dispatch", department="residents-affairs")
    after = (await labels_of(services, clock))[ticket["number"]]
    assert (after.department, after.department_strong) == ("residents-affairs", True)


async def test_a_department_that_a_person_corrects_is_learned_at_once(
    clerk: Player, dispatcher: Player, services: Services, clock: Clock
) -> None:
    ticket = await clerk.call("3栋2单元电梯坏了，不动了")
    assert ticket["assignments"][0]["department"]["code"] == "property-works"
    assert await labels_of(services, clock) == {}
    ticket = await dispatcher.act(await dispatcher.see(ticket), "recall", reason="派错了")
    await dispatcher.act(ticket, "dispatch", department="residents-affairs")
    [label] = (await labels_of(services, clock)).values()
    assert (label.category, label.strong, label.by_id) == ("dt-fault", False, "")
    assert (label.department, label.department_strong) == ("residents-affairs", True)


async def test_what_was_undone_was_never_decided(clerk: Player, desk: Player, services: Services, clock: Clock) -> None:
    ticket = await clerk.call("说不清楚的事情，有点问题")
    ticket = await clerk.act(ticket, "answer", answer="到一楼窗口", category="wx-gate")
    ticket = await clerk.act(ticket, "undo")
    await desk.act(ticket, "triage", category="wx-road", kind="request", priority="normal")  # with a key
    assert await labels_of(services, clock) == {}


async def test_a_public_hint_is_no_decision(cast: Cast, services: Services, clock: Clock) -> None:
    gate = await cast("gate")
    ticket = await gate.call("门口有点问题", channel="web", category="wx-road")
    assert ticket["category"]["code"] == "wx-road"
    assert await labels_of(services, clock) == {}


async def test_what_a_key_chooses_is_no_decision(desk: Player, services: Services, clock: Clock) -> None:
    await desk.call("门口有点问题", category="wx-road")
    assert await labels_of(services, clock) == {}


def closed(opinion: dict[str, Any] | None = None, *, hinted: bool = False) -> TriageLabel | None:
    return label_of(
        DecidedTicket("1", TicketStatus.CLOSED, "wx-light", "request", None, NOON, opinion, (), hinted=hinted)
    )


def test_an_untouched_close_confirms_no_hint_and_no_choice_of_the_model() -> None:
    by_rules = closed()
    assert by_rules is not None and not by_rules.strong and by_rules.at == NOON
    assert closed(hinted=True) is None
    said = {"version": 1, "acting": True, "sure": True, "category": "wx-light", "confidence": 0.99}
    assert closed(said) is None
    for other in ({"acting": False}, {"sure": False}, {"category": "wx-road"}):
        assert closed({**said, **other}) is not None


async def test_a_hint_is_not_confirmed_by_a_close(desk: Player, services: Services, clock: Clock) -> None:
    answered = {"action": "answer", "answer": "到一楼窗口"}
    hinted = await desk.call("请问物业费怎么交", category="wy-fee", at_once=answered)
    plain = await desk.call("请问物业费怎么交，在哪里", at_once=answered)
    for ticket in (hinted, plain):
        assert (ticket["category"]["code"], ticket["status"]) == ("wy-fee", "closed")
    assert list(await labels_of(services, clock)) == [plain["number"]]


async def test_weak_labels_push_out_no_strong_one(
    clerk: Player, desk: Player, services: Services, clock: Clock
) -> None:
    decided = [await clerk.call("门口有点问题", category="wx-road"), await clerk.call("路上有个坑", category="wx-road")]
    for narrative in ("请问物业费怎么交，在哪里", "请问物业费怎么交"):
        clock.forward(minutes=5)
        closed_later = await desk.call(narrative, at_once={"action": "answer", "answer": "到一楼窗口"})
    await labels_of(services, clock)
    kept = await store.load_labelled(services.db, 3)
    assert [row.number for row in kept] == [*(each["number"] for each in decided), closed_later["number"]]


async def test_entries_of_one_moment_are_all_read(
    clerk: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "AT_ONCE", 2)
    made = [(await clerk.call("门口有点问题", category="wx-road"))["number"] for _ in range(4)]
    moment = clock()
    await services.db.transact(lambda c: c.execute(sa.update(timeline).values(at=moment)))
    later = await clerk.call("路上有个坑", category="wx-road")
    assert sorted(await labels_of(services, clock)) == sorted([*made, later["number"]])
    state = await store.load_state(services.db)
    assert state is not None and state.read_to >= moment


async def test_after_an_import_timelines_are_read_anew(clerk: Player, services: Services, clock: Clock) -> None:
    await clerk.call("门口有点问题", category="wx-road")
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


async def test_decisions_of_the_last_minute_are_known_to_wait_for_the_next_run(
    clerk: Player, services: Services, clock: Clock
) -> None:
    assert not await has_unsettled_entries(services, clock())
    await clerk.call("门口有点问题", category="wx-road")
    assert await has_unsettled_entries(services, clock()) and await collect_labels(services, clock()) == 0
    clock.forward(minutes=2)
    assert not await has_unsettled_entries(services, clock()) and await collect_labels(services, clock()) > 0
