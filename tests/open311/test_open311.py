"""Open311 as strangers' software meets it: GeoReport v2 in XML and JSON, and what FixMyStreet does with it. The far
client judges every answer by the schemas, so each story below is told about right documents only."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.database.engine import DatabaseUnavailable
from hotline.open311.settings import Open311Settings
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.service.accounts import NewKey, add_key
from hotline.organisation.service.directory import change
from hotline.organisation.tables import directory as directory_table
from hotline.organisation.tables import directory_log
from hotline.tickets.context import Services
from hotline.triage.model.lexicon import Lexicon, build_lexicon
from tests.conftest import NOON, Cast, Clock, Player, on_one_database
from tests.open311 import far_side
from tests.open311.far_side import BASE, FORMS, Far, lean, perl_is_here, perl_simple, spark, stamp, xml_simple

LIFT = {"service_code": "dt-fault", "lat": "30.69", "long": "103.83", "description": "3栋2单元电梯坏了，不动了"}
WATER = {"service_code": "sdq-water", "address_string": "9栋1单元", "description": "9栋停水"}
REPORT = {"internal_result": "门机皮带磨断", "public_reply": "电梯已修复，恢复运行", "solved": True}
PNG, JPEG = b"\x89PNG\r\n\x1a\n" + b"0" * 100, b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"0" * 100
WORDS = ("open", "for_triage", "in_progress", "planned")


async def keyed(services: Services, name: str, role: Role = Role.GATEWAY) -> str:
    return str((await add_key(services, NewKey(name, Grant(frozenset({role}))), "test", services.clock()))["secret"])


CHANNELS = (Channel.PHONE, Channel.WEB)


@dataclass(frozen=True)
class OptedIn:
    """The second version of the directory: what it is, and the rows that were written."""

    directory: Directory
    lexicon: Lexicon
    rows: Mapping[sa.Table, Sequence[Mapping[str, Any]]]


SEEDED = 1  # the version of the directory that every story begins with
OPTED_IN: dict[tuple[Channel, ...], OptedIn] = {}


async def opted_in(services: Services, *channels: Channel) -> None:
    """Every category that may be publishes what comes by these channels. The first story changes the directory as the
    boss would; what that wrote is written again for the hundreds that follow."""
    made = OPTED_IN.get(channels)
    if made is None:
        OPTED_IN[channels] = await _opt_in(services, channels)
        return

    def copied(c: sa.Connection) -> None:
        c.execute(sa.delete(directory_table).where(directory_table.c.noun == "categories"))
        for table, rows in made.rows.items():
            if rows:
                c.execute(sa.insert(table), rows)

    await services.db.transact(copied)
    services.directory._directory, services.directory._looked = made.directory, services.clock()
    services.directory._made[build_lexicon] = made.lexicon


async def _opt_in(services: Services, channels: tuple[Channel, ...]) -> OptedIn:
    directory = await services.directory.now(services.clock())
    items = [
        ("categories", code, replace(item, public_channels=channels))
        for code, item in directory.categories.items()
        if not item.confidential
    ]
    boss = Actor(ActorKind.KEY, "boss", "boss", frozenset({Role.ADMIN}))
    directory = await change(services.directory, items, boss, services.clock())

    def written(c: sa.Connection) -> dict[sa.Table, list[dict[str, Any]]]:
        chosen = {
            directory_table: directory_table.c.noun == "categories",
            directory_log: directory_log.c.version > SEEDED,
        }
        return {t: [dict(r) for r in c.execute(sa.select(t).where(which)).mappings()] for t, which in chosen.items()}

    return OptedIn(directory, services.directory.derived(build_lexicon), await services.db.transact(written))


@pytest.fixture
async def closed_far(app: FastAPI, services: Services) -> AsyncIterator[Far]:
    """Where nobody has chosen to publish anything."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        yield Far(http, await keyed(services, "fms"))


@pytest.fixture
async def far(closed_far: Far, services: Services) -> Far:
    """Where calls and reports are published."""
    await opted_in(services, *CHANNELS)
    return closed_far


async def publish(cast: Cast, code: str, *attributes: dict[str, Any], **more: Any) -> None:
    """The boss changes a category."""
    boss = await cast("boss")
    path = f"/v1/directory/categories/{code}"
    tag = (await boss.get("/v1/directory/categories")).headers["etag"]
    item = {**(await boss.get(path)).json(), "attributes": list(attributes), **more}
    reply = await boss.http.put(path, json=item, headers={"if-match": tag})
    assert reply.status_code == 200, reply.text


def attribute(code: str, datatype: str, *values: str, required: bool = False, variable: bool = True) -> dict[str, Any]:
    return {
        "code": code,
        "datatype": datatype,
        "required": required,
        "variable": variable,
        "description": f"问：{code}",
        "datatype_description": "如实填写",
        "values": [{"key": value, "name": value} for value in values],
    }


FLOOR = attribute("floor", "number", required=True)
SIGN = attribute("sign", "singlevaluelist", "unit-still", "unit-noisy")
WHICH = attribute("which", "multivaluelist", "unit-east", "unit-west", "unit-north")
SINCE = attribute("since", "datetime")
HINT = attribute("hint", "string", variable=False)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def process_inbound(services: Services) -> None:
    """The worker's step, until nothing can be left."""
    from hotline.inbound.processing import process_due

    for _ in range(5):
        await process_due(services, services.clock())


async def tickets(desk: Player) -> list[str]:
    return [item["number"] for item in (await desk.get("/v1/tickets")).json()["items"]]


async def all_the_desk_knows(desk: Player, number: str) -> str:
    pages = ("", "/calls", "/timeline")
    return "".join([(await desk.get(f"/v1/tickets/{number}{page}")).text for page in pages])


async def a_lift(cast: Cast) -> dict[str, Any]:
    return await (await cast("desk")).call("3栋2单元电梯坏了", category="dt-fault", caller={"phone": "13800138000"})


async def resolved(cast: Cast) -> dict[str, Any]:
    lifts, switch = await cast("lifts"), await cast("switch")
    t = await lifts.order(await a_lift(cast), "accept")
    t = await lifts.order(t, "report", **REPORT)
    return await switch.order(t, "accept_report")


async def closed(cast: Cast, satisfaction: str = "satisfied") -> dict[str, Any]:
    return await (await cast("desk")).act(await resolved(cast), "confirm", satisfaction=satisfaction)


# --- 1-3: what can be asked for, and what is asked back ---


async def test_case_01_the_service_list_is_the_same_in_both_formats(far: Far) -> None:
    services = await far.both("services")
    lift = next(s for s in services if s["service_code"] == "dt-fault")
    assert (lift["service_name"], lift["group"], lift["type"]) == ("电梯故障", "电梯消防安全", "realtime")
    assert {s["metadata"] for s in services} == {True}  # every service carries fixmystreet_id
    codes = [s["service_code"] for s in services]
    assert len(set(codes)) == len(codes) and {"sdq-water", "wx-light"} <= set(codes)


async def test_case_01_a_retired_service_is_no_longer_offered(far: Far, cast: Cast) -> None:
    await publish(cast, "wt-venue", active=False)
    assert "wt-venue" not in [s["service_code"] for s in await far.both("services")]
    await far.both("services/wt-venue", expect=404)
    await far.post({**LIFT, "service_code": "wt-venue"}, expect=404)


@pytest.mark.parametrize(
    "said",
    ["3栋\n路灯不亮\n第二行", "a & b < c > d \" e ' f", "&amp; &lt;b&gt; ]]> <!-- x -->", "😀 𠮷野家", "%s {0} ?><?"],
    ids=["lines", "marks", "entities", "beyond the plane", "formats"],
)
async def test_case_02_what_was_written_comes_back_as_written_in_both_formats(said: str, far: Far) -> None:
    made = await far.post({**LIFT, "description": said, "address_string": said.replace("\n", " ")}, "xml")
    (found,) = await far.both(f"requests/{made['service_request_id']}", api_key=far.key)
    assert found["description"] == said


@pytest.mark.parametrize("odd", ["\x00", "\x07", "\x0b", "\x1f", "\ufffe"], ids=ascii)
async def test_case_02_a_control_character_never_comes_out_raw(odd: str, far: Far) -> None:
    fields = {**LIFT, "description": f"电梯{odd}坏了", "api_key": far.key}
    reply = await far.http.post(f"{BASE}/requests.xml", data=fields)
    assert reply.status_code in (200, 400), reply.text
    for request in await far.both("requests"):
        assert odd not in request["description"]
    assert reply.status_code == 400 or len(await far.get("requests")) == 1


