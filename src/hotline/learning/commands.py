"""Commands about triage: evaluate, train, versions, promote, rollback."""

import csv
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.command_line import CommandLine, say, stop
from hotline.packaged_files import packaged_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotline.database.prepared import Row
    from hotline.learning.model.evaluation import Case, Evaluation, Pair
    from hotline.learning.service import TrainedVersion
    from hotline.tickets.context import Services
    from hotline.triage.model.lexicon import Lexicon

BY = "command-line"
commands = typer.Typer(
    name="triage", help="How good triage is, and the model that learns from decisions", no_args_is_help=True
)
GROUPS = (commands,)
# a Wednesday in the working hours of the shipped calendar, and the night after it
_WORKING, _DUTY = datetime(2026, 11, 25, 2, tzinfo=UTC), datetime(2026, 11, 25, 18, tzinfo=UTC)


@dataclass(frozen=True)
class _Cases:
    """`expected`: the second cell of each case's row."""

    cases: "list[Case]"
    expected: list[str]
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
    from hotline.learning.model.evaluation import doubts_about, evaluate_cases, evaluate_pairs
    from hotline.triage.meaning import load_encoder

    for file in files:
        read = _read_file(file, seed)
        lexicons = {name: _shipped_lexicon(name) for name in {case.seed for case in read.cases} | {seed}}
        say(f"{file.name}: {len(read.cases)} cases, {len(read.pairs)} pairs")
        rows: dict[str, list[int]] = {}
        for number, (case, expected) in enumerate(zip(read.cases, read.expected, strict=True), start=2):
            for doubt in doubts_about(expected, case, lexicons[case.seed].directory):
                rows.setdefault(doubt, []).append(number)
        for doubt, numbers in rows.items():
            say(f"{file.name}:{numbers[0]}: {doubt}" + (f" ({len(numbers)} rows)" if len(numbers) > 1 else ""))
        if read.cases:
            _print(evaluate_cases(read.cases, lexicons, _WORKING, _DUTY), misses)
        if read.pairs:
            _print(evaluate_pairs(read.pairs, lexicons[seed], load_encoder()), misses)


@commands.command("train")
def train_version(
    context: typer.Context,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Read all timelines anew first, as after an import")
    ] = False,
) -> None:
    """Read what persons decided, fit a version on it, and put it into use if it passes the gate. Exits 1 where there
    are too few decisions, or where the version does not pass."""
    from hotline.learning import store
    from hotline.learning.collecting import collect_labels, forget_labels, has_unsettled_entries
    from hotline.learning.fit_process import fit_apart
    from hotline.learning.model.training import LEAST_LABELS
    from hotline.learning.service import train

    async def work(services: "Services") -> "TrainedVersion | None":
        now = services.clock()
        if from_start:
            await forget_labels(services)
        entries = 0
        while read := await collect_labels(services, now):
            entries += read
        labels, strong = await store.count_labels(services.db)
        untouched = f"{labels - strong} left as the rules chose"
        say(f"{entries} new lines of timelines read; {strong} decisions by persons, {untouched}")
        unsettled = await has_unsettled_entries(services, now)
        if unsettled:
            say("what was decided within the last minute is read by the next run")
        if strong < LEAST_LABELS and unsettled:
            say("wait a minute, then run it again")
        elif strong < LEAST_LABELS and not from_start:
            say("what was decided with a machine's key counts for no person; who decides logs in (POST /v1/token)")
            say("decisions of before an import, or older than half a year, are read with --from-start")
        return await train(services, fit_apart, now, BY)

    line: CommandLine = context.obj
    trained = line.with_services(work)
    if trained is None:
        stop("another process is training now; nothing was fitted")
    outcome = "in use" if trained.used else "kept, not in use" if trained.gate.passed else "did not pass"
    figures = trained.figures
    print(f"version {trained.version}: {outcome}")
    print(f"  judged by {figures['judged_by']} decisions{_period(figures)}")
    for reason in trained.gate.reasons:
        print(f"  {reason}")
    for batch in figures["set_aside"]:
        day = batch["day"] or "all days"
        print(
            f"  set aside: {batch['labels']} labels of {batch['by']}, {day}; {batch['contradicted']:.2f} contradicted"
        )
    if not trained.gate.passed:
        raise typer.Exit(1)


