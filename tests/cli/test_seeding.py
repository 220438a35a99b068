"""The command that loads the directory."""

from pathlib import Path

from tests.cli.commands import hotline


def test_a_seed_that_is_not_right_says_where_and_keeps_nothing(folder: Path) -> None:
    hotline(folder, "seed", "ruiquan")
    own = folder / "own"
    own.mkdir()
    (own / "routes.csv").write_text("code,lead,category\nr-a,nobody,za\nr-b,water\n", encoding="utf-8")
    done = hotline(folder, "seed", str(own), code=1)
    assert "routes.csv" in done.stderr
    (own / "routes.csv").write_text(f"code,lead,category\nr-a,{'x' * 140_000},za\n", encoding="utf-8")
    assert "routes.csv cannot be read" in hotline(folder, "seed", str(own), code=1).stderr
    (own / "routes.csv").write_text("code,lead,category\nr-a,nobody,za-suggest\n", encoding="utf-8")
    done = hotline(folder, "seed", str(own), code=1)
    assert "routes.r-a.lead: unknown department: nobody" in done.stderr
    (own / "routes.csv").write_text("code,lead,category,area\nr-a,water,za,rq-b1\n", encoding="utf-8")
    assert "version 2" in hotline(folder, "seed", str(own)).stderr
    assert "version 2" in hotline(folder, "seed", str(own)).stderr  # the same again changes nothing


def test_seeding_again_lists_what_it_replaces_and_the_doctor_makes_no_organisation(
    folder: Path, tmp_path: Path
) -> None:
    hotline(folder, "seed", "ruiquan")
    assert "replaced" not in hotline(folder, "seed", "ruiquan").stderr
    assert "replaced: house/house" in hotline(folder, "seed", "liucheng").stderr
    elsewhere = str(tmp_path / "elsewhere")
    said = hotline(folder, "doctor", code=1, HOTLINE_DATA_DIR=elsewhere).stderr
    assert "no database at" in said and not Path(elsewhere).exists()
    assert (
        "no password given" in hotline(folder, "user", "add", "x", "--name", "x", "--role", "operator", code=1).stderr
    )
