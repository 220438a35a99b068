"""Shared by the commands of all packages: what the entry point passes to them, how they print, stop and run."""

import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from hotline.database.schema_state import SchemaState

T = TypeVar("T")
Work = Callable[[Any], Coroutine[Any, Any, T]]  # given the services of the process


class CommandSettings(Protocol):
    """The settings that commands of packages read."""

    @property
    def public_url(self) -> str: ...
    @property
    def heartbeat_url(self) -> str | None: ...
    @property
    def secret_file(self) -> "Path | None": ...
    @property
    def model_fields_set(self) -> set[str]: ...


class CommandLine(Protocol):
    """What a command finds in `context.obj`. Wrong settings and refusals are printed, and end the command."""

    @property
    def settings(self) -> CommandSettings:
        """As the environment has them now."""

    def with_services(self, work: Work[T], *, code: int = 1, as_found: bool = False) -> T:
        """The result of `work(services)`, with the configured database open. `code`: the exit code after a refusal.
        `as_found`: file permissions are left as they are, for a command that looks at them."""

    def schema_state(self) -> "SchemaState":
        """How the schema of the database fits this program. A missing embedded database is refused, not made."""


def say(text: str) -> None:
    """Print a line on standard error: standard output is for results."""
    print(text, file=sys.stderr, flush=True)


def stop(text: str, code: int = 1) -> NoReturn:
    """Print a line on standard error and exit."""
    say(text)
    raise typer.Exit(code)


def run(work: Coroutine[Any, Any, T], code: int = 1) -> T:
    """Run a coroutine to its end. A refusal is printed field by field, a failure of the system in one line; both exit
    with `code`."""
    import asyncio  # 20 ms that `--help` need not spend

    from hotline.refusals import Refused

    try:
        return asyncio.run(work)
    except Refused as refused:
        lines = [
            f"refused: {refused.refusal.detail}",
            *(f"  {field}: {rule}" for field, rule in refused.refusal.errors),
        ]
        stop("\n".join(lines), code)
    except OSError as fault:
        stop(f"cannot: {fault.strerror or fault}", code)


def read_password(*, ask: bool = True) -> str:
    """A password from HOTLINE_PASSWORD, the terminal or a line of standard input: an argument would show in the list of
    processes. `ask` False: empty instead of a question at the terminal."""
    given = os.environ.get("HOTLINE_PASSWORD")
    if given:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True)) if ask else ""
