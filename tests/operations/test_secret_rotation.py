"""HOTLINE_SECRET replaced while the hotline works: what was sealed, signed and found before is so afterwards."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from hotline.audit.verification import Verified, verify
from hotline.composition import assemble_services
from hotline.database.engine_postgres import Postgres
from hotline.database.engine_sqlite import Sqlite
from hotline.database.sealing import Sealing
from hotline.database.sealing_rows import sealed_tables, unseal_table
from hotline.database.tables import stored_key
from hotline.delivery import tables as delivery_tables
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.operations import secret_rotation
from hotline.operations.secret_rotation import count_sealed_by_others, seal_anew
from hotline.operations.security_checks import check_secret
from hotline.operations.stored_keys import load_stored_keys
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.service.accounts import ActorCache, NewKey, add_key, authenticate
from hotline.organisation.service.password_hashing import PasswordHashing
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Refused
from hotline.secrets.secret_box import secret_id
from hotline.server_secret import ServerSecret, lookup_key
from hotline.settings import Settings
from hotline.text.phones import caller_id
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.lookup import Requester, check_query_code, query_code
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.tables import caller as caller_table
from hotline.tickets.tables import ticket
from hotline.web.idempotency import RequestKey
from hotline.wiring import build_database, migrate, open_services
from tests.conftest import CHEAP, Clock, seeded

OLD, NEW = b"the first secret of the hotline, long enough", b"the second secret of the hotline, long enough"


async def hotline_with(services: Services, secret: bytes) -> Services:
    """A process of the same hotline, started with this secret."""
    made = assemble_services(services.db, services.clock, secret, services.files, directory=services.directory)
    made.deadlines.lookup = made.deadlines.write = made.deadlines.push = 60.0
    await load_stored_keys(made.db, made.secret, services.clock())
    return made


async def sealed_by(services: Services) -> dict[str, int]:
    """How many gateway secrets each secret sealed, by its id."""
    rows = await services.db.transact(lambda c: c.execute(sa.select(delivery_tables.gateway.c.sealed)).scalars().all())
    ids = [row.rpartition(".")[0] for row in rows]
    return {each: ids.count(each) for each in set(ids)}


async def doctor_says(services: Services, clock: Clock) -> str:
    (finding,) = await check_secret(services, await services.directory.now(clock()), clock())
    return finding.says


async def test_a_secret_is_replaced_and_nothing_sealed_before_is_lost(
    services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_rotation, "BATCH", 2)
    before = await hotline_with(services, ServerSecret(OLD))
    for place in range(5):
        gateway = NewGateway(f"g{place}", "kannel", {}, {"token": [f"{place}" * 24]}, sends=False, weight=50)
        await create_gateway(before.gateways, gateway, "test", clock())
    key = await add_key(before, NewKey("desk", Grant(frozenset({Role.OPERATOR}))), "test", clock())
    code = query_code(OLD, "12345678")
    assert "one secret" in await doctor_says(before, clock)

    during = await hotline_with(services, ServerSecret(NEW, [OLD]))
    assert await count_sealed_by_others(during) == 7 and "7 values" in await doctor_says(during, clock)
    assert len(await during.gateways.now(clock())) == 5  # read as they are
    assert (await authenticate(during, ActorCache(), key["secret"], clock())).roles == {Role.OPERATOR}
    assert await check_query_code(during, "12345678", code, Requester.at("192.0.2.1"), clock())

    whole = secret_rotation._seal_batch
    calls: list[int] = []

    def breaks_off(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise ArithmeticError("the machine stopped")
        return whole(*given)

    monkeypatch.setattr(secret_rotation, "_seal_batch", breaks_off)
    with pytest.raises(ArithmeticError):
        await seal_anew(during)
    remaining = await count_sealed_by_others(during)
    assert 0 < remaining < 7
    monkeypatch.setattr(secret_rotation, "_seal_batch", whole)
    done = await seal_anew(during)
    assert sum(column.sealed for column in done) == remaining and not any(column.unreadable for column in done)
    assert await count_sealed_by_others(during) == 0 and "nothing is sealed" in await doctor_says(during, clock)
    assert await sealed_by(during) == {secret_id(NEW): 5}
    assert sum(column.sealed for column in await seal_anew(during)) == 0

    after = await hotline_with(services, ServerSecret(NEW))
    assert (await after.gateways.named("g3", _kind(after, "g3", await after.gateways.now(clock())), clock())).account.secrets["token"] == ["3" * 24]  # fmt: skip
    assert (await authenticate(after, ActorCache(), key["secret"], clock())).roles == {Role.OPERATOR}
    assert not await check_query_code(after, "12345678", code, Requester.at("192.0.2.1"), clock())
    assert await check_query_code(after, "12345678", query_code(NEW, "12345678"), Requester.at("192.0.2.1"), clock())


def _kind(services: Services, name: str, gateways: Any) -> Any:
    return gateways[name].kind


async def test_a_process_with_another_secret_does_not_start(services: Services, clock: Clock) -> None:
    """It would find no caller and no key, and make new ones."""
    first = await hotline_with(services, ServerSecret(OLD))
    other = await hotline_with(services, ServerSecret(NEW, [OLD]))
    assert lookup_key(other.secret) == OLD == lookup_key(first.secret)
    with pytest.raises(Refused, match="another HOTLINE_SECRET"):
        await hotline_with(services, ServerSecret(NEW))
    rows = await services.db.transact(lambda c: c.execute(sa.select(stored_key).order_by(stored_key.c.name)).all())
    assert [(row.name, OLD.hex() in row.sealed) for row in rows] == [("digests", False), ("lookup", False)]


PHONE = "+8613800138000"
DESK = Actor(ActorKind.KEY, "desk", "desk", frozenset({Role.OPERATOR}))


@asynccontextmanager
async def process(db: Any, clock: Clock, files: Path, *secrets: bytes) -> AsyncIterator[Services]:
    """A process that was started with these secrets, the current one first, over a database: with an engine of its own,
    as it seals by them."""
    secret = ServerSecret(secrets[0], secrets[1:])
    sealing = Sealing(secret)
    if isinstance(db, Sqlite):
        engine: Any = Sqlite(db.path, clock=clock, sealing=sealing)
    else:
        engine = Postgres(db.url.render_as_string(hide_password=False), size=2, clock=clock, sealing=sealing)
    await engine.open()
    try:
        made = assemble_services(engine, clock, secret, files, hashing=PasswordHashing(CHEAP))
        made.deadlines.lookup = made.deadlines.write = made.deadlines.push = 60.0
        await load_stored_keys(engine, secret, clock())
        made.journal.start()
        yield made
        await made.journal.drain()
    finally:
        await engine.close()


async def calls(services: Services, words: str, clock: Clock) -> str:
    """A caller reports something; the caller's id."""
    request = WriteRequest(DESK, RequestKey("desk", words, "x", keep_body=False), clock())
    await take_call(services, IntakeRequest(Channel.PHONE, words, phone=PHONE), request, number_shown)
    by_phone = sa.select(caller_table.c.id).where(caller_table.c.phone == PHONE)
    found: str = await services.db.transact(lambda c: c.execute(by_phone).scalar_one())
    return found


