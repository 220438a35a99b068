"""Commands about keys and people: key create, user add, user password, user reset, user open."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, read_password, say, stop

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hotline.database.prepared import Row
    from hotline.organisation.context import OrganisationServices
    from hotline.organisation.model.actors import Role

keys = typer.Typer(name="key", help="Keys of machines.")
users = typer.Typer(name="user", help="People who log in.")
Roles = Annotated[list[str], typer.Option(help="A role; may be given several times")]
DepartmentCode = Annotated[str | None, typer.Option(help="Department the role is held in")]
AreaCode = Annotated[str | None, typer.Option(help="Area the view is limited to")]


@keys.command("create")
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for")],
    role: Roles,
    department: DepartmentCode = None,
    area: AreaCode = None,
    expires: Annotated[
        str | None, typer.Option(help="A date, as 2027-06-30, or `never`; absent: a year from now, or as set")
    ] = None,
) -> None:
    """Create a key and print its secret, once and alone, on standard output."""
    from hotline.organisation.model.actors import GRANTABLE_ROLES
    from hotline.organisation.model.grants import Grant
    from hotline.organisation.service.accounts import NewKey, add_key

    line: CommandLine = context.obj
    grant = Grant(_roles(role, GRANTABLE_ROLES), department, area)

    async def create(services: "OrganisationServices") -> str:
        end = _key_end(expires, services.clock() + services.account_rules.key_lifetime)
        made = await add_key(services, NewKey(name, grant, end), "command-line", services.clock())
        return str(made["secret"])

    print(line.with_services(create))


@keys.command("rotate")
def rotate(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="The key's id: what stands between the underscores")],
    overlap_hours: Annotated[int, typer.Option(min=0, max=720, help="How long the old one stays valid")] = 24,
) -> None:
    """Replace a key and print the secret of the new one, once and alone, on standard output."""
    from hotline.organisation.service.key_rotation import KeyRotation, rotate_key

    line: CommandLine = context.obj

    async def replace(services: "OrganisationServices") -> str:
        rotation = KeyRotation(key, timedelta(hours=overlap_hours))
        made = await rotate_key(services, rotation, "command-line", services.clock())
        return str(made["secret"])

    print(line.with_services(replace))


def _key_end(given: str | None, default: datetime) -> datetime | None:
    """The moment a key ends, by what was given; None: never. Stops where that is neither a date nor `never`."""
    if given is None:
        return default
    if given == "never":
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=UTC)
    except ValueError:
        stop("--expires is a date, as 2027-06-30, or never")


@users.command("add")
def add_user(
    context: typer.Context,
    login: str,
    name: Annotated[str, typer.Option(help="Name as others see it")],
    role: Roles,
    department: DepartmentCode = None,
    area: AreaCode = None,
) -> None:
    """Add a person. They replace the password at their first log-in.

    The password comes from HOTLINE_PASSWORD, a prompt, or standard input."""
    from hotline.organisation.model.actors import PERSON_ROLES
    from hotline.organisation.model.grants import Grant
    from hotline.organisation.service.accounts import NewPerson, add_person

    line: CommandLine = context.obj
    password = read_password()
    if not password:
        stop("no password given: set HOTLINE_PASSWORD, or write it on standard input")
    grant = Grant(_roles(role, PERSON_ROLES), department, area)

    async def add(services: "OrganisationServices") -> None:
        await add_person(services, NewPerson(login, name, password, grant, is_first=True), services.clock())

    line.with_services(add)
    say(f"added: {login}")


@users.command("password")
def set_password(context: typer.Context, login: str) -> None:
    """Set a new password and end the person's sessions.

    The password comes from HOTLINE_PASSWORD or standard input; if empty, a random one is set and printed."""
    line: CommandLine = context.obj
    given = read_password(ask=False)
    password = line.with_services(lambda services: _set_password(services, login, given))
    if not given:
        print(password)


@users.command("reset")
def reset_passwords(context: typer.Context, logins: Annotated[list[str], typer.Argument(metavar="LOGIN…")]) -> None:
    """Give each of these people a random password for one log-in, and end their sessions.

    Each is printed once: log-in and password."""
    line: CommandLine = context.obj

    async def reset(services: "OrganisationServices") -> None:
        for login in dict.fromkeys(logins):
            print(f"{login}\t{await _set_password(services, login, '')}", flush=True)

    line.with_services(reset)


async def _set_password(services: "OrganisationServices", login: str, given: str) -> str:
    """The password that was set; a random one where none is given. Stops where there is no open account."""
    from hotline.organisation.service.accounts import ActorCache
    from hotline.organisation.service.person_changes import PersonUpdate, change_person
    from hotline.organisation.store import people

    row = await people.load_person_by_login(services.db, login.casefold())
    if row is None:
        stop(f"no such login: {login}")
    if not row.active:
        stop(f"the account is closed, a password does not open it; open it first: hotline user open {row.login}")
    password = given or secrets.token_urlsafe(12)
    update = PersonUpdate(row.id, row.version, {"password": password})
    await change_person(services, ActorCache(), update, services.clock())
    return password


@users.command("list")
def list_users(context: typer.Context) -> None:
    """List people: login, the account (open, first: with a password that somebody else set, closed), roles,
    department, area, name."""
    from hotline.organisation.store import people

    line: CommandLine = context.obj

    async def load(services: "OrganisationServices") -> "list[Row]":
        found: list[Row] = []
        while page := await people.load_people(services.db, found[-1].login if found else "", 500):
            found += page
        return found

    for row in line.with_services(load):
        limits = f"{row.department or '-'}\t{row.area or '-'}"
        account = "closed" if not row.active else "open" if row.first_password_until is None else "first"
        print(f"{row.login}\t{account}\t{','.join(row.roles)}\t{limits}\t{row.name}")


@users.command("close")
def close_account(context: typer.Context, login: str) -> None:
    """Close an account: its sessions end, and its history keeps the name."""
    from hotline.organisation.service.accounts import ActorCache
    from hotline.organisation.service.person_changes import PersonUpdate, change_person
    from hotline.organisation.store import people

    line: CommandLine = context.obj

    async def change(services: "OrganisationServices") -> None:
        row = await people.load_person_by_login(services.db, login.casefold())
        if row is None:
            stop("no such login")
        if row.active:
            update = PersonUpdate(row.id, row.version, {"active": False})
            await change_person(services, ActorCache(), update, services.clock())

    line.with_services(change)
    say(f"closed: {login}")


@users.command("open")
def open_account(context: typer.Context, login: str) -> None:
    """Open an account that was closed: its roles and password are as before.

    It works without anybody's log-in, as where no administrator is left."""
    from hotline.organisation.service.accounts import ActorCache
    from hotline.organisation.service.person_changes import PersonUpdate, change_person
    from hotline.organisation.store import people

    line: CommandLine = context.obj

    async def change(services: "OrganisationServices") -> bool:
        row = await people.load_person_by_login(services.db, login.casefold())
        if row is None:
            stop("no such login")
        if not row.active:
            update = PersonUpdate(row.id, row.version, {"active": True})
            await change_person(services, ActorCache(), update, services.clock())
        return not row.active

    say(f"opened: {login}" if line.with_services(change) else f"open already: {login}")


def _roles(given: "Sequence[str]", known: "Collection[Role]") -> "frozenset[Role]":
    """The roles of these names. Stops where one is unknown."""
    from hotline.organisation.model.actors import Role

    unknown = [r for r in given if r not in known]
    if unknown:
        stop(f"unknown role: {', '.join(unknown)}; one of {', '.join(sorted(known))}")
    return frozenset(map(Role, given))
