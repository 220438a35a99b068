"""The form of an action is made from the JSON Schema of its body: whatever the tables give an action stands in its form,
and the console is not touched for it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from hotline.tickets.lifecycle import OPTIONAL_FIELDS, TICKET_MOVES
from hotline.tickets.model.vocabulary import Action, Field
from hotline.tickets.routes import tickets
from hotline.tickets.schemas import actions
from tests.conftest import Player, on_one_database
from tests.console.browsing import needs_browser
from tests.console.conftest import Office

# A page has what it shows from the API, which is tested on both databases; the journeys (test_journey, test_admin) run on
# both in a browser too.
pytestmark = [needs_browser, pytest.mark.timeout(120), on_one_database]
# of every action: name, kind of control, required, longest, words to choose from, all that is read
FORMS = """async () => {
  const at = document.body.dataset.static;
  const { actionFields } = await import(`${at}/forms.js`);
  const lifecycle = await (await fetch("/v1/lifecycle")).json();
  const shown = {};
  for (const machine of ["ticket", "assignment"]) for (const [action, schema] of Object.entries(lifecycle[machine].schemas)) {
    shown[`${machine} ${action}`] = actionFields(schema, schema.required ?? []).map(({ node, label }) => [
      node.name, node.localName === "select" ? node.multiple ? "several" : "select" : node.localName === "textarea" ? "long" : node.type,
      node.required, node.maxLength ?? -1, [...(node.options ?? [])].map((option) => option.value).filter(Boolean), [label, ...[...(node.options ?? [])].map((option) => option.text)]]);
  }
  return shown;
}"""
LONG = ("text", "reason", "answer", "basis", "public_reply", "internal_result", "public_text", "narrative", "matters")
PARTS = ("building", "unit", "floor", "room")
LINES = (
    "title", "address", *PARTS, "caller_name", "phone", "contact", "channel_told", "assignee", "contacted", "target", "flags",
)  # fmt: skip
KINDS = {
    **dict.fromkeys(LONG, "long"), **dict.fromkeys(LINES, "text"), **dict.fromkeys(("cost", "lat", "lon"), "number"),
    **dict.fromkeys(("due_at", "review_at"), "datetime-local"), "assists": "several",
}  # fmt: skip  # everything else is chosen from a list
LONGEST = {
    **dict.fromkeys(LINES, 120), **dict.fromkeys(PARTS, 20), "target": 40, "flags": -1,
    **dict.fromkeys(LONG, 4000), "narrative": 10_000, "public_text": 1000, "matters": -1,
}  # fmt: skip


@pytest.fixture
def longer_urge(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The table of what an action may carry names more fields; the rest is derived from it, as when a process starts."""
    monkeypatch.setitem(
        OPTIONAL_FIELDS, Action.URGE, (Field.FUNDING, Field.COST, Field.SOLVED, Field.DUE_AT, Field.PERFORMER)
    )
    body = actions._body("Ticket", TICKET_MOVES, Action.URGE)
    monkeypatch.setitem(actions.TICKET_BODIES, Action.URGE, body)
    routes = tickets.router.routes
    monkeypatch.setattr(tickets.router, "routes", [])
    tickets._add_ticket_route(Action.URGE, body)
    tickets.router.routes += routes  # the first that fits is asked
    actions.action_schemas.cache_clear()
    yield
    actions.action_schemas.cache_clear()


async def test_a_field_added_to_an_action_stands_in_its_form_and_is_sent(
    longer_urge: None, office: Office, desk: Player
) -> None:
    number = (await desk.call("3栋2单元电梯坏了", category="dt-fault"))["number"]
    operator = await office.seat("operator")
    page = operator.page
    await operator.open(f"/console/tickets/{number}")
    bodies: list[Any] = []
    page.on("request", lambda it: bodies.append(it.post_data_json) if it.url.endswith("/actions/urge") else None)
    await page.locator(".menu-more summary").click()
    await page.locator('header [data-action="urge"]').click()
    box = page.locator("dialog[open]")
    await box.locator("textarea[name=reason]").fill("又打来了")
    await box.locator("summary").click()
    await box.get_by_label("资金来源").select_option(label="维修资金")
    await box.get_by_label("费用（元）").fill("120.5")
    await box.get_by_label("是否解决").select_option(label="否")
    await box.get_by_label("时限 (Asia/Shanghai)").fill("2026-12-01T09:30")
    await box.get_by_label("实施单位").select_option(label="电梯维保单位")
    await operator.picture("form-with-more-fields")
    await page.keyboard.press("Control+Enter")
    await expect(box).to_have_count(0)
    assert bodies == [
        {
            "reason": "又打来了",
            "funding": "repair_fund",
            "cost": 120.5,
            "solved": False,
            "due_at": "2026-12-01T01:30:00.000Z",
            "performer": "lifts",
        }
    ]
    assert (await desk.get(f"/v1/tickets/{number}/timeline")).json()["items"][-1]["action"] == "urge"
    assert operator.wrong == []


async def test_every_action_has_a_form_of_its_own(office: Office) -> None:
    operator = await office.seat("operator")
    forms = await operator.page.evaluate(FORMS)
    assert len(forms) == len(actions.TICKET_BODIES) + len(actions.ORDER_BODIES)
    for machine, bodies in (("ticket", actions.TICKET_BODIES), ("assignment", actions.ORDER_BODIES)):
        for action, body in bodies.items():
            shown = forms[f"{machine} {action}"]
            fields = [name for name in body.model_fields if name != "photos"]  # chosen as pictures, on the board
            assert [name for name, *_ in shown] == fields, action
            for name, kind, required, longest, words, read in shown:
                assert kind == KINDS.get(name, "select"), (action, name)
                assert required == body.model_fields[name].is_required(), (action, name)
                assert longest == LONGEST.get(name, -1), (action, name)
                assert [text for text in read if not re.search("[\u4e00-\u9fff]", text)] == [], (action, name)
                if name == "reason_code":
                    assert words == list(actions.REASONS[action]), action
                elif name == "solved":
                    assert words == ["true", "false"]
    assert operator.wrong == []
