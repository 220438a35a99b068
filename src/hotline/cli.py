"""The command line: thin. Each command opens what it needs, says what it did, and leaves with a number."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="A 24365 hotline: intake, triage, dispatch, follow-up."
)
key_app = typer.Typer(no_args_is_help=True, help="Keys of machines.")
user_app = typer.Typer(no_args_is_help=True, help="People who log in.")
outbox_app = typer.Typer(no_args_is_help=True, help="Messages on their way out.")
app.add_typer(key_app, name="key")
app.add_typer(user_app, name="user")
app.add_typer(outbox_app, name="outbox")
gateway_app = typer.Typer(no_args_is_help=True, help="SMS providers, exchanges, other hotlines.")
app.add_typer(gateway_app, name="gateway")
figures_app = typer.Typer(no_args_is_help=True, help="The rollups behind the figures.")
calendar_app = typer.Typer(no_args_is_help=True, help="Working calendars.")
app.add_typer(calendar_app, name="calendar")
app.add_typer(figures_app, name="figures")
T = TypeVar("T")
FIRST_LOGIN = "admin"


@app.callback()
def main() -> None:
    """A 24365 hotline: intake, triage, dispatch, follow-up."""
    os.umask(0o077)  # what any command writes is for its owner alone


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _stop(text: str, code: int = 1) -> NoReturn:
    _say(text)
    raise typer.Exit(code)


def _run(work: Coroutine[Any, Any, T], code: int = 1) -> T:
    """Run a command's work; a refusal is told field by field, not as a traceback. `code`: what it then leaves with."""
    from hotline.refusals import Refused

    try:
        return asyncio.run(work)
    except Refused as refused:
        lines = [
            f"refused: {refused.refusal.detail}",
            *(f"  {field}: {rule}" for field, rule in refused.refusal.errors),
        ]
        _stop("\n".join(lines), code)
    except OSError as fault:
        _stop(f"cannot: {fault.strerror or fault}", code)


def _settings(**over: Any) -> Any:
    from pydantic import ValidationError

    from hotline.settings import Settings

    try:
        return Settings(**{k: v for k, v in over.items() if v is not None})
    except ValidationError as wrong:
        lines = [
            f"  HOTLINE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in wrong.errors(include_input=False)
        ]
        _stop("settings are not right:\n" + "\n".join(lines))


def _check_port(settings: Any) -> None:
    import socket

    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            _stop(f"cannot listen on {settings.host}:{settings.port}: {fault.strerror}; try --port or HOTLINE_PORT")


def _check_schema(settings: Any) -> None:
    """Leave where this program may not run on the database as it is; say so where the database is newer and it may."""
    from hotline import wiring
    from hotline.database.migrations import SchemaFit

    state = _run(wiring.schema_state(settings))
    if not state.runs:
        _stop(state.says)
    if state.fit is SchemaFit.NEWER:
        _say(state.says)


def _actor() -> Any:
    from hotline.organisation.model.actors import Actor, ActorKind, Role

    return Actor(ActorKind.PERSON, "command-line", "command line", frozenset({Role.ADMIN}))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on")] = None,
    worker: Annotated[bool, typer.Option(help="Run the worker in this process too")] = True,
) -> None:
    """Serve the API, with the worker beside it. The database must have the newest schema: `hotline migrate`."""
    from hotline import serving

    settings = _settings(host=host, port=port)
    _check_port(settings)
    _check_schema(settings)
    serving.serve(
        settings, with_worker=worker, ready=lambda: _say(f"listening on http://{settings.host}:{settings.port}")
    )


@app.command()
def run(
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on")] = None,
    seed_name: Annotated[str, typer.Option("--seed", help="Seed of an empty directory")] = "ruiquan",
) -> None:
    """Set up whatever is missing (schema, seed, first login), then serve."""
    from hotline import serving, wiring

    settings = _settings(host=host, port=port)
    _check_port(settings)
    _run(wiring.migrate(settings))
    first = _run(_set_up(settings, seed_name))

    def ready() -> None:
        base = f"http://{settings.host}:{settings.port}"
        print(f"\n  Hotline      {base}\n  Console      {base}/console\n  API docs     {base}/docs", flush=True)
        if first is not None:
            print(f"  First login  {FIRST_LOGIN}\n  Password     {first}     (shown once)", flush=True)
        else:
            print("  Login        as before; forgotten? `hotline user password admin`", flush=True)
        print(f"  Data         {settings.data_dir}\n  Stop with Ctrl-C\n", flush=True)

    serving.serve(settings, with_worker=True, ready=ready)


