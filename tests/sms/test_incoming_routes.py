"""SMS in, provider by provider: the cases of the gateways' sheet, each under its number. The far sides stand in
`tests/sms/providers.py`, written from the same sheet by another hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from hotline.database.engine import DatabaseUnavailable
from hotline.delivery import store as outbox_store
from hotline.delivery.gateways import GatewayChange, NewGateway, change_gateway, create_gateway
from hotline.inbound.processing import process_due
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.service.directory import DirectoryCache
from hotline.refusals import Refused
from hotline.review import store as review_store
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.sms import providers
from tests.sms.providers import FAR, LEFT_OUT, PUBLIC, REPORT_WORDS, SAMPLES, Push

NAMES = sorted(FAR)
BATCHES = [n for n in NAMES if FAR[n].batches]
LAMP = "3栋楼下路灯坏了"
WANG = "+8613800138000"


class Line:
    """A provider's line to us: its gateway is set up, its pushes arrive."""

    def __init__(self, services: Services, http: httpx.AsyncClient, clock: Clock) -> None:
        self.services, self.http, self.clock = services, http, clock
        self.serial = 0

    async def set_up(self, name: str, **settings: Any) -> Any:
        far = FAR[name]
        secrets = {k: [v] for k, v in far.secrets.items()}
        own = {**far.settings, **settings}
        if name == "aws":
            own["certificates"] = {providers.CERTIFICATE_URL: providers.certificate().decode()}
        await create_gateway(
            self.services.gateways, NewGateway(name, name, own, secrets, sends=False, weight=50), "test", self.clock()
        )
        return far

    async def push(self, push: Push) -> httpx.Response:
        return await self.http.request(push.method, push.path, headers=push.headers, content=push.body)

    async def says(
        self, far: Any, text: str, sender: str = WANG, *, receiver: str = "12345", **odd: Any
    ) -> httpx.Response:
        self.serial += 1
        return await self.push(far.text(f"m-{self.serial}", sender, receiver, text, self.clock(), **odd))

    async def work(self) -> int:
        done = 0
        while worked := await process_due(self.services, self.clock()):
            done += worked
        return done

    async def rows(self, status: str = "done") -> list[Any]:
        return list(await review_store.load_items(self.services.db, SYSTEM_SCOPE, status, "", 200))


@pytest.fixture
async def line(app: FastAPI, services: Services, clock: Clock) -> AsyncIterator[Line]:
    services.public_url = services.gateways._url = PUBLIC
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://internal:8000") as http:
        yield Line(services, http, clock)


def right(reply: httpx.Response, expected: Any) -> None:
    status, kind, body = expected
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith(kind)
    assert body is None or reply.content == body


@pytest.mark.parametrize(("name", "place"), [(n, p) for n in NAMES for p in range(len(SAMPLES[n]))])
async def test_case_01_the_documentations_sample_becomes_one_contact(name: str, place: int, line: Line) -> None:
    far = await line.set_up(name)
    push, due = SAMPLES[name][place]
    right(await line.push(push), far.success_text)
    kept = await line.rows("kept")
    assert [r.kind for r in kept] == ["text"], [(r.status, r.why) for r in await line.rows("odd")]
    assert (kept[0].sender, kept[0].receiver, kept[0].text) == (due["sender"], due["receiver"], due["text"])
    if due["id"] is not None:
        assert str(due["id"]) in kept[0].key


@pytest.mark.parametrize("name", BATCHES)
async def test_case_02_a_batch_of_two_and_an_empty_one(name: str, line: Line) -> None:
    far = await line.set_up(name)
    two = [("b-1", WANG, "12345", LAMP, line.clock()), ("b-2", "+8613900139000", "12345", "5栋停水", line.clock())]
    right(await line.push(far.texts(two)), far.success_text if name != "generic" else (200, "application/json", None))
    assert len(await line.rows("kept")) == 2
    right(await line.push(far.texts([])), (200, "application/json", None))
    assert len(await line.rows("kept")) == 2