async def narratives(services: Services) -> set[str]:
    return set(await services.db.transact(lambda c: c.execute(sa.select(ticket.c.narrative)).scalars().all()))


async def test_the_documented_steps_lose_nothing_forward_and_back(db: Any, clock: Clock, tmp_path: Path) -> None:
    """docs/operations.md: accepted first, then used, then sealed anew, then alone; and each step taken back."""
    async with process(db, clock, tmp_path, OLD) as it:
        key = await add_key(it, NewKey("desk", Grant(frozenset({Role.OPERATOR}))), "test", clock())
        caller = await calls(it, "停水", clock)
    told = {"停水"}
    steps = [
        ([OLD, NEW], False), ([OLD], False), ([OLD, NEW], False),  # accepted; taken back; accepted
        ([NEW, OLD], False), ([OLD, NEW], False), ([NEW, OLD], True),  # used; taken back; used, and sealed anew
        ([OLD, NEW], True), ([OLD], False), ([OLD, NEW], False),  # taken back whole, and begun again
        ([NEW, OLD], True), ([NEW], False),
    ]  # fmt: skip
    for n, (secrets, anew) in enumerate(steps):
        clock.forward(minutes=1)
        async with process(db, clock, tmp_path, *secrets) as it:
            assert (await authenticate(it, ActorCache(), key["secret"], clock())).roles == {Role.OPERATOR}, secrets
            assert await calls(it, f"漏水 {n}", clock) == caller, secrets
            told.add(f"漏水 {n}")
            assert await narratives(it) == told, secrets
            if anew:
                assert not any(column.unreadable for column in await seal_anew(it))
                assert await count_sealed_by_others(it) == 0
            proof = await it.db.transact(lambda c, it=it: verify(c, it.secret))  # type: ignore[misc]
            assert isinstance(proof, Verified) and proof.lines > n, proof


