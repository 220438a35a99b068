"""No phone number and no name of a resident stands in plain in any file: neither of the database, its log and its
backups, nor of the spool; and the look-ups work all the same."""

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from hotline import wiring
from hotline.database.batch_postgres import build_batch_statement
from hotline.database.columns import Document, Instant, SealedDocument, SealedText
from hotline.database.engine_sqlite import Sqlite
from hotline.database.metadata import metadata
from hotline.database.prepared import PreparedQuery
from hotline.database.schema_state import SchemaFit, load_schema_state
from hotline.database.sealing import MARK, Sealing
from hotline.database.sealing_rows import change_rows, seal_all, sealed_tables, unseal_table, wait_for_sealing
from hotline.database.tables import ANSWER_CONTEXT, answer
from hotline.database.write_plan import StoredAnswer, WritePlan
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.inbound.spool import Spool
from hotline.inbound.spool_drain import drain_spooled_records
from hotline.packaged_files import packaged_folder
from hotline.refusals import Refused
from hotline.server_secret import ServerSecret, digest_key
from hotline.settings import Settings
from hotline.sms.tables import stop_list
from hotline.tickets.context import Services
from hotline.tickets.tables import caller, ticket
from hotline.wiring import finish_sealing, open_services
from tests.conftest import NOON, SEALING, SECRET, Clock, Player
from tests.importing.test_importing import moved
from tests.inbound.test_spool import Cut
from tests.open311.test_open311 import keyed
from tests.postgres import Server
from tests.sms.conftest import town as town_fixture
from tests.sms.town import Town

