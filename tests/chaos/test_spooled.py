"""The database is stopped, the server goes on taking in and is killed: when both are back, everything is there, once."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from tests.chaos.server import Process
from tests.chaos.test_kannel import until
from tests.postgres import Server, find_server
from tests.sizes import sized

TOKEN = "a-token-of-sixteen-or-more"
PUSHES = sized(6, 20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = find_server(tmp_path, durable=True)
    if found is None:
        pytest.skip("no PostgreSQL of the system")
    yield found
    found.stop()


def test_what_is_taken_in_without_a_database_survives_a_kill(server: Server, tmp_path: Path) -> None:
    process = Process(
        {"HOTLINE_DATA_DIR": str(tmp_path / "data"), "HOTLINE_DATABASE_URL": server.fresh("spooled")}, tmp_path
    )
    process.cli("migrate")
    process.cli("seed", "ruiquan")
    key = {"authorization": f"Bearer {process.cli('key', 'create', 'desk', '--role', 'operator')}"}
    process.cli("gateway", "add", "kannel", "--provider", "kannel", "--secret", f"token={TOKEN}")
    at = f"http://127.0.0.1:{process.port}"

    def push(n: int) -> int:
        fields = {"token": TOKEN, "from": f"+86139001390{n:02d}", "to": "12345", "id": f"m-{n}", "charset": "UTF-8",
                  "text": f"{n}栋路灯坏了"}  # fmt: skip
        return httpx.get(f"{at}/v1/hooks/sms/kannel?{urlencode(fields)}", timeout=20).status_code

    def tickets() -> list[str]:
        reply = httpx.get(f"{at}/v1/tickets?limit=200", headers=key, timeout=20)
        return [t["number"] for t in reply.json()["items"]] if reply.status_code == 200 else []

    process.start()
    try:
        assert push(0) == 200
        until(lambda: len(tickets()) == 1, "a ticket while all is well")
        server.halt()
        assert [push(n) for n in range(1, PUSHES)] == [200] * (PUSHES - 1)
        said = {"channel": "phone", "narrative": "7栋停水了", "caller": {"phone": "13900139099"}}
        call = httpx.post(f"{at}/v1/calls", json=said, headers={**key, "idempotency-key": "k-1"}, timeout=20)
        assert call.status_code == 202, call.text
        process.kill()
        server.up()
        process.start()
        until(lambda: len(tickets()) == PUSHES + 1, "all that was taken in without a database", 60)
        assert [push(n) for n in range(PUSHES)] == [200] * PUSHES  # the provider sends them all again
        found = httpx.get(f"{at}/v1/inbound/{call.json()['reference']}", headers=key, timeout=20).json()
        assert found["number"] in tickets()
        until(lambda: list((tmp_path / "data" / "spool").iterdir()) == [], "an empty spool")
        assert len(tickets()) == PUSHES + 1
    finally:
        if process.running is not None and process.running.poll() is None:
            process.kill()