async def _set_up(settings: Any, seed_name: str) -> str | None:
    from hotline import wiring
    from hotline.organisation.model.actors import Role
    from hotline.organisation.model.grants import Grant
    from hotline.organisation.service.accounts import NewPerson, add_person
    from hotline.organisation.service.seeding import seed as plant
    from hotline.organisation.store import people
    from hotline.shipped import shipped

    async with wiring.open_services(settings) as services:
        now = services.clock()
        directory = await services.directory.now(now)
        if directory.version == 0:
            root = shipped("seeds")
            await plant(services.directory, root / seed_name, root, _actor(), now)
        if await people.anybody(services.db):
            return None
        password = secrets.token_urlsafe(12)
        roles = frozenset({Role.ADMIN, Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
        await add_person(services, NewPerson(FIRST_LOGIN, "First login", password, Grant(roles)), now)
        return password


@app.command()
def setup(seed_name: Annotated[str, typer.Option("--seed", help="Seed of an empty directory")] = "ruiquan") -> None:
    """Set up whatever is missing (schema, seed, first login) and leave. The first login is printed once."""
    from hotline import wiring

    settings = _settings()
    _run(wiring.migrate(settings))
    first = _run(_set_up(settings, seed_name))
    print(f"First login  {FIRST_LOGIN}\nPassword     {first}     (shown once)" if first else "everything was there")


@app.command()
def work() -> None:
    """Run the worker alone."""
    from hotline import wiring

    settings = _settings()
    wiring.set_up_logs(settings.log_level)
    _check_schema(settings)
    _run(wiring.work(settings))


@app.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="A revision, `head` or `base`")] = "head",
    lose_data: Annotated[bool, typer.Option("--lose-data", help="Go down though rows or values are lost")] = False,
) -> None:
    """Bring the database to a revision of the schema: all of it or nothing. A way down on which data would be lost is
    refused, with the counts."""
    from hotline import wiring

    settings = _settings()
    reached = _run(wiring.migrate(settings, revision, lose_data=lose_data))
    _say(f"schema: {reached or 'empty'}")
    if revision == "head":
        _check_schema(settings)


@app.command()
def seed(
    name: Annotated[str, typer.Argument(help="A seed that ships with the project (ruiquan, liucheng), or a folder")],
) -> None:
    """Fill the directory from a folder of CSV and JSON files: kept together if all of it is right, else not at all.
    Items of the same code are replaced, and told; imported notices, own exceptions and overrides of duty stay."""
    version, replaced = _run(_seed(_settings(), name))
    for item in replaced[:20]:
        _say(f"replaced: {item}")
    if len(replaced) > 20:
        _say(f"replaced: … and {len(replaced) - 20} more (GET /v1/directory-log has them all)")
    _say(f"directory: version {version}")


async def _seed(settings: Any, name: str) -> tuple[int, list[str]]:
    from hotline import wiring
    from hotline.organisation.model.directory import NOUNS
    from hotline.organisation.service.seeding import seed as plant
    from hotline.shipped import shipped

    root = shipped("seeds")
    folder = root / name if (root / name).is_dir() and "/" not in name else Path(name)
    async with wiring.open_services(settings) as services:
        before = await services.directory.now(services.clock())
        after = await plant(services.directory, folder, root, _actor(), services.clock())
        pairs = ((noun, code, after.noun(noun).get(code)) for noun in NOUNS for code in before.noun(noun))
        return after.version, [f"{n}/{c}" for n, c, item in pairs if item != before.noun(n)[c]]


@key_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for")],
    role: Annotated[list[str], typer.Option(help="A role; may be given several times")],
    department: Annotated[str | None, typer.Option(help="Department it acts for")] = None,
    area: Annotated[str | None, typer.Option(help="Area its view is limited to")] = None,
) -> None:
    """Create a key and print its secret, alone and once, on standard output."""
    print(_run(_create_key(_settings(), name, role, department, area)))


async def _create_key(settings: Any, name: str, roles: list[str], department: str | None, area: str | None) -> str:
    from hotline import wiring
    from hotline.organisation.model.actors import GRANTED, Role
    from hotline.organisation.model.grants import Grant
    from hotline.organisation.service.accounts import NewKey, add_key

    unknown = [r for r in roles if r not in GRANTED]
    if unknown:
        _stop(f"unknown role: {', '.join(unknown)}; one of {', '.join(sorted(GRANTED))}")
    async with wiring.open_services(settings) as services:
        grant = Grant(frozenset(map(Role, roles)), department, area)
        made = await add_key(services, NewKey(name, grant), "command-line", services.clock())
        return str(made["secret"])


def _password() -> str:
    given = os.environ.get("HOTLINE_PASSWORD")  # a secret on the command line would stand in the process list
    if given:
        return given
    return (
        str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\n")
    )


