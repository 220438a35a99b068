"""Commands that set up the database and run processes: serve, run, setup, work, migrate."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.context import check_schema, read_settings
from hotline.command_line import run, say, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotline.organisation.service.first_people import FirstPerson
    from hotline.settings import Settings

commands = typer.Typer()
Host = Annotated[str | None, typer.Option(help="Address to listen on")]
Port = Annotated[int | None, typer.Option(help="Port to listen on")]
TlsCert = Annotated[Path | None, typer.Option("--tls-cert", help="Certificate and chain (PEM): serve https")]
TlsKey = Annotated[Path | None, typer.Option("--tls-key", help="Its key (PEM)")]
HttpPort = Annotated[int | None, typer.Option("--http-port", help="Port that sends pages asked for by http to https")]
Seed = Annotated[str, typer.Option("--seed", help="Seed to load if the directory is empty")]


@commands.command()
def serve(
    host: Host = None,
    port: Port = None,
    worker: Annotated[bool, typer.Option(help="Run the worker in this process too")] = True,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    http_port: HttpPort = None,
) -> None:
    """Serve the API and run the worker.

    The schema must be up to date: `hotline migrate`."""
    from hotline import serving

    settings = read_settings(host=host, port=port, tls_cert=tls_cert, tls_key=tls_key, http_port=http_port)
    _check_port(settings)
    check_schema(settings)
    serving.serve(settings, with_worker=worker, ready=lambda: say(f"listening on {_address(settings)}"))


@commands.command("run")
def set_up_and_serve(host: Host = None, port: Port = None, seed_name: Seed = "ruiquan") -> None:
    """Set up whatever is missing (schema, seed, first people), then serve."""
    from hotline import serving, wiring

    settings = read_settings(host=host, port=port)
    _check_port(settings)
    run(wiring.migrate(settings))
    first = run(_set_up(settings, seed_name))

    def ready() -> None:
        base = _address(settings)
        print(f"\n  Hotline      {base}\n  Console      {base}/console\n  API docs     {base}/docs", flush=True)
        for line in _first_people(first) or ["Login        as before; forgotten? `hotline user reset admin`"]:
            print(f"  {line}", flush=True)
        print(f"  Data         {settings.data_dir}\n  Stop with Ctrl-C\n", flush=True)

    serving.serve(settings, with_worker=True, ready=ready)


@commands.command()
def setup(seed_name: Seed = "ruiquan") -> None:
    """Set up whatever is missing (schema, seed, first people), then exit.

    On a terminal the passwords of the first people are printed, once."""
    from hotline import wiring

    settings = read_settings()
    run(wiring.migrate(settings))
    first = run(_set_up(settings, seed_name))
    print("\n".join(_first_people(first)) or "nothing was missing")


def _first_people(added: "Sequence[FirstPerson]") -> list[str]:
    """The people who were added, one in a line, with their passwords if a person reads this: what a service manager
    or a container collects is kept, and read by others."""
    if not added:
        return []
    if not sys.stdout.isatty():
        logins = " ".join(person.login for person in added)
        return [f"People       {logins}", f"Passwords    printed on a terminal alone: hotline user reset {logins}"]
    lines = ["Log-in       Password          Role         (shown once; each is replaced at the first log-in)"]
    for person in added:
        role = f"{person.role} of {person.department}" if person.department is not None else person.role
        lines.append(f"{person.login:<11}  {person.password:<16}  {role}")
    return [*lines, "More people: /console/admin, or `hotline user add`"]


@commands.command()
def work() -> None:
    """Run the worker alone."""
    from hotline import wiring

    settings = read_settings()
    wiring.configure_logging(settings.log_level)
    check_schema(settings)
    run(wiring.run_worker(settings))


@commands.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="A revision, `head` or `base`")] = "head",
    lose_data: Annotated[bool, typer.Option("--lose-data", help="Downgrade even if rows or values are lost")] = False,
) -> None:
    """Migrate the database to a revision.

    It is one transaction. A downgrade that would lose data is refused, with the counts."""
    from hotline import wiring

    settings = read_settings()
    reached = run(wiring.migrate(settings, revision, lose_data=lose_data))
    say(f"schema: {reached or 'empty'}")
    if revision == "head":
        check_schema(settings)


def _address(settings: "Settings") -> str:
    return f"{'http' if settings.tls_cert is None else 'https'}://{settings.host}:{settings.port}"


def _check_port(settings: "Settings") -> None:
    """Stop before anything is set up where the port is taken, or the certificate cannot be used."""
    from hotline.web.tls import ServerCertificate

    if settings.tls_cert is not None and settings.tls_key is not None:
        try:
            ServerCertificate(settings.tls_cert, settings.tls_key)
        except OSError as fault:
            stop(f"cannot use {settings.tls_cert} with {settings.tls_key}: {fault.strerror or fault}")
    import socket

    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            stop(f"cannot listen on {settings.host}:{settings.port}: {fault.strerror}; try --port or HOTLINE_PORT")


async def _set_up(settings: "Settings", seed_name: str) -> "list[FirstPerson]":
    """Seed an empty directory and add the first people; none where there are people."""
    from hotline import wiring
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.organisation.service.first_people import add_first_people
    from hotline.organisation.service.outlines import seed_outlines
    from hotline.organisation.service.seeding import seed_directory
    from hotline.organisation.store import people
    from hotline.packaged_files import packaged_folder

    async with wiring.open_services(settings) as services:
        now = services.clock()
        directory = await services.directory.now(now)
        if directory.version == 0:
            root = packaged_folder("seeds")
            await seed_directory(services.directory, root / seed_name, root, COMMAND_LINE, now)
            await seed_outlines(services, root / seed_name, now)
        if await people.has_people(services.db):
            return []
        return await add_first_people(services, now)
