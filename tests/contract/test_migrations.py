"""One tree, both databases: up, down and up again, with data; and what is migrated is what the tables say."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hotline.database.migrations import migrate_to
from hotline.database.schema_state import SchemaFit, known_revisions, load_revision, load_schema_state, newest_revision
from hotline.database.tables import running_process, stored_key
from hotline.delivery.tables import gateway
from hotline.incidents.tables import incident
from hotline.packaged_files import packaged_folder
from hotline.refusals import Refused
from hotline.reporting.rollups import load_fold_mark
from hotline.reporting.service.figures import load_rollup_drift, update_rollups
from hotline.secrets.secret_box import SealedColumns
from hotline.security_log.tables import audit_key, chain_head, chain_opening, security_log
from hotline.tables import metadata
from hotline.telephony.tables import voice_ring
from hotline.tickets.context import Services
from hotline.tickets.jobs import ticket_jobs
from hotline.tickets.sla.jobs import escalate_due, start_missing_clocks
from hotline.tickets.tables import assignment, call, ticket, timeline
from hotline.triage.model.places.parts import PART_NAMES
from tests.conftest import NOON, Clock, Player, seeded


def test_a_migration_is_named_by_its_revision() -> None:
    """A process that migrates nothing reads the names of the files instead of asking Alembic."""
    migrations, config = packaged_folder("migrations"), Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert [revision.revision for revision in script.walk_revisions()][::-1] == known_revisions(migrations)
    assert script.get_current_head() == newest_revision(migrations)


async def test_up_down_and_up_again_with_data(desk: Player, lift_ticket: dict[str, Any], db: Any) -> None:
    await desk.act(lift_ticket, "urge", reason="又打来了")
    migrations = packaged_folder("migrations")
    head = newest_revision(migrations)
    assert await load_revision(db) == head
    assert await migrate_to(db, migrations, "base", lose_data=True) is None
    left = await db.transact(lambda c: set(sa.inspect(c).get_table_names()))
    assert left <= {"alembic_version", "sqlite_sequence"}
    assert await migrate_to(db, migrations) == head
    await seeded(db)  # nothing of the old data is in the way


async def test_the_migrated_schema_is_the_one_in_the_code(db: Any) -> None:
    def compare(c: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(
            c,
            opts={
                "include_object": lambda o, name, kind, *_: (
                    not str(name).startswith("ticket_words") and name != "ix_ticket_words_words"
                )
            },
        )
        return list(compare_metadata(context, metadata))

    found = await db.transact(compare)
    assert [d for d in found if not (isinstance(d, list) and d[0][0] == "modify_type")] == []


async def test_every_constraint_in_the_database_has_the_name_in_the_code(db: Any) -> None:
    def names(c: sa.Connection) -> dict[str, set[Any]]:
        look = sa.inspect(c)
        return {
            t.name: {
                *(x["name"] for x in look.get_check_constraints(t.name)),
                *(x["name"] for x in look.get_foreign_keys(t.name)),
                *(x["name"] for x in look.get_indexes(t.name)),
                look.get_pk_constraint(t.name)["name"],
            }
            for t in metadata.sorted_tables
        }

    found = await db.transact(names)
    for table in metadata.sorted_tables:
        assert None not in found[table.name], table.name
        assert {i.name for i in table.indexes} <= found[table.name], table.name
        assert {
            c.name for c in table.constraints if isinstance(c, sa.CheckConstraint | sa.ForeignKeyConstraint)
        } <= found[table.name], table.name


async def test_limits_become_policies_and_an_open_ticket_gets_its_clocks(
    desk: Player, lift_ticket: dict[str, Any], services: Services, clock: Clock, db: Any
) -> None:
    due = lift_ticket["assignments"][0]["due_at"]
    migrations = packaged_folder("migrations")
    assert await migrate_to(db, migrations, "0001", lose_data=True) == "0001"

    def nouns(c: sa.Connection) -> dict[str, Any]:
        rows = c.exec_driver_sql("SELECT noun, code, body FROM directory").all()
        return {f"{noun}/{code}": body if isinstance(body, dict) else json.loads(body) for noun, code, body in rows}

    before = await db.transact(nouns)
    assert before["limits/request"] == {
        "code": "request", "source": before["limits/request"]["source"], "kind": "request", "priority": "*", "category": "*",
        "accept": 2.0, "accept_unit": "working_hours", "close": 7.0, "close_unit": "working_days",
    }  # fmt: skip
    assert not [k for k in before if k.startswith(("policies", "ladders", "rosters"))]
    assert await migrate_to(db, migrations) == newest_revision(migrations)
    after = await db.transact(nouns)
    assert (after["policies/emergency"]["resolve"], after["policies/emergency"]["outer"]) == (
        "2 calendar_hours",
        "caps",
    )
    assert after["policies/complaint"]["resolve"] == "15 working_days" and not [
        k for k in after if k.startswith("limits")
    ]
    await services.directory.reload()
    assert await start_missing_clocks(services, clock.now) == 1
    seen = await desk.see(lift_ticket)
    assert {c["metric"] for c in seen["clocks"]["running"]} == {"resolve", "report", "accept", "contact"}
    assert seen["assignments"][0]["due_at"] == due
    await migrate_to(db, migrations, "base", lose_data=True)
    await migrate_to(db, migrations)
    await seeded(db)


DOWN = {"0003": "event", "0002": "event", "0001": "clock", "base": "ticket"}  # and something that would go with it


@pytest.mark.parametrize("revision", DOWN)
async def test_no_way_down_loses_data_unless_it_is_said(
    revision: str, desk: Player, lift_ticket: dict[str, Any], db: Any
) -> None:
    migrations = packaged_folder("migrations")

    def counts(c: sa.Connection) -> dict[str, int]:
        return {
            t.name: c.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in metadata.sorted_tables
        }

    before = await db.transact(counts)
    with pytest.raises(Refused) as refused:
        await migrate_to(db, migrations, revision)
    lost = dict(refused.value.refusal.errors)
    assert any(name.split(".")[0] == DOWN[revision] for name in lost), lost
    for name, rule in lost.items():
        table, _, column = name.partition(".")
        assert column or rule == f"{before[table]} rows would be lost" or table == "directory", (name, rule)
    assert await load_revision(db) == newest_revision(migrations)
    assert await db.transact(counts) == before
    assert (await desk.see(lift_ticket))["status"] == "dispatched"


def forget_later_columns(c: sa.Connection) -> None:
    """What revisions after 0011 added: a way down past them would lose it, and say so."""
    c.execute(sa.update(ticket).values(dict.fromkeys(PART_NAMES)))
    c.execute(sa.update(call).values(area=None, category=None))
    c.execute(sa.delete(security_log))
    c.execute(sa.delete(chain_head))
    c.execute(sa.delete(chain_opening))
    c.execute(sa.update(ticket).values(head=None, chained=None))
    c.execute(sa.update(timeline).values(hash=None, image=None))


async def test_no_way_down_cuts_off_what_was_written_unless_it_is_said(
    desk: Player, lift_ticket: dict[str, Any], db: Any
) -> None:
    """SQLite does not hold a text to its length: there the number stays whole."""
    written, migrations = "1" * 100, packaged_folder("migrations")
    await db.transact(lambda c: c.execute(sa.update(call).values(raw_phone=written)))
    await db.transact(forget_later_columns)
    if db.dialect.name == "postgresql":
        with pytest.raises(Refused) as refused:
            await migrate_to(db, migrations, "0004")
        assert ("call.raw_phone", "40 characters would be cut off") in refused.value.refusal.errors
    else:
        await migrate_to(db, migrations, "0004")
        await migrate_to(db, migrations)
    assert await db.transact(lambda c: c.scalar(sa.select(call.c.raw_phone))) == written


async def test_the_way_down_does_not_lose_the_parts_of_an_address(
    desk: Player, lift_ticket: dict[str, Any], db: Any
) -> None:
    migrations = packaged_folder("migrations")
    await db.transact(lambda c: c.execute(sa.update(ticket).values(building="12", unit="2", floor=None, room="301")))
    with pytest.raises(Refused) as refused:
        await migrate_to(db, migrations, "0011")
    assert ("ticket.room", "1 values would be lost") in refused.value.refusal.errors
    assert await migrate_to(db, migrations, "0011", lose_data=True) == "0011"
    assert await migrate_to(db, migrations) == newest_revision(migrations)
    assert await db.transact(lambda c: c.execute(sa.select(*(ticket.c[name] for name in PART_NAMES))).one()) == (
        None, None, None, None,
    )  # fmt: skip


async def test_a_provider_of_another_package_fits_and_the_way_down_does_not_lose_its_gateway(db: Any) -> None:
    migrations, ours, theirs = packaged_folder("migrations"), "kannel", "a-provider-of-another-package"
    row = {
        "kind": "sms", "settings": {}, "sealed": "x", "active": True, "sends": False, "weight": 50, "resting": 50,
        "version": 1, "created_at": NOON, "created_by": "test",
    }  # fmt: skip
    rows = [{**row, "name": "one", "provider": ours}, {**row, "name": "two", "provider": theirs}]
    await db.transact(lambda c: c.execute(sa.insert(gateway), rows))

    def kept(c: sa.Connection) -> list[str]:
        # counted: on PostgreSQL a statement that returns the column itself would have to be prepared anew
        ask = sa.select(sa.func.count()).select_from(gateway)
        return [name for name in (ours, theirs) if c.scalar(ask.where(gateway.c.provider == name))]

    with pytest.raises(Refused) as refused:
        await migrate_to(db, migrations, "0009")
    assert refused.value.refusal.errors == (("gateway", "1 rows would be lost"),)
    assert await db.transact(kept) == [ours, theirs]
    assert await migrate_to(db, migrations, "0009", lose_data=True) == "0009"
    assert await db.transact(kept) == [ours]
    with pytest.raises(sa.exc.IntegrityError):
        await db.transact(lambda c: c.execute(sa.insert(gateway), {**rows[1], "provider": "pigeon"}))
    assert await migrate_to(db, migrations) == newest_revision(migrations)
    assert await db.transact(kept) == [ours]


async def test_the_way_down_replaces_no_action_of_newer_code_unless_it_is_said(
    desk: Player, lift_ticket: dict[str, Any], db: Any
) -> None:
    """The line stays and its action becomes `comment`: no count of rows or values shows that."""
    await desk.act(lift_ticket, "urge", reason="又打来了")
    migrations, newer, known = packaged_folder("migrations"), "an-action-of-newer-code", "urge"

    def actions(c: sa.Connection) -> dict[str, int]:
        ask = sa.select(sa.func.count()).select_from(timeline)
        return {word: c.scalar(ask.where(timeline.c.action == word)) or 0 for word in (newer, known, "comment")}

    first = sa.update(timeline).where(timeline.c.number == lift_ticket["number"], timeline.c.seq == 1)
    await db.transact(lambda c: c.execute(first.values(action=newer)))
    await db.transact(forget_later_columns)
    assert await db.transact(actions) == {newer: 1, known: 1, "comment": 0}
    for revision in ("0010", "0009"):
        with pytest.raises(Refused) as refused:
            await migrate_to(db, migrations, revision)
        assert ("timeline.action", "1 values would be lost") in refused.value.refusal.errors
    assert await db.transact(actions) == {newer: 1, known: 1, "comment": 0}
    assert await migrate_to(db, migrations, "0010", lose_data=True) == "0010"
    assert await db.transact(actions) == {newer: 0, known: 1, "comment": 1}
    assert await migrate_to(db, migrations) == newest_revision(migrations)
    await db.transact(forget_later_columns)
    assert await migrate_to(db, migrations, "0010") == "0010"  # nothing is left that it would replace
    assert await migrate_to(db, migrations) == newest_revision(migrations)


async def test_a_way_down_that_loses_nothing_is_open(db: Any) -> None:
    migrations = packaged_folder("migrations")

    def forget_everything(c: sa.Connection) -> None:
        for table in reversed(metadata.sorted_tables):
            if table.name != "schema_compatibility":
                c.execute(sa.delete(table))

    await db.transact(forget_everything)
    assert await migrate_to(db, migrations, "0001") == "0001"
    assert await migrate_to(db, migrations) == newest_revision(migrations)
    await seeded(db)


async def test_the_way_down_is_open_after_processes_ran_and_asks_about_a_dropped_key(db: Any) -> None:
    migrations = packaged_folder("migrations")
    key = {"name": "lookup_dropped.2", "sealed": "x", "created_at": NOON}

    def run(c: sa.Connection) -> None:
        c.execute(sa.insert(running_process).values(id="one", lookups=["a"], seen_at=NOON))
        c.execute(sa.insert(voice_ring).values(call="one", agent="wang", rang_at=NOON))

    await db.transact(run)
    assert await migrate_to(db, migrations, "0034") == "0034"
    await migrate_to(db, migrations)
    await db.transact(lambda c: c.execute(sa.insert(stored_key), [key]))
    with pytest.raises(Refused) as refused:
        await migrate_to(db, migrations, "0034")
    assert refused.value.refusal.errors == (("stored_key.sealed", "1 values would be lost"),)


@pytest.mark.parametrize(
    ("oldest", "fit"), [("own", SchemaFit.NEWER), ("9001", SchemaFit.TOO_NEW), (None, SchemaFit.TOO_NEW)]
)
async def test_a_newer_schema_says_whether_this_code_may_run_on_it(
    oldest: str | None, fit: SchemaFit, desk: Player, db: Any
) -> None:
    migrations = packaged_folder("migrations")
    head = newest_revision(migrations)

    def newer(c: sa.Connection) -> None:
        c.exec_driver_sql("UPDATE alembic_version SET version_num = '9001'")
        if oldest is None:
            c.exec_driver_sql("DELETE FROM schema_compatibility")
        elif oldest != "own":
            c.exec_driver_sql(f"UPDATE schema_compatibility SET oldest_code = '{oldest}'")
        c.exec_driver_sql("ALTER TABLE ticket ADD COLUMN of_the_future VARCHAR(10)")  # expand only

    def back(c: sa.Connection) -> None:
        c.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{head}'")
        c.exec_driver_sql("DELETE FROM schema_compatibility")
        c.exec_driver_sql(f"INSERT INTO schema_compatibility (id, oldest_code) VALUES (1, '{kept}')")
        c.exec_driver_sql("ALTER TABLE ticket DROP COLUMN of_the_future")

    kept = await db.transact(lambda c: c.exec_driver_sql("SELECT oldest_code FROM schema_compatibility").scalar())
    await db.transact(newer)
    try:
        state = await load_schema_state(db, migrations)
        assert (state.fit, state.is_compatible) == (fit, fit is SchemaFit.NEWER)
        assert "at revision 9001, newer than this program" in state.says
        if fit is SchemaFit.NEWER:
            assert await migrate_to(db, migrations) == "9001"  # nothing is ours to do
            assert (await desk.call("3栋电梯坏了", category="dt-fault"))["status"] == "dispatched"
        else:
            with pytest.raises(Refused, match="start the newer program"):
                await migrate_to(db, migrations)
        with pytest.raises(Refused, match="newer than this program"):
            await migrate_to(db, migrations, "0001", lose_data=True)
    finally:
        await db.transact(back)


async def test_the_schema_names_code_that_this_tree_knows(db: Any) -> None:
    kept = await db.transact(
        lambda c: c.exec_driver_sql("SELECT oldest_code FROM schema_compatibility").scalars().all()
    )
    assert len(kept) == 1 and kept[0] in {
        path.name[:4] for path in (packaged_folder("migrations") / "versions").glob("0*.py")
    }


async def test_an_item_with_a_field_of_newer_code_is_still_read(services: Services, db: Any) -> None:
    def newer(c: sa.Connection) -> None:
        rows = c.exec_driver_sql(
            "SELECT body FROM directory WHERE noun = 'categories' AND code = 'dt-fault'"
        ).scalar_one()
        body = {**(rows if isinstance(rows, dict) else json.loads(rows)), "of_the_future": True}
        table = sa.table("directory", sa.column("noun"), sa.column("code"), sa.column("body", sa.JSON))
        c.execute(sa.update(table).where(table.c.noun == "categories", table.c.code == "dt-fault").values(body=body))
        c.exec_driver_sql("UPDATE directory_log SET version = 2 WHERE version = 1")

    await db.transact(newer)
    await services.directory.reload()
    assert (await services.directory.now(services.clock())).categories["dt-fault"].name == "电梯故障"


async def test_calls_of_before_are_counted_where_their_tickets_are(
    desk: Player, watch: Player, lift_ticket: dict[str, Any], services: Services, db: Any
) -> None:
    migrations = packaged_folder("migrations")
    await update_rollups(services, services.clock())
    await migrate_to(db, migrations, "0012", lose_data=True)
    await migrate_to(db, migrations)
    assert (await load_fold_mark(db)).position is None  # the worker counts anew
    stands = await db.transact(lambda c: c.execute(sa.select(call.c.area, call.c.category)).one())
    assert tuple(stands) == (lift_ticket["area"]["code"], "dt-fault")
    await update_rollups(services, services.clock())
    [whole] = (await watch.get("/v1/figures")).json()["groups"]
    assert (whole["counts"]["calls"], whole["counts"]["matters"]) == (1, 1)
    assert await load_rollup_drift(services, services.clock()) == {}


async def test_calls_of_before_are_given_their_places_in_batches(desk: Player, db: Any) -> None:
    """Revision 0013 on a table of many calls: no statement fills more than a batch of them, and none is left out."""
    for n in range(5):
        await desk.call(f"{n + 1}栋楼下的路灯坏了", caller={"phone": f"1390000000{n}"}, category="wx-light")
    path = packaged_folder("migrations") / "versions" / "0013_calls_counted.py"
    spec = spec_from_file_location("calls_counted", path)
    assert spec is not None
    assert spec.loader is not None
    revision = module_from_spec(spec)
    spec.loader.exec_module(revision)
    places = sa.select(call.c.area, call.c.category, ticket.c.area, ticket.c.category).join_from(
        call, ticket, ticket.c.number == call.c.number
    )

    def fill(batch: int) -> Any:
        def work(c: sa.Connection) -> tuple[int, list[Any]]:
            c.execute(sa.update(call).values(area=None, category=None))
            return revision.fill_places(c, batch), list(c.execute(places))

        return work

    for batch, statements in ((2, 3), (5, 2), (100, 1)):
        done, filled = await db.transact(fill(batch))
        assert done == statements
        assert len(filled) == 5
        assert all(row[:2] == row[2:] and row[1] == "wx-light" for row in filled)


async def test_a_merged_incident_is_not_forgotten_on_the_way_down_unasked(desk: Player, db: Any) -> None:
    values = {
        "code": "100002", "state": "merged", "category": "sdq-water", "moves": [], "wording": {}, "callers": 5,
        "tickets": 5, "entries": 1, "version": 1, "merged_into": "100010",
        **dict.fromkeys(("first_call_at", "last_call_at", "created_at", "updated_at"), NOON),
    }  # fmt: skip
    await db.transact(lambda c: c.execute(sa.insert(incident).values(**values)))
    migrations = packaged_folder("migrations")
    with pytest.raises(Refused) as refused:
        await migrate_to(db, migrations, "0016")
    assert any("incident" in name for name, _ in refused.value.refusal.errors)
    await migrate_to(db, migrations, "0016", lose_data=True)
    states = await db.transact(lambda c: list(c.exec_driver_sql("SELECT state FROM incident").scalars()))
    assert states == ["dismissed"]
    await migrate_to(db, migrations)


async def test_the_way_down_takes_the_id_of_their_secret_from_sealed_values(services: Services, db: Any) -> None:
    """Code from before does not expect it."""
    migrations = packaged_folder("migrations")
    edge = (migrations / "versions/0021_edge.py").read_text()
    later = ("identity_provider", "push_device", "stored_key")  # gone by then
    columns = [c for c in services.part(SealedColumns).all() if c.table.name not in later]
    assert [c.table.name for c in columns if f'("{c.table.name}", "{c.column}")' not in edge] == []
    row = {"public": "a" * 64, "sealed": f"0123abcd.{'QUJD' * 9}", "made_at": NOON}
    await db.transact(lambda c: c.execute(sa.insert(audit_key), row))
    assert await migrate_to(db, migrations, "0020", lose_data=True) == "0020"
    ask = sa.text("SELECT sealed FROM audit_key WHERE public = :public")
    kept = await db.transact(lambda c: c.execute(ask, {"public": row["public"]}).scalar())
    assert kept == "QUJD" * 9
    assert await migrate_to(db, migrations) == newest_revision(migrations)


async def test_who_signed_is_read_from_the_timeline_and_nothing_is_lost_on_the_way_down(
    desk: Player, lifts: Player, services: Services, clock: Clock, db: Any
) -> None:
    signed, by_clock, undone = [await desk.call(f"{n}栋电梯坏了", category="dt-fault") for n in (3, 5, 7)]
    await lifts.order(signed, "accept")
    clock.forward(days=1)
    while (await escalate_due(services, clock())).claimed:
        pass
    done = await lifts.order(
        await lifts.see(undone), "report", internal_result="已修", public_reply="已修好", solved=True
    )
    await lifts.act(done, "undo")
    migrations = packaged_folder("migrations")
    query = sa.select(assignment.c.number, assignment.c.status, assignment.c.signed_at).order_by(assignment.c.number)

    def read(c: sa.Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in c.execute(query)]

    before = await db.transact(read)
    assert [(row[0], row[1], row[2] is None) for row in before] == [
        (signed["number"], "accepted", False),
        (by_clock["number"], "accepted", True),
        (undone["number"], "accepted", True),
    ]
    assert await migrate_to(db, migrations, "0036") == "0036"
    assert await migrate_to(db, migrations) == newest_revision(migrations)
    assert await db.transact(read) == before
    # a process of the version before leaves it empty, beside processes of this one
    await db.transact(lambda c: c.execute(sa.update(assignment).values(signed_at=None)))
    signing = next(job for job in ticket_jobs(services) if job.name == "signing")
    for _ in range(2):
        assert not await signing.step()
        assert await db.transact(read) == before