@user_app.command("add")
def add_user(
    login: str,
    name: Annotated[str, typer.Option(help="Name as others see it")],
    role: Annotated[list[str], typer.Option(help="A role; may be given several times")],
    department: Annotated[str | None, typer.Option()] = None,
    area: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Give a person a log-in. The password is asked for, read from standard input, or taken from HOTLINE_PASSWORD."""
    password = _password()
    if not password:
        _stop("no password given: set HOTLINE_PASSWORD, or write it on standard input")
    _run(_add_user(_settings(), login, name, password, role, department, area))
    _say(f"added: {login}")


async def _add_user(
    settings: Any, login: str, name: str, password: str, roles: list[str], department: str | None, area: str | None
) -> None:
    from hotline import wiring
    from hotline.organisation.model.actors import PEOPLE, Role
    from hotline.organisation.model.grants import Grant
    from hotline.organisation.service.accounts import NewPerson, add_person

    unknown = [r for r in roles if r not in PEOPLE]
    if unknown:
        _stop(f"unknown role: {', '.join(unknown)}; one of {', '.join(sorted(PEOPLE))}")
    async with wiring.open_services(settings) as services:
        grant = Grant(frozenset(map(Role, roles)), department, area)
        await add_person(services, NewPerson(login, name, password, grant), services.clock())


@user_app.command("password")
def new_password(login: str) -> None:
    """Set a new password and end the person's sessions. Read as for `user add`; empty: a random one is printed."""
    made = _run(
        _new_password(
            _settings(), login, "" if sys.stdin.isatty() and not os.environ.get("HOTLINE_PASSWORD") else _password()
        )
    )
    if made:
        print(made)


async def _new_password(settings: Any, login: str, password: str) -> str | None:
    from hotline import wiring
    from hotline.organisation.service.accounts import ActorCache, PersonUpdate, change_person
    from hotline.organisation.store import people

    async with wiring.open_services(settings) as services:
        row = await people.by_login(services.db, login.casefold())
        if row is None:
            _stop("no such login")
        fresh = password or secrets.token_urlsafe(12)
        update = PersonUpdate(row.id, row.version, {"password": fresh})
        await change_person(services, ActorCache(), update, services.clock())
        return None if password else fresh


@outbox_app.command("list")
def list_outbox(
    status: Annotated[str, typer.Option(help="queued, leased, sent, dead, expired or dropped")] = "dead",
    limit: int = 50,
) -> None:
    """Messages in a state, one JSON line each."""
    from hotline.delivery.model import MessageStatus

    if status not in set(MessageStatus):
        _stop("--status is one of " + ", ".join(MessageStatus))
    for row in _run(_list_outbox(_settings(), status, limit)):
        print(
            json.dumps(
                {k: str(v) if v is not None else None for k, v in row._asdict().items() if k != "payload"},
                ensure_ascii=False,
            )
        )


async def _list_outbox(settings: Any, status: str, limit: int) -> Any:
    from hotline import wiring
    from hotline.delivery import store as outbox_store

    async with wiring.open_services(settings) as services:
        return await outbox_store.listed(services.db, status, "", limit)


@outbox_app.command("retry")
def retry_outbox(message: str) -> None:
    """Send a dead or expired message once more."""

    async def retry() -> bool:
        from hotline import wiring
        from hotline.sms.outgoing import send_again

        async with wiring.open_services(_settings()) as services:
            return await services.db.transact(lambda c: send_again(c, message, services.clock()))

    _say("queued again" if _run(retry()) else _stop("no such dead or expired message"))


@outbox_app.command("drop")
def drop_outbox(message: str, reason: Annotated[str, typer.Option(help="Why it is given up; kept with it")]) -> None:
    """Give a waiting or failed message up, with a reason."""

    async def drop() -> bool:
        from hotline import wiring
        from hotline.delivery import store as outbox_store

        async with wiring.open_services(_settings()) as services:
            return await services.db.transact(lambda c: outbox_store.drop(c, message, f"dropped by hand: {reason}"))

    _say("dropped" if _run(drop()) else _stop("no such waiting or failed message"))


def _secrets(given: list[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """NAME=VALUE, NAME=@FILE, NAME=- (a line of standard input) or NAME alone: made here. (all of them, those made)"""
    from hotline.webhooks.service import fresh_secret

    found: dict[str, list[str]] = {}
    made: dict[str, str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            # `secret` signs as Standard Webhooks do; all others are looked at as they are
            value = made[name] = fresh_secret() if name == "secret" else secrets.token_urlsafe(32)
        elif value == "-":
            value = sys.stdin.readline().rstrip("\n")
        elif value.startswith("@"):
            try:
                value = Path(value[1:]).read_text(encoding="utf-8").strip()
            except OSError as fault:
                _stop(f"cannot read the file of {name}: {fault.strerror}")
        if not value:
            _stop(f"the secret {name} is empty")
        found.setdefault(name, []).append(value)
    return found, made


def _values(given: list[str]) -> dict[str, Any]:
    """NAME=VALUE, where VALUE is JSON or else taken as text; an empty one removes it."""
    found: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            _stop(f"settings are NAME=VALUE: {name}")
        try:
            found[name] = None if value == "" else json.loads(value) if value[0] in "[{" else value
        except ValueError:
            _stop(f"the value of {name} is no JSON")
    return found


SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret", help="NAME=VALUE, NAME=@FILE, NAME=- (a line of standard input), or NAME: made and printed"
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="NAME=VALUE; lists and objects as JSON; empty: removed")
]


@gateway_app.command("add")
def add_gateway(
    name: Annotated[str, typer.Argument(help="Its name in URLs: /v1/hooks/sms/NAME")],
    provider: Annotated[str, typer.Option(help="kannel, twilio, vonage, aliyun, … : `hotline gateway providers`")],
    secret: SecretOption = None,
    set_: SetOption = None,
    sends: Annotated[bool, typer.Option(help="Texts of ours may leave by it")] = False,
    weight: Annotated[int, typer.Option(help="Its share of what is sent, 0 to 100")] = 50,
) -> None:
    """Add a gateway and store its secrets, sealed. Prints the address to give to the provider."""
    hidden, made = _secrets(secret or [])
    kind, url = _run(_add_gateway(_settings(), name, provider, _values(set_ or []), hidden, sends, weight))
    for word, value in made.items():
        print(f"{word}: {value}     (shown once)")
    token = "?token=…" if "token" in hidden else ""
    print(f"address: {url}/v1/hooks/{kind}/{name}{token}")
    if not os.environ.get("HOTLINE_PUBLIC_URL"):
        _say("HOTLINE_PUBLIC_URL is not set: providers cannot reach this address, and sign another one")
    if kind == "sms":
        print(f"reports: {url}/v1/hooks/sms/{name}/status{token}")


async def _add_gateway(
    settings: Any, name: str, provider: str, values: Any, hidden: Any, sends: bool, weight: int
) -> tuple[str, str]:
    from hotline import wiring
    from hotline.delivery.gateways import NewGateway, add

    async with wiring.open_services(settings) as services:
        gateway = NewGateway(name, provider, values, hidden, sends=sends, weight=weight)
        await add(services.gateways, gateway, "command-line", services.clock())
        found = (await services.gateways.now(services.clock()))[name]
        return found.kind, settings.public_url.rstrip("/")


@gateway_app.command("providers")
def list_providers() -> None:
    """Which providers there are, and what each needs to be set."""
    from hotline.delivery import registry
    from hotline.delivery.model import GatewayKind
    from hotline.delivery.provider import GatewayProvider
    from hotline.refusals import Refused

    for kind in GatewayKind:
        for name in registry.names(kind):
            try:
                about = registry.provider(kind, name, GatewayProvider).described()
            except Refused as refused:
                about = refused.refusal.detail
            print(f"{name:14} {kind:7} {about}")


@gateway_app.command("list")
def list_gateways() -> None:
    """Every gateway, one JSON line each; of secrets, only how many values of each are alive."""

    async def listed() -> list[dict[str, Any]]:
        from hotline import wiring

        async with wiring.open_services(_settings()) as services:
            found = (await services.gateways.now(services.clock())).values()
            return [
                {
                    "name": g.name, "kind": g.kind, "provider": g.provider, "active": g.active, "sends": g.sends,
                    "weight": g.weight, "resting": g.resting, "settings": dict(g.account.settings),
                    "secrets": {k: len(v) for k, v in g.account.secrets.items()},
                }
                for g in found
            ]  # fmt: skip

    for line in _run(listed()):
        print(json.dumps(line, ensure_ascii=False))


@gateway_app.command("set")
def set_gateway(
    name: str,
    set_: SetOption = None,
    secret: SecretOption = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of a secret that is to be refused from now on")
    ] = None,
    active: Annotated[bool | None, typer.Option(help="Off: nothing comes in or leaves by it")] = None,
    sends: Annotated[bool | None, typer.Option(help="Texts of ours may leave by it")] = None,
    weight: Annotated[int | None, typer.Option(help="Its share of what is sent, 0 to 100")] = None,
) -> None:
    """Change a gateway. A new secret lives beside the old one until that is dropped."""
    hidden, made = _secrets(secret or [])
    gone, _ = _secrets(drop or [])

    async def changed() -> None:
        from hotline import wiring
        from hotline.delivery.gateways import GatewayChange, change

        async with wiring.open_services(_settings()) as services:
            wanted = GatewayChange(_values(set_ or []), hidden, gone, active=active, sends=sends, weight=weight)
            await change(services.gateways, name, wanted, services.clock())

    _run(changed())
    for word, value in made.items():
        print(f"{word}: {value}     (shown once)")
    _say("changed")


@gateway_app.command("remove")
def remove_gateway(name: str) -> None:
    """Remove a gateway and its secrets. What came in by it stays."""

    async def removed() -> None:
        from hotline import wiring
        from hotline.delivery.gateways import remove

        async with wiring.open_services(_settings()) as services:
            await remove(services.gateways, name)

    _run(removed())
    _say("removed")


@gateway_app.command("check-kannel")
def check_kannel(file: Annotated[Path, typer.Argument(help="kannel.conf")]) -> None:
    """Look whether a configuration of Kannel would lose texts, or send residents what they should not get."""
    from hotline.sms.providers.kannel import faults_of_conf

    try:
        faults = faults_of_conf(file.read_text(encoding="utf-8", errors="replace"))
    except OSError as fault:
        _stop(f"cannot read {file}: {fault.strerror}")
    print("\n".join(faults) or "nothing is wrong with it")
    if faults:
        raise typer.Exit(1)


@gateway_app.command("reconcile")
def reconcile_gateway(name: str, hours: Annotated[float, typer.Option(help="How far back to ask")] = 24.0) -> None:
    """Ask a provider for texts we may have missed, and take in those we have not. `hotline gateway providers` says
    which can be asked."""

    async def asked() -> tuple[int, int]:
        from datetime import timedelta

        from hotline import wiring
        from hotline.sms.backfill import backfill

        settings = _settings()
        async with wiring.open_services(settings) as services:
            client = wiring.provider_client()
            try:
                return await backfill(services, name, client, services.clock() - timedelta(hours=hours))
            finally:
                await client.aclose()

    there, new = _run(asked())
    _say(f"{there} texts at the provider, {new} of them were new to us")


@calendar_app.command("import")
def import_calendar(
    file: Annotated[Path, typer.Argument(help="A year's holiday notice in the form of holiday-cn (JSON)")],
    calendar: Annotated[str, typer.Option(help="The calendar it is put into")] = "cn",
    year: Annotated[int | None, typer.Option(help="Refuse a file of another year")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where days that were announced are removed or changed")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, keep nothing")] = False,
) -> None:
    """Put a year's holiday notice into a calendar, or nothing of it. Shows day by day what changes. Where days that
    were announced would be removed or changed it asks at a terminal, and elsewhere needs --replace. Running limits are
    counted anew by the worker."""
    data = _notice_in(file)
    done = _run(_import_calendar(_settings(), data, file.name, calendar, year, replace, dry_run))
    if done is None:
        _say("nothing is changed")
        return
    version, confirmed, days = done
    _say(f"calendar {calendar}: {days} days of the notice, announced to {confirmed}; directory version {version}")
    _say("running limits are counted anew by the worker; each that moves says so in its ticket's timeline")