FAMILIES = [
    "欧阳",
    "司徒",
    "上官",
    "诸葛",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "宇文",
    "长孙",
    "司空",
    "端木",
    "轩辕",
    "百里",
    "呼延",
    "南宫",
    "夏侯",
    "闻人",
]
GIVEN = ["翠翘", "骞翮", "璀璨", "蒹葭", "觊觎", "踟蹰", "饕餮", "邂逅", "缱绻", "旖旎"]
PEOPLE = [
    (f"1377{n:03d}{(n * 7919) % 10_000:04d}", FAMILIES[n % 20] + GIVEN[n // 20]) for n in range(200)
]  # phone, name
TWENTY = [PEOPLE[n : n + 20] for n in range(0, 200, 20)]  # for each door


SQLITE, PG_DUMP = shutil.which("sqlite3"), shutil.which("pg_dump")
town = town_fixture


async def through_every_door(
    desk: Player, town: Town, services: Services, clock: Clock, folder: Path, patch: pytest.MonkeyPatch
) -> None:
    token = "a-token-the-exchange-has"
    await create_gateway(
        services.gateways, NewGateway("cti", "cti", {}, {"token": [token]}, sends=False, weight=50), "test", clock()
    )
    key = await keyed(services, "fms")
    calls, contacts, amended, texts, far, old, missed, asked, spooled, lookups = TWENTY
    for n, (phone, name) in enumerate(calls):  # each with its key sent twice
        body = {
            "channel": "phone", "caller": {"phone": phone, "name": name, "confidential": n % 5 == 0},
            "narrative": f"我是{name}，{n}栋停水，打{phone[:3]}-{phone[3:7]}-{phone[7:]}或+86 {phone}",
            "location": {"address": f"{n}栋，找{name}"},
        }  # fmt: skip
        replies = [await desk.post("/v1/calls", body, headers={"idempotency-key": f"c-{n}"}) for _ in range(2)]
        assert replies[0].status_code == 201 and replies[1].headers["idempotency-replayed"] == "true"
    for n, (phone, name) in enumerate(contacts):
        await desk.call(f"{n}栋路灯不亮", caller={"phone": phone, "contact": f"邻居{name}，电话０{phone}"})
    for n, (phone, name) in enumerate(amended):
        made = await desk.call(f"{n}栋楼道灯不亮", caller={"phone": PEOPLE[0][0]})
        made = await desk.act(
            made, "amend", narrative=f"{n}栋楼道灯不亮，{name}说的", address=name, reason=f"{name}更正"
        )
        await desk.act(made, "comment", text=f"{name}留了{phone}")
    for n, (phone, name) in enumerate(texts):
        await town.writes(f"{n}栋电梯坏了，我是{name}，{phone}", f"+86{phone}")
    for n, (phone, name) in enumerate(far):
        fields = {"api_key": key, "service_code": "sdq-water", "address_string": f"{n}栋", "phone": phone,
                  "description": f"{n}栋停水", "first_name": name, "email": f"{phone}@example.org"}  # fmt: skip
        reply = await town.http.post("/open311/v2/requests.json", data=fields)
        assert reply.status_code in (200, 201), reply.text
    cases = [
        {"No": str(n), "Phone": phone, "Caller": name, "Text": f"{name}反映"} for n, (phone, name) in enumerate(old)
    ]
    assert (await moved(services, folder, clock, *cases)).taken == 20
    (folder / "city.csv").unlink()  # what was handed over is not ours
    for phone, _ in missed:
        for event in ({"event": "newCall"}, {"event": "hangup", "cause": "16"}):
            said = {"callId": f"x-{phone[-4:]}", "from": f"86{phone}", "to": "12345", "direction": "in",
                    "timestamp": clock().timestamp(), **event}  # fmt: skip
            await town.http.post(f"/v1/hooks/voice/cti?token={token}", json=said)
    for phone, name in asked:  # of no ticket: told how it stands
        await town.writes(f"查询进度 {name}", f"+86{phone}")
        await town.writes("TD", f"+86{phone}")
    services.spool = services.inbox._spool = Spool(folder / "spool", SECRET)
    with Cut(services.db, patch):
        for n, (phone, name) in enumerate(spooled):
            body = {"channel": "phone", "narrative": f"{n}栋停水", "caller": {"phone": phone, "name": name}}
            assert (await desk.post("/v1/calls", body)).status_code == 202
        await town.http.post(f"/v1/hooks/voice/cti?token={token}", json={"event": "newCall", "from": spooled[0][0]})
    for phone, _ in lookups:
        await desk.post("/v1/callers/lookup", {"phone": phone})
        await desk.post("/v1/search", {"q": phone})
    await town.work()
    await town.send()


NUMBERS = {phone for phone, _ in PEOPLE}
ANY_PHONE = re.compile(rb"1377[- ]?[0-9]{3}[- ]?[0-9]{4}|137[- ]7[0-9]{3}[- ][0-9]{4}")


def plain_in(raw: bytes) -> list[Any]:
    """The people who stand in these bytes, in any form. A pair of neighbouring characters is no name: the search index
    holds the pairs of what was told."""
    given = {form for name in GIVEN for form in (name, name.encode("unicode_escape").decode()) if form.encode() in raw}
    names = [form for _, name in PEOPLE for form in (name, name.encode("unicode_escape").decode())]
    suspects = (name for name in names if any(name.endswith(each) for each in given))
    phones = [found for found in ANY_PHONE.findall(raw) if re.sub(rb"[^0-9]", b"", found).decode() in NUMBERS]
    return [*phones, *(name for name in suspects if name.encode() in raw)]


def dump_of(db: Any, server: Server | None, folder: Path) -> Path:
    """What the database's own command for backups writes, as docs/operations.md has it."""
    target = folder / "dump"
    if isinstance(db, Sqlite):
        assert SQLITE is not None
        subprocess.run([SQLITE, str(db.path), f"VACUUM INTO '{target}'"], check=True, capture_output=True)
    else:
        assert server is not None and PG_DUMP is not None
        url = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        subprocess.run([PG_DUMP, "-d", url, "-f", str(target)], check=True, capture_output=True)
    return target


async def files_of(db: Any, server: Server | None) -> list[Path]:
    if isinstance(db, Sqlite):
        copy = db.path.with_suffix(".backup")

        def back_up(connection: sqlite3.Connection) -> None:
            with closing(sqlite3.connect(copy)) as target:
                connection.backup(target)

        await db.run_on_writer(back_up)
        return sorted(db.path.parent.glob(f"{db.path.stem}*"))
    assert server is not None and server.folder is not None
    await db.transact(lambda c: c.exec_driver_sql("CHECKPOINT"))
    oid = await db.transact(
        lambda c: c.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar()
    )
    return [p for p in server.folder.rglob("*") if p.is_file() and (f"/base/{oid}/" in str(p) or "/pg_wal/" in str(p))]


@pytest.fixture
def removing_backup(db: Any) -> Iterator[None]:
    yield
    if isinstance(db, Sqlite):
        db.path.with_suffix(".backup").unlink(missing_ok=True)


async def test_no_phone_and_no_name_stands_in_plain_in_any_file(
    desk: Player,
    town: Town,
    services: Services,
    clock: Clock,
    db: Any,
    postgres_server: Server | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    removing_backup: None,
) -> None:
    await through_every_door(desk, town, services, clock, tmp_path, monkeypatch)
    dump = dump_of(db, postgres_server, tmp_path)
    assert b"rq-b" in dump.read_bytes()
    files = [dump, *await files_of(db, postgres_server), *(p for p in (tmp_path / "spool").rglob("*") if p.is_file())]
    raw = {path: path.read_bytes() for path in files}
    assert any(b"rq-b" in each for each in raw.values()), "the control: what is not personal is found"
    assert {path.name: found for path, each in raw.items() if (found := plain_in(each))} == {}
    metrics = await town.http.get("/metrics")
    assert plain_in(metrics.content) == [] and plain_in("".join(capfd.readouterr()).encode()) == []

    assert await drain_spooled_records(services) == 21
    await town.work()
    for phone, name in (PEOPLE[1], PEOPLE[161]):  # by a call; by the spool
        known = (await desk.post("/v1/callers/lookup", {"phone": f"+86 {phone}"})).json()
        assert (known["match"], known["caller"]["name"]) == ("known", name)
        for words in (phone, f"+86{phone}", name):
            found = (await desk.post("/v1/search", {"q": words})).json()["items"]
            assert [t["number"] for t in found] == [known["open"][0]["number"]], words
    # a confidential matter is not found by whose it is
    assert (await desk.post("/v1/search", {"q": PEOPLE[0][1]})).json()["items"] == []
    waiting = (await desk.get("/v1/return-calls")).json()["items"]
    assert {r["phone"] for r in waiting} >= {f"+86{phone}" for phone, _ in TWENTY[6]}


async def test_what_stood_in_plain_is_sealed_in_batches_and_the_way_down_writes_it_in_plain(
    desk: Player, db: Any, services: Services
) -> None:
    phone, name = "13588880007", "周平"  # of nobody whom the other story looks for in the files of this database
    made = await desk.call("3栋停水", caller={"phone": phone, "name": name})
    await desk.act(made, "comment", text="又打来了")

    def values(c: sa.Connection) -> dict[str, list[Any]]:
        return {
            f"{t.name}.{column.name}": list(c.exec_driver_sql(f'SELECT "{column.name}" FROM {t.name}').scalars())
            for t in sealed_tables()
            for column in t.c
            if isinstance(column.type, SealedText | SealedDocument)
        }

    def is_sealed(value: Any) -> bool:
        return value in (None, "", {}, [], "{}", "[]") or MARK in str(value)[:6]

    def unseal(c: sa.Connection) -> None:
        for t in sealed_tables():
            unseal_table(c, t.name)

    await db.transact(unseal)
    plain = await db.transact(values)
    assert plain["caller.phone"] == [f"+86{phone}"] and plain["ticket.caller_name"] == [name]
    assert not any(MARK in str(value) for each in plain.values() for value in each)
    assert (await desk.see(made))["narrative"] == "3栋停水"  # while it waits for the sealing

    names = [t.name for t in sealed_tables()]
    await db.transact(lambda c: wait_for_sealing(c, names))
    await db.transact(lambda c: change_rows(c, "ticket", []))  # stopped after one table, and begun again
    assert await seal_all(db)
    await finish_sealing(db)
    sealed = await db.transact(values)
    assert [place for place, each in sealed.items() if not all(map(is_sealed, each))] == []
    again = (await desk.post("/v1/callers/lookup", {"phone": phone})).json()
    assert [t["number"] for t in again["open"]] == [made["number"]]
    assert not await seal_all(db)


async def test_after_the_secret_was_replaced_old_rows_are_read_and_callers_are_found() -> None:
    old = Sealing(b"the secret of last year, long enough")
    first, second = b"the secret of last year, long enough", b"the secret of this year, long enough"
    both = ServerSecret(second, [first])
    both.use_stored_keys((first,), digest_key(first))
    new = Sealing(both)
    sealed, key = old.seal("ticket", "3栋停水"), old.seal_key("phone", "+8613800138000")
    assert new.unseal("ticket", sealed) == "3栋停水" and new.unseal("phone", key) == "+8613800138000"
    assert new.seal_key("phone", "+8613800138000") == key and new.token("x") == old.token("x")
    assert (
        old.seal("ticket", "3栋停水") != sealed and not new.is_current(sealed) and new.is_current(key, looked_up=True)
    )
    for context, value in (("call", sealed), ("ticket", sealed[:-8] + "AAAAAAA=")):
        with pytest.raises(Refused):
            old.unseal(context, value)
    with pytest.raises(Refused):
        old.unseal("ticket", new.seal("ticket", "3栋停水"))
    assert len({SEALING.seal("ticket", "x") for _ in range(50)}) == 50


def test_a_long_reply_is_compressed_before_it_is_sealed_whoever_writes_it() -> None:
    """What is sealed can be compressed by nobody afterwards: the kept reply would be the largest row of each request."""
    reply = '{"allowed_actions":[' + '{"action":"urge","needs":["reason"],"label":"催办"},' * 80 + "{}]}"
    kept = StoredAnswer("desk", "k", "f", 200, reply, NOON, "1")
    _, (_, (by_journal,), *_) = build_batch_statement([WritePlan(kept, (), {})], 0, SEALING)
    column = answer.c.body.type
    for sealed in (by_journal, column.seal(SEALING, reply)):
        assert len(sealed) < len(reply) / 4 and SEALING.unseal(ANSWER_CONTEXT, sealed) == reply
    for plain in ("", "100000006", "é" * 999, '{"a":"' + "灯" * 3000 + '"}'):
        assert SEALING.unseal(ANSWER_CONTEXT, SEALING.seal_packed(ANSWER_CONTEXT, plain)) == plain
    assert SEALING.unseal(ANSWER_CONTEXT, SEALING.seal(ANSWER_CONTEXT, reply)) == reply  # by a version before


async def test_a_sealed_column_is_compared_with_nothing_that_is_not_sealed_like_it(db: Any) -> None:
    for wrong in (
        caller.c.phone == sa.bindparam("phone", type_=sa.String),
        ticket.c.narrative == sa.bindparam("narrative", type_=ticket.c.narrative.type),
        ticket.c.narrative.like("%a%"),
    ):
        with pytest.raises(TypeError):
            await db.rows(PreparedQuery(sa.select(sa.literal(1)).where(wrong)), phone="1", narrative="a")


def test_every_column_of_text_is_sealed_or_named() -> None:
    """A new one has to be looked at."""
    lines = (Path(__file__).parent / "plain_columns.txt").read_text().splitlines()
    named = {
        f"{name}.{column}"
        for name, _, columns in (line.partition(":") for line in lines if not line.startswith("#"))
        for column in columns.split()
    }
    plain = {
        f"{t.name}.{c.name}"
        for t in metadata.sorted_tables
        for c in t.c
        if isinstance(c.type, sa.String | sa.Text | Document)
        and not isinstance(c.type, SealedText | SealedDocument | Instant)
    }
    assert plain - named == set(), "seal it, or name it in plain_columns.txt"
    assert named - plain == set(), "sealed, or gone"


def test_a_sealed_value_is_bound_to_its_column() -> None:
    """Only what is compared across columns shares a context: phone numbers."""
    sealed = {
        f"{t.name}.{c.name}": c.type.context
        for t in metadata.sorted_tables
        for c in t.c
        if isinstance(c.type, SealedText | SealedDocument)
    }
    shared = {place for place, context in sealed.items() if context == "phone"}
    assert all(place.split(".")[1] in ("phone", "raw_phone", "receiver", "sender") for place in shared)
    assert {place: context for place, context in sealed.items() if place not in shared} == {
        place: place for place in sealed if place not in shared
    }


async def test_a_value_moved_to_another_column_cannot_be_read(desk: Player, db: Any) -> None:
    made = await desk.call("3栋停水，家里有老人", caller={"phone": "13588880007"})
    move = f"UPDATE ticket SET title = narrative WHERE number = '{made['number']}'"
    await db.transact(lambda c: c.exec_driver_sql(move))
    with pytest.raises(Refused, match="sealed with another"):
        await db.transact(lambda c: c.execute(sa.select(ticket.c.title)).all())


async def test_a_migration_that_was_broken_off_lets_nobody_serve_until_it_is_done(
    desk: Player, db: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number in the stop list that still stands in plain would not be found: a text would be sent to it."""
    url = f"sqlite:///{db.path}" if isinstance(db, Sqlite) else db.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=tmp_path, secret=SecretStr(SECRET.decode()), database_url=url)
    made = await desk.call("3栋停水", caller={"phone": "13588880007"})
    folder = packaged_folder("migrations")
    stopped = {"phone": "+8613588880007", "by_id": "test", "at": NOON}

    def leave_in_plain(c: sa.Connection) -> None:
        c.execute(sa.insert(stop_list), {name: stopped[name] for name in stopped if name in stop_list.c})
        unseal_table(c, "stop_list")
        c.exec_driver_sql("DELETE FROM ticket_words")
        wait_for_sealing(c, ["stop_list", "ticket"])

    async def is_refused() -> bool:
        state = await load_schema_state(db, folder)
        with pytest.raises(Refused, match="run `hotline migrate`"):
            async with open_services(settings):
                pass
        return state.fit is SchemaFit.UNFINISHED and not state.is_compatible

    async def breaks_off(db: Any) -> None:
        raise ArithmeticError("the machine stopped")

    await db.transact(leave_in_plain)
    assert await is_refused()
    monkeypatch.setattr(wiring, "finish_sealing", breaks_off)
    with pytest.raises(ArithmeticError):
        await wiring.migrate(settings)
    assert await is_refused()  # sealed, and numbers still stand in the index and in what the file has free
    monkeypatch.setattr(wiring, "finish_sealing", finish_sealing)
    await wiring.migrate(settings)
    assert (await load_schema_state(db, folder)).fit is SchemaFit.CURRENT
    found = sa.select(stop_list.c.phone).where(stop_list.c.phone == "+8613588880007")
    assert await db.transact(lambda c: c.execute(found).scalar_one_or_none())
    indexed = await db.transact(lambda c: c.exec_driver_sql("SELECT number FROM ticket_words").scalars().all())
    assert list(indexed) == [made["number"]]
    async with open_services(settings):
        pass


async def test_a_fault_while_all_is_read_shows_no_values(sqlite_db: Sqlite) -> None:
    with pytest.raises(sa.exc.OperationalError) as fault:
        await sqlite_db.snapshot(lambda c: c.execute(sa.text("SELECT nothing WHERE :phone"), {"phone": "13588880007"}))
    assert "13588880007" not in str(fault.value)
