"""The live stream: in commit order, without gap or repeat, to those who may see, and to nobody else."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.application import build_app
from hotline.composition import assemble_services
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.service.accounts import ActorCache, authenticate
from hotline.organisation.service.credentials import Credential
from hotline.organisation.write_request import WriteRequest
from hotline.streaming import service as streaming_service
from hotline.streaming import store as streaming_store
from hotline.streaming.service import Stream
from hotline.tickets.context import Services
from hotline.tickets.model.stream_events import StreamFilter
from tests.conftest import LIFT, Cast, Clock, Player, keep_first_passwords
from tests.streaming.listening import Ear, listening, serving


def key(player: Player) -> str:
    return str(player.http.headers["authorization"])


async def hello(ear: Ear) -> int:
    place, name, data = await ear.next()
    assert name == "hello"
    return int(data["position"]) if place is None else place


async def test_what_happens_is_heard_as_it_happens_by_those_it_concerns(app: FastAPI, cast: Cast) -> None:
    desk, lifts, pipes, liftmen = [await cast(n) for n in ("desk", "lifts", "pipes", "liftmen")]
    async with (
        serving(app) as at,
        listening(at, key(desk)) as operator,
        listening(at, key(lifts)) as works,
        listening(at, key(liftmen)) as contractor,
        listening(at, key(pipes)) as water,
    ):
        for ear in (operator, works, contractor, water):
            await hello(ear)
        ticket = await desk.call(LIFT, caller={"phone": "13800138000", "name": "王秀英"}, category="dt-fault")
        heard = await operator.tickets(3)
        assert [e["action"] for _, e in heard] == ["receive", "triage", "dispatch"]
        places = [p for p, _ in heard]
        assert places == sorted(places)
        assert "13800138000" not in str(heard) and "王秀英" not in str(heard) and "电梯" not in str(heard)
        assert [e["action"] for _, e in await works.tickets(3)] == ["receive", "triage", "dispatch"]
        await lifts.order(ticket, "accept")
        [(_, accepted)] = await works.tickets(1)
        assert (accepted["order"]["status"], accepted["number"]) == ("accepted", ticket["number"])
        assert accepted["version"] == ticket["version"] + 1
        assert len(await contractor.tickets(4)) == 4
        with pytest.raises(TimeoutError):
            await water.next(within=0.7)


async def test_a_recalled_order_is_heard_by_who_lost_it(app: FastAPI, cast: Cast, lift_ticket: dict[str, Any]) -> None:
    lifts, watch = await cast("lifts"), await cast("watch")
    async with serving(app) as at, listening(at, key(lifts)) as works:
        await hello(works)
        await watch.act(await watch.see(lift_ticket), "recall", reason="另派")
        told = [e for _, e in await works.tickets(2)]
        assert {e["action"] for e in told} == {"recall"} and told[-1]["order"]["status"] == "recalled"
        assert (await lifts.see(lift_ticket, expect=404))["status"] == 404


async def test_a_client_that_reconnects_gets_what_it_missed_once(app: FastAPI, desk: Player) -> None:
    async with serving(app) as at:
        async with listening(at, key(desk)) as ear:
            await hello(ear)
            await desk.call("路灯坏了")
            first = await ear.tickets(1)
        for n in range(5):
            await desk.call(f"第{n}盏路灯坏了")
        async with listening(at, key(desk), after=first[-1][0]) as ear:
            missed: list[Any] = []
            await desk.call("又一盏路灯坏了")
            while len({e["number"] for _, e in missed}) < 6 or missed[-1][1]["action"] == "receive":
                missed += await ear.tickets(1)
                if len(missed) > 40:
                    break
        places = [p for p, _ in missed]
        assert places == sorted(set(places)) and places[0] == first[-1][0] + 1
        assert len({(e["number"], e["seq"]) for _, e in missed}) == len(missed)


async def test_a_screen_can_begin_with_what_has_just_happened(app: FastAPI, services: Services, desk: Player) -> None:
    for n in range(4):
        await desk.call(f"第{n}盏路灯坏了")
    async with serving(app) as at:
        async with listening(at, key(desk), "?recent=2") as ear:
            (place, name, _), told = await ear.next(), await ear.tickets(2)
            assert name == "hello" and [p for p, _ in told] == [place - 1, place]
            await desk.call("又一盏路灯坏了")
            assert (await ear.tickets(1))[0][0] == place + 1
        async with listening(at, key(desk), "?recent=200") as ear:  # more than there ever was
            await hello(ear)
            assert (await ear.tickets(1))[0][0] == 1


async def test_too_far_back_or_from_another_database_means_look_anew(
    app: FastAPI, desk: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.call("路灯坏了")
    async with serving(app) as at:
        async with listening(at, key(desk), after=10_000_000) as ear:
            assert [(await ear.next())[1] for _ in range(2)] == ["hello", "resync"]
        monkeypatch.setattr(streaming_service, "MOST_REPLAYED", 0)
        async with listening(at, key(desk), after=0) as ear:
            assert [(await ear.next())[1] for _ in range(2)] == ["hello", "resync"]


async def test_a_department_filter_narrows_and_never_widens(app: FastAPI, cast: Cast) -> None:
    desk, pipes = await cast("desk"), await cast("pipes")
    async with serving(app) as at:
        async with listening(at, key(pipes), "?department=property-works") as ear:
            assert ear.response.status_code == 404
        async with listening(at, key(desk), "?department=water") as ear:
            await hello(ear)
            await desk.call(LIFT, category="dt-fault")
            with pytest.raises(TimeoutError):
                await ear.next(within=0.7)


async def test_no_credential_no_stream_and_a_revoked_one_ends_it(
    app: FastAPI, cast: Cast, services: Services, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    from hotline.organisation.service.accounts import revoke_key
    from hotline.streaming import routes as streaming_routes

    monkeypatch.setattr(streaming_routes, "RECHECK_SECONDS", 0.05)
    desk, gate = await cast("desk"), await cast("gate")
    async with serving(app) as at:
        async with listening(at, "Bearer hl_no_no") as ear:
            assert ear.response.status_code == 401
        async with listening(at, key(gate)) as ear:
            assert ear.response.status_code == 403
        async with listening(at, key(desk)) as ear:
            await hello(ear)
            await revoke_key(services, app.state.actor_cache, desk.actor.id, clock())
            assert (await ear.next())[1] == "bye"
    assert services.part(Stream).listener_count == 0


async def test_streams_are_limited_for_each_person_and_for_the_process(
    app: FastAPI, desk: Player, watch: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming_service, "MAX_STREAMS_PER_OWNER", 1)
    async with serving(app) as at, listening(at, key(desk)) as ear:
        await hello(ear)
        async with listening(at, key(desk)) as second:
            assert second.response.status_code == 429
        services.part(Stream).most = 1
        async with listening(at, key(watch)) as third:
            assert third.response.status_code == 503 and "retry-after" in third.response.headers


async def test_a_slow_listener_gets_resync_and_delays_nobody(
    app: FastAPI, desk: Player, watch: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming_service, "MOST_QUEUED", 20_000)
    async with serving(app) as at, listening(at, key(watch)) as quick:
        await hello(quick)
        host, port = at.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {key(desk)}\r\n\r\n".encode())
        await reader.readuntil(b"event: hello")
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a phone in a tunnel
        slow = next(x for x in services.part(Stream)._listeners if x.owner.endswith(desk.actor.id))
        filler = b": " + b"x" * 60_000 + b"\n\n"
        for _ in range(400):  # the kernel's buffers first, then ours
            slow.push(filler)
            await asyncio.sleep(0)
            if slow._lost:
                break
        assert slow._lost
        await desk.call("路灯坏了")
        assert await quick.tickets(1)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            seen = b""
            while b"event: resync" not in seen:
                seen = seen[-100:] + await reader.read(65536)
        await desk.call("又一盏路灯坏了")
        async with asyncio.timeout(5):
            while b"event: ticket" not in seen:
                seen = seen[-100:] + await reader.read(65536)
        writer.close()


async def test_a_shutdown_ends_every_stream_within_three_seconds(app: FastAPI, desk: Player) -> None:
    async with serving(app) as at, listening(at, key(desk)) as ear:
        await hello(ear)
        begun = time.monotonic()
        app.state.services.part(Stream).close()
        assert (await ear.next())[1] == "bye"
        with pytest.raises(EOFError):
            await ear.next()
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize("listeners", [3])
async def test_with_concurrent_writers_every_listener_gets_all_events_in_one_order(
    services: Services, clock: Clock, desk: Player, app: FastAPI, listeners: int
) -> None:
    """Two journals write, three streams of two processes place and read: nobody misses, repeats or reorders."""
    second = assemble_services(services.db, clock, services.secret, services.files, directory=services.directory)
    second.journal.start()
    heard: list[list[tuple[int, str]]] = [[] for _ in range(listeners)]
    homes = [services, second, services]
    from hotline.organisation.model.scopes import SYSTEM_SCOPE
    from hotline.tickets.model.stream_events import StreamFilter

    def ear_of(n: int) -> streaming_service.Listener:
        def take(data: bytes) -> bool:
            for block in data.split(b"\n\n"):
                if b"event: ticket" in block:
                    lines = dict(line.split(b": ", 1) for line in block.split(b"\n"))
                    heard[n].append((int(lines[b"id"]), lines[b"data"].decode()))
            return True

        async def wait(data: bytes) -> None:
            take(data)

        return streaming_service.Listener(homes[n].part(Stream), StreamFilter(SYSTEM_SCOPE), f"person:{n}", take, wait)

    ears = [ear_of(n) for n in range(listeners)]
    for n, ear in enumerate(ears):
        await homes[n].part(Stream).join(ear, None)
    from hotline.organisation.model.vocabulary import Channel
    from hotline.tickets.intake import take_call
    from hotline.tickets.model.intake import IntakeRequest
    from hotline.web.idempotency import RequestKey

    async def write(home: Services, n: int) -> None:
        asked = RequestKey("test", f"k{n}", f"{n}")
        request = WriteRequest(desk.actor, asked, clock())
        await take_call(home, IntakeRequest(Channel.PHONE, f"第{n}盏路灯坏了"), request, lambda *_: "{}")

    await asyncio.gather(*(write(homes[n % 2], n) for n in range(60)))
    written = await streaming_store.load_events_after(services.db, 0, 10_000)
    async with asyncio.timeout(10):
        while True:
            rows = await streaming_store.load_events_after(services.db, 0, 10_000)
            if len(rows) >= 60 and all(len(h) == len(rows) for h in heard) and len(rows) == len(written):
                break
            written = rows
            await asyncio.sleep(0.05)
    assert heard[0] == heard[1] == heard[2]
    places = [p for p, _ in heard[0]]
    assert places == list(range(places[0], places[0] + len(places)))
    second.part(Stream).close()
    services.part(Stream).close()
    await second.journal.drain()


@pytest.fixture
async def second(app: FastAPI, services: Services) -> FastAPI:
    """Another process over the same database: it knows nothing of what the first keeps in memory."""
    twin = build_app(lambda: None)  # type: ignore[arg-type, return-value]
    twin.state.services = assemble_services(services.db, services.clock, services.secret, services.files)
    twin.state.actor_cache = ActorCache()
    return twin


Ends = Callable[[httpx.AsyncClient, Player, dict[str, Any], str, Clock], Awaitable[Any]]


async def _disabled(_: httpx.AsyncClient, boss: Player, person: dict[str, Any], token: str, clock: Clock) -> None:
    await _changed(boss, person, active=False)


async def _new_password(_: httpx.AsyncClient, boss: Player, person: dict[str, Any], token: str, clock: Clock) -> None:
    await _changed(boss, person, password="another sentence 9")


async def _other_roles(_: httpx.AsyncClient, boss: Player, person: dict[str, Any], token: str, clock: Clock) -> None:
    await _changed(boss, person, roles=["auditor"])


async def _narrower(_: httpx.AsyncClient, boss: Player, person: dict[str, Any], token: str, clock: Clock) -> None:
    await _changed(boss, person, area="rq-g1")


async def _logged_out(http: httpx.AsyncClient, boss: Player, person: dict[str, Any], token: str, clock: Clock) -> None:
    reply = await http.delete("/v1/token", headers={"authorization": f"Bearer {token}"})
    assert reply.status_code == 204


async def _expired(_: httpx.AsyncClient, boss: Player, person: dict[str, Any], token: str, clock: Clock) -> None:
    clock.forward(hours=12, seconds=1)


async def _changed(boss: Player, person: dict[str, Any], **values: Any) -> None:
    reply = await boss.http.patch(f"/v1/people/{person['id']}", json=values, headers={"if-match": '"1"'})
    assert reply.status_code == 200, reply.text


LOSSES: dict[str, Ends] = {
    "disabled": _disabled, "given a new password": _new_password, "given other roles": _other_roles,
    "given a smaller view": _narrower, "logged out": _logged_out, "expired": _expired,
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_revoked_right_ends_the_stream_in_every_process(
    loss: str, app: FastAPI, second: FastAPI, cast: Cast, clock: Clock
) -> None:
    desk, boss = await cast("desk"), await cast("boss")
    given = {"login": "li.min", "name": "李敏", "password": "a long sentence 9", "roles": ["operator"]}
    person = (await boss.post("/v1/people", given)).json()
    await keep_first_passwords(app.state.services)
    logged_in = await boss.post("/v1/token", {"login": "li.min", "password": "a long sentence 9"})
    token = logged_in.json()["token"]
    async with (
        serving(app) as here,
        serving(second) as there,
        listening(here, f"Bearer {token}") as one,
        listening(there, f"Bearer {token}") as other,
        listening(there, key(desk)) as colleague,
    ):
        for ear in (one, other, colleague):
            await hello(ear)
        await LOSSES[loss](desk.http, boss, person, token, clock)
        for ear in (one, other):  # long before the look after a minute
            assert (await ear.next())[1] == "bye"
        await desk.call("路灯坏了")
        assert await colleague.tickets(1)
    assert app.state.services.part(Stream).listener_count == second.state.services.part(Stream).listener_count == 0


async def test_a_revoked_key_is_believed_by_no_process_for_more_than_a_second(
    app: FastAPI, second: FastAPI, cast: Cast, clock: Clock
) -> None:
    watch, boss = await cast("watch"), await cast("boss")
    async with (
        serving(second) as there,
        listening(there, key(watch)) as ear,
        httpx.AsyncClient(base_url=there, headers={"authorization": key(watch)}) as http,
    ):
        await hello(ear)
        assert (await http.get("/v1/me")).status_code == 200
        assert (await boss.http.delete(f"/v1/keys/{watch.actor.id}")).status_code == 204
        assert (await ear.next())[1] == "bye"
        clock.forward(seconds=1)
        assert (await http.get("/v1/me")).status_code == 401


async def test_a_thousand_listeners_cost_one_small_question_while_nobody_loses_a_right(
    services: Services, cast: Cast
) -> None:
    desk, watch, boss = await cast("desk"), await cast("watch"), await cast("boss")
    access = {
        n: streaming_service.StreamAccess(Credential(ActorKind.KEY, p.actor.id), await authenticate(services, ActorCache(), key(p)[7:], services.clock()))
        for n, p in enumerate((desk, watch))
    }  # fmt: skip

    async def wait(_: bytes) -> None: ...

    ears = [
        streaming_service.Listener(
            services.part(Stream), StreamFilter(SYSTEM_SCOPE), f"p{n}", lambda _: True, wait, access[n % 2]
        )
        for n in range(1000)
    ]
    services.part(Stream)._listeners.update(ears)
    await services.part(Stream).check_access()
    before = services.db.round_trips
    await services.part(Stream).check_access()
    assert services.db.round_trips - before == 1
    await boss.http.delete(f"/v1/keys/{watch.actor.id}")
    before = services.db.round_trips
    await services.part(Stream).check_access()
    assert services.db.round_trips - before <= 3 and sum(ear.ended for ear in ears) == 500
    services.part(Stream)._listeners.clear()