async def test_case_02_an_error_that_quotes_the_question_is_still_a_document(far: Far) -> None:
    for form in FORMS:
        await far.get("services/%3Cb%3E&\"'", form, expect=404)
        await far.get("requests", form, expect=400, status="<b>&\"'")


async def test_case_03_a_definition_asks_in_order_and_the_hidden_attribute_comes_last(far: Far, cast: Cast) -> None:
    await publish(cast, "dt-fault", FLOOR, SIGN, WHICH, SINCE, HINT)
    found = await far.both("services/dt-fault")
    assert found["service_code"] == "dt-fault"
    asked = sorted(found["attributes"], key=lambda a: a["order"])
    assert [a["code"] for a in asked] == ["floor", "sign", "which", "since", "hint", "fixmystreet_id"]
    assert [a["order"] for a in asked] == [1, 2, 3, 4, 5, 6]
    assert [(a["required"], a["variable"]) for a in asked] == [
        (True, True),
        *[(False, True)] * 3,
        (False, False),
        (False, True),
    ]
    assert asked[1]["values"] == [{"key": k, "name": k} for k in ("unit-still", "unit-noisy")]
    assert (asked[0]["description"], asked[0]["datatype_description"]) == ("问：floor", "如实填写")
    assert (asked[-1]["datatype"], asked[-1]["automated"]) == ("string", "server_set")


@pytest.mark.parametrize("code", ["nothing", "za-misconduct", "DT-FAULT", "dt-fault/x"])
async def test_case_03_an_unknown_service_has_no_definition(code: str, far: Far) -> None:
    for form in FORMS:
        (error,) = await far.get(f"services/{code}", form, expect=404)
        assert str(error["code"]).startswith("404")


# --- 4-8: a report and its number ---

WHERE: dict[str, Any] = {"lat": None, "long": None}  # of a LIFT: nowhere
MATRIX: list[tuple[str, dict[str, Any], int, str]] = [
    ("lat and long", {}, 200, ""),
    ("address string alone", {**WHERE, "address_string": "3栋2单元"}, 200, ""),
    ("address id alone", {**WHERE, "address_id": "rq-b3"}, 200, ""),
    ("empty lat and long beside an address", {"lat": "", "long": "", "address_string": "3栋"}, 200, ""),
    ("nowhere", WHERE, 400, "address_string"),
    ("nowhere in empty words", {"lat": "", "long": "", "address_string": "", "address_id": ""}, 400, "address_string"),
    ("lat without long", {"long": None}, 400, "long"),
    ("long without lat", {"lat": None}, 400, "lat"),
    ("lat off the earth", {"lat": "91"}, 400, "lat"),
    ("long off the earth", {"long": "181"}, 400, "long"),
    ("lat no number", {"lat": "NaN"}, 400, "lat"),
    ("lat without end", {"lat": "inf"}, 400, "lat"),
    ("long of letters", {"long": "east"}, 400, "long"),
    ("service unknown", {"service_code": "nothing"}, 404, ""),
    ("service confidential", {"service_code": "za-misconduct"}, 404, ""),
    ("service missing", {"service_code": None}, 400, "service_code"),
    ("service empty", {"service_code": ""}, 400, "service_code"),
    ("description at the limit", {"description": "灯" * 4000}, 200, ""),
    ("description beyond the limit", {"description": "灯" * 4001}, 400, "description"),
    ("description missing", {"description": None}, 200, ""),
    ("optional fields empty", dict.fromkeys(("email", "phone", "first_name", "media_url", "account_id"), ""), 200, ""),
    ("unknown fields", {"deviceid": "abc", "title": "电梯", "anything": "else"}, 200, ""),
]


def lift_report(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**LIFT, **changes}.items() if value is not None}


@pytest.mark.parametrize(("changes", "status", "names"), [m[1:] for m in MATRIX], ids=[m[0] for m in MATRIX])
@pytest.mark.parametrize("form", FORMS)
async def test_case_04_post_matrix(
    form: str, changes: dict[str, Any], status: int, names: str, far: Far, desk: Player
) -> None:
    said = await far.post(lift_report(**changes), form, expect=status)
    if status == 200:
        assert await tickets(desk) == [said["service_request_id"]]
    else:
        assert names in " ".join(error["description"] for error in said)
        assert await tickets(desk) == []


@pytest.mark.parametrize("rest", [{}, {"service_code": "nothing"}, {"lat": "91"}, {"service_code": ""}])
@pytest.mark.parametrize("whose", ["nobody", "empty", "unknown", "an operator"])
@on_one_database
async def test_case_04_without_our_key_it_is_403_whatever_else_is_wrong(
    whose: str, rest: dict[str, str], far: Far, services: Services, desk: Player
) -> None:
    keys = {"nobody": None, "empty": "", "unknown": "hl_x_y"}
    key = keys[whose] if whose in keys else await keyed(services, "li", Role.OPERATOR)
    for form in FORMS:
        (error,) = await far.post(lift_report(**rest), form, key=key, expect=403)
        assert str(error["code"]).startswith("403")
    await far.post({}, key=key, expect=403)
    assert await tickets(desk) == []


@pytest.mark.parametrize(
    ("answers", "status", "names"),
    [
        ({}, 400, "floor"),
        ({"floor": ""}, 400, "floor"),
        ({"floor": "高"}, 400, "floor"),
        ({"floor": "3"}, 200, ""),
        ({"floor": "3", "sign": "unit-gone"}, 400, "sign"),
        ({"floor": "3", "sign": "unit-still"}, 200, ""),
        ({"floor": "3", "sign": ""}, 200, ""),
        ({"floor": "3", "which": ["unit-east", "unit-gone"]}, 400, "which"),
        ({"floor": "3", "since": "yesterday"}, 400, "since"),
        ({"floor": "3", "since": "2026-11-25T01:00:00Z"}, 200, ""),
    ],
    ids=str,
)
@on_one_database
async def test_case_04_what_a_service_asks_is_checked_by_name(
    answers: dict[str, Any], status: int, names: str, far: Far, cast: Cast, desk: Player
) -> None:
    await publish(cast, "dt-fault", FLOOR, SIGN, WHICH, SINCE, HINT)
    fields = {**LIFT, **{f"attribute[{code}]": value for code, value in answers.items()}}
    said = await far.post(fields, "xml", expect=status)
    if status == 400:
        assert names in said[0]["description"]
    assert len(await tickets(desk)) == (status == 200)


async def test_case_04_an_attribute_nobody_asked_for_is_kept(far: Far, desk: Player) -> None:
    made = await far.post({**LIFT, "attribute[colour]": "verdigris"})
    assert "verdigris" in await all_the_desk_knows(desk, made["service_request_id"])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"attribute[which][]": ["unit-east", "unit-west"]}, {"unit-east", "unit-west"}),
        ({"attribute[which]": ["unit-east", "unit-west"]}, {"unit-east", "unit-west"}),
        ({"attribute[which][]": "unit-east"}, {"unit-east"}),
        ({"attribute[which]": "unit-east"}, {"unit-east"}),
    ],
    ids=["brackets", "repeated", "one in brackets", "one"],
)
async def test_case_05_several_values_in_every_way_they_are_sent(
    sent: dict[str, Any], kept: set[str], far: Far, cast: Cast, desk: Player
) -> None:
    await publish(cast, "dt-fault", WHICH)
    for files in (None, {"photo1": ("1.png", PNG, "image/png")}):
        made = await far.post({**LIFT, **sent}, files=files)
        known = await all_the_desk_knows(desk, made["service_request_id"])
        assert {value for value in ("unit-east", "unit-west", "unit-north") if value in known} == kept


@pytest.mark.parametrize("place", ["query", "body"])
@pytest.mark.parametrize("jurisdiction", ["ruiquan.chengdu.cn", "", "elsewhere.example"])
async def test_case_06_key_and_jurisdiction_in_query_or_body(place: str, jurisdiction: str, far: Far) -> None:
    both = {"api_key": far.key, "jurisdiction_id": jurisdiction}
    if place == "query":
        made = await far.post(LIFT, key=None, query=both)
    else:
        made = await far.post({**LIFT, **both}, key=None)
    (found,) = await far.both(f"requests/{made['service_request_id']}", jurisdiction_id=jurisdiction)
    assert found["service_request_id"] == made["service_request_id"]


async def test_case_07_what_was_sent_can_be_asked_for_at_once(far: Far, desk: Player) -> None:
    made = await far.post({**LIFT, "address_string": "3栋2单元"}, "xml")
    (found,) = await far.both(f"requests/{made['service_request_id']}", api_key=far.key)
    assert (found["service_code"], found["service_name"]) == ("dt-fault", "电梯故障")
    assert (found["description"], found["lat"], found["long"]) == (LIFT["description"], 30.69, 103.83)
    assert (found["status"], found["requested_datetime"]) == ("open", stamp(NOON))
    assert "3栋2单元" in found["address"]
    assert await far.both("requests", api_key=far.key) == [found]  # a list says no other than the request alone
    assert (await desk.see(made["service_request_id"]))["category"]["code"] == "dt-fault"