def _notice_in(file: Path) -> Any:
    """The JSON of a notice's file. Stops, naming the file, where it is none."""
    from hotline.text.strict_json import read_json

    try:
        if file.stat().st_size > 1_000_000:
            _stop(f"cannot read {file.name}: larger than a megabyte, so it is no year's notice")
        return read_json(file.read_bytes())
    except OSError as fault:
        _stop(f"cannot read {file.name}: {fault.strerror}")
    except ValueError as fault:
        _stop(f"cannot read {file.name}: {fault}")


async def _import_calendar(
    settings: Any, data: Any, name: str, calendar: str, year: int | None, replaces: bool, dry_run: bool
) -> tuple[int, str, int] | None:
    """(directory version, announced to, days of the notice), or None where nothing is changed. Prints every day that
    moves, and what to look at again, the same in a dry run."""
    from hotline import wiring
    from hotline.organisation.model.holidays import announced, difference, doubt_about, read_announcement
    from hotline.organisation.service.directory import change

    async with wiring.open_services(settings) as services:
        now = services.clock()
        directory = await services.directory.now(now)
        notice = read_announcement(data, name, year)
        before = directory.calendars.get(calendar)
        if before is None:
            _stop(f"no calendar {calendar}; there are: {', '.join(directory.calendars) or 'none'}")
        after, doubt = announced(before, notice), doubt_about(before, notice)
        found = difference(before, after, notice)
        words = {True: "worked", False: "off", None: "an ordinary day"}
        for sign, moved in (("-", found.removed), ("~", found.changed), ("+", found.added)):
            for day, was, is_now in moved:
                print(
                    f"{sign} {day}  {words[was]} -> {words[is_now]}  {after.names.get(day, before.names.get(day, ''))}"
                )
        for day in found.kept:
            print(f"= {day}  stays as the notice of {notice.year + 1} has it")
        if doubt:
            _say(f"look again: {doubt}")
        if after == before:
            _say(f"calendar {calendar} already says what the notice says; directory version {directory.version}")
            return None
        ask = f"{len(found.removed)} announced days would be removed and {len(found.changed)} changed"
        if dry_run:
            if found.replaces:
                _say(f"look again: {ask}; this needs --replace")
            return None
        if found.replaces and not replaces:
            if not sys.stdin.isatty():
                _stop(f"{ask}: nothing is changed; if that is right, run it again with --replace", 2)
            if not typer.confirm(f"{ask}. Replace them?", err=True):
                return None
        kept = await change(
            services.directory, [("calendars", calendar, after)], _actor(), now, version=directory.version
        )
        return kept.version, after.confirmed_to, len(notice.days)


