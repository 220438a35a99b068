"""The program `hotline`: its own commands and those of every capability.

`--help` imports the modules of commands alone; what a command needs is imported when it runs.
"""

import os
from typing import Annotated

import typer

from hotline.capabilities import CAPABILITIES
from hotline.cli import demonstration, documents, server
from hotline.cli.context import ProcessCommandLine

HELP = "Call centre and ticketing for a 24-hour hotline: intake, triage, dispatch, follow-up."


def build(groups: tuple[typer.Typer, ...]) -> typer.Typer:
    """One program of all commands. A group without a name stands at the top level; groups of one name become one, so
    that two packages can add to it."""
    root = typer.Typer(no_args_is_help=True, add_completion=False, help=HELP, callback=_prepare)
    named: dict[str, typer.Typer] = {}
    for group in groups:
        name = group.info.name
        if not isinstance(name, str):
            root.registered_commands += group.registered_commands
        else:
            if name not in named:
                named[name] = typer.Typer(name=name, no_args_is_help=True, help=group.info.help)
                root.add_typer(named[name])
            named[name].registered_commands += group.registered_commands
            named[name].registered_groups += group.registered_groups
    return root


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"hotline {version('hotline')}")
        raise typer.Exit


def _prepare(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    os.umask(0o077)  # what any command writes is for its owner alone
    context.obj = ProcessCommandLine()


ADDED = tuple(group for capability in CAPABILITIES for group in capability.commands())
app = build((server.commands, *ADDED, documents.commands, demonstration.commands))
