"""Commands that print what the program offers, and the demonstration."""

import json
from pathlib import Path

import httpx

from hotline.demo import DemoRun, open_number, play_story
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


def test_the_demo_leaves_to_an_incident_what_that_took_in() -> None:
    asked: list[tuple[str, str]] = []
    stories = {"100000006": "received", "100000014": "merged"}

    def answer(request: httpx.Request) -> httpx.Response:
        number = request.url.path.split("/")[3]
        asked.append((request.method, request.url.path))
        if request.method == "POST":  # the worker takes it in at this moment
            stories[number] = "merged"
            return httpx.Response(409, json={"type": "urn:hotline:problem:not_allowed"})
        merged = stories[number] == "merged"
        shown = {"number": number, "version": 2, "status": stories[number], "parent": "100000022" if merged else None}
        return httpx.Response(200, json={**shown, "incident": "100009" if merged else None})

    play = DemoRun(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://hotline"), "key", print)
    play.keys["desk"] = play.keys["switch"] = ("1", "key")
    for number in ("100000006", "100000014"):
        assert play_story(play, "urge", number, "")["status"] == "merged"
    assert play.done["in an incident"] == 2 and "urge" not in play.done
    assert [path for method, path in asked if method == "POST"] == ["/v1/tickets/100000006/actions/urge"]
    assert open_number(play, "100000014") == "100000022"