@app.command()
def doctor(
    form: Annotated[str, typer.Option("--format", help="text or json")] = "text",
    heartbeat: Annotated[bool, typer.Option(help="Ask HOTLINE_HEARTBEAT_URL, if nothing is wrong")] = True,
) -> None:
    """Look whether the house is well: missed clocks, stuck ladders, old messages, gaps in calendars and rosters, clock
    skew, settings that lose data. Changes nothing. Leaves with 1 where something is wrong."""
    settings = _settings()
    found, beaten = _run(_doctor(settings, heartbeat))
    wrong = [f for f in found if f["wrong"]]
    if form == "json":
        print(json.dumps({"well": not wrong, "heartbeat": beaten, "findings": found}, ensure_ascii=False, indent=1))
    elif form == "text":
        for f in found:
            print(f"{'WRONG' if f['wrong'] else 'soon ' if f['warns'] else 'well '}  {f['check']:11} {f['says']}")
            if f["wrong"] or f["warns"]:
                print(f"{'':19}{f['says_zh']}")
        print(f"heartbeat: {beaten}")
    else:
        _stop("format is one of text, json", 2)
    raise typer.Exit(1 if wrong else 0)


async def _doctor(settings: Any, heartbeat: bool) -> tuple[list[dict[str, Any]], str]:
    from dataclasses import asdict

    from hotline import wiring
    from hotline.database.migrations import SchemaFit
    from hotline.delivery.notices import GatewayDown
    from hotline.operations.doctor import examine, finding

    wiring.refuse_missing(settings)
    state = await wiring.schema_state(settings)
    if not state.runs:
        key = "doctor.schema.too_new" if state.fit is SchemaFit.TOO_NEW else "doctor.schema.behind"
        revision = state.revision or "-"
        behind = finding("schema", key, wrong=True, revision=revision, newest=state.newest)
        return [asdict(behind)], "not sent: something is wrong"
    async with wiring.open_services(settings, as_found=True) as services:
        found = await examine(services, services.clock())
    outside = wiring.heartbeat_of(settings)
    if outside is None or not heartbeat:
        return [asdict(f) for f in found], "no address set" if outside is None else "not asked for"
    try:
        if any(f.wrong for f in found):
            return [asdict(f) for f in found], "not sent: something is wrong"
        await outside.beat()
        return [asdict(f) for f in found], "sent"
    except GatewayDown as down:
        failed = finding("heartbeat", "doctor.heartbeat.failed", wrong=True, why=down)
        return [asdict(f) for f in (*found, failed)], "not taken"
    finally:
        await outside.close()