async def test_half_a_character_in_json_loses_no_text(line: Line) -> None:
    far = {name: await line.set_up(name) for name in BATCHES}
    for name in BATCHES:
        cut = [(f"h-{name}", WANG, "12345", f"{LAMP}\ud83d", line.clock())]
        assert (await line.push(far[name].texts(cut))).status_code == 200
    assert [row.text for row in await line.rows("kept")] == [f"{LAMP}\ufffd"] * len(BATCHES)


async def test_case_03_an_id_as_number_and_as_string_is_one_key(line: Line) -> None:
    far = await line.set_up("aliyun")
    await line.push(far.text("77", WANG, "12345", LAMP, line.clock()))
    await line.push(far.text("", WANG, "12345", LAMP, line.clock(), sequence_id=77))
    assert len(await line.rows("kept")) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_case_04_the_same_push_twice_and_at_once_is_one_ticket(name: str, line: Line, desk: Player) -> None:
    far = await line.set_up(name)
    push = far.text("once", WANG, "12345", LAMP, line.clock())
    replies = await asyncio.gather(*(line.push(push) for _ in range(6)))
    replies.append(await line.push(push))
    assert len({(r.status_code, r.content) for r in replies}) == 1
    await line.work()
    right(await line.push(push), (replies[0].status_code, replies[0].headers["content-type"], replies[0].content))
    await line.work()
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1


@pytest.mark.parametrize("name", BATCHES)
async def test_case_05_one_bad_item_never_takes_the_good_one_along(name: str, line: Line, desk: Player) -> None:
    far = await line.set_up(name)
    push = far.texts([("g-1", WANG, "12345", LAMP, line.clock()), ("g-2", WANG, "12345", LAMP, line.clock())])
    payload = json.loads(push.body)
    items = providers.items_of(payload)
    items[1].clear()
    items[1]["nonsense"] = True
    push = far.resign(replace(push, body=json.dumps(payload).encode()))
    assert (await line.push(push)).status_code == 200
    assert len(await line.rows("kept")) == 1
    shown = (await desk.get("/v1/inbound")).json()["items"]
    assert len(shown) == 1 and "not to be read" in shown[0]["why"]
    whole = (await desk.get(f"/v1/inbound/{shown[0]['id']}")).json()
    assert "nonsense" in whole["raw"]


