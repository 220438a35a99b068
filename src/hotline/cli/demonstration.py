"""The command that plays the demonstration: demo."""

from pathlib import Path
from typing import Annotated

import typer

from hotline.command_line import CommandLine, say, stop

commands = typer.Typer()


@commands.command()
def demo(
    context: typer.Context,
    url: Annotated[str, typer.Option(help="The running server")] = "http://127.0.0.1:8000",
    key: Annotated[
        str | None,
        typer.Option(envvar="HOTLINE_DEMO_KEY", help="An admin key; absent: one is made in the local database"),
    ] = None,
) -> None:
    """Play a day of calls over HTTP against a running server.

    In the local database the days before it are added first, so that its figures have something to stand beside."""
    import httpx

    from hotline.demo import DemoFailed, run_demo
    from hotline.packaged_files import packaged_folder

    line: CommandLine = context.obj
    secret = key or _temporary_key(line)
    day = packaged_folder("seeds") / "demo" / "day.csv"
    try:
        httpx.get(url, timeout=30)  # nothing is added where no server runs
        if key is None:
            _add_earlier_days(line, day)
        done = run_demo(url, secret, day, print)
    except DemoFailed as failed:
        stop(f"the demo failed: {failed}")
    except httpx.TransportError as cut:
        stop(f"no server at {url}: {type(cut).__name__}; start one with `make run`")
    finally:
        if key is None:
            _revoke(line, secret.split("_")[1])
    print("\n" + ", ".join(f"{story}: {n}" for story, n in sorted(done.items())))
    print(f"{sum(n for story, n in done.items() if story != 'still open')} calls played, no error")


def _temporary_key(line: CommandLine) -> str:
    """The secret of an admin key in the local database. Refused where texts would be sent: the numbers of the
    demonstration may be somebody's."""
    from hotline.organisation.model.actors import Role
    from hotline.organisation.model.grants import Grant
    from hotline.organisation.service.accounts import NewKey, add_key
    from hotline.tickets.context import Services

    async def sends(services: Services) -> bool:
        return bool(await services.gateways.sms_senders(services.clock()))

    async def make(services: Services) -> str:
        key = NewKey("demo", Grant(frozenset({Role.ADMIN})))
        made = await add_key(services, key, "command-line", services.clock())
        return str(made["secret"])

    if line.with_services(sends):
        stop("a gateway sends texts, and the demo's numbers may belong to people: hotline gateway set NAME --no-sends")
    return line.with_services(make)


def _add_earlier_days(line: CommandLine, day: Path) -> None:
    from hotline.demo_history import add_earlier_days
    from hotline.tickets.context import Services

    async def add(services: Services) -> str:
        report = await add_earlier_days(services, day, services.clock())
        return f"closed matters of earlier days: {report.taken} added, {report.refused_count} refused"

    say(line.with_services(add))


def _revoke(line: CommandLine, key_id: str) -> None:
    from hotline.organisation.service.accounts import ActorCache, revoke_key
    from hotline.tickets.context import Services

    async def revoke(services: Services) -> None:
        await revoke_key(services, ActorCache(), key_id, services.clock())

    line.with_services(revoke)