@app.command()
def lifecycle(
    form: Annotated[str, typer.Option("--format", help="table, mermaid, markdown or json")] = "table",
) -> None:
    """Print the two machines: as a table, as Mermaid, as the guide's Markdown or as data."""
    from hotline.tickets import diagram
    from hotline.tickets.lifecycle import ASSIGNMENT, TICKET
    from hotline.tickets.schemas.actions import action_schemas

    machines = (("ticket", TICKET, "received"), ("assignment", ASSIGNMENT, "issued"))
    if form == "json":
        print(json.dumps(asdict(diagram.as_data(action_schemas())), ensure_ascii=False, indent=1))
    elif form == "mermaid":
        print("\n\n".join(diagram.mermaid(moves, first) for _, moves, first in machines))
    elif form == "markdown":
        print(guide())
    elif form == "table":
        for name, moves, _ in machines:
            print(
                f"{name}\n"
                + "\n".join(
                    f"  {at:17}{action:19}{to:17}{by:42}{needs}" for at, action, to, by, needs in diagram.table(moves)
                )
            )
    else:
        _stop("format is one of table, mermaid, markdown, json", 2)


def guide() -> str:
    """docs/lifecycle.md, whole."""
    from hotline.tickets import diagram
    from hotline.tickets.lifecycle import ASSIGNMENT, GUARDS, TICKET

    guards = "\n".join(f"| {guard} | {sentence} |" for guard, (_, sentence) in GUARDS.items())
    return f"""# The life cycle

Generated from `src/hotline/tickets/lifecycle.py` by `make docs`; do not edit. Moves that keep the state are in the
tables only.

## Ticket

```mermaid
{diagram.mermaid(TICKET, "received")}
```

{diagram.markdown(TICKET)}

## Assignment

```mermaid
{diagram.mermaid(ASSIGNMENT, "issued")}
```

{diagram.markdown(ASSIGNMENT)}

## Guards

A refused caller reads the sentence of the guard that stopped it.

| guard | refused because |
|---|---|
{guards}
"""


