"""The whole way with a real Kannel: a handset writes in Chinese, a ticket goes to work, the handset is told, its `1` closes
the call-back; then Kannel and our server are killed in turn, and nothing is lost or doubled."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.chaos.kannel import PASSWORD, TOKEN, Kannel, present
from tests.chaos.server import Process
from tests.postgres import find_server

R = TypeVar("R")


def until(found: Callable[[], R], what: str, seconds: float = 30) -> R:
    """The first true answer; an assertion that names what never came."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)
    return answer


class Town:
    def __init__(self, process: Process, kannel: Kannel) -> None:
        self.process, self.kannel = process, kannel
        self.keys = {
            name: process.cli("key", "create", name, "--role", role, *more)
            for name, role, more in (
                ("desk", "operator", ()), ("switch", "dispatcher", ()),
                ("lifts", "handler", ("--department", "property-works")),
            )
        }  # fmt: skip

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        headers["authorization"] = f"Bearer {self.keys[who]}"
        url = f"http://127.0.0.1:{self.process.port}{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=20)

    def tickets(self) -> list[dict[str, Any]]:
        return list(self.ask("desk", "GET", "/v1/tickets?limit=100").json()["items"])

    def see(self, number: str) -> dict[str, Any]:
        return dict(self.ask("desk", "GET", f"/v1/tickets/{number}").json())

    def act(self, who: str, ticket: dict[str, Any], action: str, order: bool = False, **body: Any) -> dict[str, Any]:
        where = f"/assignments/{ticket['assignments'][0]['id']}" if order else ""
        path = f"/v1/tickets/{ticket['number']}{where}/actions/{action}"
        reply = self.ask(who, "POST", path, body, **{"if-match": f'"{ticket["version"]}"'})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    if not present():
        pytest.skip("no Kannel on this machine (apt-get install kannel kannel-extras)")
    env = {"HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_QUIET_HOURS": "00:00-00:00"}
    server = None
    if request.param == "postgres":
        server = find_server(tmp_path, durable=True)
        if server is None:
            pytest.skip("no PostgreSQL of the system")
        env["HOTLINE_DATABASE_URL"] = server.fresh("kannel")
    process = Process(env, tmp_path)
    env["HOTLINE_PUBLIC_URL"] = f"http://127.0.0.1:{process.port}"
    kannel = Kannel(tmp_path / "kannel", f"http://127.0.0.1:{process.port}/v1/hooks/sms/kannel")
    process.cli("migrate")
    process.cli("seed", "ruiquan")
    process.cli(
        "gateway", "add", "kannel", "--provider", "kannel", "--sends", "--secret", f"token={TOKEN}",
        "--secret", f"password={PASSWORD}", "--set", f"url=http://127.0.0.1:{kannel.sendsms}/cgi-bin/sendsms",
        "--set", "user=hotline", "--set", "sender=12345",
    )  # fmt: skip
    made = Town(process, kannel)
    try:
        kannel.start()
        process.start()
        yield made
    finally:
        kannel.close()
        if process.running is not None and process.running.poll() is None:
            process.kill()
        if server is not None:
            server.stop()


@pytest.mark.timeout(300)
def test_from_a_chinese_text_to_a_closed_call_back_and_through_every_crash(town: Town) -> None:
    kannel, process = town.kannel, town.process

    def numbers_told() -> list[str]:
        received = [text for text in kannel.inbox() if "查询码" in text]
        return [m for text in received for m in re.findall(r"工单号(\d{9})", text)]

    def failed(number: str) -> bool:
        return any(t["error"] for t in town.ask("desk", "GET", f"/v1/tickets/{number}/texts").json()["items"])

    kannel.send("3栋2单元电梯坏了，不动了😀")
    (listed,) = until(town.tickets, "the text as a ticket")
    ticket = town.see(listed["number"])
    assert (ticket["status"], ticket["channel"]) == ("dispatched", "sms")
    assert ticket["narrative"] == "3栋2单元电梯坏了，不动了😀"
    assert [a["department"]["code"] for a in ticket["assignments"]] == ["property-works"]
    until(numbers_told, "the number back on the handset")  # in two parts, and one may come alone
    (told,) = kannel.inbox()
    assert ticket["number"] in told and re.search(r"查询码\d{6}", told)

    def delivered() -> bool:
        texts = town.ask("desk", "GET", f"/v1/tickets/{ticket['number']}/texts").json()["items"]
        return [t["status"] for t in texts] == ["delivered"]

    until(delivered, "the delivery report")
    ticket = town.act("lifts", ticket, "accept", order=True)
    ticket = town.act(
        "lifts", ticket, "report", order=True, internal_result="换门机", public_reply="电梯已修好", solved=True
    )
    ticket = town.act("switch", ticket, "accept_report")
    until(lambda: any("电梯已修好" in text for text in kannel.inbox()), "the question")
    kannel.send("1")
    closed = until(
        lambda: town.see(ticket["number"])["status"] == "closed" and town.see(ticket["number"]), "the closing"
    )
    assert closed["result"]["satisfaction"]["final"] == "very_satisfied"

    # our server is killed: smsbox keeps asking until it is back
    process.kill()
    kannel.send("9栋停水了一整天", "+8613900139000")
    until(lambda: kannel.asked_in_vain() >= 2, "smsbox asking us again")
    process.start()
    until(lambda: len(town.tickets()) == 2, "the text sent while we were dead")
    until(lambda: len(numbers_told()) == 2, "its number on the handset")

    # smsbox stops, bearerbox is killed with a text in its store; both come back
    kannel.stop("smsbox")
    kannel.send("5栋停电了", "+8613900139001")
    until(lambda: "store size 1" in kannel.status(), "the text in Kannel's store")
    kannel.kill("bearerbox", "handset")
    called = town.ask(
        "desk",
        "POST",
        "/v1/calls",
        {"channel": "phone", "narrative": "7栋楼道灯坏了", "caller": {"phone": "13900139002"}},
    )
    assert called.status_code == 201
    number = called.json()["ticket"]["number"]
    until(lambda: failed(number), "the try of the text to 13900139002, which finds nobody")
    kannel.start()
    until(lambda: len(town.tickets()) == 4, "the text that waited in Kannel's store")
    # tried again after five seconds, and after a minute more where Kannel was not up by then
    until(lambda: number in numbers_told(), "the text that found nobody at first", 100)
    until(lambda: len(set(numbers_told())) == 4, "every number on a handset", 100)
    time.sleep(1.5)  # a double would be here by now
    narratives = sorted(town.see(t["number"])["narrative"] for t in town.tickets())
    assert narratives == sorted(["3栋2单元电梯坏了，不动了😀", "9栋停水了一整天", "5栋停电了", "7栋楼道灯坏了"])
    assert sorted(numbers_told()) == sorted(t["number"] for t in town.tickets()), "each told once"
    everything = "".join(kannel.inbox())
    assert "Empty reply" not in everything and "could not" not in everything.lower()
