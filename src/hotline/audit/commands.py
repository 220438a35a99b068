"""The commands of audit: audit verify, audit checkpoint."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

    Exits 1 and names the first row that is wrong. That the whole was verified is noted in the security log."""
    from datetime import UTC

    from hotline.audit.shipping import LogDestinations
    from hotline.audit.verification import ChainFault, verified_event, verify_history
    from hotline.security_log.store import record_deed

    outside = _read_checkpoints(checkpoints) if checkpoints is not None else []
    moment = None if since is None else since.replace(tzinfo=UTC) if since.tzinfo is None else since

    async def work(services: "Services") -> "ChainFault | Verified":
        now, kept = services.clock(), services.part(LogDestinations).checkpoints
        if checkpoints is None and kept is not None and kept.exists():
            outside.extend(_read_checkpoints(kept))
        found = await services.db.snapshot(lambda c: verify_history(c, services.secret, now, moment, outside))
        if not isinstance(found, ChainFault) and moment is None:
            await services.db.transact(lambda c: record_deed(c, verified_event(found, now)))
        return found

    line: CommandLine = context.obj
    found = line.with_services(work)
    if isinstance(found, ChainFault):
        stop(f"{found.row}: {found.why}")
    say(
        f"unchanged: {found.tickets} tickets with {found.lines} lines, {found.events} security events, "
        f"{found.checkpoints} checkpoints, {found.redactions} redactions"
    )
    if found.waiting:
        say(f"{found.waiting} lines have no hash yet: the worker chains them")


def _read_checkpoints(path: Path) -> list[Any]:
    from hotline.audit.checkpoints import parse_checkpoint_line

    try:
        return [parse_checkpoint_line(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError):
        stop(f"cannot read {path}: one checkpoint a line, as `hotline audit checkpoint` prints it", 2)


@audit.command()
def reopen(context: typer.Context) -> None:
    """Chain lines without a hash again: after processes of an older version have run. The security log tells of it.

    Exits 1 where they are chained already."""
    from hotline.audit.opening import reopen
    from hotline.organisation.model.actors import COMMAND_LINE

    async def work(services: "Services") -> bool:
        now = services.clock()
        return await services.db.transact(lambda c: reopen(c, COMMAND_LINE, now))

    line: CommandLine = context.obj
    if not line.with_services(work):
        stop("lines without a hash are chained already")
    say("lines without a hash are chained by the worker, for a day at least")


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
