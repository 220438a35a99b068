"""What one story wrote is gone before the next: one PostgreSQL database serves all stories of a test process."""

from typing import Any

import pytest
import sqlalchemy as sa

from hotline.database.engine_postgres import Postgres
from tests.conftest import DIRECTORY, EMPTIED, NOON, Player, emptied

ADDED = {
    "directory": "INSERT INTO directory VALUES ('area', 'added', '{}', 1)",
    "directory_log": f"INSERT INTO directory_log VALUES (2, 0, 'area', 'added', NULL, '{{}}', '{NOON}', 'x', 'x')",
}
CHANGED = {
    "directory": "UPDATE directory SET body = body || '{\"name\": \"changed\"}' WHERE noun = 'house'",
    "directory_log": "UPDATE directory_log SET by_name = 'changed' WHERE place < 3",
}
GONE = {
    "directory": "DELETE FROM directory WHERE noun = 'calendar'",
    "directory_log": "DELETE FROM directory_log WHERE place BETWEEN 10 AND 20",
}


def all_rows(c: sa.Connection, schema: str) -> dict[str, list[Any]]:
    return {
        name: sorted(c.exec_driver_sql(f"SELECT t::text FROM {schema}.{name} AS t").scalars()) for name in DIRECTORY
    }


@pytest.mark.parametrize(
    "kind", [[ADDED], [CHANGED], [GONE], [ADDED, CHANGED, GONE]], ids=["added", "changed", "gone", "all"]
)
async def test_the_directory_is_as_seeded_again(kind: list[dict[str, str]], postgres_db: Postgres) -> None:
    moved = "INSERT INTO directory_log VALUES (3, 0, 'area', 'x', NULL, NULL, now(), 'x', 'x')"

    def meddle(c: sa.Connection) -> None:
        for statement in [*(s for statements in kind for s in statements.values()), moved]:
            c.exec_driver_sql(statement)

    await postgres_db.transact(meddle)
    assert await postgres_db.transact(lambda c: all_rows(c, "public") != all_rows(c, "seeded"))
    await emptied(postgres_db)
    assert await postgres_db.transact(lambda c: all_rows(c, "public") == all_rows(c, "seeded"))


@pytest.mark.parametrize("db", ["postgres"], indirect=True)
async def test_no_row_of_a_story_is_left(lift_ticket: dict[str, Any], desk: Player, db: Postgres) -> None:
    def left(c: sa.Connection) -> list[str]:
        return [n for n in EMPTIED if c.exec_driver_sql(f"SELECT count(*) FROM {n}").scalar()]

    assert {"ticket", "timeline", "api_key"} <= set(await db.transact(left)), await db.transact(left)
    await emptied(db)
    assert await db.transact(left) == []
