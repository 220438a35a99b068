"""The command that checks a running system."""

import json
from pathlib import Path

from tests.cli.commands import hotline


def test_the_doctor_says_what_is_wrong_and_leaves_with_one(folder: Path) -> None:
    empty = hotline(folder, "doctor", code=1).stdout
    assert "FAIL   directory" in empty and "没有机构数据" in empty and "heartbeat: no address set" in empty
    hotline(folder, "seed", "ruiquan")
    well = json.loads(hotline(folder, "doctor", "--format", "json").stdout)
    assert well["well"] and {f["check"] for f in well["findings"]} >= {"clocks", "ladders", "durability", "duty"}
    unreachable = hotline(folder, "doctor", code=1, HOTLINE_HEARTBEAT_URL="http://127.0.0.1:9/beat").stdout
    assert "FAIL   heartbeat" in unreachable  # nobody takes it: that too is told
    hotline(folder, "migrate", "0001", "--lose-data")
    assert "FAIL   schema" in hotline(folder, "doctor", code=1).stdout
