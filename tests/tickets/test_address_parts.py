"""Building, unit, floor and room of a ticket: read from what was said, given by a person, changed, found and told."""

from typing import Any

import pytest

from hotline.organisation.model.vocabulary import Channel
from hotline.tickets.context import Services
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.schemas.advice import PlaceRoleWord
from hotline.tickets.spool_intake import intake_to_record, parse_intake_record
from hotline.triage.model.places.parts import NO_PARTS, AddressParts
from hotline.triage.model.places.roles import PlaceRole
from tests.conftest import Cast, Clock, Player
from tests.reporting.test_exports import rows_of, taken_out

PARTS = ("building", "unit", "floor", "room")


def parts_of(ticket: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(ticket["location"][part] for part in PARTS)


async def found_by(player: Player, query: str) -> list[str]:
    reply = await player.get("/v1/tickets", params={"q": query})
    return [item["number"] for item in reply.json()["items"]]


async def test_what_a_caller_says_of_the_door_is_kept_apart(desk: Player) -> None:
    ticket = await desk.call("我家在十二栋二单元三楼，三零一的灯坏了")
    assert ticket["area"]["code"] == "rq-b12"
    assert parts_of(ticket) == ("12", "2", "3", "301")


async def test_an_address_given_with_the_call_is_read_as_well(desk: Player) -> None:
    ticket = await desk.call("屋头停水了", location={"address": "12-2-301"})
    assert (ticket["area"]["code"], parts_of(ticket)) == ("rq-b12", ("12", "2", None, "301"))
    assert ticket["location"]["address"] == "12-2-301"


async def test_a_persons_hint_wins_over_what_was_read(desk: Player) -> None:
    ticket = await desk.call("12栋2单元301停水了", location={"unit": "1单元", "room": "302"})
    assert (ticket["area"]["code"], parts_of(ticket)) == ("rq-b12", ("12", "1", None, "302"))
    assert ticket["advice"]["triage"]["location"]["unit"] == "1"  # it is read with what was given
    assert ticket["advice"]["hints"]["room"] == "302"


async def test_the_parts_of_another_building_are_not_taken_over(desk: Player) -> None:
    ticket = await desk.call("5栋2单元301停水了", location={"area": "rq-b12"})
    assert (ticket["area"]["code"], parts_of(ticket)) == ("rq-b12", (None, None, None, None))


async def test_a_building_that_is_given_alone_is_the_area(desk: Player) -> None:
    ticket = await desk.call("屋头停水了", location={"building": "十二栋", "room": 301})
    assert (ticket["area"]["code"], parts_of(ticket)) == ("rq-b12", ("12", None, None, "301"))


async def test_a_unit_said_without_its_building_is_of_the_area_given(desk: Player) -> None:
    ticket = await desk.call("2单元301漏水", location={"area": "rq-b12"})
    assert (ticket["area"]["code"], parts_of(ticket)) == ("rq-b12", ("12", "2", None, "301"))


async def test_what_is_no_part_of_an_address_refuses_no_call(desk: Player) -> None:
    long = "从南门进来左手边第三个单元门里面那家"
    reply = await desk.post(
        "/v1/calls", {"channel": "phone", "narrative": "停水了", "location": {"area": "rq-b3", "unit": long * 2}}
    )
    taken = reply.json()
    assert reply.status_code == 201
    assert taken["ticket"]["location"]["address"] == long * 2 and taken["ticket"]["location"]["unit"] is None
    assert [told["field"] for told in taken["unread"]] == ["location.unit"]


async def test_two_places_are_offered_and_not_guessed(desk: Player) -> None:
    ticket = await desk.call("9栋停水了，南门的岗亭玻璃碎了")
    assert ticket["area"]["code"] == "rq"
    places = ticket["advice"]["triage"]["places"]
    assert [(p["code"], p["name"], p["words"]) for p in places] == [
        ("rq-b9", "瑞泉馨城9栋", "9栋"), ("rq-gate-s", "南大门", "南门"),
    ]  # fmt: skip
    for place in places:
        begin, end = place["at"]
        assert ticket["narrative"][begin:end] == place["words"]


async def test_the_home_of_the_caller_is_told_as_such(desk: Player) -> None:
    reply = await desk.post("/v1/explain/triage", {"narrative": "我家在6栋，菜市门前的下水道返臭"})
    found = reply.json()["result"]
    assert found["area"] == "rq-market"
    assert [(p["code"], p["role"]) for p in found["places"]] == [("rq-market", "matter"), ("rq-b6", "speaker")]
    assert {"rule": "place:speaker", "matched": ["6栋"]} in reply.json()["because"]


async def test_an_unknown_area_is_no_question(desk: Player) -> None:
    reply = await desk.post("/v1/explain/triage", {"narrative": "停水了", "area": "nowhere"})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "area"


@pytest.mark.parametrize("query", ["12-2-301", "12栋 301", "12栋2单元"])
async def test_a_door_is_found_however_it_was_said(query: str, desk: Player) -> None:
    said = await desk.call("家住十二栋二单元三零一，门禁坏了")
    given = await desk.call("Intercom is broken", location={"building": "12", "unit": "2", "room": "301"})
    await desk.call("11栋2单元301门禁坏了")
    assert set(await found_by(desk, query)) == {said["number"], given["number"]}


async def test_a_room_is_corrected_and_the_history_says_so(desk: Player) -> None:
    ticket = await desk.call("12栋2单元301停水了")
    mended = await desk.act(ticket, "amend", room="三零二", floor="3楼", reason="misheard")
    assert parts_of(mended) == ("12", "2", "3", "302")
    lines = (await desk.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"]
    assert lines[-1]["changes"]["room"] == [None, "302"]  # an old door is hidden where the caller is
    assert await found_by(desk, "302") == [ticket["number"]]
    cleared = await desk.act(mended, "amend", room="", reason="the whole staircase")
    assert parts_of(cleared) == ("12", "2", "3", None)


async def test_a_matter_that_moves_to_another_building_leaves_its_door_behind(desk: Player) -> None:
    ticket = await desk.call("12栋2单元301停水了")
    moved = await desk.act(ticket, "amend", area="rq-b13", reason="misheard")
    assert parts_of(moved) == (None, None, None, None)
    again = await desk.act(moved, "amend", area="rq-b12", building="12", unit="2", reason="it was right")
    assert parts_of(again) == ("12", "2", None, None)


async def test_a_part_of_an_address_is_short(desk: Player) -> None:
    ticket = await desk.call("12栋停水了")
    refused = await desk.act(ticket, "amend", expect=422, room="x" * 21, reason="misheard")
    assert refused["errors"][0]["field"] == "room"


async def test_exports_have_the_parts(cast: Cast, services: Services, clock: Clock) -> None:
    desk = await cast("desk")
    await desk.call("12栋2单元301停水了")
    _, data = await taken_out(desk, services, clock, form="csv")
    [row] = rows_of(data)
    assert [row[part] for part in PARTS] == ["12", "2", "", "301"]


@pytest.mark.parametrize("parts", [NO_PARTS, AddressParts("12", None, "-1", "301")])
def test_a_call_kept_while_the_database_is_away_keeps_its_door(parts: AddressParts) -> None:
    taken = IntakeRequest(Channel.PHONE, "停水了", address_parts=parts)
    assert parse_intake_record(intake_to_record(taken)) == taken


def test_the_published_roles_are_those_there_are() -> None:
    assert set(PlaceRoleWord.__args__) == {role.name.lower() for role in PlaceRole} - {"excluded"}
