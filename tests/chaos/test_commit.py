"""A connection reset exactly while COMMIT passes: what is said is true, and a repeat with the same key does it once."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count as counting
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hotline.application import build_app
from hotline.composition import assemble_services
from hotline.database.engine_postgres import Postgres
from hotline.delivery import tables as outbox_tables
from hotline.inbound import tables as inbound_tables
from hotline.inbound.model import InboundKind
from hotline.inbound.rows import blank_row
from hotline.organisation import tables as organisation_tables
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewKey, NewPerson, add_key, add_person
from hotline.organisation.service.logging_in import LogInAttempt, log_in
from hotline.reporting import tables as report_tables
from hotline.sms import tables as sms_tables
from hotline.telephony import tables as call_tables
from hotline.tickets import tables as ticket_tables
from hotline.tickets.context import Services
from hotline.web.paging import PageCache
from tests.conftest import NOON, ROOT, SEALING, Clock, emptied
from tests.sizes import sized

PASSWORD = "a long sentence 9"
SSL_REQUEST = 80877103


@dataclass
class CommitProxy:
    """Stands before PostgreSQL, and resets the connection of the client at the chosen message: at the `skip`+1-th COMMIT
    (or the journal's statement, which commits by itself), before the server has it (`lost`) or after it has answered
    (`kept`); or at BEGIN (`early`)."""

    host: str
    port: int
    armed: str | None = None
    skip: int = 0
    hits: int = 0
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def arm(self, mode: str, skip: int = 0) -> None:
        self.armed, self.skip, self.hits = mode, skip, 0

    def _fires(self, begins: bool) -> str | None:
        if self.armed is None or begins is not (self.armed == "early"):
            return None
        if self.skip:
            self.skip -= 1
            return None
        mode, self.armed = self.armed, None
        self.hits += 1
        return mode

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = asyncio.current_task()
        assert mine is not None
        self.tasks.add(mine)
        mine.add_done_callback(self.tasks.discard)
        ends, ways = [writer], list[asyncio.Task[None]]()
        try:
            there, back = await asyncio.open_connection(self.host, self.port)
            ends.append(back)
            cut = asyncio.Event()
            ways += [
                asyncio.create_task(self._to_server(reader, writer, back, cut)),
                asyncio.create_task(self._to_client(there, writer, cut)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in ends:
                end.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _to_server(
        self,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        cut: asyncio.Event,
    ) -> None:
        writes: dict[bytes, bool] = {}
        bound = started = False
        while True:
            kind = b"" if not started else await reader.readexactly(1)
            size = await reader.readexactly(4)
            body = await reader.readexactly(struct.unpack("!I", size)[0] - 4)
            if not started:
                started = struct.unpack("!I", body[:4])[0] != SSL_REQUEST
            name, _, rest = body.partition(b"\0")
            if kind == b"P":
                writes[name] = b"kept AS (INSERT INTO answer" in rest
            elif kind == b"B":
                bound = writes.get(rest.partition(b"\0")[0], False)
            commits = (kind == b"Q" and body.startswith(b"COMMIT")) or (kind == b"S" and bound)
            begins = kind == b"Q" and body.startswith(b"BEGIN")
            mode = self._fires(begins) if commits or begins else None
            bound = bound and kind != b"S"
            if mode in ("lost", "early"):
                _reset(client)
                return
            if mode == "kept":
                cut.set()
            server.write(kind + size + body)
            await server.drain()

    async def _to_client(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        while data := await server.read(65536):
            if cut.is_set() and data[-6:-1] == b"Z\0\0\0\5":  # it is done, and ready for the next: nobody is told
                _reset(client)
                return
            if not cut.is_set():
                client.write(data)
                await client.drain()


def _reset(client: asyncio.StreamWriter) -> None:
    raw = client.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.transport.abort()


@dataclass
class Town:
    """A server behind the proxy, somebody who may do everything, and a way to the database beside the proxy."""

    services: Services
    http: httpx.AsyncClient
    proxy: CommitProxy
    truth: Postgres

    async def told(self, asked: "str | Told") -> Any:
        if isinstance(asked, str):
            return await self.truth.transact(lambda c: c.exec_driver_sql(asked).scalar())
        return asked.count(await self.truth.transact(lambda c: list(c.execute(sa.select(asked.column)).scalars())))

    async def put(self, table: sa.Table, **row: Any) -> None:
        await self.truth.transact(lambda c: c.execute(sa.insert(table).values(**row)))


@pytest.fixture
async def town(postgres_url: str | None, clock: Clock, tmp_path: Path) -> AsyncIterator[Town]:
    if postgres_url is None:
        pytest.skip("no PostgreSQL on this machine")
    truth = Postgres(postgres_url, size=4, clock=clock, sealing=SEALING)
    await emptied(truth)
    url = sa.make_url(postgres_url)
    proxy = CommitProxy(str(url.host), int(url.port or 5432))
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    behind = url.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1]).render_as_string(hide_password=False)
    db = Postgres(behind, size=4, clock=clock, sealing=SEALING)
    secret = b"a secret of the test suite, long enough"
    services = assemble_services(db, clock, secret, tmp_path / "files")
    services.journal.start()
    app = build_app(lambda: (_ for _ in ()).throw(AssertionError("the test opens the services itself")))
    app.state.services, app.state.actor_cache, app.state.pages = services, ActorCache(), PageCache()
    roles = frozenset({Role.ADMIN, Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
    key = await add_key(services, NewKey("all", Grant(roles)), "test", clock())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://hotline",
        headers={"authorization": f"Bearer {key['secret']}"},
    ) as http:  # fmt: skip
        yield Town(services, http, proxy, truth)
    await services.journal.drain()
    await db.close()
    await truth.close()
    server.close()
    for task in list(proxy.tasks):
        task.cancel()
    await asyncio.gather(*proxy.tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Told:
    """A question about a column that is sealed: all of its values, and what to make of them."""

    column: "sa.Column[Any]"
    count: Callable[[list[Any]], int]


@dataclass(frozen=True)
class Request:
    """One request, and a question whose answer is 1 once it was done once."""

    path: str
    body: Any
    done: str | Told
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Any = None


Make = Callable[[Town, int], Awaitable[Request]]
GRANT = {"name": "x", "roles": ["gateway"]}


async def key(town: Town, n: int) -> Request:
    return Request("/v1/keys", {**GRANT, "name": f"k{n}"}, f"SELECT count(*) FROM api_key WHERE name = 'k{n}'")


async def person(town: Town, n: int) -> Request:
    body = {"login": f"p{n}", "name": "李敏", "password": PASSWORD, "roles": ["operator"]}
    return Request("/v1/people", body, f"SELECT count(*) FROM person WHERE login = 'p{n}'")


async def session(town: Town, n: int) -> Request:
    who = f"s{n}"
    made = await add_person(town.services, NewPerson(who, who, PASSWORD, Grant(frozenset({Role.OPERATOR}))), NOON)
    done = f"SELECT count(*) FROM session WHERE person = '{made['id']}'"  # type: ignore[index]
    return Request("/v1/token", {"login": who, "password": PASSWORD}, done)


async def renewed_key(town: Town, n: int) -> Request:
    made = await add_key(town.services, NewKey(f"r{n}", Grant(frozenset({Role.GATEWAY}))), "test", NOON)
    done = f"SELECT count(*) FROM api_key WHERE replaces = '{made['id']}'"
    return Request(f"/v1/keys/{made['id']}/rotate", {"overlap_hours": 1}, done)


async def person_at_work(town: Town, who: str) -> tuple[str, Mapping[str, str]]:
    """The id of somebody new, and what their session sends."""
    await add_person(town.services, NewPerson(who, who, PASSWORD, Grant(frozenset({Role.OPERATOR}))), NOON)
    session = await log_in(town.services, LogInAttempt(who, PASSWORD, "192.0.2.1"), NOON)
    id = str(await town.told(f"SELECT id FROM person WHERE login = '{who}'"))  # noqa: A001
    return id, {"authorization": f"Bearer {session.token}"}


async def own_password(town: Town, n: int) -> Request:
    id, headers = await person_at_work(town, f"o{n}")  # noqa: A001
    body = {"old_password": PASSWORD, "new_password": "seven grey herons wade"}
    return Request("/v1/me/password", body, f"SELECT version - 1 FROM person WHERE id = '{id}'", headers)


async def recovery_codes(town: Town, n: int) -> Request:
    id, headers = await person_at_work(town, f"c{n}")  # noqa: A001
    await town.put(
        organisation_tables.second_factor, id=f"f{n}", person=id, kind="passkey", name="x", credential=f"x{n}",
        public_key=b"x", counter=0, created_at=NOON, confirmed_at=NOON,
    )  # fmt: skip
    done = f"SELECT count(*) FROM security_log WHERE deed = 'recovery_codes_made' AND about = '{id}'"
    return Request("/v1/me/recovery-codes", None, done, headers)


FEEDS = "/v1/departments/service-centre/duty/feeds"


async def feed(town: Town, n: int) -> Request:
    return Request(FEEDS, {"name": f"f{n}"}, f"SELECT count(*) FROM feed_token WHERE name = 'f{n}'")


async def renewed_feed(town: Town, n: int) -> Request:
    made = (await town.http.post(FEEDS, json={"name": f"r{n}"})).json()["id"]
    done = f"SELECT count(*) - 1 FROM security_log WHERE deed = 'feed_token_made' AND about = '{made}'"
    return Request(f"{FEEDS}/{made}/renew", None, done)


async def export(town: Town, n: int) -> Request:
    await town.truth.transact(lambda c: c.execute(sa.delete(report_tables.export)))
    return Request("/v1/exports", {"kind": "tickets"}, "SELECT count(*) FROM export")


async def subscription(town: Town, n: int) -> Request:
    body = {"name": f"u{n}", "url": "https://example.org/hook", "events": ["ticket.received"]}
    return Request("/v1/subscriptions", body, f"SELECT count(*) FROM subscription WHERE name = 'u{n}'")


async def subscribed(town: Town, n: int) -> str:
    made = await town.http.post("/v1/subscriptions", json=(await subscription(town, 1000 + n)).body)
    return str(made.json()["id"])


async def rotation(town: Town, n: int) -> Request:
    id = await subscribed(town, n)  # noqa: A001
    done = f"SELECT version - 1 FROM subscription WHERE id = '{id}'"
    return Request(f"/v1/subscriptions/{id}/rotate", {}, done)


async def trial(town: Town, n: int) -> Request:
    id = await subscribed(town, n)  # noqa: A001
    done = f"SELECT count(*) FROM outbox WHERE partition = 'subscription-test:{id}'"
    return Request(f"/v1/subscriptions/{id}/test", {}, done)


async def message(town: Town, id: str, kind: str, partition: str) -> None:  # noqa: A002
    await town.put(
        outbox_tables.outbox, id=id, kind=kind, number="", partition=partition, payload={}, status="sent", attempts=1,
        max_attempts=8, created_at=NOON, next_at=NOON,
    )  # fmt: skip


async def replay(town: Town, n: int) -> Request:
    id = await subscribed(town, n)  # noqa: A001
    await message(town, f"w{n}", "webhook", f"subscription:{id}")
    done = f"SELECT count(*) FROM outbox WHERE id = 'w{n}' AND status = 'queued'"
    return Request(f"/v1/subscriptions/{id}/deliveries/w{n}/replay", {}, done)


async def resend(town: Town, n: int) -> Request:
    await message(town, f"t{n}", "text", "x")
    await town.put(
        sms_tables.text_out, id=f"t{n}", number="", receiver="+8613800138000", template="received", language="zh", body="…",
        parts=1, status="undelivered", status_at=NOON, created_at=NOON, attempts=1,
    )  # fmt: skip
    done = f"SELECT count(*) FROM outbox WHERE id = 't{n}' AND status = 'queued'"
    return Request(f"/v1/texts/t{n}/resend", {}, done)


async def odd_one(town: Town, n: int) -> str:
    name = f"odd-{n}"
    text = {"id": name, "kind": InboundKind.TEXT, "key": name, "text": f"路灯坏了 {n}", "partition": name}
    await town.put(inbound_tables.inbound, **{**blank_row("test", NOON), **text, "status": "odd"})
    return name


def dismissals(why: list[Any]) -> int:
    return sum(str(each).count("dismissed") for each in why)


def how_often(column: "sa.Column[Any]", value: str) -> Told:
    return Told(column, lambda found: found.count(value))


async def dismissal(town: Town, n: int) -> Request:
    id = await odd_one(town, n)  # noqa: A001
    before = await town.told(Told(inbound_tables.inbound.c.why, dismissals))
    done = Told(inbound_tables.inbound.c.why, lambda found: dismissals(found) - before)
    return Request(f"/v1/inbound/{id}/dismiss", {"reason": "spam"}, done)


async def taking_up(town: Town, n: int) -> Request:
    id = await odd_one(town, n)  # noqa: A001
    done = how_often(ticket_tables.ticket.c.narrative, f"路灯坏了 {n}")
    return Request(f"/v1/inbound/{id}/take", {}, done)


async def try_back(town: Town, n: int) -> Request:
    await town.put(
        call_tables.return_call,
        id=f"r{n}",
        phone=f"+86138{n:08}",
        missed=1,
        status="open",
        at=NOON,
        last_at=NOON,
        tries=0,
    )
    done = f"SELECT tries FROM return_call WHERE id = 'r{n}'"
    return Request(f"/v1/return-calls/r{n}/tried", {"outcome": "busy"}, done)


async def stop(town: Town, n: int) -> Request:
    phone = f"138{n:08}"
    return Request("/v1/stop-list", {"phone": phone}, how_often(sms_tables.stop_list.c.phone, f"+86{phone}"))


async def unstop(town: Town, n: int) -> Request:
    phone = f"138{n:08}"
    await town.http.post("/v1/stop-list", json={"phone": phone})
    done = Told(sms_tables.stop_list.c.phone, lambda found: 1 - found.count(f"+86{phone}"))
    return Request("/v1/stop-list/remove", {"phone": phone}, done)


async def taken(town: Town, n: int) -> dict[str, Any]:
    made = await town.http.post("/v1/calls", json={"channel": "phone", "narrative": f"路灯不亮 {n}"})
    return dict(made.json()["ticket"])


async def link(town: Town, n: int) -> Request:
    number = (await taken(town, n))["number"]
    await town.put(
        call_tables.voice_call, id=f"v{n}", pbx="x", reference=f"v{n}", direction="in", state="ended", offered_at=NOON,
        moved_at=NOON,
    )  # fmt: skip
    done = f"SELECT count(*) FROM voice_call WHERE id = 'v{n}' AND number = '{number}'"
    return Request(f"/v1/voice-calls/v{n}/link", {"number": number}, done)


DUTY = "/v1/departments/service-centre/duty"


def in_roster(reason: str) -> str:
    return (
        "SELECT count(*) FROM directory, jsonb_array_elements(body->'overrides') o"
        f" WHERE noun = 'rosters' AND code = 'service-centre' AND o->>'reason' = '{reason}'"
    )


async def override(town: Town, n: int) -> Request:
    day = date(2027, 1, 1) + timedelta(days=n)
    body = {
        "roster": "service-centre", "start": f"{day}T20:00:00", "end": f"{day}T21:00:00", "member": None,
        "reason": f"o{n}",
    }  # fmt: skip
    return Request(f"{DUTY}/overrides", body, in_roster(f"o{n}"))


async def swap(town: Town, n: int) -> Request:
    day = date(2028, 1, 1) + timedelta(days=2 * n)
    turns = [{"date": f"{d}", "shift": "night"} for d in (day, day + timedelta(days=1))]
    body = {"roster": "service-centre", "first": turns[0], "second": turns[1], "reason": f"w{n}"}
    return Request(f"{DUTY}/swaps", body, in_roster(f"w{n}").replace("count(*)", "count(*) / 2"))


async def view(town: Town, n: int) -> Request:
    done = f"SELECT count(*) FROM saved_view WHERE name = 'view {n}'"
    return Request("/v1/views", {"page": "tickets", "name": f"view {n}", "query": {}}, done)


async def robot_test(town: Town, n: int) -> Request:
    body = {"provider": "wecom", "url": "https://qyapi.example.org/send?key=k"}
    assert (await town.http.put(f"/v1/robots/r{n}", json=body)).status_code == 200
    return Request(f"/v1/robots/r{n}/test", {}, f"SELECT count(*) FROM outbox WHERE partition = 'robot:r{n}:'")


async def call(town: Town, n: int) -> Request:
    done = how_often(ticket_tables.ticket.c.narrative, f"路灯不亮 {n}")
    return Request("/v1/calls", {"channel": "phone", "narrative": f"路灯不亮 {n}"}, done)


async def comment(town: Town, n: int) -> Request:
    ticket = await taken(town, n)
    done = f"SELECT count(*) FROM timeline WHERE number = '{ticket['number']}' AND action = 'comment'"
    head = {"if-match": f'"{ticket["version"]}"'}
    return Request(f"/v1/tickets/{ticket['number']}/actions/comment", {"text": "看过了"}, done, head)


async def file(town: Town, n: int) -> Request:
    number = (await taken(town, n))["number"]
    done = f"SELECT count(*) FROM attachment WHERE number = '{number}'"
    files = {"file": ("a.pdf", b"%PDF-1.4\n%", "application/pdf")}
    return Request(f"/v1/tickets/{number}/attachments", None, done, files=files)


ADMINISTRATIVE: dict[str, tuple[Make, int]] = {  # operation -> a request, and how many times it commits
    "add_key": (key, 1), "add_person": (person, 1), "log_in": (session, 2), "ask_for_export": (export, 1),
    "subscribe": (subscription, 1), "rotate_subscription": (rotation, 1), "replay_delivery": (replay, 1), "test_subscription": (trial, 1),
    "resend_text": (resend, 1), "dismiss_inbound": (dismissal, 1), "take_up_inbound": (taking_up, 2),
    "try_return_call": (try_back, 1), "stop_texts": (stop, 1), "unstop_texts": (unstop, 1), "link_voice_call": (link, 1),
    "add_override": (override, 1), "swap_turns": (swap, 1), "rotate_key": (renewed_key, 1),
    "change_my_password": (own_password, 3), "renew_recovery_codes": (recovery_codes, 1),
    "add_duty_feed": (feed, 1), "renew_duty_feed": (renewed_feed, 1), "save_view": (view, 1),
    "test_robot": (robot_test, 1),
}  # fmt: skip
JOURNAL: dict[str, tuple[Make, int]] = {
    "take_call": (call, 1),
    "ticket_comment": (comment, 1),
    "attach_file": (file, 1),
}
EVERY = ADMINISTRATIVE | JOURNAL
# whatever is pushed or reported twice is kept once
BY_PROVIDERS_ID = {"push_text", "push_report", "push_order", "push_voice", "open311_report", "open311_update"}
# a step of a log-in, or a factor, that is used up by being used
USED_ONCE = {
    "begin_second_step", "finish_log_in", "begin_one_time_codes", "confirm_one_time_codes", "begin_passkey", "add_passkey",
}  # fmt: skip
# broken off, they go on when they are asked again: tests/privacy/test_erasure.py, tests/tickets/test_dispatching.py
GOES_ON = {"erase_person", "bulk_triage", "bulk_dispatch", "bulk_merge", "bulk_request_info"}
READING = {
    "look_up_caller", "look_up_ticket", "look_up_photo", "explain_triage", "explain_routing", "explain_deadline", "explain_duplicates",
    "search_tickets", "look_up_for_exchange_by_post", "export_person", "preview_notice",
}  # fmt: skip
CASES = [
    (name, commit, mode)
    for name, (_, commits) in EVERY.items()
    for commit in range(commits)
    for mode in ("lost", "kept")
]
ONCE = {
    "add_person",
    "log_in",
    "change_my_password",
    "renew_recovery_codes",
    *JOURNAL,
}  # a password takes its time to hash
_NUMBERS = counting(1)


def test_every_post_is_known_here() -> None:
    """A new POST needs a row here: how does a repeat of it do nothing?"""
    import json

    paths = json.loads((ROOT / "openapi/hotline.v1.json").read_text())["paths"]
    posts = {m["post"]["operationId"] for path, m in paths.items() if "post" in m and "/actions/" not in path}
    assert posts == (EVERY.keys() - {"ticket_comment"}) | BY_PROVIDERS_ID | USED_ONCE | GOES_ON | READING


async def test_resets_in_commit_double_nothing_and_never_say_not_applied(town: Town) -> None:
    resets = 0
    for round in range(sized(1, 2)):  # noqa: A001
        for name, commit, mode in CASES:
            if round and name in ONCE:
                continue
            n = next(_NUMBERS)
            asked = await EVERY[name][0](town, n)
            head = {**asked.headers, "idempotency-key": f"{name}-{round}-{commit}-{mode}"}

            async def post(asked: Request = asked, head: Mapping[str, str] = head) -> httpx.Response:
                if asked.files is not None:
                    return await town.http.post(asked.path, files=asked.files, headers=head)
                return await town.http.post(asked.path, json=asked.body, headers=head)

            where = (name, commit, mode)
            town.proxy.arm(mode, commit)
            first = await post()
            assert town.proxy.hits == 1, (where, first.text)
            resets += 1
            there = await town.told(asked.done)
            assert first.status_code == 503, (where, first.text)
            assert first.json()["applied"] == "unknown", (where, there, first.text)
            second = await post()
            assert second.is_success, (where, second.text)
            third = await post()
            assert await town.told(asked.done) == 1, where
            assert third.headers["idempotency-replayed"] == "true", where
            assert (third.status_code, third.content) == (second.status_code, second.content), where
    assert resets >= sized(30, 60)


async def test_a_connection_lost_before_commit_was_sent_has_written_nothing_and_says_so(town: Town) -> None:
    asked = await key(town, next(_NUMBERS))
    town.proxy.arm("early")
    said = await town.http.post(asked.path, json=asked.body)
    assert town.proxy.hits == 1
    assert (said.status_code, said.json()["type"], said.json()["applied"]) == (
        503, "urn:hotline:problem:unavailable", False,
    )  # fmt: skip
    assert await town.told(asked.done) == 0


async def test_a_key_names_one_request_and_no_secret_lies_open_in_the_database(town: Town) -> None:
    head = {"idempotency-key": "one"}
    made = await town.http.post("/v1/keys", json={**GRANT, "name": "first"}, headers=head)
    other = await town.http.post("/v1/keys", json={**GRANT, "name": "second"}, headers=head)
    assert (made.status_code, other.status_code, other.json()["type"]) == (201, 422, "urn:hotline:problem:key-reused")
    again = await town.http.post("/v1/keys", json={**GRANT, "name": "first"}, headers=head)
    assert again.json()["secret"] == made.json()["secret"]
    assert made.json()["secret"].split("_", 2)[2] not in str(
        await town.told("SELECT string_agg(body, ' ') FROM answer")
    )
    assert await town.told("SELECT count(*) FROM api_key WHERE name IN ('first', 'second')") == 1


async def test_two_requests_at_once_under_one_key_make_one(town: Town) -> None:
    head = {"idempotency-key": "both"}
    said = await asyncio.gather(*(town.http.post("/v1/keys", json=GRANT, headers=head) for _ in range(4)))
    assert {r.status_code for r in said} == {201} and len({r.json()["secret"] for r in said}) == 1
    assert await town.told("SELECT count(*) FROM api_key WHERE name = 'x'") == 1
