"""The cast, the clock and the two databases. `desk` takes calls, `lifts` handles lift orders, `pipes` must never see
them."""

import asyncio
import contextlib
import gc
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zlib import crc32

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
import structlog
from fastapi import FastAPI
from hypothesis import settings
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.ext.asyncio import AsyncEngine

from hotline.application import build_app
from hotline.audit.verification import Verified, verify
from hotline.composition import assemble_services
from hotline.console import app as console
from hotline.database.engine_postgres import COMMAND_TIMEOUT, Postgres
from hotline.database.engine_sqlite import Sqlite
from hotline.database.migrations import migrate_to
from hotline.database.sealing import Sealing
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import ActorCache, NewKey, add_key
from hotline.organisation.service.directory import DirectoryCache, item_as_json
from hotline.organisation.service.password_hashing import PasswordHashing
from hotline.organisation.service.seeding import read_seed_items
from hotline.organisation.store import directory as organisation_directory
from hotline.organisation.tables import person
from hotline.packaged_files import packaged_folder
from hotline.tables import metadata
from hotline.tickets.context import Services
from hotline.triage.model.lexicon import Lexicon, build_lexicon
from hotline.web.paging import PageCache
from tests.contract.replies import EXERCISED, operations, recorded
from tests.postgres import Server, find_server
from tests.triage.seeded import keep_patterns

structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])
# httpx looks for it at every request to an application, through all of the path, and cannot find it
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
keep_patterns()
settings.register_profile("suite", deadline=None)  # an example may take long on a busy machine
settings.load_profile("suite")
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # Wednesday noon in Chengdu
ROOT = Path(__file__).parents[1]


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """The command line closes what it writes to others, for the whole process: also for tests that come after it."""
    mask = os.umask(0)
    os.umask(mask)
    yield
    os.umask(mask)


@pytest.fixture(scope="session")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is one: the suite keeps synchronous=FULL, and a disk would make it sixteen times
    slower."""
    shm = Path("/dev/shm")
    folder = Path(mkdtemp(prefix="hotline-test-", dir=shm)) if shm.is_dir() else tmp_path_factory.mktemp("db")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


SECRET = b"a secret of the test suite, long enough"
SEALING = Sealing(SECRET)  # personal data


async def seeded(db: Any) -> None:
    """The newest schema and the first home's directory."""
    await migrate_to(db, packaged_folder("migrations"))
    root = packaged_folder("seeds")
    items = [
        (noun, code, None, item_as_json(noun, item)) for noun, code, item in read_seed_items(root / "ruiquan", root)
    ]
    await db.transact(lambda c: organisation_directory.write_changes(c, 1, items, NOON, "seed", "seed"))


@pytest.fixture(scope="session")
def sqlite_template(memory: Path) -> Path:
    path = memory / "template.db"

    async def make() -> None:
        db = Sqlite(path, sealing=SEALING)
        await db.open()
        await seeded(db)
        await db.close()

    asyncio.run(make())
    return path


@pytest.fixture(scope="session")
def postgres_server(memory: Path) -> Iterator[Server | None]:
    server = find_server(memory)
    yield server
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Server | None) -> str | None:
    """One database of this worker, seeded; emptied between tests."""
    if postgres_server is None:
        return None
    url = postgres_server.fresh(f"worker_{os.getpid()}")

    async def make() -> None:
        db = Postgres(url, sealing=SEALING)
        await db.open()
        await seeded(db)
        await db.transact(lambda c: [c.exec_driver_sql(statement) for statement in KEEP_SEEDED])
        await db.close()

    asyncio.run(make())
    return url


LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
HOME = "Ruiquan Xincheng 24365 hotline"
DIRECTORY = ("directory", "directory_log")
KEPT = {*DIRECTORY, "schema_compatibility"}
EMPTIED = ["ticket_words", *(table.name for table in metadata.tables.values() if table.name not in KEPT)]
# One statement of many DELETEs: ten times as fast as TRUNCATE on tables of a few rows, and foreign keys are checked at
# its end.
EMPTY = "WITH " + ", ".join(f"d{n} AS (DELETE FROM {name})" for n, name in enumerate(EMPTIED)) + " SELECT 1"
MOVED = f"""SELECT (SELECT max(version) FROM directory_log) <> 1
OR NOT EXISTS (SELECT FROM directory WHERE noun = 'house' AND body->>'name_en' = '{HOME}')"""