@pytest.mark.parametrize("name", NAMES)
async def test_case_06_with_the_database_down_nothing_is_acknowledged(
    name: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = await line.set_up(name)
    await line.services.gateways.now(line.clock())
    push = far.text("later", WANG, "12345", LAMP, line.clock())
    with monkeypatch.context() as cut:

        async def away(work: Any) -> Any:
            raise DatabaseUnavailable("the database does not answer")

        cut.setattr(line.services.db, "transact", away)
        reply = await line.push(push)
        assert reply.status_code == 503 and int(reply.headers["retry-after"]) >= 1
    assert await line.rows("kept") == []
    right(await line.push(push), far.success_text if name != "generic" else (200, "application/json", None))
    assert len(await line.rows("kept")) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_case_07_wrong_or_no_signature_keeps_nothing(name: str, line: Line) -> None:
    far = await line.set_up(name)
    push = far.text("forged", WANG, "12345", LAMP, line.clock())
    wrongs = [far.forged(push)]
    if "?" in push.path and push.method == "POST":
        wrongs.append(replace(push, path=push.path.partition("?")[0]))
    if name in ("twilio", "generic", "infobip"):
        bare = {k: v for k, v in push.headers.items() if k.lower() == "content-type"}
        wrongs.append(replace(push, headers=bare))
    if name in ("twilio", "generic"):
        wrongs.append(replace(push, body=push.body + b"&x=y"))
    for wrong in wrongs:
        reply = await line.push(wrong)
        assert reply.status_code == 401, (reply.status_code, wrong)
        assert reply.headers["content-type"] == "application/problem+json"
        assert "138001" not in reply.text and LAMP not in reply.text
    assert await line.rows("kept") == [] and await line.rows("odd") == []


@pytest.mark.parametrize("name", ["twilio", "vonage", "huawei", "aws"])
async def test_case_08_unknown_empty_and_repeated_parameters_do_not_break_a_signature(name: str, line: Line) -> None:
    far = await line.set_up(name)
    push = far.text("more", WANG, "12345", LAMP, line.clock())
    extra: dict[str, Any] = {"BrandNew": "値&=+ %", "Empty": ""}
    if name == "twilio":
        extra["Twice"] = ["b", "a", "b"]
    if name == "aws":
        extra = {"unknown": "x"}
    changed = far.resign(push, **extra)
    right(await line.push(changed), far.success_text)
    assert len(await line.rows("kept")) == 1


async def test_case_09_a_signed_url_with_and_without_port_behind_a_proxy(line: Line) -> None:
    far: Any = await line.set_up("twilio")
    for n, push in enumerate(
        (
            far.text("p-1", WANG, "12345", LAMP, line.clock()),
            far.signed_with_port(far.text("p-2", WANG, "12345", LAMP, line.clock())),
            far.resign(providers.with_query(far.text("p-3", WANG, "12345", LAMP, line.clock()), campaign="a b")),
            far.json_push("p-4", WANG, "12345", LAMP, line.clock()),
            far.sha256_push("p-5", WANG, "12345", LAMP, line.clock()),
        ),
        start=1,
    ):
        behind = providers.with_headers(
            push, Host="internal:8000", X_Forwarded_Host="evil.example", X_Forwarded_Proto="http"
        )
        right(await line.push(behind), far.success_text)
        assert len(await line.rows("kept")) == n


@pytest.mark.parametrize(
    "text", ["路灯坏了", "𠮷野家门口😀漏水", "a+b%20&c=d", "第一行\n第二行", "Lamp “broken” – ok", "ﾊﾝｶｸ"]
)
@pytest.mark.parametrize("name", NAMES)
async def test_case_10_every_character_arrives_as_it_was_written(name: str, text: str, line: Line) -> None:
    far = await line.set_up(name)
    await line.says(far, text)
    assert [r.text for r in await line.rows("kept")] == [text]


async def test_case_10_kannels_charsets_and_garbled_bodies(line: Line) -> None:
    far: Any = await line.set_up("kannel")
    lamp, now = "路灯坏了😀", line.clock()
    await line.push(far.utf16("u-1", WANG, "12345", lamp, now))
    await line.push(far.gbk("u-2", WANG, "12345", "路灯坏了", now))
    await line.push(far.data("u-3", WANG, "12345", "路灯坏了".encode("gbk"), now))
    await line.push(far.post("u-4", WANG, "12345", lamp, now))
    huawei: Any = await line.set_up("huawei")
    await line.push(huawei.text("u-5", WANG, "12345", providers.garbled("路灯坏了"), now))
    await line.push(far.text("u-6", WANG, "12345", "灯\x00坏", now))
    texts = {r.key: r.text for r in await line.rows("kept")}
    assert texts == {
        "u-1": lamp, "u-2": "路灯坏了", "u-3": "路灯坏了", "u-4": lamp, "u-5": "路灯坏了", "u-6": "灯坏",
    }  # fmt: skip


async def test_case_11_parts_in_any_order_a_missing_one_and_a_late_one(line: Line, desk: Player) -> None:
    far: Any = await line.set_up("vonage")
    parts = {1: "3栋2单元", 2: "楼道的灯", 3: "坏了很久"}
    for n in (3, 1, 2):
        await line.push(far.part(f"c-{n}", "77", 3, n, WANG, "12345", parts[n], line.clock()))
        await line.work()
    tickets = (await desk.get("/v1/tickets")).json()["items"]
    assert len(tickets) == 1
    assert (await desk.see(tickets[0]["number"]))["narrative"] == "3栋2单元楼道的灯坏了很久"
    # another one whose second part never comes
    for n in (1, 3):
        await line.push(far.part(f"d-{n}", "78", 3, n, "+8613900139000", "12345", parts[n], line.clock()))
    await line.work()
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1
    line.clock.forward(seconds=61)
    await line.work()
    tickets = (await desk.get("/v1/tickets")).json()["items"]
    assert len(tickets) == 2
    late = await desk.see(tickets[0]["number"])
    assert late["narrative"] == "3栋2单元坏了很久"
    opened = [r for r in await line.rows() if r.number == late["number"]]
    assert "never came" in opened[0].why
    await line.push(far.part("d-2", "78", 3, 2, "+8613900139000", "12345", parts[2], line.clock()))
    await line.work()
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 2
    assert (await desk.see(late["number"]))["counters"]["calls"] == 2


async def test_a_danger_in_a_part_is_not_kept_waiting(line: Line, desk: Player) -> None:
    far: Any = await line.set_up("vonage")
    await line.push(far.part("f-1", "79", 2, 1, WANG, "12345", "3栋2单元着火了", line.clock()))
    await line.work()
    line.clock.forward(seconds=6)
    await line.work()
    tickets = (await desk.get("/v1/tickets")).json()["items"]
    assert [t["priority"] for t in tickets] == ["emergency"]


@pytest.mark.parametrize("name", ["kannel", "aliyun", "generic"])
async def test_case_12_one_caller_however_the_number_is_written(name: str, line: Line) -> None:
    far = await line.set_up(name)
    for sender in ("13800138000", "8613800138000", "+8613800138000", "008613800138000"):
        await line.says(far, LAMP, sender)
    assert {r.sender for r in await line.rows("kept")} == {WANG}


@pytest.mark.parametrize("sender", ["10690001234", "MyBank", "95598"])
async def test_case_13_service_senders_are_kept_and_never_callers(sender: str, line: Line, desk: Player) -> None:
    far = await line.set_up("kannel")
    await line.says(far, LAMP, sender)
    await line.work()
    assert (await desk.get("/v1/tickets")).json()["items"] == []
    shown = (await desk.get("/v1/inbound")).json()["items"]
    assert [s["why"] for s in shown] == ["not from a caller's number"]
    taken = await desk.post(f"/v1/inbound/{shown[0]['id']}/take", {})
    assert taken.status_code == 201 and taken.json()["number"]
    assert (await desk.see(taken.json()["number"]))["caller"] is None


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("aws", "kannel", "vonage")])
async def test_case_17_blank_and_endless_texts_are_kept_and_flagged(name: str, line: Line, desk: Player) -> None:
    far = await line.set_up(name)
    for text in ("", "   \n ", "路灯坏了。" * 400):
        assert (await line.says(far, text)).status_code == 200
    await line.work()
    assert [s["why"] for s in (await desk.get("/v1/inbound")).json()["items"]] == ["empty: it says nothing"] * 2
    tickets = (await desk.get("/v1/tickets")).json()["items"]
    assert len(tickets) == 1
    assert len((await desk.see(tickets[0]["number"]))["narrative"]) == 2000


