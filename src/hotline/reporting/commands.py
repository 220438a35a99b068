"""Commands about the rollups behind the figures: figures check, figures rebuild."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, stop

if TYPE_CHECKING:
    from hotline.reporting.rollups import Key
    from hotline.tickets.context import Services

    Drift = dict[Key, tuple[dict[str, int], dict[str, int]]]

commands = typer.Typer(name="figures", help="The rollups behind the figures.")
GROUPS = (commands,)
NICENESS = 10  # requests have priority over recounting


@commands.command("check")
def check_figures(context: typer.Context) -> None:
    """Recount everything from the tickets and compare it with the rollups; exits 3 if they differ."""
    from hotline.reporting.service import figures
    from hotline.runtime.subprocess import EXIT_DRIFT

    async def check(services: "Services") -> "Drift":
        return await figures.load_rollup_drift(services, services.clock())

    line: CommandLine = context.obj
    os.nice(NICENESS)
    found = line.with_services(check)
    for (dimension, day, code), (kept, true) in sorted(found.items()):
        print(f"{dimension} {day or 'now'} {code}: kept {kept}, true {true}")
    print(f"{len(found)} rollups differ")
    raise typer.Exit(EXIT_DRIFT if found else 0)


@commands.command("rebuild")
def rebuild_figures(
    context: typer.Context,
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Only if there are no rollups and no other process is making them")
    ] = False,
) -> None:
    """Rebuild the rollups from the tickets while the system runs.

    Use it after the organisation's time zone changed, or after `figures check` found differences."""
    from hotline.reporting.service import figures

    async def rebuild_missing(services: "Services") -> None:
        if await figures.needs_rebuild(services):
            await figures.rebuild_rollups(services, services.clock())

    async def rebuild(services: "Services") -> "Drift | None":
        if not await figures.rebuild_rollups(services, services.clock(), force=True):
            return None
        return await figures.load_rollup_drift(services, services.clock())

    line: CommandLine = context.obj
    os.nice(NICENESS)
    if if_needed:
        line.with_services(rebuild_missing)
        return
    found = line.with_services(rebuild)
    if found is None:
        stop("another process took over the rebuild")
    print(f"rebuilt; {len(found)} rollups differ")
