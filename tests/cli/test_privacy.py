"""Privacy and retention at the command line: told first, done when it is asked for, and noted."""

import zipfile
from pathlib import Path

from tests.cli.commands import hotline

PHONE = "137 7000 1234"


def test_a_person_is_shown_and_erased(folder: Path) -> None:
    assert "by this" in hotline(folder, "privacy", "erase", "nobody at all", code=1).stderr
    told = hotline(folder, "privacy", "erase", PHONE)
    assert "nothing was changed" in told.stderr and "stays: the security log" in told.stdout
    hotline(folder, "privacy", "export", PHONE, "--to", str(folder / "person.zip"))
    with zipfile.ZipFile(folder / "person.zip") as packed:
        assert sorted(packed.namelist()) == ["person.json", "person.txt"]
        assert "+8613770001234" in packed.read("person.txt").decode()
    again = hotline(folder, "privacy", "export", PHONE, "--to", str(folder / "person.zip"), code=1)
    assert "is there already" in again.stderr
    assert "erased" in hotline(folder, "privacy", "erase", PHONE, "--yes").stderr
    assert "3 security events" in hotline(folder, "audit", "verify").stderr


def test_a_period_is_shown_chosen_and_not_shorter_than_it_may_be(folder: Path) -> None:
    shown = hotline(folder, "retention", "show").stdout
    assert "texts          180 days" in shown and "at least 150 days" in shown and "tickets        without end" in shown
    assert "at least 150" in hotline(folder, "retention", "set", "texts", "30", code=1).stderr
    assert "one of" in hotline(folder, "retention", "set", "words", "30", code=1).stderr
    assert "DAYS" in hotline(folder, "retention", "set", "texts", "soon", code=2).stderr
    for days, told in (("1095", "1095 days"), ("never", "without end"), ("default", "180 days")):
        hotline(folder, "retention", "set", "texts", days)
        assert f"texts          {told}" in hotline(folder, "retention", "show").stdout
    counted = hotline(folder, "retention", "run", "--dry-run")
    assert "nothing was changed" in counted.stderr and "tickets        0" in counted.stdout
    assert "tickets        0" in hotline(folder, "retention", "run").stdout
    assert "4 security events" in hotline(folder, "audit", "verify").stderr
