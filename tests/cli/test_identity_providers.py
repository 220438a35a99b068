"""Identity providers and second factors from the command line."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from hotline.composition import assemble_services
from hotline.operations.stored_keys import load_stored_keys
from hotline.organisation.service.second_factors import give_recovery_codes, passkey_row
from hotline.organisation.store.people import load_person_by_login
from hotline.organisation.store.second_factors import add_factor
from hotline.settings import Settings
from hotline.wiring import build_database
from tests.cli.commands import hotline
from tests.conftest import NOON, Clock
from tests.oidc.issuer import Issuer

OURS = "the secret of our client there"


@pytest.fixture
def issuer(clock: Clock) -> Iterator[Issuer]:
    """A provider that answers on this machine."""
    made = Issuer(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = made(httpx.Request("GET", f"{made.url}{self.path}"))
            self.send_response(reply.status_code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield made
        server.shutdown()


def described(folder: Path, at: Issuer, **more: Any) -> str:
    """A file as the guide has it."""
    rules = [{"claim": "groups", "value": "hotline-operators", "roles": ["operator"]}]
    whole = {"name": "市统一身份认证", "issuer": at.url, "client_id": "hotline", "rules": rules}
    (folder / "provider.json").write_text(json.dumps({**whole, **more}))
    return "provider.json"


def deeds(folder: Path) -> list[tuple[str, str]]:
    """Deeds of the command line, and what they were done to, in order."""
    with sqlite3.connect(folder / "data" / "hotline.db") as data:
        found = data.execute("SELECT deed, about_kind FROM security_log ORDER BY position").fetchall()
    data.close()
    return found


def test_a_provider_is_set_checked_linked_and_removed(folder: Path, issuer: Issuer) -> None:
    file = described(folder, issuer)
    done = hotline(folder, "oidc", "set", "city", file, HOTLINE_PASSWORD=OURS, HOTLINE_PUBLIC_URL="https://h.example")
    assert done.stdout == "https://h.example/console/oidc/city/callback\n" and OURS not in done.stderr
    assert OURS.encode() not in b"".join(p.read_bytes() for p in (folder / "data").iterdir() if p.is_file())
    assert hotline(folder, "oidc", "list").stdout == f"city\t{issuer.url}\thotline\tactive\n"
    checked = json.loads(hotline(folder, "oidc", "check", "city").stdout)
    assert checked["token_endpoint"] == f"{issuer.url}/token" and checked["keys"] == ["first"]
    issuer.metadata["issuer"] = "https://another.example"
    assert "wrong: " in hotline(folder, "oidc", "check", "city", code=1).stderr
    issuer.url, at = "http://127.0.0.1:9", issuer.url
    hotline(folder, "oidc", "set", "city", described(folder, issuer, active=False))
    assert hotline(folder, "oidc", "list").stdout == "city\thttp://127.0.0.1:9\thotline\toff\n"
    gone = hotline(folder, "oidc", "check", "city", code=1).stderr
    assert "does not answer" in gone and "Traceback" not in gone
    issuer.url = at

    hotline(folder, "user", "add", "li", "--name", "李敏", "--role", "operator", HOTLINE_PASSWORD="correct horse 9")
    assert hotline(folder, "oidc", "link", "city", "s-1", "Li").stderr == "linked: Li\n"
    assert "linked already" in hotline(folder, "oidc", "link", "city", "s-1", "li", code=1).stderr
    assert hotline(folder, "oidc", "unlink", "city", "s-1").stderr == "unlinked\n"
    assert "no such subject" in hotline(folder, "oidc", "unlink", "city", "s-1", code=1).stderr
    assert hotline(folder, "oidc", "remove", "city").stderr == "removed: city\n"
    assert hotline(folder, "oidc", "list").stdout == ""
    provider, person = ("identity_provider_changed", "provider"), ("person_changed", "person")
    assert deeds(folder) == [provider, provider, ("person_added", "person"), person, person, provider]


def test_what_is_wrong_with_a_provider_is_said_and_nothing_is_kept(folder: Path, issuer: Issuer) -> None:
    for args, code, said in (
        (("set", "city", "none.json"), 2, "cannot read none.json"),
        (("set", "City", described(folder, issuer)), 1, "the code: a-z 0-9"),
        (("check", "city"), 1, "no such provider"),
        (("remove", "city"), 1, "no such provider"),
        (("link", "city", "s-1", "li"), 1, "no such provider"),
        (("unlink", "city", "s-1"), 1, "no such provider"),
    ):
        done = hotline(folder, "oidc", *args, code=code)
        assert said in done.stderr and "Traceback" not in done.stderr, done.stderr
    plain = described(folder, issuer, issuer="http://id.example", colour="red")
    said = hotline(folder, "oidc", "set", "city", plain, code=1).stderr
    assert "  issuer: " in said and "  colour: " in said and "http://id.example" not in said
    rule = {"claim": "groups", "value": "x", "roles": ["handler"], "department": "nowhere"}
    unknown = described(folder, issuer, rules=[rule])
    assert "not in the directory: nowhere" in hotline(folder, "oidc", "set", "city", unknown, code=1).stderr
    assert hotline(folder, "oidc", "list").stdout == "" and deeds(folder) == []


def test_lost_factors_are_listed_and_reset(folder: Path) -> None:
    hotline(folder, "user", "add", "li", "--name", "李敏", "--role", "admin", HOTLINE_PASSWORD="correct horse 9")
    assert hotline(folder, "user", "factors", "list").stdout == ""

    async def set_up() -> None:
        settings = Settings(data_dir=folder / "data")
        db = build_database(settings)
        await db.open()
        await load_stored_keys(db, settings.key(), NOON)
        services = assemble_services(db, lambda: NOON, settings.key(), folder / "files")
        li = await load_person_by_login(db, "li")
        assert li is not None
        for n in "12":
            row = passkey_row(li.id, "手机", f"credential {n}", b"a public key", 0, NOON)
            await db.transact(lambda c, row=row: add_factor(c, row))
        await db.transact(lambda c: give_recovery_codes(c, services, li.id, NOON))
        await db.close()

    asyncio.run(set_up())
    assert hotline(folder, "user", "factors", "list").stdout == "li\t2\n"
    assert "no such" in hotline(folder, "user", "factors", "reset", "wang", code=1).stderr
    assert hotline(folder, "user", "factors", "reset", "Li").stderr == "removed: 2 of Li\n"
    assert hotline(folder, "user", "factors", "list").stdout == ""
    with sqlite3.connect(folder / "data" / "hotline.db") as data:
        assert data.execute("SELECT count(*) FROM recovery_code").fetchone() == (0,)
    data.close()
    assert deeds(folder)[-1] == ("factor_removed", "person")
