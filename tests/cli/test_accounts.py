"""Commands about keys and people."""

import re
from pathlib import Path

from tests.chaos.server import Process
from tests.cli.commands import hotline


def test_a_secret_stands_alone_on_standard_output(folder: Path) -> None:
    done = hotline(folder, "key", "create", "gateway", "--role", "gateway")
    assert re.fullmatch(r"hl_[0-9a-f]{16}_\S{43}\n", done.stdout)
    assert done.stdout.strip() not in done.stderr


def test_a_person_is_added_with_a_password_from_standard_input(folder: Path) -> None:
    process = Process({"HOTLINE_DATA_DIR": str(folder / "data")}, folder)
    process.cli("user", "add", "li", "--name", "李敏", "--role", "operator", input="correct horse 9\n")
    assert re.fullmatch(r"\S{16}", process.cli("user", "password", "li", input="\n"))
