"""History verified from the command line, and checkpoints that are kept elsewhere."""

import json
import sqlite3
from pathlib import Path

from tests.cli.commands import hotline


def change(folder: Path, *statements: str) -> None:
    """As somebody does who has the database and no more."""
    with sqlite3.connect(folder / "data" / "hotline.db") as data:
        for statement in statements:
            data.execute(statement)
    data.close()


def test_verification_says_well_or_names_the_first_wrong_row(folder: Path) -> None:
    assert (
        "unchanged: 0 tickets with 0 lines, 0 security events, 0 checkpoints"
        in hotline(folder, "audit", "verify").stderr
    )
    for name in ("front", "back", "side"):
        hotline(folder, "key", "create", name, "--role", "operator")
    printed = hotline(folder, "audit", "checkpoint")
    made = json.loads(printed.stdout)  # alone on standard output, to be kept
    assert made["number"] == 1 and made["log_position"] == 4  # the verification stands in it, too
    (folder / "kept.jsonl").write_text(printed.stdout)
    well = hotline(folder, "audit", "verify", "--checkpoints", "kept.jsonl")
    assert well.stdout == "" and "4 security events, 1 checkpoints" in well.stderr
    assert "0 security events" in hotline(folder, "audit", "verify", "--since", "2099-01-01").stderr

    change(folder, "UPDATE security_log SET by_name = 'nobody' WHERE position = 2")
    wrong = hotline(folder, "audit", "verify", code=1)
    assert wrong.stderr == "security log 2: it is not what was written\n"
    change(folder, "DELETE FROM security_log WHERE position = 2")
    assert "security log 2: it is gone" in hotline(folder, "audit", "verify", code=1).stderr
    # a log that begins anew is well in itself, and not beside what was kept
    change(
        folder,
        *(f"DELETE FROM {table}" for table in ("security_log", "audit_checkpoint", "checkpoint_head", "chain_head")),
    )
    assert "unchanged: " in hotline(folder, "audit", "verify").stderr
    gone = hotline(folder, "audit", "verify", "--checkpoints", "kept.jsonl", code=1).stderr
    assert gone == "checkpoint 1: it is in the file, and not in the database\n"


def test_a_file_of_checkpoints_that_cannot_be_read_is_no_wrong_history(folder: Path) -> None:
    (folder / "kept.jsonl").write_text("{}\n[1]\nno json\n")
    for file in ("kept.jsonl", "none.jsonl"):
        done = hotline(folder, "audit", "verify", "--checkpoints", file, code=2)
        assert f"cannot read {file}: one checkpoint a line" in done.stderr
    for line in ("[1]", "{}", '{"number": 1}', '{"number": "x", "hash": 1, "key": null, "signature": []}'):
        (folder / "kept.jsonl").write_text(line)
        done = hotline(folder, "audit", "verify", "--checkpoints", "kept.jsonl", code=2)
        assert "cannot read kept.jsonl" in done.stderr and "Traceback" not in done.stderr, line
