"""Whoever finds a weakness is told whom to write to."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from hotline.operations.security_txt import PATH, SecurityContact, render_security_txt
from hotline.settings import Settings
from hotline.tickets.context import Services
from tests.conftest import NOON


async def test_the_contact_is_told_to_anybody_and_does_not_run_out(services: Services, app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as anybody:
        assert (await anybody.get(PATH)).status_code == 404
        services.add(SecurityContact("mailto:security@hotline.example"))
        told = await anybody.get(PATH)
    assert told.status_code == 200
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Contact: mailto:security@hotline.example\n" in told.text


def test_the_file_is_as_the_standard_has_it() -> None:
    text = render_security_txt("https://hotline.example/report", f"https://hotline.example{PATH}", NOON)
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert fields == {
        "Contact": "https://hotline.example/report",
        "Expires": (NOON + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z"),
        "Preferred-Languages": "zh, en",
        "Canonical": "https://hotline.example/.well-known/security.txt",
    }
    assert "Canonical" not in render_security_txt("tel:+86-28-123", f"http://10.0.0.1{PATH}", NOON)


@pytest.mark.parametrize(
    "contact", ["security@hotline.example", "http://hotline.example", "mailto:a@b\nExpires: never"]
)
def test_a_contact_that_is_no_address_is_refused_at_start(contact: str) -> None:
    with pytest.raises(ValidationError):
        Settings(security_contact=contact)
