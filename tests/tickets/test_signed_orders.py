"""An order that the clock accepted is signed for by nobody: every place says so, by one definition, until somebody of the
department shows that they have it; and one that becomes an emergency is waited for anew."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.alerts.model import raises_alert
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import Kind, Metric, Priority
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.tickets.lookup import query_code
from hotline.tickets.model.dangers import TicketCase
from hotline.tickets.model.ticket import Change, Facts
from hotline.tickets.sla.jobs import escalate_due
from hotline.tickets.sla.policies import policy_of_case
from hotline.tickets.store import facts as ticket_facts
from hotline.value_objects import replace
from tests.conftest import Clock, Player
from tests.triage.seeded import seeded_directory

HANDLERS = {"property-works": "lifts", "service-centre": "centre", "fire-watch": "firemen"}


async def ring(services: Services, clock: Clock, **by: float) -> None:
    clock.forward(**by)
    while (await escalate_due(services, clock())).claimed:
        pass


async def facts_of(services: Services, ticket: dict[str, Any]) -> Facts:
    found = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, TicketNumber(ticket["number"]))
    assert found is not None
    return found


async def told(app: FastAPI, services: Services, ticket: dict[str, Any]) -> str:
    """How the matter stands as its resident reads it."""
    body = {"number": ticket["number"], "code": query_code(services.secret, ticket["number"])}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        return str((await http.post("/v1/lookup", json=body)).json()["label"]["zh"])


async def numbers(player: Player, path: str) -> list[str]:
    return [item["number"] for item in (await player.get(path)).json()["items"]]


async def test_what_the_clock_accepted_is_shown_as_not_signed_for(
    app: FastAPI, desk: Player, lifts: Player, watch: Player, services: Services, clock: Clock
) -> None:
    day = clock().date().isoformat()
    ticket = await desk.call("3栋电梯坏了", category="dt-fault", location={"area": "rq-b3"})
    number, accept_by = ticket["number"], ticket["assignments"][0]["accept_by"]
    assert ticket["unsigned"] and await numbers(watch, "/v1/tickets?accept_overdue=true") == []
    await ring(services, clock, days=1)
    seen = await lifts.see(ticket)
    order = seen["assignments"][0]
    assert (order["status"], order["signed_at"], order["unsigned"], order["accept_by"]) == (
        "accepted",
        None,
        True,
        accept_by,
    )
    for shown in (
        seen,
        (await watch.get("/v1/tickets")).json()["items"][0],
        (await lifts.get("/v1/departments/property-works/queue")).json()["items"][0],
    ):
        assert shown["unsigned"] is True, shown
    assert await told(app, services, ticket) == "已转办，尚未签收"
    # 签收超时 is one thing, and the promised answer, which is not due yet, another
    assert await numbers(watch, "/v1/tickets?accept_overdue=true") == [number]
    assert await numbers(watch, "/v1/tickets?overdue=true") == []
    found = await watch.post("/v1/search", {"q": "电梯", "filters": {"accept_overdue": True}})
    assert [item["number"] for item in found.json()["items"]] == [number]
    path = f"/v1/figures/measures/failed.signed_in_time?first={day}&last={day}"
    [row] = (await watch.get(path)).json()["items"]
    assert (row["number"], row["done"]) == (number, None)
    # somebody calls the resident: they have it, later than they should
    await lifts.order(seen, "contact_caller", contacted="reached", text="约好了")
    seen = await lifts.see(ticket)
    assert not seen["unsigned"] and seen["assignments"][0]["signed_at"]
    assert await told(app, services, ticket) == "办理中"
    assert await numbers(watch, "/v1/tickets?accept_overdue=true") == []
    [row] = (await watch.get(path)).json()["items"]
    assert row["done"] == seen["assignments"][0]["signed_at"] > row["due"]


async def test_what_becomes_an_emergency_unsigned_is_told_and_waited_for_anew(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock
) -> None:
    ticket = await desk.call("3栋电梯坏了", category="dt-fault", location={"area": "rq-b3"})
    await ring(services, clock, days=1)
    before = await facts_of(services, ticket)
    assert not [c for c in before.clocks if c.metric is Metric.ACCEPT]
    raised = await switch.act(await switch.see(ticket), "amend", priority="emergency", reason="里面关了人")
    after = await facts_of(services, ticket)
    assert raises_alert(Change(after=after, tickets=(), before=before))
    [accept] = [c for c in after.clocks if c.metric is Metric.ACCEPT]
    assert accept.started_at == clock() and accept.limit_at == clock() + timedelta(minutes=5)
    assert [a["number"] for a in (await desk.get("/v1/alerts")).json()["items"]] == [ticket["number"]]
    assert raised["assignments"][0]["accept_by"] == accept.limit_at.isoformat()
    await ring(services, clock, minutes=6)
    lines = (await switch.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"]
    assert [line["action"] for line in lines].count("escalate") >= 1
    await lifts.order(await lifts.see(ticket), "contact_caller", contacted="reached", text="已联系")
    assert (await desk.get("/v1/alerts")).json()["items"] == []
    assert not [c for c in (await facts_of(services, ticket)).clocks if c.metric is Metric.ACCEPT]


async def test_an_undone_report_leaves_bar_and_clock_at_one(
    desk: Player, cast: Any, services: Services, clock: Clock
) -> None:
    ticket = await desk.call("3栋2单元电梯困人了", category="dt-fault", priority="emergency")
    assists = [(n, each) for n, each in enumerate(ticket["assignments"]) if each["part"] == "assist"]
    place = next(n for n, each in assists if each["department"]["code"] in HANDLERS)
    handler = await cast(HANDLERS[ticket["assignments"][place]["department"]["code"]])
    await ring(services, clock, minutes=6)
    own = ticket["assignments"][place]["id"]

    async def waits() -> tuple[bool, bool]:
        orders = [order["id"] for alert in (await desk.get("/v1/alerts")).json()["items"] for order in alert["orders"]]
        clocks = (await facts_of(services, ticket)).clocks
        return own in orders, any(c.metric is Metric.ACCEPT and c.assignment == own for c in clocks)

    assert await waits() == (True, True)
    done = await handler.order(
        await handler.see(ticket), "report", place=place, internal_result="关了阀", public_reply="已处理", solved=True
    )
    assert await waits() == (False, False)
    await handler.act(done, "undo")
    assert await waits() == (True, True)


@pytest.mark.parametrize("limit", ["resolve", "contact", "audit"])
def test_no_limit_is_longer_because_another_danger_was_told_with_it(limit: str) -> None:
    directory = seeded_directory("ruiquan")
    general = directory.policies["emergency"]
    soon = replace(
        general, code="ill", category="za-medical", accept="0:03 calendar_hours", **{limit: "9 calendar_hours"}
    )
    short = replace(
        general, code="burning", category="dt-fire", accept="0:10 calendar_hours", **{limit: "0:20 calendar_hours"}
    )
    directory = replace(directory, policies={**directory.policies, "ill": soon, "burning": short})
    case = TicketCase(Kind.REQUEST, Priority.EMERGENCY, "za-medical", None, ("medical", "fire"))
    policy = policy_of_case(directory, case)
    assert policy is not None and (policy.accept, getattr(policy, limit)) == (
        "0:03 calendar_hours",
        "0:20 calendar_hours",
    )
    assert policy_of_case(directory, replace(case, dangers=("medical",))) == soon


def test_a_reopened_danger_gets_the_shortest_time_that_any_of_its_policies_gives() -> None:
    """A policy without a time for what is reopened gives half of its limit."""
    directory = seeded_directory("ruiquan")
    general = directory.policies["emergency"]
    soon = replace(general, code="ill", category="za-medical", resolve="2 calendar_hours", redo=None)
    late = replace(general, code="burning", category="dt-fire", resolve="8 calendar_hours", redo="6 calendar_hours")
    directory = replace(directory, policies={**directory.policies, "ill": soon, "burning": late})
    case = TicketCase(Kind.REQUEST, Priority.EMERGENCY, "za-medical", None, ("medical", "fire"))
    policy = policy_of_case(directory, case)
    assert policy is not None and (policy.resolve, policy.redo) == ("2 calendar_hours", "1 calendar_hours")
