"""One tree, both databases: up, down and up again, with data; and what is migrated is what the tables say."""

import json
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hotline.db.schema import bring_to, newest, revision_of
from hotline.db.tables import metadata
from hotline.services.clocks import adopt
from hotline.services.house import House
from hotline.shipped import shipped
from tests.conftest import Clock, Player, seeded


async def test_up_down_and_up_again_with_data(desk: Player, lift_ticket: dict[str, Any], db: Any) -> None:
    await desk.act(lift_ticket, "urge", reason="又打来了")
    migrations = shipped("migrations")
    head = newest(migrations)
    assert await revision_of(db) == head
    assert await bring_to(db, migrations, "base") is None
    left = await db.transact(lambda c: set(sa.inspect(c).get_table_names()))
    assert left <= {"alembic_version", "sqlite_sequence"}
    assert await bring_to(db, migrations) == head
    await seeded(db)  # nothing of the old data is in the way


async def test_the_migrated_schema_is_the_one_the_code_knows(db: Any) -> None:
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


async def test_every_constraint_in_the_database_has_the_name_the_code_knows(db: Any) -> None:
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
    desk: Player, lift_ticket: dict[str, Any], house: House, clock: Clock, db: Any
) -> None:
    due = lift_ticket["assignments"][0]["due_at"]
    migrations = shipped("migrations")
    assert await bring_to(db, migrations, "0001") == "0001"

    def nouns(c: sa.Connection) -> dict[str, Any]:
        rows = c.exec_driver_sql("SELECT noun, code, body FROM directory").all()
        return {f"{noun}/{code}": body if isinstance(body, dict) else json.loads(body) for noun, code, body in rows}

    before = await db.transact(nouns)
    assert before["limits/request"] == {
        "code": "request", "source": before["limits/request"]["source"], "kind": "request", "priority": "*", "category": "*",
        "accept": 2.0, "accept_unit": "working_hours", "close": 7.0, "close_unit": "working_days",
    }  # fmt: skip
    assert not [k for k in before if k.startswith(("policies", "ladders", "rosters"))]
    assert await bring_to(db, migrations) == newest(migrations)
    after = await db.transact(nouns)
    assert (after["policies/emergency"]["resolve"], after["policies/emergency"]["outer"]) == (
        "2 calendar_hours",
        "caps",
    )
    assert after["policies/complaint"]["resolve"] == "15 working_days" and not [
        k for k in after if k.startswith("limits")
    ]
    await house.directory.reload()
    assert await adopt(house, clock.now) == 1
    seen = await desk.see(lift_ticket)
    assert {c["metric"] for c in seen["clocks"]["running"]} == {"resolve", "report", "accept", "contact"}
    assert seen["assignments"][0]["due_at"] == due
    await bring_to(db, migrations, "base")
    await bring_to(db, migrations)
    await seeded(db)