@commands.command("versions")
def list_versions(context: typer.Context) -> None:
    """List the newest versions with their figures; the one in use is marked."""
    from hotline.learning import store
    from hotline.learning.model.training import LEAST_LABELS

    async def work(services: "Services") -> "tuple[Sequence[Row], Sequence[Row], int]":
        _, strong = await store.count_labels(services.db)
        return await store.load_versions(services.db, 50), await store.load_uses(services.db, 1), strong

    line: CommandLine = context.obj
    versions, uses, strong = line.with_services(work)
    if not versions:
        say(f"no version yet: {strong} decisions by persons were read, {LEAST_LABELS} are needed; see triage train")
    for row in versions:
        state = uses[0].state if uses and uses[0].version == row.version else "" if row.passed else "did not pass"
        figures = row.figures
        right = f"{figures['accuracy']:.3f}" if figures["accuracy"] is not None else "–"
        print(
            f"{row.version:4} {row.made_at:%Y-%m-%d %H:%M} {row.labels:6} labels  right {right:>5}  "
            f"sure on {figures['coverage']:.2f}  {row.hash[:12]}  {state}".rstrip()
        )
    if uses and uses[0].held:
        say("new versions wait for triage promote, since a rollback")


@commands.command("promote")
def promote_version(
    context: typer.Context,
    version: Annotated[int, typer.Argument(help="Its number")],
    acting: Annotated[bool, typer.Option("--acting", help="It may decide at once, without a time in shadow")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it may decide")] = False,
) -> None:
    """Put a version into use, in shadow unless told otherwise. Before it may decide, what changes is said and asked."""
    from hotline.learning.service import load_promotable, promote

    async def work(services: "Services") -> bool:
        row = await load_promotable(services, version)
        if acting:
            _say_what_acting_changes(version, row.figures)
            if not yes and not _may_go_on():
                return False
        await promote(services, version, BY, services.clock(), acting=acting)
        return True

    line: CommandLine = context.obj
    if line.with_services(work):
        say(f"in use: {version}, {'acting' if acting else 'shadow: it decides nothing'}{_until_noticed()}")
    else:
        say("nothing changed")


@commands.command("rollback")
def roll_back(context: typer.Context) -> None:
    """Go back to the version that was in use before. New versions then wait for `promote`."""
    from hotline.learning import store
    from hotline.learning.service import rollback

    async def work(services: "Services") -> "tuple[str, str]":
        before = (await store.load_uses(services.db, 1))[:1]
        version, state = await rollback(services, BY, services.clock())
        return "".join(f"{use.version}, {use.state}" for use in before), f"{version}, {state}"

    line: CommandLine = context.obj
    before, now = line.with_services(work)
    changed = f"in use: {now}{_until_noticed()}; new versions wait for promote"
    say(changed if now != before else f"nothing changed but that new versions wait for promote; in use: {now}")


def _until_noticed() -> str:
    from hotline.learning.in_use import REFRESH

    return f" (servers notice it within {REFRESH:.0f} seconds)"


def _period(figures: "Mapping[str, Any]") -> str:
    """The days of the decisions that a version is judged by. Versions of before have none."""
    days = figures.get("judged_days")
    if not days:
        return ""
    return f" of {days[0]}" if days[0] == days[1] else f" of {days[0]} to {days[1]}"


def _say_what_acting_changes(version: int, figures: "Mapping[str, Any]") -> None:
    right = figures["right_where_sure"]
    of_sure = f"; {right:.0%} of them were right" if right is not None else ""
    say(f"version {version}, once it acts:")
    say("  new tickets of every channel: where it is sure, it decides the category instead of the rules, with it the")
    say("  priority's floor and the department that the ticket is dispatched to without anybody looking")
    say(f"  it was sure on {figures['coverage']:.0%} of {figures['judged_by']} decisions{_period(figures)}{of_sure}")
    say("  callers, dangers, and tickets that exist: nothing changes; what persons choose always wins")
    say("  without --acting it only records what it would say, and acts by itself once 300 of its opinions were judged")


def _may_go_on() -> bool:
    if not sys.stdin.isatty():
        stop("nothing changed; to let it decide, run it again with --yes", 2)
    return typer.confirm("Let it decide?", err=True)


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
    texts: list[str] = []
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
                texts.append(row[1])
            except ValueError as fault:
                stop(f"{file.name}:{number}: {fault}")
        elif heading[:3] == ["same", "a", "b"] and len(row) >= 3 and row[0] in ("0", "1"):
            pairs.append(Pair(row[1], row[2], row[0] == "1", row[3] if len(row) > 3 else ""))
        else:
            stop(f"{file.name}:{number}: a row of text and expected, or of same (0 or 1), a, b and kind")
    return _Cases(cases, texts, pairs)


def _shipped_lexicon(seed: str) -> "Lexicon":
    from hotline.organisation.service.seeding import read_seed_directory
    from hotline.triage.model.lexicon import build_lexicon

    root = packaged_folder("seeds")
    if "/" in seed or not (root / seed).is_dir():
        stop(f"no shipped directory is named {seed}")
    return build_lexicon(read_seed_directory(root / seed, root))