async def test_case_07_an_unknown_number_is_404(far: Far) -> None:
    for number in ("100000007", "nothing", "1" * 40, "%27--"):
        for form in FORMS:
            await far.get(f"requests/{number}", form, expect=404)


@pytest.mark.parametrize("form", FORMS)
async def test_case_08_a_batch_service_gives_a_token_then_the_number(
    form: str, far: Far, cast: Cast, services: Services
) -> None:
    await publish(cast, "sdq-water", intake="batch")
    assert {s["service_code"]: s["type"] for s in await far.get("services")}["sdq-water"] == "batch"
    made = await far.post(WATER, form)
    assert made["token"] and not made.get("service_request_id")
    assert lean(await far.both(f"tokens/{made['token']}")) == [{"token": made["token"]}]
    await process_inbound(services)
    (ready,) = await far.both(f"tokens/{made['token']}")
    (found,) = await far.both(f"requests/{ready['service_request_id']}", api_key=far.key)
    assert (ready["token"], found["description"]) == (made["token"], WATER["description"])


async def test_case_08_an_unknown_token_is_404(far: Far) -> None:
    for form in FORMS:
        await far.get("tokens/nothing", form, expect=404)


@pytest.mark.parametrize("form", FORMS)
async def test_case_08_a_black_box_gives_neither_and_says_so(
    form: str, far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    await publish(cast, "sdq-water", intake="blackbox")
    assert list(lean(await far.post(WATER, form))) == ["service_notice"]
    await process_inbound(services)
    assert len(await tickets(desk)) == 1  # nobody can follow it, and nobody forgets it


# --- 9-12: lists ---


def day(n: float, **more: float) -> str:
    return stamp(NOON + timedelta(days=n, **more))


async def three(desk: Player, clock: Clock) -> list[str]:
    """One at noon of day 0, of day 10 and of day 100, which is today: the second is exactly 90 days old."""
    numbers = [(await a_ticket(desk))["number"]]
    for days in (10, 90):
        clock.forward(days=days)
        numbers.append((await a_ticket(desk))["number"])
    return numbers


async def a_ticket(desk: Player, category: str = "dt-fault") -> dict[str, Any]:
    return await desk.call("3栋2单元电梯坏了", category=category)


@pytest.mark.parametrize(
    ("window", "seen"),
    [
        ({}, [2, 1]),
        ({"start_date": "", "end_date": ""}, [2, 1]),
        ({"start_date": day(5)}, [1]),
        ({"end_date": day(50)}, [1, 0]),
        ({"start_date": day(10), "end_date": day(100)}, [2, 1]),
        ({"start_date": day(10, seconds=1), "end_date": day(100)}, [2]),
        ({"start_date": day(10), "end_date": day(10)}, [1]),
        ({"start_date": "2026-12-05T12:00:00+08:00", "end_date": "2026-12-05T05:00:00+01:00"}, [1]),
        ({"start_date": "2026-12-05T12:00:00 08:00", "end_date": "2026-12-05T12:00:00 08:00"}, [1]),
    ],
    ids=["none", "empty", "start", "end", "ninety days", "a second later", "one moment", "zones", "plus as a blank"],
)
async def test_case_09_dates_choose_the_requests(
    window: dict[str, str], seen: list[int], far: Far, desk: Player, clock: Clock
) -> None:
    numbers = await three(desk, clock)
    found = [r["service_request_id"] for r in await far.both("requests", **window)]
    assert found == [numbers[n] for n in seen]  # newest first


@pytest.mark.parametrize(
    "window",
    [
        {"start_date": day(0), "end_date": day(90, seconds=1)},
        {"start_date": day(2), "end_date": day(1)},
        {"start_date": "2024-13-01T00:00:00Z"},
        {"start_date": "2026-11-25T00:00:00"},
        {"end_date": "2026-11-25"},
        {"end_date": "yesterday"},
    ],
    ids=str,
)
@pytest.mark.parametrize("what", ["requests", "servicerequestupdates"])
@on_one_database
async def test_case_09_a_date_that_cannot_be_is_400(what: str, window: dict[str, str], far: Far) -> None:
    fallback = {"start_date": day(0), "end_date": day(1)}
    for form in FORMS:
        await far.get(what, form, expect=400, **{**(fallback if what != "requests" else {}), **window})


async def test_case_10_numbers_asked_for_come_whatever_their_age_or_state(far: Far, cast: Cast, clock: Clock) -> None:
    old = await closed(cast)
    clock.forward(days=200)
    new = await a_lift(cast)
    other = await a_lift(cast)
    ids = f"{old['number']},{new['number']},100000007"
    overruled = {"status": "open", "service_code": "sdq-water", "start_date": day(0), "end_date": day(150)}
    for more in ({}, overruled):
        found = {
            r["service_request_id"]: r["status"] for r in await far.both("requests", service_request_id=ids, **more)
        }
        assert found == {old["number"]: "closed", new["number"]: "open"}
    assert other["number"] in [r["service_request_id"] for r in await far.get("requests")]


async def test_case_10_services_and_states_are_chosen_by_comma_lists(far: Far, cast: Cast, desk: Player) -> None:
    done, lift = (await closed(cast))["number"], (await a_lift(cast))["number"]
    water = (await desk.call("9栋停水", category="sdq-water"))["number"]
    lamp = (await desk.call("9栋路灯不亮", category="wx-light"))["number"]

    async def seen(**params: str) -> set[str]:
        return {r["service_request_id"] for r in await far.both("requests", **params)}

    assert await seen(service_code="sdq-water,wx-light") == {water, lamp}
    assert await seen(status="open") == {lift, water, lamp}
    assert await seen(status="closed") == {done}
    assert await seen(status="open,closed") == await seen(status="") == {done, lift, water, lamp}
    assert await seen(status="open", service_code="dt-fault") == {lift}
    for word in ("bogus", "open,bogus", "dispatched", "in_progress"):
        await far.get("requests", "xml", expect=400, status=word)


async def test_case_11_nothing_found_is_an_empty_list(far: Far) -> None:
    assert (await far.ask("requests")).text.strip() == "[]"
    root = far_side.plain_xml((await far.ask("requests", "xml")).text)
    assert (root.tag, len(root), (root.text or "").strip()) == ("service_requests", 0, "")


async def test_case_12_one_found_is_a_list_of_one(far: Far) -> None:
    made = await far.post(LIFT)
    for what, params in (
        ("requests", {}),
        (f"requests/{made['service_request_id']}", {}),
        ("requests", {"service_request_id": made["service_request_id"]}),
    ):
        said = (await far.ask(what, **params)).json()
        assert isinstance(said, list) and len(said) == 1
        assert (await far.ask(what, "xml", **params)).text.count("<request>") == 1
    assert isinstance((await far.send(LIFT)).json(), list)


@pytest.mark.parametrize("how", [{}, {"page": "0"}, {"page": "1"}], ids=str)
async def test_a_list_is_read_to_its_end_by_pages_without_a_gap_or_a_double(
    how: dict[str, str], far: Far, desk: Player, clock: Clock
) -> None:
    numbers = [(await a_ticket(desk))["number"] for _ in range(4)]  # at the same moment
    clock.forward(minutes=1)
    numbers.append((await a_ticket(desk))["number"])
    first = [r["service_request_id"] for r in await far.both("requests", page_size="2", **how)]
    rest = [
        [r["service_request_id"] for r in await far.get("requests", page=p, page_size="2")] for p in ("2", "3", "4")
    ]
    assert [len(page) for page in (first, *rest)] == [2, 2, 1, 0]
    assert first[0] == numbers[-1]
    assert sorted(chain(first, *rest)) == sorted(numbers)
    assert len(await far.get("requests", page_size="100000")) == 5  # capped, not refused


async def test_what_moved_since_is_found_by_the_time_of_the_move(far: Far, cast: Cast, clock: Clock) -> None:
    still, moved = await a_lift(cast), await resolved(cast)
    clock.forward(hours=5)
    await (await cast("desk")).act(moved, "confirm", satisfaction="satisfied")
    after = await far.both("requests", updated_after=stamp(clock() - timedelta(hours=1)))
    assert [r["service_request_id"] for r in after] == [moved["number"]]
    before = await far.both("requests", updated_before=stamp(clock() - timedelta(hours=1)))
    assert [r["service_request_id"] for r in before] == [still["number"]]


# --- 13-16: the paper it is printed on ---


async def test_case_13_no_element_carries_an_attribute(far: Far, cast: Cast) -> None:
    await publish(cast, "dt-fault", SIGN)
    number = (await closed(cast))["number"]
    pages = ["discovery", "services", "services/dt-fault", "requests", f"requests/{number}", "servicerequestupdates"]
    texts = [(await far.ask(page, "xml")).text for page in pages]
    texts.append((await far.ask(f"requests/{number}", "xml", extensions="true")).text)
    texts.append((await far.send(LIFT, "xml")).text)
    texts.append((await far.send(update(number), "xml", what="servicerequestupdates")).text)
    texts.append((await far.ask("requests/nothing", "xml", expect=404)).text)
    for text in texts:
        far_side.plain_xml(text)
        assert "type=" not in text and "nil=" not in text and "is_array=" not in text


@pytest.mark.parametrize("page", ["discovery", "services", "services/dt-fault", "requests", "servicerequestupdates"])
async def test_case_14_head_options_and_pages_of_other_sites(page: str, far: Far) -> None:
    origin = {"origin": "https://map.example"}
    for form, kind in far_side.KINDS.items():
        url = f"{BASE}/{page}.{form}"
        got = await far.http.get(url, headers=origin)
        head = await far.http.head(url, headers=origin)
        assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, "*")
        assert (head.status_code, head.headers["content-type"], head.content) == (200, kind, b"")
        for headers in (origin, {**origin, "access-control-request-method": "GET"}):
            options = await far.http.options(url, headers=headers)
            assert options.status_code in (200, 204), options.text
            assert options.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["services.yaml", "services/dt-fault.yaml", "requests.yaml", "requests.xml.bak"])
