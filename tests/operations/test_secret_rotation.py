"""HOTLINE_SECRET replaced while the hotline works: what was sealed, signed and found before is so afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from hotline.composition import assemble_services
from hotline.database.tables import stored_key
from hotline.delivery import tables as delivery_tables
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.operations import secret_rotation
from hotline.operations.secret_rotation import count_sealed_by_others, load_lookup_key, seal_anew
from hotline.operations.security_checks import check_secret
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewKey, add_key, authenticate
from hotline.refusals import Refused
from hotline.secrets.secret_box import secret_id
from hotline.server_secret import ServerSecret
from hotline.settings import Settings
from hotline.text.phones import caller_id
from hotline.tickets.context import Services
from hotline.tickets.lookup import Requester, check_query_code, query_code
from hotline.tickets.tables import caller as caller_table
from hotline.wiring import build_database, open_services
from tests.conftest import Clock, seeded

OLD, NEW = b"the first secret of the hotline, long enough", b"the second secret of the hotline, long enough"


async def hotline_with(services: Services, secret: bytes) -> Services:
    """A process of the same hotline, started with this secret."""
    made = assemble_services(services.db, services.clock, secret, services.files, directory=services.directory)
    made.deadlines.lookup = made.deadlines.write = made.deadlines.push = 60.0
    await load_lookup_key(made.db, made.secret, services.clock())
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
    assert await count_sealed_by_others(during) == 6 and "6 values" in await doctor_says(during, clock)
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
    assert 0 < remaining < 6
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
    other = await hotline_with(services, ServerSecret(NEW, [OLD]))
    assert other.secret.lookup == OLD  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="another HOTLINE_SECRET"):
        await hotline_with(services, ServerSecret(OLD))
    rows = await services.db.transact(lambda c: c.execute(sa.select(stored_key)).all())
    assert [(row.name, OLD.hex() in row.sealed) for row in rows] == [("lookup", False)]


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
