"""Triage measured on cases: the command, its figures, and the floor below which they must not fall."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotline.cli import app
from hotline.learning.model.evaluation import Case, parse_case

# beside the checkout or further up, where the cases are shared between checkouts
SHARED = next((f for p in Path(__file__).parents if (f := p / "shared/cases").is_dir()), Path("shared/cases"))
run = CliRunner()


def test_a_case_says_what_is_right_of_a_text() -> None:
    case = parse_case("3栋停水了", "seed=liucheng;area=liucheng|-;lead=water;hours=duty", "ruiquan")
    assert case == Case("3栋停水了", "liucheng", areas=("liucheng", None), lead="water", on_duty=True)
    assert parse_case("着火了", "priority=emergency;danger=fire;register=plain", "ruiquan").emergency is True


@pytest.mark.parametrize("expected", ["priority=high", "emergency"])
def test_a_case_that_cannot_be_read_is_named_with_its_row(expected: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.tsv"
    file.write_text(f"text\texpected\n着火了\t{expected}\n", "utf-8")
    done = run.invoke(app, ["triage", "evaluate", str(file)])
    assert done.exit_code != 0 and "cases.tsv:2" in done.output


def test_the_command_prints_each_figure_with_its_numbers(tmp_path: Path) -> None:
    cases = tmp_path / "cases.tsv"
    cases.write_text(
        "text\texpected\n"
        "厨房着火了，快来人\tpriority=emergency;danger=fire;register=plain\n"
        "请问消防演习是哪天\tpriority=not-emergency;register=question\n"
        "12栋的路灯坏了\tseed=ruiquan;area=rq-b12;lead=residents-affairs\n",
        "utf-8",
    )
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(
        "same\ta\tb\tkind\n1\t9栋停电了\tno power in building 9\tpara\n0\t9栋停电了\t8栋停电了\tother\n", "utf-8"
    )
    done = run.invoke(app, ["triage", "evaluate", str(cases), str(pairs), "--misses"])
    assert done.exit_code == 0, done.output
    for line in ("danger found", "false alarms", "places right", "dispatched rightly", "repeats found"):
        assert line in done.output
    assert "(1 of 1)" in done.output and "(0 of 1)" in done.output


def test_what_is_asked_in_vain_is_said_and_each_miss_stands_under_its_figure(tmp_path: Path) -> None:
    cases = tmp_path / "cases.tsv"
    cases.write_text(
        "text\texpected\n"
        "厨房着火了，快来人\tprioriti=emergency;danger=fyre\n"
        "12栋的路灯坏了\tarea=rq-b13;lead=gas;danger=fyre\n"
        "有点事情\tlead=nobody-there\n",
        "utf-8",
    )
    done = run.invoke(app, ["triage", "evaluate", str(cases), "--misses"])
    assert done.exit_code == 0, done.output
    for line in (
        "cases.tsv:2: prioriti= is not used; there are priority, danger,", "cases.tsv:2: no danger fyre (2 rows)",
        "cases.tsv:4: no department nobody-there",
        "places wrong: 12栋的路灯坏了", "dispatched rightly: 12栋的路灯坏了", "dispatched at once: 有点事情",
    ):  # fmt: skip
        assert line in done.output, line
    assert "0.500  (1 of 2)" in done.output, done.output


# name of the figure -> the least or the most it may be
FLOORS = {
    "danger found": 0.92,
    "danger found, plainly worded": 1.0,
    "places right": 0.92,
    "dispatched at once": 0.85,
    "dispatched rightly": 0.97,
    "repeats found": 0.60,
    "repeats suggested rightly": 0.97,
}
CEILINGS = {"false alarms": 0.08, "places wrong": 0.02}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared cases are not beside the checkout")
def test_the_shared_cases_are_understood_as_well_as_ever() -> None:
    done = run.invoke(app, ["triage", "evaluate", str(SHARED / "judgement.tsv"), str(SHARED / "duplicate-pairs.tsv")])
    shares = {line[:34].strip(): float(line[34:41]) for line in done.output.splitlines() if line.startswith("  ")}
    for name, least in FLOORS.items():
        assert shares[name] >= least, (name, shares[name])
    for name, most in CEILINGS.items():
        assert shares[name] <= most, (name, shares[name])