@figures_app.command("check")
def figures_check() -> None:
    """Count everything anew beside the traffic and compare it with the rollups. Leaves with 3 where they differ."""
    from hotline.runtime.subprocess import DRIFT

    found = _run(_figures(_settings(), rebuild=False))
    for (dimension, day, code), (kept, true) in sorted(found.items()):
        print(f"{dimension} {day or 'now'} {code}: kept {kept}, true {true}")
    print(f"{len(found)} rollups differ")
    raise typer.Exit(DRIFT if found else 0)


@figures_app.command("rebuild")
def figures_rebuild(
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Only where nothing stands yet and nobody is at it")
    ] = False,
) -> None:
    """Make the rollups anew from the tickets, beside the traffic: after the organisation's zone changed, or after a
    check that found differences."""
    if if_needed:
        _run(_rebuild_figures(_settings()))
        return
    found = _run(_figures(_settings(), rebuild=True))
    if found is None:
        _stop("another process took it over; the figures are as that one makes them")
    print(f"made anew; {len(found)} rollups differ")


async def _rebuild_figures(settings: Any) -> None:
    from hotline import wiring
    from hotline.reporting.service import figures

    os.nice(10)  # whoever rings goes first
    async with wiring.open_services(settings) as services:
        if await figures.must_be_rebuilt(services):
            await figures.rebuild(services, services.clock())


async def _figures(settings: Any, rebuild: bool) -> Any:
    from hotline import wiring
    from hotline.reporting.service import figures

    os.nice(10)
    async with wiring.open_services(settings) as services:
        if rebuild and not await figures.rebuild(services, services.clock(), anew=True):
            return None
        return await figures.drift(services, services.clock())


@app.command()
def openapi() -> None:
    """Print the OpenAPI document we promise."""
    from hotline import serving
    from hotline.openapi import published

    print(
        json.dumps(
            published(serving.app_of(_settings(), with_worker=False)), ensure_ascii=False, indent=1, sort_keys=True
        )
    )


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV or JSON file: JSON lines, or an array of objects")],
    mapping: Annotated[
        str, typer.Option(help="A mapping that ships with the project (nyc311), or a folder with a mapping.json")
    ],
    dry_run: Annotated[bool, typer.Option(help="Read and check everything, keep nothing")] = False,
    refused: Annotated[
        Path | None, typer.Option(help="Where to write places and reasons of the refused rows, one a line")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="A new file for the refused rows themselves, to be repaired and imported")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="What the file is written in, as gb18030; absent: its mark, else UTF-8")
    ] = None,
    notify: Annotated[bool, typer.Option("--notify", help="Tell departments of the open orders they get")] = False,
) -> None:
    """Take in another system's tickets. docs/importing.md describes mapping.json, with an example.

    What mapping and heading can tell is checked before the first row: leaves with 2, and nothing is taken in. Rows that
    cannot be taken are refused by line, column and rule, the others go on: leaves with 1. Can be stopped and run again:
    it goes on where it was."""
    from hotline.importing.service.report import ImportReport

    if not file.is_file():
        _stop(f"no file at {file}", 2)
    for written in (refused, rejected):
        if written is not None and (written.is_dir() or not written.parent.is_dir()):
            _stop(f"{written} cannot be written: nothing was taken in", 2)
        if written is not None and written.exists() and written.samefile(file):
            _stop(f"{written} is the file to be imported: nothing was taken in", 2)
    report = ImportReport()
    wanted = _ImportRequest(file, mapping, encoding, dry_run, notify, refused, rejected)
    directory = _run(_checked_import(_settings(), wanted), code=2)
    try:
        _run(_import(_settings(), wanted, directory, report))
    except (typer.Exit, KeyboardInterrupt):
        _say(f"stopped; taken in before that: {report.taken}. Run it again: it goes on where it was")
        raise
    _tell_import(report, wanted)
    raise typer.Exit(1 if report.refused_count else 0)


@dataclass(frozen=True)
class _ImportRequest:
    """What `hotline import` was asked."""

    file: Path
    mapping: str
    encoding: str | None
    dry_run: bool
    notify: bool
    refused: Path | None
    rejected: Path | None

    @property
    def folder(self) -> Path:
        """Where the mapping stands, and what it speaks of: its departments, areas and categories."""
        from hotline.shipped import shipped

        root = shipped("seeds")
        return root / self.mapping if (root / self.mapping).is_dir() and "/" not in self.mapping else Path(self.mapping)