@on_one_database
async def test_case_14_another_suffix_is_404_in_plain_words(path: str, far: Far) -> None:
    reply = await far.http.get(f"{BASE}/{path}")
    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith("text/plain")


async def test_case_14_without_a_suffix_there_is_nothing(far: Far) -> None:
    for path in ("", "/", "/services", "/services/dt-fault", "/requests", "/discovery"):
        assert (await far.http.get(f"{BASE}{path}")).status_code == 404


async def test_case_15_discovery_says_who_and_where(far: Far, clock: Clock) -> None:
    found = await far.both("discovery")
    assert at(found["changeset"]) <= clock()
    for endpoint in found["endpoints"]:
        assert endpoint["url"].startswith("http") and BASE in endpoint["url"]
        assert at(endpoint["changeset"]) <= clock()
    assert {f for e in found["endpoints"] for f in e["formats"]} == {"text/xml", "application/json"}


async def test_case_15_the_changeset_moves_when_a_service_changes(far: Far, cast: Cast, clock: Clock) -> None:
    before = (await far.get("discovery"))["changeset"]
    clock.forward(hours=1)
    assert (await far.get("discovery"))["changeset"] == before
    await publish(cast, "dt-fault", FLOOR)
    after = await far.both("discovery")
    assert after["changeset"] > before and max(e["changeset"] for e in after["endpoints"]) == after["changeset"]


async def test_case_16_times_are_those_of_the_matter(far: Far, cast: Cast, clock: Clock) -> None:
    t = await resolved(cast)
    (found,) = await far.both(f"requests/{t['number']}")
    assert found["updated_datetime"] >= found["requested_datetime"] == stamp(NOON)
    promised = (await (await cast("desk")).see(t))["promised_at"]
    assert found["expected_datetime"] == stamp(at(promised))
    clock.forward(hours=7)
    t = await (await cast("desk")).act(t, "confirm", satisfaction="satisfied")
    moment = stamp(clock())
    clock.forward(hours=7)
    await (await cast("desk")).act(t, "comment", text="归档")  # nobody's business outside
    for what in ("requests", f"requests/{t['number']}"):
        (found,) = await far.both(what)
        assert (found["status"], found["updated_datetime"]) == ("closed", moment)


# --- section 6: what may be told of each state ---

Road = Callable[[Cast], Awaitable[dict[str, Any]]]


def by(member: str, action: str, start: Road = a_lift, **fields: Any) -> Road:
    async def go(cast: Cast) -> dict[str, Any]:
        return await (await cast(member)).act(await start(cast), action, **fields)

    return go


def at_once(category: str, **done: str) -> Road:
    async def go(cast: Cast) -> dict[str, Any]:
        return await (await cast("desk")).call("我想问一件事", category=category, at_once=done)

    return go


def ended(satisfaction: str) -> Road:
    async def go(cast: Cast) -> dict[str, Any]:
        return await closed(cast, satisfaction)

    return go


async def nobody_answers(cast: Cast) -> dict[str, Any]:
    desk, t = await cast("desk"), await resolved(cast)
    for _ in range(3):
        t = await desk.act(t, "call_back", reached="no_reply")
    return await desk.act(t, "confirm", satisfaction="no_answer")


async def merged(cast: Cast) -> dict[str, Any]:
    parent = await a_lift(cast)
    return await (await cast("switch")).act(await a_lift(cast), "merge", target=parent["number"])


triaged = by("switch", "recall", reason="派错了")
EXPLAINED = {"public_reply": "须业主大会表决", "reason": "无资金", "satisfaction": "dissatisfied"}
ROADS: list[tuple[str, Road, str, str]] = [
    ("awaiting_info", by("desk", "request_info", text="几单元？"), "open", "open"),
    ("triaged", triaged, "open", "for_triage"),
    ("dispatched", a_lift, "open", "in_progress"),
    ("resolved", resolved, "open", "in_progress"),
    ("shelved", by("watch", "shelve", reason="等表决", review_at="2026-12-20T00:00:00Z"), "open", "planned"),
    ("reopened", by("desk", "reopen", closed, reason="又坏了"), "open", "for_triage"),
    ("very satisfied", ended("very_satisfied"), "closed", "fixed"),
    ("satisfied", ended("satisfied"), "closed", "fixed"),
    ("fair", ended("fair"), "closed", "fixed"),
    ("nobody answers", nobody_answers, "closed", "fixed"),
    ("dissatisfied", ended("dissatisfied"), "closed", "no_further_action"),
    ("explained", by("switch", "explain", resolved, **EXPLAINED), "closed", "no_further_action"),
    ("answered", at_once("wy-fee", action="answer", answer="每平方米0.5元"), "closed", "closed"),
    (
        "declined",
        at_once("wy-fee", action="decline", reason_code="legal_procedure", channel_told="人民法院"),
        "closed",
        "not_councils_responsibility",
    ),
    ("merged", merged, "closed", "duplicate"),
    ("withdrawn", by("desk", "withdraw", reason="不要了"), "closed", "cancelled"),
]


@pytest.mark.parametrize(("road", "status", "word"), [r[1:] for r in ROADS], ids=[r[0] for r in ROADS])
async def test_every_state_is_told_in_open_or_closed_and_one_word(
    road: Road, status: str, word: str, far: Far, cast: Cast
) -> None:
    number = (await road(cast))["number"]
    (found,) = await far.both(f"requests/{number}")
    assert found["status"] == status
    said, colon, sentence = found["status_notes"].partition(": ")
    assert (said, colon) == (word, ": ") and sentence.strip()
    listed = {s: [r["service_request_id"] for r in await far.get("requests", status=s)] for s in ("open", "closed")}
    assert [s for s, numbers in listed.items() if number in numbers] == [status]
    updates = [u for u in await far.both("servicerequestupdates") if u["service_request_id"] == number]
    assert word in [u["status"] for u in updates]
    assert {u["status"] for u in updates} <= {*WORDS, "fixed", word}  # a department's quarrels are no news


async def test_a_matter_of_no_service_yet_breaks_no_list(far: Far, desk: Player) -> None:
    t = await desk.call("说不清楚的事")
    shown = [r["service_request_id"] for r in await far.both("requests")]
    await far.both(f"requests/{t['number']}", expect=200 if shown else 404)


# --- 17: what is nobody's business ---

CALLER = {
    "first_name": "秀英",
    "last_name": "王",
    "email": "wang@example.org",
    "phone": "13800138000",
    "account_id": "acc-4711",
    "device_id": "dev-0815",
}


async def everything_public(far: Far, number: str) -> str:
    """All a stranger can read, every page of it."""
    pages = [
        "services",
        "requests",
        "servicerequestupdates",
        "requests?extensions=true",
        f"requests?service_request_id={number}",
    ]
    urls = [f"{BASE}/{page.partition('?')[0]}.{form}?{page.partition('?')[2]}" for page in pages for form in FORMS]
    urls += [f"{BASE}/requests.csv", *(f"{BASE}/requests/{number}.{form}?extensions=true" for form in FORMS)]
    return "\n".join([reply.text for url in urls if (reply := await far.http.get(url)).is_success])