def restoring(name: str) -> tuple[str, str]:
    """Make a table as seeded: what differs goes, what is missing comes. To write all of it anew for each story leaves
    so much behind in its file that after a hundred stories looking through it costs more than they do."""
    columns = metadata.tables[name].columns
    key, row = (
        tuple(", ".join(f"{of}.{c.name}" for c in columns if c.primary_key or not key) for of in ("kept", "now"))
        for key in (True, False)
    )
    same_key = f"({key[0]}) = ({key[1]})"
    return (
        f"DELETE FROM {name} AS now WHERE NOT EXISTS (SELECT FROM seeded.{name} AS kept WHERE {same_key} "
        f"AND ({row[0]}) IS NOT DISTINCT FROM ({row[1]}))",
        f"INSERT INTO {name} SELECT * FROM seeded.{name} AS kept "
        f"WHERE NOT EXISTS (SELECT FROM {name} AS now WHERE {same_key})",
    )


RESTORE = [statement for name in DIRECTORY for statement in restoring(name)]
KEEP_SEEDED = ["CREATE SCHEMA seeded", *(f"CREATE TABLE seeded.{name} AS TABLE {name}" for name in DIRECTORY)]
END_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> ALL($1::int[])"""


async def emptied(db: Postgres) -> None:
    def empty(c: sa.Connection) -> None:
        c.exec_driver_sql("SET LOCAL statement_timeout = 0")
        # where a story left thousands of rows, their foreign keys take seconds to check
        full = c.exec_driver_sql("SELECT count(*) FROM (SELECT 1 FROM timeline LIMIT 1001) AS t").scalar()
        c.exec_driver_sql(f"TRUNCATE {', '.join(EMPTIED)}" if full == 1001 else EMPTY)
        if c.exec_driver_sql(MOVED).scalar():
            for statement in RESTORE:
                c.exec_driver_sql(statement)

    await db.transact(empty)


@dataclass
class PostgresConnections:
    """The connections of one story, handed to the next of its file: to open three of them, and to plan every statement
    anew, costs more processor than most stories."""

    engine: AsyncEngine
    idle: list[Any] = field(default_factory=list)

    async def lend(self, db: Postgres) -> None:
        """Give the database the connections that are sound. Any other ends: a request that was cancelled may have left
        a statement to the server, which would be committed after the tables were emptied."""
        kept = []
        for line in self.idle:
            try:
                await line.reset()
                kept.append(line)
            except LOST:
                line.terminate()
        self.idle.clear()
        lent = [line.get_server_pid() for line in kept]
        try:
            await self._end_others(lent)
        except LOST:  # the last story ended the engine's own
            await self.engine.dispose()
            await self._end_others(lent)
        db._idle.extend(kept)
        db._engine = self.engine.execution_options(clock=db.clock)

    async def take_back(self, db: Postgres) -> None:
        self.idle.extend(db._idle)
        db._idle.clear()
        db._engine = None
        if self.engine.pool.checkedin() != 1:  # type: ignore[attr-defined]
            await self.engine.dispose()

    async def _end_others(self, lent: list[int]) -> None:
        async with self.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            while await driver.fetch(END_OTHERS, [driver.get_server_pid(), *lent]):
                pass


@pytest.fixture(scope="module")
async def postgres_connections(postgres_url: str | None, anyio_backend: str) -> AsyncIterator[PostgresConnections]:
    """Of a file, whose stories share an event loop by it."""
    if postgres_url is None:
        pytest.skip("no PostgreSQL on this machine")
    kept = PostgresConnections(
        Postgres(postgres_url, sealing=SEALING)._make_engine(COMMAND_TIMEOUT, pool_size=2, max_overflow=2)
    )
    yield kept
    with contextlib.suppress(*LOST):
        await kept._end_others([line.get_server_pid() for line in kept.idle])
    for line in kept.idle:
        await line.close()
    await kept.engine.dispose()


@dataclass
class SqliteEngine:
    """The engine of one story's writing connection, handed to the next: a new one compiles every statement anew."""

    db: Sqlite
    engine: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = self.db._make_engine(self._connect, "BEGIN IMMEDIATE")

    def _connect(self) -> sqlite3.Connection:
        assert self.db._writing_connection is not None, "lent to a database that is open"
        return self.db._writing_connection

    def lend(self, db: Sqlite) -> None:
        self.db = db
        db._engine = self.engine.execution_options(clock=db.clock)


