"""Commands that print what the program offers, and the demonstration."""

import json
from pathlib import Path

import httpx

from hotline.demo import DemoRun
from tests.cli.commands import hotline


def test_the_machines_are_printed_in_each_form(folder: Path) -> None:
    assert "received" in hotline(folder, "lifecycle").stdout
    assert hotline(folder, "lifecycle", "--format", "mermaid").stdout.startswith("stateDiagram-v2")
    assert json.loads(hotline(folder, "lifecycle", "--format", "json").stdout)["ticket"]["first"] == "received"
    hotline(folder, "lifecycle", "--format", "music", code=2)
    assert "HOTLINE_DATABASE_URL" in hotline(folder, "settings").stdout


def test_the_demo_looks_again_where_the_clock_was_quicker(tmp_path: Path) -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.headers.get("if-match")))
        if request.method == "GET":
            return httpx.Response(200, json={"number": "100000006", "version": 7})
        late = request.headers["if-match"] != '"7"'
        return httpx.Response(412 if late else 200, json={"number": "100000006", "version": 8})

    play = DemoRun(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://hotline"), "key", print)
    play.keys["desk"] = ("1", "key")
    done = play.act("desk", {"number": "100000006", "version": 6}, "urge", reason="again")
    assert done["version"] == 8
    assert asked == [("POST", '"6"'), ("GET", None), ("POST", '"7"')]