async def test_case_17_who_reported_is_told_to_the_desk_alone(far: Far, desk: Player) -> None:
    number = (await far.post({**LIFT, **CALLER}))["service_request_id"]
    await desk.act(await desk.see(number), "comment", text="内部备注：老住户")
    public = await everything_public(far, number)
    assert number in public
    for secret in ("秀英", "wang@example.org", "13800138000", "acc-4711", "dev-0815", "内部备注"):
        assert secret not in public
    known = await all_the_desk_knows(desk, number)
    assert "13800138000" in known and "秀英" in known


async def misconduct(cast: Cast) -> dict[str, Any]:
    return await (await cast("desk")).call("举报吃回扣", category="za-misconduct")


async def wrongdoing(cast: Cast) -> dict[str, Any]:
    return await (await cast("desk")).call("电梯维保吃回扣", category="dt-fault", kind="report")


HIDDEN: list[tuple[str, Road]] = [
    ("a confidential category", misconduct),
    ("a report of wrongdoing", wrongdoing),
    ("at the caller's wish", by("desk", "set_confidential", confidential=True, reason="本人要求")),
    ("no matter at all", by("desk", "void", triaged, reason_code="mistake")),
]


@pytest.mark.parametrize("road", [h[1] for h in HIDDEN], ids=[h[0] for h in HIDDEN])
async def test_case_17_what_is_not_public_is_not_there(road: Road, far: Far, cast: Cast) -> None:
    hidden, shown = (await road(cast))["number"], (await a_lift(cast))["number"]
    for form in FORMS:
        await far.get(f"requests/{hidden}", form, expect=404)
        await far.update(update(hidden), form, expect=404)
    assert await far.both("requests", service_request_id=hidden) == []
    assert [r["service_request_id"] for r in await far.both("requests")] == [shown]
    assert {u["service_request_id"] for u in await far.both("servicerequestupdates")} == {shown}
    public = await everything_public(far, hidden)
    assert hidden not in public and "za-misconduct" not in public and shown in public


async def test_case_17_a_token_leads_to_nothing_hidden(far: Far, cast: Cast, services: Services, desk: Player) -> None:
    await publish(cast, "sdq-water", intake="batch")
    token = (await far.post(WATER))["token"]
    await process_inbound(services)
    (number,) = await tickets(desk)
    await desk.act(await desk.see(number), "set_confidential", confidential=True, reason="本人要求")
    for form in FORMS:
        reply = await far.http.get(f"{BASE}/tokens/{token}.{form}")
        assert reply.status_code in (200, 404) and number not in reply.text


# --- 18: FixMyStreet, call by call ---

REPORTED = {  # as Open311.pm sends it
    **LIFT,
    **{name: CALLER[name] for name in ("first_name", "last_name", "email", "phone")},
    "description": "电梯坏了\n\n3栋2单元\n\nhttps://fms.example/report/77",
    "deviceid": "FixMyStreet",
    "attribute[fixmystreet_id]": "77",
    "attribute[easting]": "403512",
    "attribute[northing]": "3395841",
    "attribute[closest_address]": "3栋",
}


def update(number: str, status: str = "FIXED", n: str = "901", **more: str) -> dict[str, str]:
    """A comment of a resident, as FixMyStreet passes it on."""
    return {
        "service_request_id": number,
        "update_id": n,
        "updated_datetime": "2026-11-25T12:00:00+08:00",
        "status": status,
        "description": "还是没修好",
        "first_name": "秀英",
        "last_name": "-",
        "email": "wang@example.org",
        "title": "",
        "media_url": "",
        **more,
    }


async def test_f1_the_list_is_read_as_categories(far: Far) -> None:
    services = (await far.fms("services"))["service"]
    for service in services:
        assert isinstance(service["service_code"], str) and service["metadata"] == "true"
        assert set(service) <= {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}
    lift = next(s for s in services if s["service_code"] == "dt-fault")
    assert (lift["service_name"], lift["group"]) == ("电梯故障", ["电梯消防安全"])
    assert not {"private", "inactive", "staff", "waste_only"} & set((lift.get("keywords") or "").split(","))


async def test_f2_a_definition_is_read_as_questions(far: Far, cast: Cast) -> None:
    await publish(cast, "dt-fault", SIGN)
    found = await far.fms("services/dt-fault")
    sign, ours = sorted(found["attributes"], key=lambda a: int(a["order"]))
    assert (sign["code"], sign["variable"], sign["required"]) == ("sign", "true", "false")
    assert sign["values"] == [{"key": key, "name": key} for key in ("unit-still", "unit-noisy")]
    assert (ours["code"], ours["automated"], ours.get("values")) == ("fixmystreet_id", "server_set", None)


@pytest.mark.parametrize(
    "place", [{}, {"lat": "", "long": "", "address_id": "#NOTPINPOINTED#"}], ids=["a pin", "no pin"]
)
@pytest.mark.parametrize("photo", [False, True], ids=["form", "multipart"])
async def test_f3_a_report_sent_has_an_id_that_is_a_text(
    photo: bool, place: dict[str, str], far: Far, desk: Player
) -> None:
    files = {"photo1": ("1.jpeg", JPEG, "image/jpeg")} if photo else None
    media = ["https://fms.example/photo/77.0.jpeg", "https://fms.example/photo/77.1.jpeg"]
    reply = await far.send({**REPORTED, **place, "media_url": media}, "xml", files=files)
    (request,) = xml_simple(reply.text)["request"]
    assert isinstance(request["service_request_id"], str)
    assert await tickets(desk) == [request["service_request_id"]]
    known = await all_the_desk_knows(desk, request["service_request_id"])
    assert "13800138000" in known and "https://fms.example/report/77" in known


async def test_f3_files_of_a_report_are_kept_with_it(far: Far, desk: Player) -> None:
    files = {
        "photo1": ("1.jpeg", JPEG, "image/jpeg"),
        "media": ("2.png", PNG, "image/png"),
        "file_door": ("3.png", PNG + b"1", "application/octet-stream"),
    }
    number = (await far.post(REPORTED, "xml", files=files))["service_request_id"]
    kept = (await desk.get(f"/v1/tickets/{number}/attachments")).json()["items"]
    assert sorted(f["media_type"] for f in kept) == ["image/jpeg", "image/png", "image/png"]


async def test_f3_a_file_that_is_no_picture_is_refused_with_the_whole_report(far: Far, desk: Player) -> None:
    await far.post(REPORTED, "xml", files={"media": ("a.png", b"MZ\x90\x00 a program", "image/png")}, expect=400)
    assert await tickets(desk) == []


async def test_case_18_f3_sent_again_is_the_same_ticket_also_at_once(far: Far, desk: Player) -> None:
    said = await asyncio.gather(*(far.post(REPORTED, form) for form in (*FORMS, *FORMS, "xml")))
    said.append(await far.post(REPORTED, "xml"))
    assert await tickets(desk) == [said[0]["service_request_id"]]
    assert {s["service_request_id"] for s in said} == {said[0]["service_request_id"]}
    assert (await desk.see(said[0]["service_request_id"]))["counters"]["calls"] == 1


@pytest.mark.parametrize("field", ["client_request_id", "attribute[fixmystreet_id]"])
async def test_case_18_the_senders_own_number_counts_once_for_each_sender(
    field: str, far: Far, services: Services, desk: Player
) -> None:
    one, again, other = [await far.post({**LIFT, field: n}) for n in ("77", "77", "78")]
    elsewhere = await far.post({**LIFT, field: "77"}, key=await keyed(services, "libre"))
    assert lean(one) == lean(again)
    assert len({m["service_request_id"] for m in (one, other, elsewhere)}) == 3
    nameless = [await far.post({**LIFT, field: ""}) for _ in range(2)]
    assert len({m["service_request_id"] for m in nameless}) == 2  # empty is absent, not a number
    assert len(await tickets(desk)) == 5


