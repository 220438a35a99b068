"""The command that prints the life cycle: lifecycle."""

import json
from typing import Annotated

import typer

from hotline.command_line import stop

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
