"""Clients made from the OpenAPI document by generators others use: each logs in, takes a call, acts on it, pages a
list."""

import asyncio
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.tickets.context import Services
from tests.conftest import ROOT, on_one_database
from tests.contract.replies import document
from tests.streaming.listening import serving

TOOLS = ROOT / ".make" / "generators"
PASSWORD = "a long sentence for clients 9"


def _tool(name: str) -> str:
    path = TOOLS / name
    if not path.exists():
        pytest.skip(f"{path.name} is not installed: make lint-openapi installs it")
    return str(path)


def _node() -> str:
    found = shutil.which("node")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout if found else "v0"
    if found is None or int(version.lstrip("v").split(".")[0]) < 20:
        pytest.skip("there is no Node.js 20 or newer on this machine")
    return found


def _node_tool(name: str) -> str:
    _node()
    return _tool(f"node_modules/.bin/{name}")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "hotline.json"
    path.write_text(json.dumps(document()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def python_client(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The package that openapi-python-client makes, imported."""
    folder = tmp_path_factory.mktemp("client")
    tool = _tool("bin/openapi-python-client")
    config = folder / "config.yml"
    config.write_text("post_hooks: []\n", encoding="utf-8")
    made = subprocess.run(
        [
            *(tool, "generate", "--path", str(written), "--output-path", str(folder / "hotline_client")),
            *("--meta", "none", "--config", str(config)),
        ],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    told = made.stdout + made.stderr
    assert "Unable to process schema" not in told, told
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"hotline_client.{name}")
    sys.path.remove(str(folder))


@pytest.fixture
async def clerk(services: Services) -> str:
    grant = Grant(frozenset({Role.OPERATOR, Role.DISPATCHER}))
    await add_person(services, NewPerson("clerk", "李敏", PASSWORD, grant), services.clock())
    return "clerk"


@on_one_database
async def test_a_python_client_logs_in_takes_a_call_acts_and_pages(
    app: FastAPI, clerk: str, python_client: Any
) -> None:
    module, models = python_client, python_client("models")
    async with serving(app) as address:
        stranger = module("client").Client(base_url=address)
        session = await module("api.accounts.log_in").asyncio(
            client=stranger, body=models.LogIn(login=clerk, password=PASSWORD)
        )
        client = module("client").AuthenticatedClient(base_url=address, token=session.token)
        for narrative in ("3栋2单元电梯坏了", "5栋路灯坏了"):
            body = models.CallIn(channel=models.CallInChannel.PHONE, narrative=narrative)
            taken = await module("api.intake.take_call").asyncio(client=client, body=body)
            assert isinstance(taken, models.IntakeOut)
        ticket = taken.ticket
        acted = await module("api.tickets.ticket_comment").asyncio(
            ticket.number, client=client, body=models.TicketComment(text="已核实"), if_match=f'"{ticket.version}"'
        )
        assert isinstance(acted, models.TicketOut) and acted.version == ticket.version + 1
        late = await module("api.tickets.ticket_comment").asyncio(
            ticket.number, client=client, body=models.TicketComment(text="已核实"), if_match=f'"{ticket.version}"'
        )
        assert isinstance(late, models.Problem) and late.status == 412 and late.version == acted.version
        numbers, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await module("api.tickets.list_tickets").asyncio(client=client, limit=1, **more)
            numbers += [brief.number for brief in page.items]
            cursor = page.next_
            if cursor is None:
                break
        assert len(numbers) == len(set(numbers)) == 2
        await stranger.get_async_httpx_client().aclose()
        await client.get_async_httpx_client().aclose()


STORY = """
declare const process: { argv: string[]; exit(code: number): void };
import { client } from './client/client.gen';
import * as api from './client/sdk.gen';
client.setConfig({ baseUrl: process.argv[2] as `${string}://${string}` });
const must = <T>(r: { data?: T; error?: unknown }): T => {
  if (r.data === undefined) throw new Error(JSON.stringify(r.error));
  return r.data;
};
async function main() {
const session = must(await api.logIn({ body: { login: 'clerk', password: process.argv[3] } }));
client.setConfig({ baseUrl: process.argv[2] as `${string}://${string}`, auth: () => session.token });
let number = '', version = 0;
for (const narrative of ['3栋2单元电梯坏了', '5栋路灯坏了']) {
  const taken = must(await api.takeCall({ body: { channel: 'phone', narrative } }));
  if (!('ticket' in taken)) throw new Error('spooled');
  ({ number, version } = taken.ticket);
}
const headers = { 'If-Match': `"${version}"` };
const acted = must(await api.ticketComment({ path: { number }, headers, body: { text: '已核实' } }));
if (acted.version !== version + 1) throw new Error('version');
const late = await api.ticketComment({ path: { number }, headers, body: { text: '已核实' } });
if (late.response?.status !== 412) throw new Error('412');
const seen: string[] = [];
let cursor: string | undefined = undefined;
do {
  const page: { items: { number: string }[]; next: string | null } = must(
    await api.listTickets({ query: { limit: 1, cursor } }));
  seen.push(...page.items.map((item) => item.number));
  cursor = page.next ?? undefined;
} while (cursor);
if (new Set(seen).size !== 2 || seen.length !== 2) throw new Error(seen.join());
}
main().then(() => console.log('done'), (fault) => { console.error(fault); process.exit(1); });
"""


@pytest.fixture(scope="module")
def typescript_client(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A script with the client that @hey-api/openapi-ts makes, checked and compiled by TypeScript."""
    folder = tmp_path_factory.mktemp("typescript")
    generator, compiler = _node_tool("openapi-ts"), _node_tool("tsc")
    commands = [
        [generator, "-i", str(written), "-o", str(folder / "client"), "-c", "@hey-api/client-fetch"],
        [compiler, "--strict", "--skipLibCheck", "--target", "es2022", "--module", "commonjs",
         "--moduleResolution", "node10", "--lib", "es2022,dom,dom.iterable", "--outDir", str(folder / "made"),
         str(folder / "story.ts")],
    ]  # fmt: skip
    (folder / "story.ts").write_text(STORY, encoding="utf-8")
    for command in commands:
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150, check=False)
        assert made.returncode == 0, made.stdout + made.stderr
    return folder / "made"


@on_one_database
async def test_a_typescript_client_logs_in_takes_a_call_acts_and_pages(
    app: FastAPI, clerk: str, typescript_client: Path
) -> None:
    async with serving(app) as address:
        running = await asyncio.create_subprocess_exec(
            _node(), str(typescript_client / "story.js"), address, PASSWORD,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await asyncio.wait_for(running.communicate(), 60)
    assert running.returncode == 0 and told.decode().strip() == "done", told.decode()


def test_the_document_passes_the_linters_clients_use(written: Path) -> None:
    rules = written.with_name(".spectral.yaml")
    rules.write_text('extends: ["spectral:oas"]\n', encoding="utf-8")
    for command in (
        [_node_tool("spectral"), "lint", str(written), "-r", str(rules), "--fail-severity", "hint"],
        [_node_tool("redocly"), "lint", str(written), "--max-problems", "20", "--format", "stylish"],
    ):
        linted = subprocess.run(command, cwd=written.parent, capture_output=True, text=True, timeout=150, check=False)
        told = linted.stdout + linted.stderr
        assert linted.returncode == 0 and " warning" not in told.replace("Deprecation warning", ""), told