def _tell_import(report: Any, wanted: _ImportRequest) -> None:
    print(
        f"{'would take in' if wanted.dry_run else 'taken in'}: {report.taken}; known from before: {report.known}; "
        f"refused: {report.refused_count}"
    )
    for status, n in sorted(report.by_status.items()):
        print(f"  {status}: {n}")
    for what, n in sorted(report.odd.items()):
        print(f"  odd, kept: {n} x {what}")
    for rule, n in sorted(report.by_rule.items(), key=lambda pair: (-pair[1], pair[0]))[:50]:
        print(f"  refused: {n} x {rule}")
    for place, why in report.refused[:20]:
        print(f"  refused: {place}: {why}")
    if report.refused_count > 20:
        print(f"  … and {report.refused_count - 20} more" + ("" if wanted.refused else " (--refused FILE lists all)"))
    if any("not utf-8" in rule for rule in report.by_rule) and wanted.encoding is None:
        _say("some rows are not UTF-8: if the file comes from a Chinese Windows program, try --encoding gb18030")


async def _checked_import(settings: Any, wanted: _ImportRequest) -> Any:
    """The directory the rows are read by, with what the mapping brings; on paper only in a dry run. Raises Refused
    where the import cannot begin; the directory is then as it was."""
    from hotline import wiring
    from hotline.importing.mapping import as_far_as_read
    from hotline.importing.service.importer import checked_source
    from hotline.organisation.service.seeding import complete
    from hotline.shipped import shipped

    mapping, root = as_far_as_read(wanted.folder), shipped("seeds")
    async with wiring.open_services(settings) as services:
        now = services.clock()
        parts = (services.directory, wanted.folder, root, _actor(), now)
        on_paper = await complete(*parts, keep=False)
        checked_source(wanted.file, mapping, on_paper, wanted.encoding)
        if wanted.rejected is not None and wanted.rejected.exists():
            _stop(f"{wanted.rejected} is there already; nothing was taken in", 2)
        return on_paper if wanted.dry_run else await complete(*parts, keep=True)


async def _import(settings: Any, wanted: _ImportRequest, directory: Any, report: Any) -> None:
    from contextlib import ExitStack

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from hotline import wiring
    from hotline.importing.mapping import read_mapping
    from hotline.importing.service.importer import ImportJob, import_file

    with ExitStack() as opened:
        listed = opened.enter_context(wanted.refused.open("w", encoding="utf-8")) if wanted.refused else None
        async with wiring.open_services(settings) as services:
            with Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
                task = bar.add_task("", total=wanted.file.stat().st_size)
                job = ImportJob(
                    wanted.file,
                    read_mapping(wanted.folder),
                    directory,
                    encoding=wanted.encoding,
                    dry_run=wanted.dry_run,
                    notify=wanted.notify,
                    rejected=wanted.rejected,
                )
                await import_file(
                    services,
                    job,
                    services.clock(),
                    report,
                    progress=lambda n: bar.update(task, completed=n),
                    on_refused=(lambda place, why: print(f"{place}\t{why}", file=listed)) if listed else None,
                )


@app.command()
def demo(
    url: Annotated[str, typer.Option(help="The running server")] = "http://127.0.0.1:8000",
    key: Annotated[
        str | None,
        typer.Option(envvar="HOTLINE_DEMO_KEY", help="An admin key; absent: one is made in the local database"),
    ] = None,
) -> None:
    """Play a written day of calls over HTTP against a running server."""
    import httpx

    from hotline.demo import DemoFailed, play
    from hotline.shipped import shipped

    made = key is None
    if made and _run(_sends(_settings())):
        _stop(
            "a gateway sends texts, and the numbers of the demo may be somebody's: hotline gateway set NAME --no-sends"
        )
    secret = key or _run(_create_key(_settings(), "demo", ["admin"], None, None))
    try:
        done = play(url, secret, shipped("seeds") / "demo" / "day.csv", print)
    except DemoFailed as failed:
        _stop(f"the demo met an error: {failed}")
    except httpx.TransportError as cut:
        _stop(f"no server at {url}: {type(cut).__name__}; start one with `make run`")
    finally:
        if made:
            _run(_revoke(_settings(), secret.split("_")[1]))
    print("\n" + ", ".join(f"{story}: {n}" for story, n in sorted(done.items())))
    print(f"{sum(n for story, n in done.items() if story != 'still open')} calls played, no error")


async def _sends(settings: Any) -> bool:
    from hotline import wiring

    async with wiring.open_services(settings) as services:
        return bool(await services.gateways.senders(services.clock()))


async def _revoke(settings: Any, key_id: str) -> None:
    from hotline import wiring
    from hotline.organisation.service.accounts import ActorCache, revoke_key

    async with wiring.open_services(settings) as services:
        await revoke_key(services, ActorCache(), key_id, services.clock())


@app.command()
def settings() -> None:
    """List every setting with its meaning."""
    from hotline.settings import Settings

    for name, field in Settings.model_fields.items():
        print(f"HOTLINE_{name.upper():24} {field.description} (default: {field.default})")


if __name__ == "__main__":
    app()