async def test_what_a_late_process_seals_with_the_earlier_secret_is_counted_and_sealed_anew(
    db: Any, clock: Clock, tmp_path: Path
) -> None:
    async with process(db, clock, tmp_path, OLD) as late, process(db, clock, tmp_path, NEW, OLD) as it:
        await calls(late, "停水", clock)
        waiting = await count_sealed_by_others(it)
        assert waiting > 3 and sum(column.sealed for column in await seal_anew(it)) == waiting
        await calls(late, "还没来水", clock)
        assert 0 < await count_sealed_by_others(it) < waiting
        await seal_anew(it)
        assert await count_sealed_by_others(it) == 0
        seals = sa.update(ticket).values(title=sa.literal(Sealing(b"x" * 40).seal("ticket.title", "停"), sa.Text))
        await it.db.transact(lambda c: c.execute(seals))
        (unreadable,) = [column for column in await seal_anew(it) if column.unreadable]
        assert (unreadable.column, unreadable.unreadable) == ("ticket", 2) and await count_sealed_by_others(it) == 2


async def test_where_no_look_up_key_is_stored_it_is_known_by_what_it_made_or_not_guessed(
    db: Any, clock: Clock, tmp_path: Path
) -> None:
    async def lose_keys() -> None:
        await db.transact(lambda c: c.execute(sa.delete(stored_key)))

    async def lookup(*secrets: bytes) -> bytes:
        await lose_keys()
        async with process(db, clock, tmp_path, *secrets) as it:
            return lookup_key(it.secret)

    assert await lookup(NEW, OLD) == NEW  # a new database
    await lose_keys()
    async with process(db, clock, tmp_path, OLD) as it:
        await lose_keys()
        await add_key(it, NewKey("desk", Grant(frozenset({Role.OPERATOR}))), "test", clock())
    with pytest.raises(Refused, match="without HOTLINE_SECRET_PREVIOUS"):
        await lookup(NEW, OLD)
    assert await lookup(OLD) == OLD
    async with process(db, clock, tmp_path, OLD) as it:
        await calls(it, "停水", clock)
    assert await lookup(NEW, OLD) == OLD == await lookup(OLD, NEW)  # by what it sealed
    with pytest.raises(Refused, match="another HOTLINE_SECRET"):
        await lookup(NEW)
    await lookup(OLD)
    async with process(db, clock, tmp_path, OLD) as it:
        await it.db.transact(lambda c: [unseal_table(c, each.name) for each in sealed_tables()])
    assert await lookup(NEW, OLD) == OLD  # by the ids of callers


async def test_the_way_down_keeps_the_look_up_key_or_says_that_it_would_be_lost(tmp_path: Path) -> None:
    def settings(secret: bytes, *previous: bytes) -> Settings:
        earlier = SecretStr(json.dumps([each.decode() for each in previous])) if previous else None
        return Settings(data_dir=tmp_path, secret=SecretStr(secret.decode()), secret_previous=earlier)

    await migrate(settings(OLD))
    async with open_services(settings(OLD)):
        pass
    await migrate(settings(OLD), "0020")  # it is the secret itself
    await migrate(settings(OLD))
    async with open_services(settings(OLD)):
        pass
    with pytest.raises(Refused) as refused:
        await migrate(settings(NEW, OLD), "0020")
    assert ("stored_key.sealed", "2 values would be lost") in refused.value.refusal.errors


async def test_personal_data_and_callers_are_read_after_the_earlier_secret_is_gone(tmp_path: Path) -> None:
    """Every process is given the look-up key, its engine too."""

    def settings(secret: bytes, *previous: bytes) -> Settings:
        earlier = SecretStr(json.dumps([each.decode() for each in previous])) if previous else None
        return Settings(data_dir=tmp_path, secret=SecretStr(secret.decode()), secret_previous=earlier)

    async def caller(given: Settings) -> tuple[str, str]:
        async with open_services(given) as process:
            rows = await process.db.transact(
                lambda c: c.execute(sa.select(caller_table.c.id, caller_table.c.phone)).all()
            )
            found = [(row.id, row.phone) for row in rows]
            wanted = caller_id("+8613800138000", process.secret)
            by_phone = sa.select(caller_table.c.id).where(caller_table.c.phone == "+8613800138000")
            assert await process.db.transact(lambda c: c.execute(by_phone).scalar_one()) == wanted
            return found[0]

    await seeded(db := build_database(settings(OLD)))
    await db.close()
    async with open_services(settings(OLD)) as process:
        row = {"id": caller_id("+8613800138000", process.secret), "phone": "+8613800138000"}
        values = {**row, "seen_at": process.clock()}
        await process.db.transact(lambda c: c.execute(sa.insert(caller_table).values(**values)))
    before = await caller(settings(OLD))
    async with open_services(settings(NEW, OLD)) as process:
        await seal_anew(process)
        assert await count_sealed_by_others(process) == 0
    assert await caller(settings(NEW)) == before == (row["id"], row["phone"])
