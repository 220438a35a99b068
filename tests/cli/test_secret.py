"""The secret replaced from the command line, where a file holds it and where the environment does."""

import json
from pathlib import Path

from tests.cli.commands import hotline

FIRST, SECOND = "the first secret of the hotline, long enough", "the second secret of the hotline, long enough"


def test_a_secret_in_a_file_is_replaced_step_by_step(tmp_path: Path) -> None:
    hotline(tmp_path, "setup")
    file = tmp_path / "data" / "secret"
    first = file.read_text()
    made = hotline(tmp_path, "gateway", "add", "texts", "--provider", "kannel", "--secret", "token=" + "t" * 24)
    assert made.returncode == 0
    said = hotline(tmp_path, "secret", "rotate").stderr
    assert "restart every process" in said
    assert file.stat().st_mode & 0o777 == 0o600 and file.read_text().splitlines()[0] == first  # in use still
    assert "to be sealed anew: 0" in hotline(tmp_path, "secret", "status").stdout
    assert "dropped: 1" in hotline(tmp_path, "secret", "drop").stderr and file.read_text() == first  # thought better
    hotline(tmp_path, "secret", "rotate")
    assert "restart every process" in hotline(tmp_path, "secret", "rotate").stderr
    assert file.read_text().splitlines()[1] == first

    assert "to be sealed anew: 3" in hotline(tmp_path, "secret", "status").stdout  # the gateway's, and two stored keys
    assert "3 values" in hotline(tmp_path, "secret", "drop", code=1).stderr
    assert "gateway.sealed           1 sealed anew, 0 unreadable" in hotline(tmp_path, "secret", "rotate").stdout
    assert "dropped: 1" in hotline(tmp_path, "secret", "drop").stderr
    assert first not in file.read_text() and len(file.read_text().splitlines()) == 1
    assert "texts" in hotline(tmp_path, "gateway", "list").stdout


def test_a_secret_in_the_environment_is_replaced_by_its_settings(tmp_path: Path) -> None:
    hotline(tmp_path, "setup", HOTLINE_SECRET=FIRST)
    assert "HOTLINE_SECRET_PREVIOUS" in hotline(tmp_path, "secret", "rotate", code=1, HOTLINE_SECRET=FIRST).stderr
    accepted = {"HOTLINE_SECRET": FIRST, "HOTLINE_SECRET_PREVIOUS": json.dumps([SECOND])}  # with a comma in it
    assert "to be sealed anew: 0" in hotline(tmp_path, "secret", "status", **accepted).stdout
    both = {"HOTLINE_SECRET": SECOND, "HOTLINE_SECRET_PREVIOUS": json.dumps([FIRST])}
    hotline(tmp_path, "secret", "rotate", **both)
    assert "to be sealed anew: 0" in hotline(tmp_path, "secret", "status", HOTLINE_SECRET=SECOND).stdout
    assert "another HOTLINE_SECRET" in hotline(tmp_path, "secret", "status", code=1, HOTLINE_SECRET=FIRST).stderr
    short = hotline(tmp_path, "secret", "status", code=1, HOTLINE_SECRET=FIRST, HOTLINE_SECRET_PREVIOUS="short").stderr
    assert "HOTLINE_SECRET_PREVIOUS" in short and "32 characters" in short


def test_the_look_up_key_is_replaced_step_by_step(tmp_path: Path) -> None:
    """docs/operations.md, Replace the look-up key."""
    hotline(tmp_path, "migrate")
    hotline(tmp_path, "key", "create", "desk", "--role", "admin")
    assert "not used yet" in hotline(tmp_path, "secret", "rotate", "--lookups").stderr
    assert "is in use" in hotline(tmp_path, "secret", "rotate", "--lookups").stderr
    assert "rotate --lookups" in hotline(tmp_path, "secret", "rotate", code=1).stderr
    moved = hotline(tmp_path, "secret", "rotate", "--lookups").stdout
    assert moved.split()[:3] == ["call", "0", "moved"]
    assert "1 keys" in hotline(tmp_path, "secret", "drop", "--lookups", code=1).stderr
    hotline(tmp_path, "secret", "drop", "--lookups", "--end-credentials")
    assert "look-up key" not in hotline(tmp_path, "secret", "status").stdout