@pytest.fixture(scope="session")
def sqlite_engine(sqlite_template: Path) -> SqliteEngine:
    return SqliteEngine(Sqlite(sqlite_template, sealing=SEALING))


@pytest.fixture
async def sqlite_db(
    sqlite_template: Path, sqlite_engine: SqliteEngine, memory: Path, clock: Clock
) -> AsyncIterator[Sqlite]:
    path = memory / f"{os.urandom(6).hex()}.db"
    shutil.copy(sqlite_template, path)
    db = Sqlite(path, clock=clock, sealing=SEALING)
    await db.open()
    sqlite_engine.lend(db)
    yield db
    await db.close()
    for left in ("", "-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)


@pytest.fixture
async def postgres_db(
    postgres_url: str, postgres_connections: PostgresConnections, clock: Clock
) -> AsyncIterator[Postgres]:
    db = Postgres(postgres_url, size=8, clock=clock, sealing=SEALING)
    try:
        await postgres_connections.lend(db)
        await emptied(db)
        yield db
    finally:
        await postgres_connections.take_back(db)
        await db.close()


# For stories of what is decided before a database is asked, on a page with what the API gave it, or in a generated
# client, which speaks to the API alone: one of the two is enough.
on_one_database = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Any:
    """Each of the two databases, seeded and empty of tickets; its clock is the test's."""
    return request.getfixturevalue(f"{request.param}_db")


CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))  # one in life costs 0.2 s


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def snapshot(sqlite_template: Path) -> Callable[[Any], DirectoryCache]:
    """The directory of a database as seeded, read once: it asks for the version and reads anew where that has
    moved."""

    async def read() -> tuple[Directory, Lexicon]:
        db = Sqlite(sqlite_template, sealing=SEALING)
        first = DirectoryCache(db)
        directory = await first.now(NOON)
        await db.close()
        return directory, first.derived(build_lexicon)

    directory, lexicon = asyncio.run(read())

    def over(db: Any) -> DirectoryCache:
        made = DirectoryCache(db)
        made._directory, made._looked = directory, LONG_AGO
        made._made[build_lexicon] = lexicon
        return made

    return over


@pytest.fixture
async def services(
    db: Any,
    clock: Clock,
    tmp_path: Path,
    snapshot: Callable[[Any], DirectoryCache],
    request: pytest.FixtureRequest,
) -> AsyncIterator[Services]:
    made = assemble_services(
        db,
        clock,
        SECRET,
        tmp_path / "files",
        directory=snapshot(db),
        hashing=PasswordHashing(CHEAP),
    )
    # how long it may take is told where a database says nothing: a busy machine is no outage
    made.deadlines.lookup = made.deadlines.write = made.deadlines.push = 60.0
    made.hold = timedelta(0)  # the stories of undoing hold messages back, all others look at them at once
    made.journal.start()
    yield made
    await made.journal.drain()
    await made.security_log.drain()
    if is_audited(request):
        found = await made.db.snapshot(lambda c: verify(c, SECRET))
        assert isinstance(found, Verified), f"after the story: {found}"


def is_audited(request: pytest.FixtureRequest) -> bool:
    """Whether the chains are verified after this story: after one in a few, always the same ones, for it takes time."""
    every = int(request.config.getoption("audited", 8))
    return not request.node.get_closest_marker("unchained") and crc32(request.node.nodeid.encode()) % every == 0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--audited", default=8, type=int, help="verify the chains after one story in so many; 1: all")


@pytest.fixture
async def app(services: Services) -> AsyncIterator[FastAPI]:
    """The application over the test's services. A reply that its OpenAPI document does not describe fails the test."""
    made = build_app(lambda: _never())
    made.router.routes.extend(console.console_routes())
    made.state.services, made.state.actor_cache, made.state.pages = services, ActorCache(), PageCache()
    differences = recorded(made)
    yield made
    assert not differences, "\n".join(dict.fromkeys(differences))


