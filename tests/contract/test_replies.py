"""What holds every reply against the document finds what is too much, too little, or of another type."""

import json
from typing import Any

import pytest

from tests.conftest import LIFT, Player
from tests.contract.replies import differences

TYPE = {b"content-type": b"application/json", b"etag": b'"1"'}


async def test_a_reply_that_differs_from_the_document_is_found(desk: Player) -> None:
    ticket = await desk.see(await desk.call(LIFT))

    def found(reply: dict[str, Any]) -> list[str]:
        return differences("get", "/v1/tickets/{number}", 200, TYPE, json.dumps(reply).encode())

    assert found(ticket) == []
    (more,) = found({**ticket, "colour": "red"})
    assert "colour" in more
    (less,) = found({key: value for key, value in ticket.items() if key != "version"})
    assert "version" in less
    (deeper,) = found({**ticket, "assignments": [{**ticket["assignments"][0], "colour": "red"}]})
    assert "assignments/*" in deeper and "colour" in deeper
    (other,) = found({**ticket, "created_at": "yesterday"})
    assert "created_at" in other


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (299, TYPE, b"{}", "this status is not declared"),
        (200, {b"content-type": b"application/json"}, b"{}", "an ETag is declared, and none was sent"),
        (200, {**TYPE, b"content-type": b"text/html"}, b"<p>", "text/html is not declared"),
        (200, TYPE, b"", "no body, where one is declared"),
        (401, {b"content-type": b"application/problem+json"}, b'{"title": "no"}', "required"),
    ],
)
def test_a_status_a_header_and_a_media_type_are_held_against_it_too(
    status: int, headers: dict[bytes, bytes], body: bytes, said: str
) -> None:
    found = differences("get", "/v1/tickets/{number}", status, headers, body)
    assert found and all(said in each for each in found[:1]), found