async def test_case_18_a_token_asked_for_twice_is_one_token(
    far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    await publish(cast, "sdq-water", intake="batch")
    one = await far.post({**WATER, "client_request_id": "c1"})
    await process_inbound(services)
    assert (await far.post({**WATER, "client_request_id": "c1"}))["token"] == one["token"]
    await process_inbound(services)
    assert len(await tickets(desk)) == 1


async def test_f4_a_token_is_followed_to_the_id(far: Far, cast: Cast, services: Services) -> None:
    await publish(cast, "sdq-water", intake="batch")
    (pending,) = xml_simple((await far.send(WATER, "xml")).text)["request"]
    assert isinstance(pending["token"], str) and not pending.get("service_request_id")
    (waiting,) = (await far.fms(f"tokens/{pending['token']}"))["request"]
    assert not waiting.get("service_request_id")
    await process_inbound(services)
    (ready,) = (await far.fms(f"tokens/{pending['token']}"))["request"]
    assert isinstance(ready["service_request_id"], str)


async def test_f5_reports_of_the_last_hour_are_fetched(far: Far, cast: Cast, clock: Clock) -> None:
    await a_lift(cast)
    clock.forward(hours=3)
    new = await far.post(LIFT)
    start, end = stamp(clock() - timedelta(hours=1)), stamp(clock())
    window = {"start_date": start, "end_date": end, "api_key": far.key}
    (request,) = (await far.fms("requests", **window))["request"]
    assert request["service_request_id"] == new["service_request_id"]
    assert start <= request["updated_datetime"] <= end and start <= request["requested_datetime"] <= end
    assert (request["lat"], request["long"]) == ("30.69", "103.83")
    assert not any(name.startswith("contact") for name in request)


async def test_f6_the_life_of_a_matter_is_told_step_by_step(far: Far, cast: Cast, clock: Clock) -> None:
    lifts, switch, desk = await cast("lifts"), await cast("switch"), await cast("desk")
    t = await desk.see((await far.post(LIFT))["service_request_id"])
    clock.forward(hours=1)
    t = await lifts.order(t, "accept")
    t = await lifts.order(t, "report", **REPORT)
    t = await switch.order(t, "accept_report")
    clock.forward(hours=1)
    await desk.act(t, "confirm", satisfaction="satisfied")
    told = []
    for hour in range(3):
        o_clock = stamp(NOON + timedelta(hours=hour))
        found = await far.fms("servicerequestupdates", start_date=o_clock, end_date=o_clock, api_key=far.key)
        steps = found["request_update"]
        assert {u["updated_datetime"] for u in steps} == {o_clock}
        told += steps
    assert {u["service_request_id"] for u in told} == {t["number"]}
    ids = [u["update_id"] for u in told]
    assert len(set(ids)) == len(ids) and all(isinstance(i, str) for i in ids)
    assert told[-1]["status"] == "fixed" and {u["status"] for u in told[:-1]} <= set(WORDS)
    assert REPORT["public_reply"] in told[-1]["description"]
    assert REPORT["internal_result"] not in str(told) and "13800138000" not in str(told)
    again = await far.both("servicerequestupdates")  # the last day, and the same ids; to others no word of the answer
    assert sorted(u["update_id"] for u in again) == sorted(ids)
    assert REPORT["public_reply"] not in str(again)
    assert await far.both("servicerequestupdates", api_key="") == again


async def test_f6_updates_older_than_a_day_must_be_asked_for(far: Far, cast: Cast, clock: Clock) -> None:
    await a_lift(cast)
    clock.forward(hours=25)
    assert await far.both("servicerequestupdates") == []
    assert await far.fms("servicerequestupdates") is None
    assert await far.both("servicerequestupdates", start_date=day(0), end_date=day(90))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("word", ["FIXED", "CLOSED", "OPEN", "REOPEN", "CANCELLED", "IN_PROGRESS", "open"])
async def test_f7_a_residents_word_is_a_contact_and_never_a_decision(
    word: str, form: str, far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    t = await a_lift(cast)
    made = await far.update(update(t["number"], word), form)
    assert made["update_id"]
    await process_inbound(services)
    after = await desk.see(t)
    assert (after["status"], after["counters"]["calls"]) == ("dispatched", t["counters"]["calls"] + 1)
    assert "还是没修好" in await all_the_desk_knows(desk, t["number"])


@pytest.mark.parametrize("word", ["REOPEN", "OPEN", "FIXED"])
async def test_f7_a_closed_matter_stays_closed_and_the_desk_is_shown_the_word(
    word: str, far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    t = await closed(cast)
    await far.update(update(t["number"], word), "xml")
    await process_inbound(services)
    assert (await desk.see(t))["status"] == "closed"
    assert len((await desk.get("/v1/inbound", params={"status": "odd"})).json()["items"]) == 1


async def test_case_18_f7_sent_again_is_one_contact(far: Far, cast: Cast, services: Services, desk: Player) -> None:
    t, other = await a_lift(cast), await a_lift(cast)
    said = list(await asyncio.gather(*(far.update(update(t["number"]), form) for form in (*FORMS, *FORMS))))
    await process_inbound(services)
    said.append(await far.update(update(t["number"], updated_datetime="2026-11-25T12:30:00+08:00"), "xml"))
    await far.update(update(other["number"]))  # their number again, of another matter
    await process_inbound(services)
    assert len({s["update_id"] for s in said}) == 1
    assert [(await desk.see(x))["counters"]["calls"] for x in (t, other)] == [2, 2]


@pytest.mark.parametrize(
    ("changes", "key", "status", "names"),
    [
        ({}, None, 403, "api_key"),
        ({}, "hl_x_y", 403, "api_key"),
        ({"service_request_id": "100000007"}, None, 403, "api_key"),
        ({"service_request_id": "100000007"}, "ours", 404, ""),
        ({"service_request_id": ""}, "ours", 400, "service_request_id"),
        ({"update_id": ""}, "ours", 400, "update_id"),
        ({"updated_datetime": "2026-11-25T12:00:00"}, "ours", 400, "updated_datetime"),
    ],
    ids=str,
)
@on_one_database
async def test_f7_an_update_that_cannot_be_right_is_refused(
    changes: dict[str, str], key: str | None, status: int, names: str, far: Far, cast: Cast
) -> None:
    number = (await a_lift(cast))["number"]
    for form in FORMS:
        errors = await far.update(update(number, **changes), form, key=key, expect=status)
        assert names in errors[0]["description"]


async def test_f8_an_error_is_read_as_code_and_words(far: Far) -> None:
    for reply, code in (
        (await far.send(REPORTED, "xml", key=None, expect=403), "403"),
        (await far.ask("services/nothing", "xml", expect=404), "404"),
        (await far.send(lift_report(**WHERE), "xml", expect=400), "400"),
    ):
        for error in xml_simple(reply.text)["error"]:
            assert error["code"].startswith(code) and isinstance(error["description"], str)


async def test_the_real_perl_reads_what_its_imitation_reads(far: Far, cast: Cast) -> None:
    if not perl_is_here():
        pytest.skip("no Perl XML::Simple")
    await publish(cast, "dt-fault", FLOOR, SIGN)
    number = (await closed(cast))["number"]
    pages = [
        "services",
        "services/dt-fault",
        "services/sdq-water",
        "requests",
        f"requests/{number}",
        "servicerequestupdates",
    ]
    texts = [(await far.ask(page, "xml")).text for page in pages]
    texts.append((await far.send({**REPORTED, "attribute[floor]": "3"}, "xml")).text)
    texts.append((await far.send(REPORTED, "xml", key=None, expect=403)).text)
    texts.append((await far.ask("requests", "xml", service_code="tc-charger")).text)
    for text in texts:
        assert perl_simple(text) == xml_simple(text)


# --- 19-22: under load, under fire, and by the book ---


async def test_case_19_a_long_list_costs_as_few_questions_as_a_short_one(
    far: Far, desk: Player, services: Services
) -> None:
    for _ in range(30):
        await asyncio.gather(*(a_ticket(desk) for _ in range(10)))
    for what in (
        "requests.json",
        "requests.xml",
        "requests.json?extensions=true",
        "servicerequestupdates.xml",
        "requests.csv",
    ):
        await far.http.get(f"{BASE}/services.json")  # the directory is at hand
        before = services.db.round_trips
        reply = await far.http.get(f"{BASE}/{what}")
        assert (reply.status_code, services.db.round_trips - before <= 3) == (200, True), (
            what,
            services.db.round_trips - before,
        )
        if what == "requests.json":
            assert len(reply.json()) == 300


ODD: list[tuple[str, str, str, dict[str, Any]]] = [
    ("json for a form", "POST", "requests", {"json": LIFT}),
    ("a list for a form", "POST", "requests", {"content": b"[1,2]", "headers": {"content-type": "application/json"}}),
    (
        "multipart without end",
        "POST",
        "requests",
        {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
    ),
    ("no body", "POST", "requests", {}),
    ("no body of an update", "POST", "servicerequestupdates", {}),
    ("put", "PUT", "requests", {"data": LIFT}),
    ("delete", "DELETE", "requests/100000007", {}),
    ("post to a list", "POST", "services", {"data": LIFT}),
    ("post to a token", "POST", "tokens/x", {"data": LIFT}),
    ("patch of nothing", "PATCH", "nothing", {}),
    ("a page that is not there", "GET", "nothing", {}),
    ("a page number of letters", "GET", "requests", {"params": {"page": "x"}}),
    ("a size of letters", "GET", "requests", {"params": {"page_size": "many"}}),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("method", "what", "how"), [o[1:] for o in ODD], ids=[o[0] for o in ODD])
async def test_case_20_nonsense_is_400_or_404_in_the_format_asked_for(
    method: str, what: str, how: dict[str, Any], form: str, far: Far, desk: Player
) -> None:
    params = {**({"api_key": far.key} if method == "POST" else {}), **how.get("params", {})}
    reply = await far.http.request(method, f"{BASE}/{what}.{form}", **{**how, "params": params})
    assert reply.status_code in (400, 404), reply.text
    far_side.judged(reply, far_side.WRONG, form, reply.status_code)
    assert await tickets(desk) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", ["services", "services/dt-fault", "requests", "servicerequestupdates"])
async def test_case_21_without_its_database_no_list_is_empty(
    what: str, form: str, app: FastAPI, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseUnavailable("x")

    for verb in ("rows", "transact"):
        monkeypatch.setattr(services.db, verb, away)
    clock.forward(hours=1)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline") as http:
        reply = await http.get(f"{BASE}/{what}.{form}")
    assert reply.status_code >= 500, reply.text
    far_side.judged(reply, far_side.WRONG, form, reply.status_code)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('<errors><error type="x"><code>400</code></error></errors>', "carries"),
        ('<errors xmlns="urn:x"></errors>', "foreign"),
        ("<requests><request><lat>1</lat><lat>2</lat></request></requests>", "twice"),
        ("<services><request></request></services>", "holds"),
    ],
)
def test_case_22_the_judge_of_xml_is_not_asleep(text: str, wrong: str) -> None:
    with pytest.raises(AssertionError, match=wrong):
        spark(f'<?xml version="1.0" encoding="utf-8"?>{text}')


GOOD = {"service_request_id": "1", "status": "open", "service_code": "x", "requested_datetime": "2026-11-25T04:00:00Z"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_request_id": 1},
        {"status": "in_progress"},
        {"service_code": None},
        {"requested_datetime": "2026-11-25T04:00:00"},
        {"lat": "30.69"},
        {"description": "x" * 4001},
        {"contact_email": "wang@example.org"},
    ],
    ids=str,
)
def test_case_22_the_judge_of_json_is_not_asleep(wrong: dict[str, Any]) -> None:
    assert far_side.REQUEST(GOOD) and far_side.REQUEST({**GOOD, "lat": None})
    with pytest.raises(AssertionError):
        far_side.REQUEST({**GOOD, **wrong})


def test_case_22_an_id_with_an_attribute_is_no_id_to_fixmystreet() -> None:
    """The failure which F3 warns of, and the shapes of XML::Simple that all the rest relies on."""
    odd = "<r><request><id type='integer'>7</id><note/><values><value><key>a</key></value></values></request></r>"
    assert xml_simple(odd) == {
        "request": [{"id": {"type": "integer", "content": "7"}, "note": None, "values": [{"key": "a"}]}]
    }


# --- extensions ---


async def test_more_is_told_only_where_it_is_asked_for(far: Far, cast: Cast, desk: Player) -> None:
    await publish(cast, "dt-fault", FLOOR)
    number = (await far.post({**LIFT, **CALLER, "attribute[floor]": "17"}))["service_request_id"]
    await desk.act(await desk.see(number), "comment", text="内部备注")
    more = {"attributes", "extended_attributes", "notes"}
    for what in ("requests", f"requests/{number}"):
        (plain,) = await far.both(what, api_key=far.key)
        (full,) = await far.get(what, extensions="true", api_key=far.key)
        assert not more & set(plain) and more <= set(full)
        assert {name: value for name, value in full.items() if name not in more} == plain
        assert "17" in str(full["attributes"]) and full["notes"]
        assert "内部备注" not in str(full) and "秀英" not in str(full)
        await far.get(what, "xml", extensions="true", api_key=far.key)
        (others,) = await far.get(what, extensions="true")
        assert not others["attributes"] and others["notes"]


COLUMNS = (
    "service_request_id,requested_datetime,updated_datetime,closed_date,status_description,status_notes,source,"
    "service_name,service_subtype,description,agency_responsible,address,lat,long"
)


async def test_the_whole_list_as_a_table(far: Far, cast: Cast) -> None:
    done, hidden = await closed(cast), await misconduct(cast)
    said = '3栋"2单元",电梯\n坏了'
    new = (await far.post({**LIFT, "description": said}))["service_request_id"]

    async def table(**params: str) -> dict[str, dict[str, str]]:
        reply = await far.http.get(f"{BASE}/requests.csv", params={"api_key": far.key, **params})
        assert (reply.status_code, reply.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        assert reply.text.lstrip("\ufeff").splitlines()[0] == COLUMNS
        rows = csv.DictReader(io.StringIO(reply.text.lstrip("\ufeff"), newline=""))
        return {row["service_request_id"]: row for row in rows}

    rows = await table()
    assert set(rows) == {done["number"], new} and hidden["number"] not in rows
    assert (rows[new]["description"], rows[new]["closed_date"], rows[new]["lat"]) == (said, "", "30.69")
    assert (rows[done["number"]]["closed_date"], rows[done["number"]]["service_name"]) == (stamp(NOON), "电梯故障")
    assert set(await table(status="closed")) == {done["number"]}
    assert (await far.http.get(f"{BASE}/requests.csv", params={"start_date": "2026-11-25T00:00:00"})).status_code == 400


async def test_what_the_desk_writes_into_a_report_stays_at_the_desk(far: Far, desk: Player) -> None:
    number = (await far.post(WATER))["service_request_id"]
    secret = {"narrative": "9栋停水。王秀英13800138000家有病人", "address": "9栋1单元301王秀英家"}
    await desk.act(await desk.see(number), "amend", **secret, reason="电话里说的")
    (found,) = await far.both(f"requests/{number}", api_key=far.key)
    assert (found["description"], found["address"]) == (WATER["description"], WATER["address_string"])


@pytest.mark.parametrize("form", FORMS)
async def test_f3_sent_again_after_a_week_is_still_the_same_ticket(
    form: str, far: Far, services: Services, clock: Clock
) -> None:
    from hotline.runtime.retention import tidy

    said = {**WATER, "attribute[fixmystreet_id]": "77"}
    first = (await far.post(said, form))["service_request_id"]
    clock.forward(days=7)
    await tidy(services, clock())
    assert (await far.post(said, form))["service_request_id"] == first


async def test_case_09_what_is_told_with_a_second_belongs_to_that_second(far: Far, clock: Clock) -> None:
    clock.forward(microseconds=500_000)
    number = (await far.post(WATER))["service_request_id"]
    (found,) = await far.both(f"requests/{number}")
    said = found["requested_datetime"]
    for window in (
        {"start_date": said, "end_date": said},
        {"end_date": said},
        {"updated_after": said, "updated_before": found["updated_datetime"]},
    ):
        assert [r["service_request_id"] for r in await far.both("requests", **window)] == [number]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "what",
    ["requests/%00", "tokens/%00", "requests?service_request_id=%00", "requests?service_code=%00", "services/%00"],
)
async def test_case_20_a_nul_is_a_question_like_another(what: str, form: str, far: Far) -> None:
    path, _, query = what.partition("?")
    reply = await far.http.get(f"{BASE}/{path}.{form}?{query}")
    assert reply.status_code in (200, 400, 404)


async def test_case_20_a_nul_anywhere_in_a_report_is_left_out(far: Far) -> None:
    odd = {
        "description": "停\x00水", "attribute[a\x00b]": "x\x00", "account_id": "a\x00b", "first_name": "a\x00b",
        "media_url": "\x00", "email": "\x00@", "client_request_id": "\x00", "address_id": "\x00",
    }  # fmt: skip
    number = (await far.post({**WATER, **odd}))["service_request_id"]
    (found,) = await far.both(f"requests/{number}", api_key=far.key)
    assert found["description"] == "停水"
    kept = await far.update({**update(number), "update_id": "u\x00", "media_url": "\x00"})
    assert kept["update_id"]


async def test_case_20_a_defect_of_ours_is_told_in_their_own_errors(
    far: Far, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr("hotline.open311.store.load_requests", broken)
    for form in FORMS:
        (error,) = await far.get("requests", form, expect=500)
        assert int(error["code"]) == 500 and "RuntimeError" not in error["description"]


@pytest.mark.parametrize("value", ["1_0", "१२", "1e999", "0x10", "nan"])
@on_one_database
async def test_a_degree_is_a_plain_number(value: str, far: Far) -> None:
    errors = await far.post({**LIFT, "lat": value}, expect=400)
    assert "lat" in errors[0]["description"]


async def test_f7_an_update_older_than_its_request_is_for_somebody_to_judge(
    far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    t = await a_lift(cast)
    await far.update(update(t["number"], updated_datetime="2020-01-01T00:00:00Z"))
    await process_inbound(services)
    assert (await desk.see(t))["counters"]["calls"] == t["counters"]["calls"]
    (odd,) = (await desk.get("/v1/inbound")).json()["items"]
    assert "older" in odd["why"]


async def test_f7_pictures_and_links_of_an_update_reach_the_desk(
    far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    t = await a_lift(cast)
    link = "https://fms.example.org/p.jpg"
    for _ in range(2):
        await far.update({**update(t["number"]), "media_url": link}, files={"photo1": ("a.png", PNG, "image/png")})
    await process_inbound(services)
    files = (await desk.get(f"/v1/tickets/{t['number']}/attachments")).json()["items"]
    assert [f["name"] for f in files] == ["a.png"]
    assert link in await all_the_desk_knows(desk, t["number"])


async def test_a_report_merged_into_another_says_into_which(far: Far, desk: Player) -> None:
    parent, child = [(await far.post(WATER))["service_request_id"] for _ in range(2)]
    await desk.act(await desk.see(child), "merge", target=parent)
    (found,) = await far.both(f"requests/{child}")
    assert parent in found["status_notes"]


async def test_the_table_is_read_page_by_page(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.open311.routes.bulk.PAGE", 3)
    sent = {(await far.post(WATER))["service_request_id"] for _ in range(7)}
    reply = await far.http.get(f"{BASE}/requests.csv", params={"api_key": far.key})
    assert {line.split(",")[0] for line in reply.text.splitlines()[1:]} == sent
    assert (await far.http.head(f"{BASE}/requests.csv")).content == b""


async def test_f7_a_picture_sent_for_a_closed_matter_is_kept_with_the_word(
    far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    t = await closed(cast)
    made = await far.update(update(t["number"]), files={"photo1": ("a.png", PNG, "image/png")})
    assert made["update_id"]
    await process_inbound(services)
    (item,) = (await desk.get("/v1/inbound")).json()["items"]
    files = (await desk.get(f"/v1/tickets/{t['number']}/attachments")).json()["items"]
    assert [f["name"] for f in files] == ["a.png"] and item["number"] == t["number"]


# --- publication: nothing without a key unless somebody chose it ---

SAID = "王秀英（13800138000，3栋2单元301）：电梯已修复"
AT_ONCE = {"action": "answer", "answer": SAID}


async def answered(cast: Cast, **fields: Any) -> str:
    """A question the desk answered on the telephone, with words that are for the caller alone."""
    desk = await cast("desk")
    caller = {"phone": "13800138000", "name": "王秀英"}
    place = {"area": "rq-b3", "address": "3栋2单元301"}
    t = await desk.call(
        "3栋2单元301王秀英问电梯", category="dt-fault", caller=caller, location=place, at_once=AT_ONCE, **fields
    )
    return str(t["number"])


@pytest.mark.parametrize("channels", [(), (Channel.WEB,)], ids=["nothing", "another channel"])
async def test_what_nobody_chose_to_publish_is_there_for_no_stranger(
    channels: tuple[Channel, ...], closed_far: Far, cast: Cast, services: Services
) -> None:
    far = closed_far
    await opted_in(services, *channels)
    number = await answered(cast)
    for form in FORMS:
        await far.get(f"requests/{number}", form, expect=404)
        for key in (far.key, None):
            status = 403 if key is None else 404
            await far.update(update(number), form, key=key, expect=status)
    for what in ("requests", "servicerequestupdates"):
        assert await far.both(what) == []
    assert await far.both("requests", service_request_id=number) == []
    assert number not in await everything_public(far, number)


async def test_what_was_said_and_answered_is_published_by_no_choice(
    far: Far, cast: Cast, services: Services, desk: Player
) -> None:
    reported = {**LIFT, **CALLER, "address_string": "3栋2单元301", "media_url": "https://fms.example.org/p.jpg"}
    number, sent = await answered(cast), (await far.post(reported))["service_request_id"]
    declined = await answered_otherwise(desk)
    public = await everything_public(far, number)
    public += "".join([(await far.http.get(f"{BASE}/requests/{n}.xml?extensions=true")).text for n in (sent, declined)])
    assert all(n in public for n in (number, sent, declined))
    for secret in ("王秀英", "13800138000", "301", "已修复", "不动了", "30.69", "p.jpg", "法院"):
        assert secret not in public, secret


async def answered_otherwise(desk: Player) -> str:
    done = {"action": "decline", "reason_code": "legal_procedure", "channel_told": "法院立案庭王法官13800138000"}
    return str((await desk.call("我想问一件事", category="wy-fee", at_once=done))["number"])


async def test_a_client_reads_its_own_reports_and_no_other_key_does(
    closed_far: Far, services: Services, cast: Cast, desk: Player
) -> None:
    far = closed_far
    number = (await far.post({**LIFT, "address_string": "3栋2单元"}))["service_request_id"]
    other = await keyed(services, "libre")
    (own,) = await far.both("requests", api_key=far.key)
    assert (own["service_request_id"], own["description"], own["lat"]) == (number, LIFT["description"], 30.69)
    assert await far.both(f"requests/{number}", api_key=far.key) == [own]
    assert await far.both("servicerequestupdates", api_key=far.key)
    for form in FORMS:
        await far.get(f"requests/{number}", form, expect=404)
        await far.get(f"requests/{number}", form, expect=404, api_key=other)
        await far.get("requests", form, expect=403, api_key="hl_x_y")
    assert await far.both("requests", api_key=other) == []
    assert (await far.update(update(number)))["update_id"]
    reply = await far.http.get(f"{BASE}/requests.csv", params={"api_key": far.key})
    assert LIFT["description"] in reply.text and "access-control-allow-origin" not in reply.headers


async def test_a_stranger_asks_so_often_a_minute_and_a_client_with_a_key_as_it_likes(
    far: Far, services: Services, clock: Clock
) -> None:
    services.part(Open311Settings).reads = 3
    for _ in range(3):
        await far.get("requests")
    for form in FORMS:
        reply = await far.ask("requests", form, expect=429)
        assert 0 < int(reply.headers["retry-after"]) <= 60
    assert (await far.http.get(f"{BASE}/requests.csv")).status_code == 429
    await far.get("requests", expect=429, api_key="hl_x_y")  # guessing keys is asking too
    await far.get("requests", api_key=far.key)
    await far.get("services")
    clock.forward(minutes=1)
    await far.get("requests")


async def test_the_table_ends_early_for_whoever_has_no_key(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.open311.routes.bulk.MOST_PUBLIC", 2)
    for _ in range(4):
        await far.post(WATER)
    assert len((await far.http.get(f"{BASE}/requests.csv")).text.splitlines()) == 1 + 2


async def test_a_server_without_open311_has_nothing_there(far: Far, services: Services, desk: Player) -> None:
    services.part(Open311Settings).is_enabled = False
    for what in ("discovery", "services", "requests", "servicerequestupdates"):
        for form in FORMS:
            assert (await far.http.get(f"{BASE}/{what}.{form}")).status_code == 404
    reply = await far.http.post(f"{BASE}/requests.json", data={**LIFT, "api_key": far.key})
    assert reply.status_code == 404 and await tickets(desk) == []


async def test_a_confidential_category_cannot_be_published(cast: Cast) -> None:
    boss = await cast("boss")
    tag = (await boss.get("/v1/directory/categories")).headers["etag"]
    item = {**(await boss.get("/v1/directory/categories/za-misconduct")).json(), "public_channels": ["web"]}
    reply = await boss.http.put("/v1/directory/categories/za-misconduct", json=item, headers={"if-match": tag})
    assert reply.status_code == 422 and "public_channels" in reply.text


@pytest.mark.parametrize("raw", ["%B5%E7%CC%DD", "电梯".encode("gbk").decode("latin-1")])
async def test_a_report_in_another_charset_is_taken(raw: str, far: Far) -> None:
    body = f"api_key={far.key}&service_code={WATER['service_code']}&address_string=3&description=".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = await far.http.post(f"{BASE}/requests.json", content=body + raw.encode("latin-1"), headers=headers)
    assert reply.status_code in (200, 201), reply.text
    assert "service_request_id" in reply.json()[0]
