"""What became of the messages to robots of chat groups, the newest first."""

from collections.abc import Sequence

import sqlalchemy as sa

from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery, Row
from hotline.delivery.tables import attempt
from hotline.delivery.tables import outbox as o

MOST_LOGGED = 50
LOOKED_AT = 400  # of the newest of all robots, to find the last one of each

_COLUMNS = (o.c.id, o.c.number, o.c.partition, o.c.status, o.c.attempts, o.c.created_at, o.c.next_at, o.c.last_error)
_TRIED = sa.select(sa.func.max(attempt.c.at)).where(attempt.c.message == o.c.id).correlate(o).scalar_subquery()
_NEWEST = (
    sa.select(*_COLUMNS, sa.type_coerce(_TRIED, attempt.c.at.type).label("tried_at"))
    .where(o.c.kind == sa.literal_column("'robot'"))
    .order_by(o.c.created_at.desc(), o.c.id.desc())
)
_OF_ALL = PreparedQuery(_NEWEST.limit(LOOKED_AT))
_OF_ONE = PreparedQuery(
    _NEWEST.where(
        sa.func.substr(o.c.partition + ":", 1, sa.bindparam("length", type_=sa.Integer))
        == sa.bindparam("partition", type_=sa.String)
    ).limit(MOST_LOGGED)
)


def robot_partition(name: str, number: str) -> str:
    """Messages of one danger to one robot go one after the other; another danger waits for none of them."""
    return f"robot:{name}:{number}"


async def load_log(db: Database, name: str) -> Sequence[Row]:
    """The messages to one robot, `tried_at` being the moment of the last try."""
    begin = robot_partition(name, "")
    return await db.rows(_OF_ONE, partition=begin, length=len(begin))


async def load_last(db: Database) -> dict[str, Row]:
    """The newest message to each robot that was sent any of late, by its name."""
    found: dict[str, Row] = {}
    for row in await db.rows(_OF_ALL):
        found.setdefault(row.partition.split(":")[1], row)
    return found