@pytest.mark.parametrize(
    ("name", "expected"),
    [("aliyun", datetime(2026, 11, 25, 4, 0, tzinfo=UTC)), ("vonage", datetime(2026, 11, 25, 4, 0, tzinfo=UTC))],
)
async def test_case_16_naive_times_lie_in_the_providers_zone(name: str, expected: datetime, line: Line) -> None:
    far = await line.set_up(name)
    await line.says(far, LAMP)
    assert [r.sent_at for r in await line.rows("kept")] == [expected]


async def test_case_16_a_time_from_the_future_is_not_believed(line: Line) -> None:
    far = await line.set_up("aliyun")
    await line.push(far.text("t-1", WANG, "12345", LAMP, line.clock() + timedelta(hours=3)))
    (row,) = await line.rows("kept")
    assert row.sent_at is None and row.details["said_sent_at"].startswith("2026-11-25T07:00")


TIME_FIELDS = {
    "aliyun": "send_time", "tencent": "time", "generic": "sent_at", "vonage": "message-timestamp", "huawei": "createTime",
    "infobip": "receivedAt", "kannel": "ts",
}  # fmt: skip


@pytest.mark.parametrize(
    "said", ["03/04/2026 10:00:00", "8:54:22 PM", "2026-11-25 10:00:00 CST", "2031-01-01 00:00:00"]
)
@pytest.mark.parametrize("name", TIME_FIELDS)
async def test_case_16_a_text_whose_time_nobody_can_read_is_taken_and_the_time_is_shown_as_it_came(
    name: str, said: str, line: Line, desk: Player
) -> None:
    far = await line.set_up(name)
    right(await line.says(far, LAMP, **{TIME_FIELDS[name]: said}), far.success_text)
    await line.work()
    (row,) = await line.rows()
    assert (row.sent_at, row.details["said_sent_at"]) == (None, said)
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [("aliyun", "2026/11/25 下午 12:00:00"), ("tencent", 1795579200000), ("generic", "Wed, 25 Nov 2026 04:00:00 GMT"),
     ("kannel", "2026-11-25 04:00"), ("vonage", "20261125040000"), ("infobip", "2026-11-25T12:00:00.000+0800")],
)  # fmt: skip
async def test_case_16_a_time_may_be_written_in_any_way_that_is_certain(name: str, said: Any, line: Line) -> None:
    far = await line.set_up(name)
    await line.says(far, LAMP, **{TIME_FIELDS[name]: said})
    assert [r.sent_at for r in await line.rows("kept")] == [line.clock()]


