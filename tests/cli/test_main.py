"""The program of all commands: what packages add to it, and what it costs to start."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from hotline.cli.main import build


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Every command sets it, here in the process of the tests."""
    before = os.umask(0)
    os.umask(before)
    yield
    os.umask(before)


def group(name: str | None, *commands: str) -> typer.Typer:
    made = typer.Typer() if name is None else typer.Typer(name=name, help=f"All about {name}.")
    for command in commands:

        @made.command(command)
        def say(which: str = command) -> None:
            print(which)

    return made


def test_two_packages_add_to_one_group_and_to_the_top_level() -> None:
    app = build((group(None, "first"), group("outbox", "list"), group(None, "second"), group("outbox", "retry")))
    for command in (["first"], ["second"], ["outbox", "list"], ["outbox", "retry"]):
        assert CliRunner().invoke(app, command).stdout == f"{command[-1]}\n"
    assert "All about outbox." in CliRunner().invoke(app, ["--help"]).stdout


def test_a_group_within_a_group_is_kept() -> None:
    users = group("user", "add")
    users.add_typer(group("factors", "reset"))
    assert CliRunner().invoke(build((users,)), ["user", "factors", "reset"]).exit_code != 2


def test_the_help_loads_neither_database_nor_web() -> None:
    looks = (
        "import sys; from typer.testing import CliRunner; from hotline.cli import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        "print(sorted({'sqlalchemy', 'pydantic', 'fastapi', 'httpx', 'structlog', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", looks], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"
