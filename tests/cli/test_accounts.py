"""Commands about keys and people."""

import re
import sqlite3
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


def test_a_closed_account_is_opened_by_its_login_before_it_is_given_a_password(folder: Path) -> None:
    hotline(folder, "user", "add", "li", "--name", "李敏", "--role", "admin", HOTLINE_PASSWORD="correct horse 9")
    with sqlite3.connect(next((folder / "data").glob("*.db"))) as data:
        data.execute("UPDATE person SET active = 0")
    data.close()
    refused = hotline(folder, "user", "password", "li", code=1)
    assert refused.stdout == "" and "is closed" in refused.stderr and "hotline user open li" in refused.stderr
    assert "opened: LI" in hotline(folder, "user", "open", "LI").stderr
    assert "open already: li" in hotline(folder, "user", "open", "li").stderr
    assert re.fullmatch(r"\S{16}\n", hotline(folder, "user", "password", "li").stdout)
    assert "no such login" in hotline(folder, "user", "open", "nobody", code=1).stderr
