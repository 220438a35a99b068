"""What an operator says, asks and does about a danger, and what of it stays with the ticket."""

from typing import Any

from hotline.locales import text_keys
from hotline.organisation.model.vocabulary import Channel, Danger
from hotline.tickets.model.calling import advise_in_danger, phone_of_service
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.spool_intake import intake_to_record, parse_intake_record
from hotline.triage.model.guidance import SERVICES, EmergencyService
from hotline.value_objects import replace
from tests.conftest import NOON, Player, broken
from tests.triage.seeded import seeded_directory

TRAPPED = "8栋2单元的电梯里头关到人了，里面有个娃儿在哭"
NOTES = ["已请对方拨打消防救援119", "已问：里面几个人？"]


async def test_every_danger_has_a_sentence_questions_and_a_number(desk: Player) -> None:
    found = {one["danger"]: one for one in (await desk.get("/v1/dangers")).json()["items"]}
    assert set(found) == set(Danger) == set(SERVICES)
    for danger, one in found.items():
        assert 2 <= len(one["ask"]) <= 4, danger
        for text in (one["say"], *one["ask"], *(service["name"] for service in one["call"])):
            assert all(text.values()) and len(set(text.values())) > 1, (danger, text)
        assert one["call"] and one["call"][0]["phone"], danger  # the first has a number everywhere
    assert [s["code"] for s in found["lift"]["call"]] == ["119", "120"]
    assert {"gas"} == {s["code"] for one in found.values() for s in one["call"] if not s["code"].isdigit()}
    assert not {key.split(".")[1] for key in text_keys("danger_ask.")} - set(Danger)


async def test_what_was_done_is_recorded_in_the_same_step_and_the_step_can_be_undone(
    desk: Player, watch: Player
) -> None:
    ticket = await desk.call(TRAPPED, notes=NOTES)
    assert (ticket["status"], ticket["flags"], ticket["priority"]) == ("dispatched", ["danger:lift"], "emergency")
    assert ticket["clocks"]["due_at"]
    lines = (await watch.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"]
    assert [(line["action"], line["reason"]) for line in lines[1:3]] == [("comment", note) for note in NOTES]
    taken_back = await desk.act(ticket, "undo")
    assert taken_back["status"] == "triaged"
    # a call that joins an open ticket brings them too
    await desk.call("还没得人来", attach_to=ticket["number"], notes=["已请对方拨打急救120"])
    lines = (await watch.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"]
    assert lines[-1]["reason"].endswith("已请对方拨打急救120")


async def test_a_danger_that_is_none_alarms_nobody_and_says_why(desk: Player) -> None:
    said: dict[str, Any] = {"denied_dangers": ["lift"], "notes": ["经核实不是险情：电梯里放的广告"]}
    ticket = await desk.call(TRAPPED, **said)
    assert (ticket["status"], ticket["flags"], ticket["priority"]) == ("received", [], "urgent")
    # the department is the desk's to say
    ticket = await desk.call(TRAPPED, **said, category="dt-fault")
    assert (ticket["flags"], ticket["priority"], ticket["category"]["code"]) == ([], "urgent", "dt-fault")
    # another danger stays one
    ticket = await desk.call(TRAPPED + "，婆婆晕倒了喊不醒", **said)
    assert (ticket["flags"], ticket["priority"]) == (["danger:medical"], "emergency")
    # and nobody is silent about why
    reply = await desk.post("/v1/calls", {"channel": "phone", "narrative": TRAPPED, "denied_dangers": ["lift"]})
    assert reply.status_code == 422 and "needs notes" in str(broken(reply.json()))


async def test_only_the_desk_says_that_there_is_no_danger(cast: Any, desk: Player) -> None:
    gate = await cast("gate")
    reply = await gate.post(
        "/v1/calls", {"channel": "sms", "narrative": TRAPPED, "denied_dangers": ["lift"], "notes": ["没事"]}
    )
    assert reply.status_code == 403, reply.text  # comments are not for a machine


def test_a_call_that_waits_for_the_database_keeps_what_was_done() -> None:
    taken = IntakeRequest(Channel.PHONE, TRAPPED, notes=tuple(NOTES), denied=(Danger.LIFT,))
    assert parse_intake_record(intake_to_record(taken)) == taken
    plain = intake_to_record(IntakeRequest(Channel.PHONE, TRAPPED))
    assert not {"notes", "denied"} & set(plain)  # code from before reads it too


def test_the_number_of_a_service_is_that_of_a_row_of_the_catalogue_alone() -> None:
    """The fallback's department is no gas company: residents are shown no number of its office."""
    seeds = seeded_directory("ruiquan")
    units = {code: replace(unit, phone=f"028-{code}") for code, unit in seeds.departments.items()}
    directory = replace(seeds, departments=units)
    assert phone_of_service(directory, EmergencyService.GAS, NOON, "rq-b3") == "028-gas"
    without = replace(directory, routes={c: r for c, r in directory.routes.items() if r.category != "sdq-gasleak"})
    assert phone_of_service(without, EmergencyService.GAS, NOON, "rq-b3") is None
    numbers = [each.phone for each in advise_in_danger(without, ["gas"], "rq-b3", NOON).numbers]
    assert "119" in numbers and all(number.isdigit() for number in numbers)
