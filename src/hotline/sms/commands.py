"""Commands about texts: outbox retry, gateway check-kannel, gateway reconcile."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.tickets.context import Services

outbox = typer.Typer(name="outbox")
gateway = typer.Typer(name="gateway")
GROUPS = (outbox, gateway)


@outbox.command("retry")
def retry_message(context: typer.Context, message: str) -> None:
    """Send a dead, expired or dropped message again."""
    from hotline.sms.send_plan import resend

    async def retry(services: "Services") -> bool:
        return await services.db.transact(lambda c: resend(c, message, services.clock()))

    line: CommandLine = context.obj
    say("queued again" if line.with_services(retry) else stop("no such dead, expired or dropped message"))


@gateway.command("check-kannel")
def check_kannel(file: Annotated[Path, typer.Argument(help="kannel.conf")]) -> None:
    """Check a Kannel configuration; exits 1 if a setting loses texts or sends residents wrong ones."""
    from hotline.sms.providers.kannel import conf_errors

    try:
        faults = conf_errors(file.read_text(encoding="utf-8", errors="replace"))
    except OSError as fault:
        stop(f"cannot read {file}: {fault.strerror}")
    print("\n".join(faults) or "no problems found")
    if faults:
        raise typer.Exit(1)


@gateway.command("reconcile")
def reconcile_gateway(
    context: typer.Context, name: str, hours: Annotated[float, typer.Option(help="How many hours back to ask")] = 24.0
) -> None:
    """Ask a provider for texts that were missed, and take in those that are new.

    `hotline gateway providers` says which providers can list texts."""
    from hotline.delivery.egress import EgressTransport, http_client
    from hotline.sms.backfill import backfill

    async def reconcile(services: "Services") -> tuple[int, int]:
        async with http_client(EgressTransport(skip_address_check=True)) as client:
            return await backfill(services, name, client, services.clock() - timedelta(hours=hours))

    line: CommandLine = context.obj
    there, new = line.with_services(reconcile)
    say(f"{there} texts at the provider, {new} of them new")