@pytest.mark.parametrize("off", [timedelta(minutes=10), timedelta(minutes=-10)])
async def test_case_16_a_signature_ten_minutes_off_is_refused(off: timedelta, line: Line) -> None:
    far = await line.set_up("generic")
    assert (await line.push(far.text("w-1", WANG, "12345", LAMP, line.clock() + off))).status_code == 401
    vonage = await line.set_up("vonage")
    late = await line.push(vonage.text("w-2", WANG, "12345", LAMP, line.clock() + off))
    assert late.status_code == (401 if off > timedelta(0) else 200)  # it repeats a failed push for a day


async def test_case_18_a_hundred_items_are_kept_together(line: Line) -> None:
    far = await line.set_up("generic")
    many = [(f"h-{n}", f"+86138001{n:05d}", "12345", f"{n}栋停水", line.clock()) for n in range(100)]
    await line.services.directory.now(line.clock())  # a process reads it once, before its first push
    asked = line.services.db.round_trips
    reply = await line.push(far.texts(many))
    assert reply.json() == {"accepted": 100, "set_aside": 0}
    assert line.services.db.round_trips - asked <= 3
    assert len(await line.rows("kept")) == 100


async def test_case_21_an_unmapped_number_of_ours_is_acknowledged_and_shown(line: Line, desk: Player) -> None:
    far = await line.set_up("kannel", numbers={"12345": "ruiquan"})
    right(await line.says(far, LAMP, receiver="99999"), far.success_text)
    await line.says(far, LAMP, receiver="12345")
    await line.work()
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 1
    assert "belongs to no area" in (await desk.get("/v1/inbound")).json()["items"][0]["why"]


