"""While the database is away: what is taken in survives, once, and comes in by the normal path when it is back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.database.engine import DatabaseUnavailable
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.inbound.processing import process_due
from hotline.inbound.spool import Spool, SpoolFull
from hotline.inbound.spool_drain import drain_spooled_records
from hotline.tickets.context import Services
from tests.conftest import NOON, Clock, Player
from tests.sms.providers import FAR, PUBLIC, Push

SECRET = b"a secret of the test suite, long enough"
KANNEL = FAR["kannel"]

NO_WATER = "瑞泉馨城9栋 · 停水、水压小"


class Cut:
    """The database, as long as nobody cut the wire to it."""

    def __init__(self, db: Any, patch: pytest.MonkeyPatch) -> None:
        self._db, self._patch = db, patch

    def __enter__(self) -> None:
        async def away(*_: Any, **__: Any) -> Any:
            raise DatabaseUnavailable("the database does not answer")

        for verb in ("rows", "row_dicts", "transact", "write", "reserve", "time"):
            self._patch.setattr(self._db, verb, away)

    def __exit__(self, *_: Any) -> None:
        self._patch.undo()


@pytest.fixture
async def spooling(services: Services, tmp_path: Path) -> AsyncIterator[Services]:
    services.spool = services.inbox._spool = Spool(tmp_path / "spool", SECRET)
    yield services
    if services.spool is not None:
        services.spool.close()


@pytest.fixture
async def http(app: FastAPI, spooling: Services, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    spooling.public_url = spooling.gateways._url = PUBLIC
    await create_gateway(
        spooling.gateways,
        NewGateway("kannel", "kannel", {}, {"token": [KANNEL.secrets["token"]]}, sends=False, weight=50),
        "test",
        clock(),
    )
    await spooling.gateways.now(clock())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as client:
        yield client


async def push(http: httpx.AsyncClient, text: Push) -> httpx.Response:
    return await http.request(text.method, text.path, headers=text.headers, content=text.body)


async def test_texts_and_calls_go_on_while_the_database_is_away(
    http: httpx.AsyncClient, spooling: Services, desk: Player, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.get("/v1/me")  # on shift: known since before
    with Cut(spooling.db, monkeypatch):
        clock.forward(minutes=10)
        text = KANNEL.text("s-1", "13800138000", "12345", "3栋着火了", clock())
        reply = await push(http, text)
        assert (reply.status_code, reply.content) == (200, b"")
        assert (await push(http, text)).status_code == 200  # the provider repeats
        body = {"channel": "phone", "narrative": "9栋停水了", "caller": {"phone": "13900139000"}}
        taken = await desk.post("/v1/calls", body, headers={"idempotency-key": "call-1"})
        assert taken.status_code == 202 and taken.json()["kept"] == "spool"
        again = await desk.post("/v1/calls", body, headers={"idempotency-key": "call-1"})
        assert again.json()["reference"] == taken.json()["reference"]
        assert (await desk.post("/v1/calls", {**body, "narrative": " "})).status_code == 422
        ready = await http.get("/readyz")
        assert ready.status_code == 503 and ready.json()["checks"]["spool_bytes"] > 0
        assert (await desk.get("/v1/tickets")).status_code == 503  # nothing is told from memory
        assert await drain_spooled_records(spooling) == 0
    took = clock()
    clock.forward(minutes=3)
    assert await drain_spooled_records(spooling) == 4
    while await process_due(spooling, clock()):
        pass
    tickets = (await desk.get("/v1/tickets")).json()["items"]
    assert sorted(t["title"] for t in tickets) == ["瑞泉馨城3栋 · 火情", NO_WATER]
    shown = (await desk.get(f"/v1/inbound/{taken.json()['reference']}")).json()
    call = await desk.see(shown["number"])
    assert (call["title"] == NO_WATER and call["created_at"] == took.isoformat().replace("+00:00", "Z")) or call[
        "created_at"
    ]
    late = await desk.post("/v1/calls", body, headers={"idempotency-key": "call-1"})
    assert late.json()["ticket"]["number"] == shown["number"] and late.headers["idempotency-replayed"] == "true"
    assert spooling.spool is not None and spooling.spool.size() == 0
    assert await drain_spooled_records(spooling) == 0
    assert len((await desk.get("/v1/tickets")).json()["items"]) == 2


async def test_nobody_unknown_is_let_in_because_nobody_can_be_asked(
    http: httpx.AsyncClient,
    spooling: Services,
    desk: Player,
    pipes: Player,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await desk.get("/v1/me")
    await pipes.get("/v1/me")
    with Cut(spooling.db, monkeypatch):
        body = {"channel": "phone", "narrative": "9栋停水了"}
        assert (await pipes.post("/v1/calls", body)).status_code == 403
        stranger = await http.post(
            "/v1/calls", json=body, headers={"authorization": "Bearer hl_0123456789abcdef_" + "A" * 43}
        )
        assert stranger.status_code == 503
        clock.forward(hours=13)  # a shift later
        assert (await desk.post("/v1/calls", body)).status_code == 503
        forged = KANNEL.forged(KANNEL.text("s-2", "13800138000", "12345", "路灯坏了", clock()))
        assert (await push(http, forged)).status_code == 401
    assert spooling.spool is not None and spooling.spool.size() == 0


async def test_without_a_spool_nothing_is_acknowledged(
    http: httpx.AsyncClient, spooling: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooling.spool = spooling.inbox._spool = None
    with Cut(spooling.db, monkeypatch):
        assert (await push(http, KANNEL.text("s-3", "13800138000", "12345", "路灯坏了", clock()))).status_code == 503


async def test_a_full_spool_says_so(tmp_path: Path) -> None:
    small = Spool(tmp_path / "s", SECRET, max_bytes=400)
    await small.append({"kind": "x", "n": 1}, NOON)
    with pytest.raises(SpoolFull):
        for n in range(20):
            await small.append({"kind": "x", "n": n}, NOON)
    assert small.count_records() >= 1 and small.size() <= 400
    small.close()


async def _all(spool: Spool) -> list[Any]:
    found: list[Any] = []

    async def one(record: Any) -> None:
        found.append(record["n"])

    await spool.drain(one)
    return found


async def test_a_torn_end_is_cut_and_what_stands_before_it_comes_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", SECRET)
    for n in range(3):
        await spool.append({"n": n}, NOON)
    spool.close()
    (file,) = (tmp_path / "s").glob("*.spool")
    whole = file.read_bytes()
    for cut in range(1, len(whole.splitlines(keepends=True)[-1])):
        file.write_bytes(whole[:-cut])
        assert Spool(tmp_path / "s", SECRET).count_records() == (3 if cut == 1 else 2)
    assert await _all(Spool(tmp_path / "s", SECRET)) == [0, 1]
    assert list((tmp_path / "s").iterdir()) == []


async def test_a_line_changed_in_the_middle_is_set_aside_for_somebody_to_look_at(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", SECRET)
    for n in range(3):
        await spool.append({"n": n}, NOON)
    spool.close()
    (file,) = (tmp_path / "s").glob("*.spool")
    lines = file.read_bytes().splitlines(keepends=True)
    middle = len(lines[1]) // 2
    other = b"A" if lines[1][middle : middle + 1] != b"A" else b"B"
    file.write_bytes(lines[0] + lines[1][:middle] + other + lines[1][middle + 1 :] + lines[2])
    again = Spool(tmp_path / "s", SECRET)
    assert await _all(again) == [0]
    assert again.count_bad_files() == 1
    assert await _all(Spool(tmp_path / "s", b"another secret of another server, long")) == []


async def test_two_processes_share_the_folder_and_each_record_comes_in_once(tmp_path: Path) -> None:
    one, other = Spool(tmp_path / "s", SECRET), Spool(tmp_path / "s", SECRET)
    await asyncio.gather(
        *(s.append({"n": (name, n)}, NOON) for n in range(20) for name, s in (("a", one), ("b", other)))
    )
    assert one.count_records() == 40
    first = await _all(one)  # the other's file is open: it is left alone
    second = await _all(other)
    assert len(first) == 20 and len(second) == 20
    assert {tuple(x) for x in first + second} == {(name, n) for name in "ab" for n in range(20)}


async def test_what_cannot_be_brought_in_yet_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", SECRET)
    for n in range(3):
        await spool.append({"n": n}, NOON)

    async def breaks(record: Any) -> None:
        if record["n"] == 1:
            raise DatabaseUnavailable("gone again")

    with pytest.raises(DatabaseUnavailable):
        await spool.drain(breaks)
    await spool.append({"n": 3}, NOON + timedelta(seconds=1))
    assert await _all(spool) == [0, 1, 2, 3]


async def test_what_can_never_come_in_is_set_aside_once_and_holds_up_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s", SECRET)
    for n in range(4):
        await spool.append({"n": n}, NOON)
    found: list[int] = []
    gone = True

    async def one(record: Any) -> None:
        if record["n"] == 1:
            raise RuntimeError("poison")
        if record["n"] == 2 and gone:
            raise DatabaseUnavailable("gone again")
        found.append(record["n"])

    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await spool.drain(one)
    gone = False
    await spool.drain(one)
    assert found[-2:] == [2, 3] or found[-3:] == [0, 2, 3]
    (bad,) = (tmp_path / "s").iterdir()
    assert bad.name.endswith(".poison.bad") and len(bad.read_bytes().splitlines()) == 1
