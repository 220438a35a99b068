"""A stranger's client against a real server: PyPI's georeport asks over a socket, in JSON and in XML."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.server import Process
from tests.conftest import ROOT

georeport = pytest.importorskip("georeport")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Process({"HOTLINE_DATA_DIR": str(tmp_path / "data")}, tmp_path)
    made.cli("migrate")
    made.cli("seed", "ruiquan")
    published = tmp_path / "published"
    published.mkdir()
    rows = (ROOT / "seeds/basis/categories.csv").read_text().splitlines()
    chosen = [f"{row},web" for row in rows if row.startswith(("dt-fault,", "sdq-water,"))]
    (published / "categories.csv").write_text("\n".join([f"{rows[0]},public_channels", *chosen]))
    made.cli("seed", str(published))
    yield made
    if made.running is not None and made.running.poll() is None:
        made.stop()


def listed(found: Any) -> list[dict[str, Any]]:
    """Its XML reader gives a list of one as the one."""
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_georeport_reads_services_definitions_and_requests(form: str, server: Process) -> None:
    key = server.cli("key", "create", "fms", "--role", "gateway")
    server.start()
    root = f"http://127.0.0.1:{server.port}/open311/v2"
    numbers = []
    with httpx.Client(trust_env=False) as http:
        for code, said in (("dt-fault", "3栋电梯坏了"), ("sdq-water", "9栋停水 & <没水>")):
            fields = {"service_code": code, "address_string": "3栋", "description": said, "api_key": key}
            reply = http.post(f"{root}/requests.json", data=fields)
            assert reply.status_code == 200, reply.text
            numbers.append(reply.json()[0]["service_request_id"])
    city = georeport.GeoReport(f"{root}/", output_format=form)

    services = {s["service_code"]: s["service_name"] for s in city.get_service_list()}
    assert services["dt-fault"] == "电梯故障" and "za-misconduct" not in services
    assert city.get_service_definition("dt-fault")["service_code"] == "dt-fault"
    assert {r["service_request_id"] for r in city.get_service_requests()} == set(numbers)
    one = listed(city.get_service_requests(service_code="sdq-water", status="open"))
    assert [(r["service_request_id"], r["description"]) for r in one] == [(numbers[1], "停水水压")]
    single = city.get_service_request(numbers[0])
    assert (single["service_request_id"], single["status"]) == (numbers[0], "open")
    with pytest.raises(OSError, match="404"):  # requests' HTTPError
        city.get_service_request("100000007")
    with pytest.raises(OSError, match="400"):
        city.get_service_requests(start_date="2026-11-25T00:00:00")