def _never() -> Any:
    raise AssertionError("the test opens the services itself")


CAST: dict[str, Grant] = {
    "desk": Grant(frozenset({Role.OPERATOR})),
    "switch": Grant(frozenset({Role.DISPATCHER})),
    "watch": Grant(frozenset({Role.SUPERVISOR})),
    "lifts": Grant(frozenset({Role.HANDLER}), "property-works"),
    "liftmen": Grant(frozenset({Role.HANDLER}), "lifts"),
    "firemen": Grant(frozenset({Role.HANDLER}), "fire-watch"),
    "centre": Grant(frozenset({Role.HANDLER}), "service-centre"),
    "guards": Grant(frozenset({Role.HANDLER}), "security"),
    "affairs": Grant(frozenset({Role.HANDLER}), "residents-affairs"),
    "pipes": Grant(frozenset({Role.HANDLER}), "water"),
    "property": Grant(frozenset({Role.HANDLER}), "property"),
    "committee": Grant(frozenset({Role.AUDITOR})),
    "boss": Grant(frozenset({Role.ADMIN})),
    "gate": Grant(frozenset({Role.GATEWAY})),
    "block3": Grant(frozenset({Role.OPERATOR}), None, "rq-g1"),  # sees buildings 1-4 alone
}


def broken(problem: Any) -> list[tuple[str, str]]:
    """The fields of a problem document and the rules they break, as it tells them in English."""
    return [(error["field"], error["rule"]) for error in problem["errors"]]