async def test_case_20_a_danger_word_is_heard_whoever_sends_it(line: Line, desk: Player) -> None:
    far = await line.set_up("kannel", numbers={"12345": "ruiquan"})
    await line.says(far, "退订", "13900139000")
    for n in range(25):
        await line.says(far, f"吵死了 {n}", "13900139001")
    await line.work()
    assert len((await desk.get("/v1/inbound?limit=50")).json()["items"]) == 5  # beyond twenty within the hour
    assert len((await desk.get("/v1/tickets?limit=50")).json()["items"]) == 1  # all the others are his one ticket's
    await line.says(far, "3栋着火了", "13900139000")  # opted out
    await line.says(far, "5栋燃气泄漏", "13900139001")  # too many texts
    await line.says(far, "7栋有人跳楼", "13900139002", receiver="99999")  # a number that maps to nothing
    await line.says(far, "9栋着火了", "10690001234")  # nobody's number
    await line.work()
    tickets = (await desk.get("/v1/tickets?limit=50")).json()["items"]
    assert [t["priority"] for t in tickets].count("emergency") == 3
    alarms = [m for m in await outbox_store.load_messages(line.services.db, "queued", "", 200) if m.kind == "alarm"]
    assert any("danger" in m.payload["text"] for m in alarms)


@pytest.mark.parametrize("name", ["kannel", "twilio", "generic", "vonage", "infobip"])
async def test_case_22_old_and_new_secret_live_together_until_the_old_is_dropped(name: str, line: Line) -> None:
    far = await line.set_up(name)
    word = {"kannel": "token", "twilio": "auth_token", "generic": "secret", "vonage": "signature_secret"}.get(
        name, "password"
    )
    fresh = "whsec_" + "QUJD" * 10 if name == "generic" else "another-secret-of-theirs"
    h = line.services
    await change_gateway(h.gateways, name, GatewayChange(new={word: [fresh]}), line.clock())
    assert (await line.says(far, LAMP)).status_code == 200
    await change_gateway(h.gateways, name, GatewayChange(drop={word: [far.secrets[word]]}), line.clock())
    assert (await line.says(far, LAMP)).status_code == 401
    assert len(await line.rows("kept")) == 1


async def test_addresses_are_a_list_where_they_are_set(line: Line) -> None:
    far = await line.set_up("kannel", addresses=["198.51.100.0/24"])
    assert (await line.says(far, LAMP)).status_code == 401
    h = line.services
    await change_gateway(h.gateways, "kannel", GatewayChange(settings={"addresses": ["203.0.113.0/24"]}), line.clock())
    assert (await line.says(far, LAMP)).status_code == 200


