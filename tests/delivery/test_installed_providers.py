"""Providers of other packages: Pigeon, the SMS provider that docs/channels.md shows, and Doorbell, an exchange. Both are
installed by pip into a folder of their own and found there; nothing of ours names them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.delivery import registry
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.gateways import GatewayCache, GatewayChange, NewGateway, change_gateway, create_gateway
from hotline.delivery.model import GatewayKind
from hotline.delivery.outbox import send_due_messages
from hotline.inbound.processing import process_due
from hotline.operations.doctor import run_checks
from hotline.refusals import Code, Refused
from hotline.sms.contract import sms_provider
from hotline.sms.providers.kannel import Kannel
from hotline.tickets.context import Services
from tests.conftest import ROOT, Clock, Player
from tests.sms.handset import Handset
from tests.sms.providers import PUBLIC

WANG = "+8613800138000"
TOKEN = "a-token-of-enough-characters"
SETTINGS = {"url": "https://pigeon.example/send", "sender": "12345"}
SECRETS = {"token": [TOKEN], "key": ["pigeon-key"]}


def from_the_guide(folder: Path) -> Path:
    """Pigeon's package, as the guide prints it."""
    guide = (ROOT / "docs/channels.md").read_text(encoding="utf-8").partition("## Add a provider\n")[2]
    (source,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (project,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    (folder / "hotline_pigeon.py").write_text(source, encoding="utf-8")
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put both packages."""
    target = tmp_path_factory.mktemp("site")
    packages = [from_the_guide(tmp_path_factory.mktemp("pigeon")), ROOT / "tests/delivery/doorbell"]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    run = subprocess.run([*pip, "--target", target, *packages], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return target


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as patch:
        patch.syspath_prepend(site)
        registry.clear_caches()
        yield patch
    for name in ("hotline_pigeon", "hotline_doorbell"):
        sys.modules.pop(name, None)
    registry.clear_caches()


@pytest.fixture
def http(app: FastAPI, services: Services) -> httpx.AsyncClient:
    services.public_url = services.gateways._url = PUBLIC
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline")


async def put(services: Services, clock: Clock, name: str, provider: str, **how: Any) -> None:
    settings, secrets = how.get("settings", SETTINGS), how.get("secrets", SECRETS)
    sends = how.get("sends", provider == "pigeon")
    await create_gateway(
        services.gateways, NewGateway(name, provider, settings, secrets, sends=sends, weight=50), "test", clock()
    )


ARRIVES: dict[str, Any] = {
    "url": f"/v1/hooks/sms/pigeons?token={TOKEN}",
    "json": {"id": "m-1", "from": WANG, "to": "12345", "text": "3栋2单元电梯坏了，不动了"},
}


async def test_a_text_comes_in_and_goes_out_by_a_provider_of_another_package(
    installed: Any, services: Services, http: httpx.AsyncClient, desk: Player, clock: Clock
) -> None:
    await put(services, clock, "pigeons", "pigeon")
    for _ in range(2):  # as a provider repeats
        reply = await http.post(**ARRIVES)
        assert (reply.status_code, reply.content) == (200, b'{"ok":true}')
    while await process_due(services, clock()):
        pass
    (ticket,) = (await desk.get("/v1/tickets?limit=9")).json()["items"]
    assert (ticket["channel"], ticket["status"]) == ("sms", "dispatched")
    handset = Handset()
    ways = DeliveryChannels(texts=httpx.AsyncClient(transport=httpx.MockTransport(handset)))
    while await send_due_messages(services, ways, clock()):
        pass
    await ways.close()
    (text,), (request,) = handset.got, handset.requests
    assert (text["to"], text["host"]) == (WANG, "pigeon.example") and ticket["number"] in text["text"]
    assert request.headers["x-key"] == "pigeon-key"
    for state, status in (("landed", "delivered"), ("lost", "delivered")):  # a late one lowers nothing
        report = {"id": "p-1", "state": state}
        assert (await http.post(f"/v1/hooks/sms/pigeons/status?token={TOKEN}", json=report)).status_code == 200
        while await process_due(services, clock()):
            pass
        (row,) = (await desk.get(f"/v1/tickets/{ticket['number']}/texts")).json()["items"]
        assert (row["gateway"], row["status"]) == ("pigeons", status)


async def test_a_call_comes_by_an_exchange_of_another_package(
    installed: Any, services: Services, http: httpx.AsyncClient, watch: Player, clock: Clock
) -> None:
    await put(services, clock, "door", "doorbell", settings={"agents": {"101": "li.min"}}, secrets={"token": [TOKEN]})
    for word, seconds in (("ring", 0), ("open", 9), ("gone", 39)):
        at = (clock().timestamp()) + seconds
        event = {"event": word, "visit": "v1", "at": at, "phone": "8613800138000", "door": "101"}
        assert (await http.post(f"/v1/hooks/voice/door?token={TOKEN}", json=event)).json() == {}
    (call,) = (await watch.get("/v1/voice-calls")).json()["items"]
    assert (call["state"], call["outcome"], call["agent"]) == ("ended", "answered", "li.min")
    assert (call["phone"], call["wait_ms"], call["talk_ms"]) == (WANG, 9000, 30_000)
    asked = await http.get(f"/v1/hooks/voice/door/lookup?token={TOKEN}&number=8613800138000")
    assert asked.status_code == 404


@pytest.mark.parametrize(
    ("how", "fields"),
    [
        ({"settings": {"url": "pigeon.example"}, "sends": False}, ["settings.url"]),
        ({"settings": {"coop": "3"}, "sends": False}, ["settings.coop"]),
        ({"settings": {}, "secrets": {"token": [TOKEN]}}, ["settings.url", "secrets.key"]),
        ({"secrets": {"key": ["pigeon-key"]}}, ["secrets"]),
        ({"secrets": {"token": ["pigeon-key"], "key": ["k"]}}, ["secrets.token"]),
        ({"secrets": {**SECRETS, "pigeon-key": ["v"]}}, ["secrets"]),
    ],
)
async def test_what_its_file_declares_is_checked_and_no_value_is_repeated(
    installed: Any, how: dict[str, Any], fields: list[str], services: Services, clock: Clock
) -> None:
    with pytest.raises(Refused) as refused:
        await put(services, clock, "pigeons", "pigeon", **how)
    assert [field for field, _ in refused.value.refusal.errors] == fields
    assert "pigeon-key" not in str(refused.value.refusal) and "pigeon.example" not in str(refused.value.refusal)


async def test_a_gateway_whose_package_is_gone_loses_nothing_and_can_be_switched_off(
    installed: pytest.MonkeyPatch, services: Services, http: httpx.AsyncClient, clock: Clock, site: Path
) -> None:
    await put(services, clock, "pigeons", "pigeon")
    await put(services, clock, "kannel", "kannel", settings={}, secrets={"token": [TOKEN]})
    installed.setattr(sys, "path", [folder for folder in sys.path if folder != str(site)])
    registry.clear_caches()
    fresh = GatewayCache(services.db, services.secret, PUBLIC)
    assert set(await fresh.now(clock())) == {"pigeons", "kannel"}
    assert (await http.post(**ARRIVES)).status_code == 503  # the provider sends it again
    other = await http.get("/v1/hooks/sms/kannel", params={"token": TOKEN, "id": "1", "from": WANG, "text": "路灯坏了"})
    assert other.status_code == 200
    wrong = [f.says for f in await run_checks(services, clock()) if f.check == "gateways" and f.wrong]
    assert wrong == ["pigeons: the package of provider pigeon is missing or broken"]
    with pytest.raises(Refused):
        await change_gateway(services.gateways, "pigeons", GatewayChange(settings={"sender": "1"}), clock())
    await change_gateway(services.gateways, "pigeons", GatewayChange(active=False), clock())
    assert [f for f in await run_checks(services, clock()) if f.check == "gateways" and f.wrong] == []


async def test_no_package_takes_a_name_of_ours_and_a_broken_one_hurts_nobody(
    installed: Any, services: Services, clock: Clock
) -> None:
    assert sms_provider("kannel").adapter is Kannel and registry.provider_kind("cti") is GatewayKind.VOICE
    assert "Not A Name" not in registry.provider_names(GatewayKind.SMS)
    for kind, provider in ((GatewayKind.SMS, "broken"), (GatewayKind.VOICE, "misnamed")):
        assert registry.provider_kind(provider) is kind
        with pytest.raises(Refused) as refused:
            await put(services, clock, "x", provider)
        assert refused.value.refusal.code is Code.UNAVAILABLE and provider in refused.value.refusal.detail
    await put(services, clock, "pigeons", "pigeon")


def test_ours_are_found_without_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: [])
    registry.clear_caches()
    assert (
        registry.provider_kind("kannel") is GatewayKind.SMS
        and registry.provider_kind("hotline_12345") is GatewayKind.ORDERS
    )
    assert sms_provider("kannel").adapter is Kannel
    monkeypatch.undo()
    registry.clear_caches()


def test_the_command_line_lists_them_beside_ours(site: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hotline.cli", "gateway", "providers"]
    env = {"PYTHONPATH": str(site), "HOTLINE_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout.splitlines()
    listed = {line.split()[0]: line for line in said if line}
    assert "url (where our texts are posted)" in listed["pigeon"] and "key (of the account)" in listed["pigeon"]
    assert "can be asked what it sent" in listed["twilio"] and "can be asked" not in listed["pigeon"]
    assert "cannot be imported" in listed["broken"] and {"kannel", "cti", "hotline_12345"} <= set(listed)