@dataclass
class Player:
    """One of the cast with a client: `await desk.post(...)`."""

    name: str
    http: httpx.AsyncClient
    actor: Actor

    async def get(self, path: str, **kw: Any) -> httpx.Response:
        return await self.http.get(path, **kw)

    async def post(self, path: str, body: Any = None, **kw: Any) -> httpx.Response:
        return await self.http.post(path, json=body if body is not None else {}, **kw)

    async def act(
        self, ticket: dict[str, Any], action: str, /, *, expect: int = 200, key: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Act on the ticket as last seen; the reply's body."""
        return await self._act(f"/v1/tickets/{ticket['number']}/actions/{action}", ticket, expect, key, fields)

    async def order(
        self,
        ticket: dict[str, Any],
        action: str,
        /,
        *,
        place: int = 0,
        expect: int = 200,
        key: str | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Act on one of its assignments."""
        order = ticket["assignments"][place]["id"]
        return await self._act(
            f"/v1/tickets/{ticket['number']}/assignments/{order}/actions/{action}", ticket, expect, key, fields
        )

    async def _act(
        self, path: str, ticket: dict[str, Any], expect: int, key: str | None, fields: dict[str, Any]
    ) -> dict[str, Any]:
        headers = {"If-Match": f'"{ticket["version"]}"', **({"Idempotency-Key": key} if key else {})}
        reply = await self.post(path, fields, headers=headers)
        assert reply.status_code == expect, f"{self.name} {path}: {reply.status_code} {reply.text}"
        return dict(reply.json())

    async def call(
        self, narrative: str, *, expect: int = 201, headers: dict[str, str] | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Take a call; the ticket of the reply."""
        body = {"channel": "phone", "narrative": narrative, **fields}
        reply = await self.post("/v1/calls", body, headers=headers or {})
        assert reply.status_code == expect, f"{self.name}: {reply.status_code} {reply.text}"
        return dict(reply.json().get("ticket", reply.json()))

    async def see(self, ticket: dict[str, Any] | str, *, expect: int = 200) -> dict[str, Any]:
        number = ticket if isinstance(ticket, str) else ticket["number"]
        reply = await self.get(f"/v1/tickets/{number}")
        assert reply.status_code == expect, f"{self.name}: {reply.status_code} {reply.text}"
        return dict(reply.json())


Cast = Callable[[str], Awaitable[Player]]


async def keep_first_passwords(services: Services) -> None:
    """For stories of something else: everybody goes on with the password they were given, as with one of their own."""
    await services.db.transact(lambda c: c.execute(sa.update(person).values(first_password_until=None)))


@pytest.fixture
async def cast(app: FastAPI, services: Services) -> AsyncIterator[Cast]:
    """`await cast("desk")`: that member with a key of its own."""
    players: dict[str, Player] = {}

    async def come(name: str) -> Player:
        if name not in players:
            grant = CAST[name]
            made = await add_key(services, NewKey(name, grant), "test", services.clock())
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://hotline",
                headers={"authorization": f"Bearer {made['secret']}"},
            )
            actor = Actor(ActorKind.KEY, made["id"], name, grant.roles)
            players[name] = Player(name, http, actor)
        return players[name]

    yield come
    for player in players.values():
        await player.http.aclose()


@pytest.fixture
async def desk(cast: Cast) -> Player:
    return await cast("desk")


@pytest.fixture
async def switch(cast: Cast) -> Player:
    return await cast("switch")


@pytest.fixture
async def lifts(cast: Cast) -> Player:
    return await cast("lifts")


@pytest.fixture
async def pipes(cast: Cast) -> Player:
    return await cast("pipes")


@pytest.fixture
async def watch(cast: Cast) -> Player:
    return await cast("watch")


LIFT = "3栋2单元电梯坏了，不动了"


@pytest.fixture
async def lift_ticket(desk: Player) -> dict[str, Any]:
    """A broken lift in building 3, dispatched to the property's works by the rules."""
    return await desk.call(LIFT, caller={"phone": "13800138000", "name": "王秀英"}, category="dt-fault")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After the whole suite: an operation that no test ever had answered has no reply that was checked."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["exercised"] = sorted(EXERCISED)
        return
    if session.testscollected and session.config.args_source.name != "ARGS" and not session.config.option.keyword:
        never = {o["operationId"] for o in operations().values()} - EXERCISED
        if never:
            print(f"\noperations that no test had answered: {', '.join(sorted(never))}")
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Under xdist: what a worker process saw."""
    EXERCISED.update(getattr(node, "workeroutput", {}).get("exercised", ()))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons: dict[str, int] = {}
    for report in skipped:
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    terminalreporter.write_line(
        f"skipped: {len(skipped)}" + "".join(f"\n  {n} × {why}" for why, n in sorted(reasons.items()))
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is imported and collected stays: the collector need not look through it again and again. Nor need it look
    every few hundred objects at what is new: that is a twelfth of the suite's processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


# Their stories last: browsers, a whole month. What begins last must be short, or one worker waits for the others at the
# end.
LONG = (
    "tests/console/", "tests/walks/", "tests/cli/", "tests/importing/test_importing.py",
    "tests/reporting/test_figures.py", "tests/contract/test_authorization.py", "tests/contract/test_schema.py",
    "tests/contract/test_generated_clients.py", "tests/contract/test_growth.py", "tests/incidents/test_storm.py",
    "tests/learning/test_quarter.py", "tests/contract/test_access_matrix.py", "tests/contract/test_foreign_objects.py", "tests/audit/test_verification.py",
    "tests/organisation/test_logging_in.py", "tests/delivery/test_installed_providers.py",
)  # fmt: skip
# Theirs last too, and mostly wait: for real processes, for a database that says nothing.
WAITING = (
    "tests/chaos/", "tests/inbound/test_outage.py", "tests/streaming/", "tests/web/test_connections.py",
    "tests/database/test_engines.py",
)  # fmt: skip


def dealt(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """In an order of which the n-th worker takes the n-th part: the first begins with the stories that wait, so that
    the others have the processors meanwhile, and they with the long ones, dealt out by module."""
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    shares[0] = [item for item in items if item.nodeid.startswith(WAITING)]
    long = [item for item in items if item.nodeid.startswith(LONG)]
    for n, (_, stories) in enumerate(groupby(long, lambda item: item.path)):
        shares[1 + n % (workers - 1)].extend(stories)
    rest = iter([item for item in items if not item.nodeid.startswith((*WAITING, *LONG))])
    for n, share in enumerate(shares):
        share.extend(islice(rest, max(0, len(items) * (n + 1) // workers - len(items) * n // workers - len(share))))
    return [*chain.from_iterable(shares), *rest]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several workers begin with the long stories; `--dist worksteal` gives the n-th of them the n-th part of the
    list."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = dealt(items, workers)
