"""docs/time.md is read as a user would: every command in it is sent, every limit, unit and receiver is named."""

import re
from dataclasses import fields
from typing import Any

from hotline.organisation.model.items import SlaPolicy, parse_span, parse_step
from hotline.organisation.model.vocabulary import Metric, Receiver, Unit
from tests.conftest import ROOT, Cast

GUIDE = (ROOT / "docs/time.md").read_text(encoding="utf-8")
CURL = re.compile(
    r"""^curl -s (?:-X (?P<method>\w+) )?\$U(?P<path>/\S+) .*?(?:-d '(?P<body>.+)')?(?: +#.*)?$""", re.MULTILINE
)


async def test_every_command_of_the_guide_does_what_it_says(cast: Cast, lift_ticket: dict[str, Any]) -> None:
    boss = await cast("boss")
    sent = 0
    for line in CURL.finditer(GUIDE):
        path, body = (text and text.replace("""'$N'""", lift_ticket["number"]).replace("$N", lift_ticket["number"])
                      for text in (line["path"], line["body"]))  # fmt: skip
        headers = {"content-type": "application/json"}
        if line["method"] == "PUT":
            headers["if-match"] = (await boss.get("/v1/directory/policies/request")).headers["etag"]
        method = line["method"] or ("POST" if body else "GET")
        reply = await boss.http.request(method, path, content=body and body.encode(), headers=headers)
        assert reply.is_success, (line[0], reply.text)
        sent += 1
    assert sent == GUIDE.count("\ncurl -s ") >= 9


def test_the_guide_names_every_limit_unit_and_receiver() -> None:
    limits = {f.name for f in fields(SlaPolicy)} & {*Metric, "redo"}
    assert len(limits) == 11 and all(f"`{name}`" in GUIDE for name in limits)
    assert all(f"`{unit}`" in GUIDE for unit in Unit) and all(receiver in GUIDE for receiver in Receiver)
    for text in re.findall(r"`(\d+% [a-z+]+ (?:blue|yellow|red)|\+\d+ \w+ [a-z+]+ \w+)`", GUIDE):
        assert parse_step(text).tell
    assert parse_span("0:05 calendar_hours").amount * 60 == 5