async def test_case_24_aws_believes_no_certificate_of_others_and_calls_nobody(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    far: Any = await line.set_up("aws")
    asked: list[str] = []

    async def caught(self: Any, *a: Any, **kw: Any) -> Any:
        asked.append("called")
        raise AssertionError("an outgoing call")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", caught)
    push = far.text("a-1", WANG, "12345", LAMP, line.clock())
    for url in (
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://user@sns.eu-west-1.amazonaws.com/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
    ):
        forged = far.resign(push, SigningCertURL=url)
        assert (await line.push(forged)).status_code == 401, url
    wrong_topic = far.resign(push, TopicArn="arn:aws:sns:eu-west-1:1:other")
    assert (await line.push(wrong_topic)).status_code == 401
    right(await line.push(far.confirmation(providers.TOPIC, line.clock())), far.success_text)
    (odd,) = await line.rows("odd")
    assert "confirm it by hand" in odd.why and "SubscribeURL" in odd.raw
    unknown = far.resign(push, SigningCertURL="https://sns.eu-west-1.amazonaws.com/other.pem")
    assert (await line.push(unknown)).status_code == 503  # brought again, when the worker has fetched it
    wanted = (await line.services.gateways.now(line.clock()))["aws"].account.settings["wanted_certificate"]
    assert wanted == "https://sns.eu-west-1.amazonaws.com/other.pem"
    assert asked == []


@pytest.mark.parametrize("name", [n for n in sorted(REPORT_WORDS) if n != "aws"])
async def test_reports_are_acknowledged_exactly_and_a_strange_word_too(name: str, line: Line) -> None:
    far = await line.set_up(name)
    strange = [] if name == "aliyun" else ["NEVER-HEARD-OF"]  # true or false is all it says
    for n, word in enumerate([*REPORT_WORDS[name], *strange]):
        reply = await line.push(far.report(f"p-{n}", f"r-{n}", WANG, word, line.clock()))
        right(reply, far.success_report)
    kept = await line.rows("kept")
    assert {r.kind for r in kept} == {"report"}
    said = {r.details["provider_id"] or r.details["reference"]: r.details["status"] for r in kept}
    for n, (word, ours) in enumerate(REPORT_WORDS[name].items()):
        assert said.get(f"p-{n}", said.get(f"r-{n}")) == ours, word
    assert list(said.values()).count(None) == len(strange)


async def test_unknown_gateways_and_bodies_beyond_bounds(line: Line) -> None:
    far = await line.set_up("generic")
    push = far.text("x", WANG, "12345", LAMP, line.clock())
    assert (await line.push(replace(push, path="/v1/hooks/sms/nobody"))).status_code == 404
    assert (await line.push(replace(push, body=b"x" * (10 * 1024 * 1024)))).status_code == 413
    assert (await line.push(replace(push, method="GET"))).status_code == 405
    nonsense = far._push(push.path, "no list at all", line.clock()) if hasattr(far, "_push") else push
    assert (await line.push(nonsense)).status_code == 200  # authentic, and not to be read: kept for somebody to look at
    assert [r.kind for r in await line.rows("odd")] == ["body"]


async def test_a_get_where_the_provider_posts_is_refused(line: Line) -> None:
    await line.set_up("infobip")
    assert (await line.http.get("/v1/hooks/sms/infobip")).status_code == 405


async def test_what_is_not_right_with_a_gateway_is_told_before_it_is_kept(services: Services, clock: Clock) -> None:
    async def tried(name: str, provider: str, settings: Any, secrets: Any, *, sends: bool = False) -> list[str]:
        with pytest.raises(Refused) as refused:
            await create_gateway(
                services.gateways, NewGateway(name, provider, settings, secrets, sends=sends, weight=50), "t", clock()
            )
        return [field for field, _ in refused.value.refusal.errors]

    assert await tried("Bad Name", "kannel", {}, {"token": ["x" * 20]}) == ["name"]
    assert await tried("k", "pigeon", {}, {}) == ["provider"]
    assert await tried("k", "kannel", {}, {}) == ["secrets"]
    assert await tried("k", "kannel", {}, {"token": ["short"]}) == ["secrets.token"]
    assert await tried("a", "aws", {}, {}) == ["settings.topics"]
    assert await tried("k", "kannel", {}, {"token": ["x" * 20]}, sends=True) == [
        "settings.url", "settings.user", "secrets.password",
    ]  # fmt: skip
    assert await tried("k", "kannel", {"zone": "Mars/Base"}, {"token": ["x" * 20]}) == ["settings.zone"]


FIRE = "3栋着火了"
NAMELESS = {
    "kannel": ["from"], "twilio": ["MessageSid", "SmsSid"], "vonage": ["messageId"], "aliyun": ["phone_number"],
    "tencent": ["mobile"], "huawei": ["smsMsgId"], "infobip": ["messageId"], "generic": ["from"], "aws": ["inboundMessageId"],
}  # fmt: skip


async def alarms(line: Line) -> list[str]:
    return [
        m.payload["inbound"]
        for m in await outbox_store.load_messages(line.services.db, "queued", "", 200)
        if m.kind == "alarm"
    ]


@pytest.mark.parametrize("name", sorted(NAMELESS))
async def test_a_danger_in_a_text_without_its_id_or_sender_is_alarmed_at_once(name: str, line: Line) -> None:
    far = await line.set_up(name)
    bare = far.text("n-1", WANG, "12345", FIRE, line.clock(), **dict.fromkeys(NAMELESS[name], LEFT_OUT))
    for _ in range(2):
        assert (await line.push(bare)).status_code == 200
    rows = await line.rows("odd")
    assert [(r.urgent, r.text) for r in rows] == [(True, FIRE)]
    assert "missing" in rows[0].why
    assert await alarms(line) == [rows[0].id]
    harmless = far.text("n-2", WANG, "12345", LAMP, line.clock(), **dict.fromkeys(NAMELESS[name], LEFT_OUT))
    assert (await line.push(harmless)).status_code == 200
    assert [r.urgent for r in await line.rows("odd")] == [True, False]
    assert len(await alarms(line)) == 1


@pytest.mark.parametrize("name", BATCHES)
async def test_a_danger_in_one_unreadable_item_of_a_batch_is_alarmed_at_once(name: str, line: Line) -> None:
    far = await line.set_up(name)
    push = far.texts([(f"b-{n}", WANG, "12345", LAMP, line.clock()) for n in range(3)])
    payload = json.loads(push.body)
    items = providers.items_of(payload)
    items[1].clear()
    items[1] |= {"nonsense": {"said": [FIRE]}}
    items[2].clear()
    items[2] |= {"nonsense": LAMP}
    assert (await line.push(far.resign(replace(push, body=json.dumps(payload).encode())))).status_code == 200
    assert [r.urgent for r in await line.rows("kept")] == [False]
    assert {("nonsense" in r.raw, "said" in r.raw, r.urgent) for r in await line.rows("odd")} == {
        (True, True, True), (True, False, False),
    }  # fmt: skip
    assert len(await alarms(line)) == 1


def _unreadable(text: str) -> dict[str, bytes]:
    whole = f'[{{"content": "{text}", "phone_number": "13800138000"}}'  # the array does not end
    return {
        "utf-8": whole.encode(), "escaped": whole.encode("ascii", "backslashreplace"), "gb18030": whole.encode("gb18030"),
        "utf-16": whole.encode("utf-16"), "form": f"content={quote(text)}&x=1".encode(),
        "form-gbk": f"content={quote(text.encode('gbk'))}&x=1".encode(),
        "behind": b'"' + "一切都好，".encode() * 30_000 + whole.encode(),
    }  # fmt: skip


@pytest.mark.parametrize("how", _unreadable(""))
async def test_a_danger_in_an_unreadable_body_is_alarmed_at_once(how: str, line: Line) -> None:
    far = await line.set_up("aliyun")
    push = far.text("u-1", WANG, "12345", LAMP, line.clock())
    for text in (LAMP, FIRE):
        assert (await line.push(replace(push, body=_unreadable(text)[how]))).status_code == 200
    assert sorted(r.urgent for r in await line.rows("odd")) == [False, True]
    assert len(await alarms(line)) == 1


async def test_a_fire_that_is_out_hides_no_other_in_the_same_body(line: Line) -> None:
    far = await line.set_up("aliyun")
    push = far.text("u-1", WANG, "12345", LAMP, line.clock())
    body = f'[{{"content": "昨天着火已经扑灭"}}, {{"content": "{FIRE}"}}'.encode()
    assert (await line.push(replace(push, body=body))).status_code == 200
    assert [r.urgent for r in await line.rows("odd")] == [True]


async def test_a_danger_is_heard_in_the_first_push_of_a_process(line: Line) -> None:
    far = await line.set_up("generic")
    line.services.directory = DirectoryCache(line.services.db)  # it has read nothing yet
    assert not line.services.directory.known
    await line.says(far, FIRE)
    assert [r.urgent for r in await line.rows("kept")] == [True]


@pytest.mark.parametrize("name", BATCHES)
async def test_a_byte_order_mark_before_json_loses_no_text(name: str, line: Line) -> None:
    far = await line.set_up(name)
    push = far.texts([("bom", WANG, "12345", LAMP, line.clock())])
    marked = far.sealed(replace(push, body=b"\xef\xbb\xbf" + push.body))
    assert (await line.push(marked)).status_code == 200
    assert [r.text for r in await line.rows("kept")] == [LAMP]
