"""Commands about triage: evaluate."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import say, stop
from hotline.packaged_files import packaged_folder

if TYPE_CHECKING:
    from hotline.learning.model.evaluation import Case, Evaluation, Pair
    from hotline.triage.model.lexicon import Lexicon

commands = typer.Typer(name="triage", help="How good triage is, measured on cases", no_args_is_help=True)
GROUPS = (commands,)
# a Wednesday in the working hours of the shipped calendar, and the night after it
_WORKING, _DUTY = datetime(2026, 11, 25, 2, tzinfo=UTC), datetime(2026, 11, 25, 18, tzinfo=UTC)


@dataclass(frozen=True)
class _Cases:
    cases: "list[Case]"
    pairs: "list[Pair]"


@commands.command("evaluate")
def evaluate(
    files: Annotated[
        list[Path],
        typer.Argument(help="Tab-separated cases (text, expected) or pairs (same, a, b, kind), with a heading"),
    ],
    seed: Annotated[str, typer.Option(help="The shipped directory for cases that name none")] = "ruiquan",
    misses: Annotated[bool, typer.Option("--misses", help="Print each case that was not as expected")] = False,
) -> None:
    """Run triage, routing and the search for repeats on cases, and print how many are right. Nothing is stored."""
    from hotline.learning.model.evaluation import evaluate_cases, evaluate_pairs

    for file in files:
        read = _read_file(file, seed)
        lexicons = {name: _shipped_lexicon(name) for name in {case.seed for case in read.cases} | {seed}}
        say(f"{file.name}: {len(read.cases)} cases, {len(read.pairs)} pairs")
        if read.cases:
            _print(evaluate_cases(read.cases, lexicons, _WORKING, _DUTY), misses)
        if read.pairs:
            _print(evaluate_pairs(read.pairs, lexicons[seed]), misses)


def _print(evaluation: "Evaluation", misses: bool) -> None:
    for figure in evaluation.figures:
        share = f"{figure.share:.3f}" if figure.share is not None else "–"
        say(f"  {figure.name:32} {share:>6}  ({figure.count} of {figure.total})")
    if misses:
        for name, text, said in evaluation.misses:
            say(f"  {name}: {text} → {said}")


def _read_file(file: Path, seed: str) -> _Cases:
    from hotline.learning.model.evaluation import Pair, parse_case

    cases: list[Case] = []
    pairs: list[Pair] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.reader(opened, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        stop(f"{file} cannot be read: {fault}")
    heading = rows[0] if rows else []
    for number, row in enumerate(rows[1:], start=2):
        if heading[:2] == ["text", "expected"] and len(row) == 2:
            try:
                cases.append(parse_case(row[0], row[1], seed))
            except ValueError as fault:
                stop(f"{file.name}:{number}: {fault}")
        elif heading[:3] == ["same", "a", "b"] and len(row) >= 3 and row[0] in ("0", "1"):
            pairs.append(Pair(row[1], row[2], row[0] == "1", row[3] if len(row) > 3 else ""))
        else:
            stop(f"{file.name}:{number}: a row of text and expected, or of same (0 or 1), a, b and kind")
    return _Cases(cases, pairs)


def _shipped_lexicon(seed: str) -> "Lexicon":
    from hotline.organisation.service.seeding import read_seed_directory
    from hotline.triage.model.lexicon import build_lexicon

    root = packaged_folder("seeds")
    if "/" in seed or not (root / seed).is_dir():
        stop(f"no shipped directory is named {seed}")
    return build_lexicon(read_seed_directory(root / seed, root))
