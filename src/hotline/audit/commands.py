"""The commands of audit: audit verify, audit checkpoint."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.audit.verification import ChainFault, Verified
    from hotline.tickets.context import Services

audit = typer.Typer(name="audit", help="The proof that history was not changed.")
GROUPS = (audit,)


@audit.command()
def verify(
    context: typer.Context,
    since: Annotated[datetime | None, typer.Option(help="Only what has happened from then on (UTC)")] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Checkpoints that were kept elsewhere, one JSON object a line", dir_okay=False)
    ] = None,
) -> None:
    """Verify timelines, tickets, security log and checkpoints.

    Exits 1 and names the first row that is wrong."""
    from datetime import UTC

    from hotline.audit.verification import ChainFault, verify

    outside = []
    if checkpoints is not None:
        try:
            outside = [json.loads(line) for line in checkpoints.read_text().splitlines() if line.strip()]
        except (OSError, ValueError):
            stop(f"cannot read {checkpoints}: one JSON object a line", 2)
    moment = None if since is None else since.replace(tzinfo=UTC) if since.tzinfo is None else since

    async def work(services: "Services") -> "ChainFault | Verified":
        return await services.db.snapshot(lambda c: verify(c, services.secret, services.clock(), moment, outside))

    line: CommandLine = context.obj
    found = line.with_services(work)
    if isinstance(found, ChainFault):
        stop(f"wrong: {found.row}: {found.why}")
    say(
        f"well: {found.tickets} tickets with {found.lines} lines, {found.events} security events, "
        f"{found.checkpoints} checkpoints, {found.redactions} redactions"
    )
    if found.waiting:
        say(f"{found.waiting} lines have no hash yet: the worker chains them")


@audit.command()
def checkpoint(context: typer.Context) -> None:
    """Make a checkpoint now and print it, as JSON, on standard output. Keep it on another machine."""
    from hotline.audit.checkpoints import checkpoint_line, make_checkpoint

    async def work(services: "Services") -> bytes:
        now = services.clock()
        made = await services.db.transact(lambda c: make_checkpoint(c, services.secret, now, timedelta(0)))
        return checkpoint_line(made)

    line: CommandLine = context.obj
    print(line.with_services(work).decode())
