"""The proxy we ship, run by Debian's HAProxy: it never repeats what may have been done, hides no caller behind an
address of their own making, and reaches the spool when the database is away."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from pydantic import SecretStr

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewKey, NewPerson, add_key, add_person
from hotline.refusals import Code
from hotline.settings import Settings
from hotline.streaming.service import PING
from hotline.web.guard import LARGEST_PUSH
from hotline.web.problems import PROBLEM_MEDIA_TYPE, TITLE, TITLE_ZH
from hotline.wiring import build_database, open_services
from tests import fork_server
from tests.chaos.proxy import HAPROXY, SHIPPED, check, configured, proxy
from tests.chaos.relay import Losses, Relay
from tests.chaos.server import Process
from tests.chaos.test_kannel import until
from tests.conftest import ROOT, seeded
from tests.postgres import Server, find_server, free_port
from tests.sizes import sized

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="no HAProxy of the system")
TOKEN = "a-token-of-sixteen-or-more"
SECRET = "a secret of thirty-two characters and more"
PASSWORD = "a long password for li"
EACH = sized(24, 100)  # calls, and texts, while the database is away
CALL = {"channel": "phone", "narrative": "3栋2单元电梯坏了，不动了", "caller": {"phone": "13800138000"}}


def settings_of(folder: Path, **more: str) -> dict[str, str]:
    return {"HOTLINE_DATA_DIR": str(folder / "data"), "HOTLINE_SECRET": SECRET, **more}


class Desk:
    """An operator's key, and a gateway's pushes, at one address."""

    def __init__(self, at: str, key: str) -> None:
        self.at = at
        self.http = httpx.Client(base_url=at, headers={"authorization": f"Bearer {key}"}, timeout=30)

    def call(self, said: str = "", key: str | None = None) -> httpx.Response:
        body = {**CALL, "narrative": said or CALL["narrative"]}
        return self.http.post("/v1/calls", json=body, headers={"idempotency-key": key} if key else {})

    def text(self, id: str, said: str = "路灯坏了") -> httpx.Response:  # noqa: A002
        sender = f"+86139001{int(id.removeprefix('m-')):05d}"
        fields = {"token": TOKEN, "from": sender, "to": "12345", "id": id, "charset": "UTF-8", "text": said}
        return self.http.get(f"/v1/hooks/sms/kannel?{urlencode(fields)}")

    def tickets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.http.get("/v1/tickets", params={"limit": 200, **({"cursor": after} if after else {})})
            assert page.status_code == 200, page.text
            found += page.json()["items"]
            if not (after := page.json().get("next") or ""):
                return found


def set_up(settings: dict[str, str]) -> str:
    """Schema, directory, a gateway for texts, an operator; the key of a machine that takes calls."""
    made = Settings(data_dir=Path(settings["HOTLINE_DATA_DIR"]), database_url=settings.get("HOTLINE_DATABASE_URL"),
                    secret=SecretStr(SECRET))  # fmt: skip

    async def make() -> str:
        await seeded(db := build_database(made))
        await db.close()
        async with open_services(made) as services:
            now = services.clock()
            await create_gateway(
                services.gateways,
                NewGateway("kannel", "kannel", {}, {"token": [TOKEN]}, sends=False, weight=50),
                "test",
                now,
            )
            grant = Grant(frozenset({Role.OPERATOR}))
            await add_person(services, NewPerson("li.min", "李敏", PASSWORD, grant), now)
            return str((await add_key(services, NewKey("desk", grant), "test", now))["secret"])

    return asyncio.run(make())


@contextmanager
def running(process: Process, *args: str) -> Iterator[Process]:
    try:
        process.start(*args)
        yield process
    finally:
        ended(process)


def ended(process: Process) -> None:
    if process.running is not None and process.running.poll() is None:
        process.kill()


@contextmanager
def working(process: Process) -> Iterator[None]:
    """`hotline work` with the settings of a process, in a folder of its own."""
    env = {**process.env, "PATH": ""}
    with (process.folder / "work").open("ab") as log:
        worker = fork_server.start(["work"], env=env, cwd=process.folder, stdin=None, stdout=log, stderr=log)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    """A server on SQLite, and the key of its desk."""
    folder = tmp_path_factory.mktemp("lite")
    process = Process(settings_of(folder), folder)
    key = set_up(process.env)
    with running(process):
        yield process, key


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, postgres_server: Server | None) -> Iterator[tuple[Process, str]]:
    """The same on PostgreSQL."""
    if postgres_server is None:
        pytest.skip("no PostgreSQL on this machine")
    folder = tmp_path_factory.mktemp("post")
    url = postgres_server.fresh(f"proxied_{os.getpid()}")
    process = Process(settings_of(folder, HOTLINE_DATABASE_URL=url), folder)
    key = set_up(process.env)
    with running(process):
        yield process, key


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = find_server(tmp_path, durable=True)
    if found is None:
        pytest.skip("no PostgreSQL of the system")
    yield found
    found.stop()


def test_debians_haproxy_takes_the_shipped_file_without_a_warning(tmp_path: Path) -> None:
    said = check(configured(tmp_path, free_port(), (free_port(), free_port())))
    assert said.returncode == 0, said.stderr
    assert "WARNING" not in said.stderr + said.stdout


@pytest.mark.parametrize("engine", ["lite", "post"])
def test_an_answer_lost_after_commit_never_doubles_a_call(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    process, key = request.getfixturevalue(engine)
    losses = Losses()
    with (
        Relay(process.port, losses) as one, Relay(process.port, losses) as other,
        proxy(tmp_path, one.port, other.port) as at,
    ):  # fmt: skip
        desk = Desk(at, key)
        before = len(desk.tickets())

        def sent(start: str) -> int:
            return one.requests(start) + other.requests(start)

        for n in (1, 2):  # the first request of the client's connection, and one that follows another
            losses.next("POST /v1/calls")
            lost = desk.call()
            assert (lost.status_code, lost.headers["content-type"]) == (502, PROBLEM_MEDIA_TYPE)
            assert lost.json()["applied"] == "unknown" and lost.headers["retry-after"]
            assert sent("POST /v1/calls") == len(desk.tickets()) - before == n
        losses.next("POST /v1/calls")
        taken = desk.call("7栋停水了", "call-7")
        assert (taken.status_code, taken.headers["idempotency-replayed"]) == (201, "true")
        assert sent("POST /v1/calls") == 4 and len(desk.tickets()) - before == 3
        losses.next("GET /v1/hooks/")
        assert desk.text("m-1").status_code == 502  # its provider sends it again
        assert sent("GET /v1/hooks/") == 1
        losses.next("GET /v1/me")
        assert desk.http.get("/v1/me").status_code == 200  # what only reads is asked again
        assert sent("GET /v1/me") == 2
        desk.http.close()


def test_the_callers_address_is_the_connections_whatever_the_caller_says(
    lite: tuple[Process, str], tmp_path: Path
) -> None:
    process, _ = lite
    claims = {
        "X-Forwarded-For": "10.9.9.9", "x-forwarded-proto": "https", "X-Forwarded-Host": "elsewhere", "X-FORWARDED-PORT": "1",
        "Forwarded": "for=10.9.9.9;proto=https", "X-Real-IP": "10.9.9.9", "X-Client-IP": "10.9.9.9",
        "True-Client-IP": "10.9.9.9", "X-Cluster-Client-IP": "10.9.9.9",
    }  # fmt: skip
    with Relay(process.port) as wire, proxy(tmp_path, wire.port, wire.port) as at:
        sent = [*claims.items(), ("X-Forwarded-For", "10.8.8.8")]
        assert httpx.get(f"{at}/healthz", headers=sent).status_code == 200
        (head,) = [h for h in wire.heads if h.startswith(b"GET /healthz")]
        lines = head.decode().lower().split("\r\n")
        named = [line for line in lines if line.startswith(("x-forwarded", "forwarded", "x-real", "x-cl", "true-cl"))]
        assert sorted(named) == ["x-forwarded-for: 127.0.0.1", "x-forwarded-proto: http"]


def raw(at: str, *parts: bytes) -> bytes:
    """What comes back for bytes on a connection, to its end."""
    host, port = at.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 20) as line:
        for part in parts:
            line.sendall(part)
        answer = b""
        while data := line.recv(65536):
            answer += data
        return answer


def test_what_the_proxy_answers_itself_is_a_problem_document_of_ours(tmp_path: Path) -> None:
    with proxy(tmp_path, free_port(), free_port()) as at:  # no server is there
        away = httpx.post(f"{at}/v1/calls", json=CALL, headers={"idempotency-key": "call-1"})
        unkeyed = httpx.post(f"{at}/v1/calls", json=CALL)
        large = httpx.get(f"{at}/healthz", headers={"x-much": "x" * 17_000})
        assert (large.status_code, large.headers["content-type"], large.json()["status"]) == (
            431,
            PROBLEM_MEDIA_TYPE,
            431,
        )
        # what never becomes a request, HAProxy answers before it looks at the file: bare, and the line is closed
        assert raw(at, b"rubbish\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert raw(at, b"GET /healthz HTTP/1.1\r\nhost: here\r\nx-slow: ").startswith(b"HTTP/1.1 408")  # and no more
        for reply, applied in ((away, "unknown"), (unkeyed, False)):
            assert (reply.status_code, reply.headers["content-type"], reply.headers["retry-after"]) == (
                503,
                PROBLEM_MEDIA_TYPE,
                "2",
            )
            assert reply.json()["applied"] == applied


def test_every_answer_of_the_proxy_says_what_the_api_says() -> None:
    text = re.sub(r"%\[[^]]+\]", "false", SHIPPED.read_text())
    said = {int(status): json.loads(body) for status, body in re.findall(r"status (\d+) .*?string '(\{.*?\})'", text)}
    assert set(said) >= {400, 403, 408, 429, 431, 500, 502, 503, 504}
    for status, body in said.items():
        assert body["status"] == status and {"type", "title", "title_zh", "detail", "errors"} <= set(body)
        if status >= 500:
            assert "applied" in body
        if (code := body["type"].removeprefix("urn:hotline:problem:")) != "about:blank":
            assert (body["title"], body["title_zh"]) == (TITLE[Code(code)], TITLE_ZH[Code(code)])


def test_a_live_stream_and_the_largest_push_come_through(lite: tuple[Process, str], tmp_path: Path) -> None:
    process, key = lite
    with proxy(tmp_path, process.port, process.port) as at:
        desk = Desk(at, key)
        token = httpx.post(f"{at}/v1/token", json={"login": "li.min", "password": PASSWORD}).json()["token"]
        with httpx.stream("GET", f"{at}/v1/stream", headers={"authorization": f"Bearer {token}"}, timeout=20) as live:
            lines = live.iter_lines()
            assert "event: hello" in next(line for line in lines if line.startswith("event"))
            number = desk.call().json()["ticket"]["number"]
            assert number in next(line for line in lines if line.startswith("data") and "received" in line)
        beats = [int(s) for s in re.findall(r"timeout (?:client|server) (\d+)s", SHIPPED.read_text())]
        assert len(beats) == 2 and min(beats) > 2 * PING
        pushed = httpx.post(f"{at}/v1/hooks/sms/kannel?token={TOKEN}", content=b"x" * LARGEST_PUSH, timeout=30)
        assert pushed.status_code == 200  # kept: an operator looks at it
        larger = httpx.post(f"{at}/v1/hooks/sms/kannel?token={TOKEN}", content=b"x" * (LARGEST_PUSH + 1), timeout=30)
        assert (larger.status_code, larger.json()["type"]) == (413, "urn:hotline:problem:too-large")
        (line,) = [line for line in (ROOT / "compose.yaml").read_text().splitlines() if "/dev/tcp" in line]
        health = json.loads(line.partition("test: ")[2])[1:]  # of the proxy's container
        for port, healthy in ((at.rpartition(":")[2], True), (str(free_port()), False)):
            asked = [part.replace("/8080", f"/{port}") for part in health]
            assert (subprocess.run(asked, capture_output=True, check=False).returncode == 0) is healthy
        desk.http.close()


def test_a_stopping_server_goes_on_until_the_proxy_has_left_it(tmp_path: Path) -> None:
    one = Process(settings_of(tmp_path, HOTLINE_DRAIN_SECONDS="4"), tmp_path)
    key = set_up(one.env)
    with running(one), Relay(one.port) as other, proxy(tmp_path, one.port, other.port) as at:
        desk = Desk(at, key)
        assert desk.call().status_code == 201
        assert one.running is not None
        one.running.send_signal(signal.SIGTERM)
        probe = f"http://127.0.0.1:{one.port}/readyz"
        until(lambda: httpx.get(f"{probe}/intake").status_code == 503, "it says that it leaves")
        assert httpx.get(probe).status_code == 503
        assert desk.call().status_code == 201  # and goes on until it is left alone
        until(lambda: httpx.get(f"{at}/healthz").status_code == 503, "the proxy leaves it alone")
        assert one.running.wait(20) == 0
        desk.http.close()


def test_with_the_database_stopped_every_call_and_every_text_is_taken_in_behind_the_proxy(
    server: Server, tmp_path: Path
) -> None:
    url = server.fresh("behind")
    settings = {"HOTLINE_DATABASE_URL": url, "HOTLINE_SECRET": SECRET}
    folders = [tmp_path / name for name in ("one", "two", "three")]
    processes = []
    for place, folder in enumerate(folders):  # each on a machine of its own
        folder.mkdir()
        processes.append(Process({**settings, "HOTLINE_DATA_DIR": str(folder), "HOTLINE_SHARD": str(place)}, folder))
    one, two, worker = processes
    key = set_up(one.env)
    with ExitStack() as stack:
        stack.enter_context(working(worker))
        for process in (one, two):
            stack.callback(ended, process)
        with ThreadPoolExecutor(2) as hands:
            list(hands.map(lambda process: process.start("serve", "--no-worker"), (one, two)))
        at = stack.enter_context(proxy(tmp_path, one.port, two.port))
        desk = Desk(at, key)
        assert desk.call("0栋停电了", "call-first").status_code == 201
        server.halt()
        with ThreadPoolExecutor(8) as hands:
            calls = list(hands.map(lambda n: desk.call(f"{n}号停水了", f"call-{n}"), range(EACH)))
            texts = list(hands.map(lambda n: desk.text(f"m-{n}", f"{n}号路灯坏了"), range(EACH)))
        assert [r.status_code for r in calls] == [202] * EACH
        assert [r.status_code for r in texts] == [200] * EACH
        references = {r.json()["reference"] for r in calls}
        assert len(references) == EACH
        other = desk.http.get("/v1/tickets")
        assert (other.status_code, other.headers["content-type"]) == (503, PROBLEM_MEDIA_TYPE) and other.headers[
            "retry-after"
        ]
        probe = f"http://127.0.0.1:{one.port}/readyz"  # the proxy shows it to nobody
        assert httpx.get(probe).status_code == 503 and httpx.get(f"{probe}/intake").status_code == 200
        assert all(list((folder / "spool").glob("*.spool")) for folder in folders[:2])  # both took some
        server.up()
        until(lambda: httpx.get(probe).status_code == 200, "the database", 30)
        until(lambda: not [f for folder in folders for f in folder.glob("spool/*.spool")], "two empty spools", 60)
        expected = sorted(
            ["0栋停电了", *(f"{n}号停水了" for n in range(EACH)), *(f"{n}号路灯坏了" for n in range(EACH))]
        )
        until(lambda: len(desk.tickets()) >= len(expected), "every ticket", 60)
        told = [desk.http.get(f"/v1/tickets/{ticket['number']}").json()["narrative"] for ticket in desk.tickets()]
        assert sorted(told) == expected

        def became() -> set[str | None]:
            return {desk.http.get(f"/v1/inbound/{name}").json().get("number") for name in references}

        until(lambda: None not in became(), "what became of every call", 30)  # a busy machine may say 503 at first
        numbers = became()
        assert len(numbers) == EACH and numbers <= {t["number"] for t in desk.tickets()}
        desk.http.close()
