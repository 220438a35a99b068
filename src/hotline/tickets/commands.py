"""The commands of tickets: lifecycle, reindex."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.tickets.context import Services

commands = typer.Typer()
GROUPS = (commands,)


@commands.command()
def lifecycle(
    form: Annotated[str, typer.Option("--format", help="table, mermaid, markdown or json")] = "table",
) -> None:
    """Print the two state machines, of tickets and of assignments."""
    from dataclasses import asdict

    from hotline.tickets import diagram
    from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES
    from hotline.tickets.schemas.actions import action_schemas

    machines = (("ticket", TICKET_MOVES, "received"), ("assignment", ASSIGNMENT_MOVES, "issued"))
    if form == "json":
        print(json.dumps(asdict(diagram.lifecycle_document(action_schemas())), ensure_ascii=False, indent=1))
    elif form == "mermaid":
        print("\n\n".join(diagram.mermaid(moves, first) for _, moves, first in machines))
    elif form == "markdown":
        print(diagram.guide())
    elif form == "table":
        for name, moves, _ in machines:
            print(name)
            for at, action, to, by, needs in diagram.table_rows(moves):
                print(f"  {at:17}{action:19}{to:17}{by:42}{needs}")
    else:
        stop("format is one of table, mermaid, markdown, json", 2)


@commands.command()
def reindex(context: typer.Context) -> None:
    """Index all tickets anew for search, in small pieces, while the hotline runs.

    An upgrade needs it only where processes of the version before wrote tickets while it ran; the worker indexes the
    others by itself."""
    from hotline.tickets.store import search_index

    async def index(services: "Services") -> int:
        await services.db.transact(search_index.restart_index)
        total = 0
        while found := await services.db.transact(lambda c: search_index.index_next(c, every=True)):
            total += found
        return total

    line: CommandLine = context.obj
    say(f"{line.with_services(index)} tickets indexed")
