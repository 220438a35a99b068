"""Behind Debian's HAProxy and nginx: the client's address is what the proxy saw, whatever the client writes."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from hotline.application import EdgeSettings, build_app
from hotline.console import app as console
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewPerson, add_person
from hotline.organisation.service.password_hashing import PasswordHashing
from hotline.tickets.context import Services
from hotline.tickets.lookup import query_code
from hotline.web.addresses import parse_proxy_networks
from hotline.web.connections import protocol_class
from hotline.web.paging import PageCache
from tests.conftest import ROOT, Clock, Player
from tests.organisation.test_logging_in import Quick
from tests.postgres import free_port

pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)
HAPROXY = """
defaults
  mode http
  timeout connect 3s
  timeout client 30s
  timeout server 30s
frontend front
  bind 127.0.0.1:{front}
  {header}
  default_backend back
backend back
  server one 127.0.0.1:{back}
"""
HERE, NEIGHBOUR = "127.0.0.5", "127.0.0.6"  # where clients connect from; the proxies themselves are at 127.0.0.1
PASSWORD = "a long sentence 9"


def haproxy(header: str) -> Callable[[Path, int, int], list[str]]:
    def command(folder: Path, front: int, back: int) -> list[str]:
        file = folder / "haproxy.cfg"
        file.write_text(HAPROXY.format(front=front, back=back, header=header))
        return ["/usr/sbin/haproxy", "-db", "-f", str(file)]

    return command


def nginx(folder: Path, front: int, back: int) -> list[str]:
    """The file that ships, its ports and folders apart."""
    shipped = (ROOT / "deploy/nginx.conf").read_text()
    for ours, theirs in (
        ("listen 8080", f"listen 127.0.0.1:{front}"), ("127.0.0.1:8000", f"127.0.0.1:{back}"),
        ("/var/log/nginx/access.log", str(folder / "access.log")),
    ):  # fmt: skip
        assert shipped.count(ours) == 1
        shipped = shipped.replace(ours, theirs)
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(shipped.replace("http {", f"http {{ {folders}", 1))
    user = "user root;" if os.geteuid() == 0 else ""
    main = f"daemon off; master_process off; pid {folder}/pid; {user}"
    return ["/usr/sbin/nginx", "-c", str(file), "-p", str(folder), "-e", str(folder / "error.log"), "-g", main]


PROXIES = {
    "haproxy that sets the header": haproxy("http-request set-header X-Forwarded-For %[src]"),
    "haproxy that adds to the header": haproxy("option forwardfor"),
    "nginx as shipped": nginx,
}


@contextlib.asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[int]:
    """As `hotline serve` does."""
    config = uvicorn.Config(
        app, port=0, log_level="critical", lifespan="off", proxy_headers=False, http=protocol_class()
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await running


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while not answers(port):
            assert process.poll() is None, command
            assert time.monotonic() < until, "the proxy does not listen"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(10)


class Street:
    """Clients before the proxy."""

    def __init__(self, port: int) -> None:
        self._port, self._forged = port, 0

    async def post(self, path: str, body: Any, address: str = HERE, headers: dict[str, str] | None = None) -> Any:
        transport = httpx.AsyncHTTPTransport(local_address=address)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://127.0.0.1:{self._port}", timeout=60
        ) as http:
            return await http.post(path, json=body, headers=headers or self.forged())

    def forged(self, address: str | None = None) -> dict[str, str]:
        """Every header a client might name another address in; another one each time."""
        self._forged += 1
        address = address or f"203.0.113.{self._forged}"
        return {
            "X-Forwarded-For": f"{address}, {address}", "X-Real-IP": address, "Forwarded": f"for={address}",
            "X-Client-IP": address, "True-Client-IP": address,
        }  # fmt: skip


@pytest.fixture(params=list(PROXIES))
async def street(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> AsyncIterator[Street]:
    command = PROXIES[request.param]
    app = build_app(lambda: None, edge=EdgeSettings(parse_proxy_networks("127.0.0.1")))  # type: ignore[arg-type,return-value]
    app.router.routes.extend(console.console_routes())
    app.state.services, app.state.actor_cache, app.state.pages = services, ActorCache(), PageCache()
    async with serving(app) as back:
        front = free_port()
        started = command(tmp_path, front, back)
        if shutil.which(started[0]) is None:
            pytest.skip(f"no {started[0]} on this machine")
        with running(started, front):
            yield Street(front)


async def test_another_address_in_every_request_does_not_pass_the_look_up_limit(
    street: Street, services: Services, desk: Player
) -> None:
    number = (await desk.call("3栋电梯坏了", category="dt-fault"))["number"]
    right = query_code(services.secret, number)
    wrong = [code for code in ("111111", "222222", "333333", "444444", "555555", "666666") if code != right][:5]
    for code in wrong:
        assert (await street.post("/v1/lookup", {"number": number, "code": code})).status_code == 404
    assert (await street.post("/v1/lookup", {"number": number, "code": right})).status_code == 429
    assert (await street.post("/v1/lookup", {"number": number, "code": right}, NEIGHBOUR)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/token", "/console/session"])
async def test_another_address_in_every_request_does_not_pass_the_log_in_throttle(
    path: str, street: Street, services: Services, clock: Clock
) -> None:
    services.hashing = PasswordHashing(Quick())
    grant = Grant(frozenset({Role.OPERATOR}))
    await add_person(services, NewPerson("li.min", "Li Min", PASSWORD, grant), clock())
    for _ in range(8):
        assert (await street.post(path, {"login": "li.min", "password": "wrong"})).status_code == 401
    asked = {"login": "li.min", "password": PASSWORD}
    assert (await street.post(path, asked)).status_code == 429
    assert (await street.post(path, asked, NEIGHBOUR)).status_code == 200


async def test_another_address_in_a_request_does_not_pass_a_gateways_list(
    street: Street, services: Services, clock: Clock
) -> None:
    for name, address in (("far", "203.0.113.7"), ("near", NEIGHBOUR), ("proxy", "127.0.0.1")):
        settings = {"addresses": [address]}
        await create_gateway(
            services.gateways,
            NewGateway(name, "kannel", settings, {"token": ["t" * 24]}, sends=False, weight=100),
            "test",
            clock(),
        )
    query = f"token={'t' * 24}&sender=13800138000&to=12345&text=hello&key=1&at=2026-11-25"
    codes = {}
    for name in ("far", "near", "proxy"):
        for address in (HERE, NEIGHBOUR):
            for forged in ("203.0.113.7", NEIGHBOUR, "127.0.0.1", "garbage"):
                reply = await street.post(f"/v1/hooks/sms/{name}?{query}", {}, address, street.forged(forged))
                codes.setdefault((name, address), set()).add(reply.status_code == 401)
    let_in = {pair for pair, refused in codes.items() if refused != {True}}
    assert let_in == {("near", NEIGHBOUR)} and codes["near", NEIGHBOUR] == {False}
