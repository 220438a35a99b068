"""The command that takes in another system's tickets: import."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say, stop
from hotline.packaged_files import packaged_folder

if TYPE_CHECKING:
    from hotline.importing.service.report import ImportReport
    from hotline.organisation.model.directory import Directory
    from hotline.tickets.context import Services

commands = typer.Typer()
GROUPS = (commands,)
MOST_PLACES, MOST_RULES = 20, 50  # refused rows and rules that are printed


@dataclass(frozen=True)
class _ImportRequest:
    """What `hotline import` was asked."""

    file: Path
    mapping: str
    encoding: str | None
    dry_run: bool
    notify: bool
    refused: Path | None
    rejected: Path | None

    @property
    def folder(self) -> Path:
        """Where the mapping stands, and the departments, areas and categories it refers to."""
        root = packaged_folder("seeds")
        return root / self.mapping if (root / self.mapping).is_dir() and "/" not in self.mapping else Path(self.mapping)


@commands.command("import")
def import_tickets(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV or JSON file: JSON lines, or an array of objects")],
    mapping: Annotated[
        str, typer.Option(help="A mapping that ships with the project (nyc311), or a folder with a mapping.json")
    ],
    dry_run: Annotated[bool, typer.Option(help="Read and check everything; write nothing")] = False,
    refused: Annotated[
        Path | None, typer.Option(help="File for the place and reason of each refused row, one per line")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="New file for the refused rows themselves, to correct and import again")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the file, such as gb18030; default: its byte order mark, else UTF-8")
    ] = None,
    notify: Annotated[
        bool, typer.Option("--notify", help="Notify departments of the open orders they receive")
    ] = False,
) -> None:
    """Import tickets of another system.

    docs/importing.md describes mapping.json, with an example. Mapping and heading are checked before the first row: if
    they are wrong, nothing is imported and it exits 2. Rows that cannot be imported are refused by line, column and
    rule, and the others are imported: it exits 1. It can be stopped and run again, and continues where it was."""
    from hotline.importing.service.report import ImportReport

    line: CommandLine = context.obj
    _check_files(file, refused, rejected)
    report = ImportReport()
    wanted = _ImportRequest(file, mapping, encoding, dry_run, notify, refused, rejected)
    directory = line.with_services(lambda services: _checked(services, wanted), code=2)
    try:
        line.with_services(lambda services: _import(services, wanted, directory, report))
    except (typer.Exit, KeyboardInterrupt):
        say(f"stopped; taken in before that: {report.taken}. Run it again to continue where it was")
        raise
    _print_report(report, wanted)
    raise typer.Exit(1 if report.refused_count else 0)


def _check_files(file: Path, *written: Path | None) -> None:
    """Stop where there is nothing to read, or the other files cannot be written."""
    if not file.is_file():
        stop(f"no file at {file}", 2)
    for path in written:
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            stop(f"{path} cannot be written: nothing was taken in", 2)
        if path is not None and path.exists() and path.samefile(file):
            stop(f"{path} is the file to be imported: nothing was taken in", 2)


async def _checked(services: "Services", wanted: _ImportRequest) -> "Directory":
    """The directory to read the rows by, with what the mapping adds; in a dry run it is not stored. Raises Refused
    where the import cannot begin; the directory is then unchanged."""
    from hotline.importing.mapping import load_partial_mapping
    from hotline.importing.service.importer import open_source
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.organisation.service.seeding import add_missing_items

    mapping = load_partial_mapping(wanted.folder)
    parts = (services.directory, wanted.folder, packaged_folder("seeds"), COMMAND_LINE, services.clock())
    planned = await add_missing_items(*parts, save=False)
    open_source(wanted.file, mapping, planned, wanted.encoding)
    if wanted.rejected is not None and wanted.rejected.exists():
        stop(f"{wanted.rejected} exists already; nothing was taken in", 2)
    return planned if wanted.dry_run else await add_missing_items(*parts, save=True)


async def _import(services: "Services", wanted: _ImportRequest, directory: "Directory", report: "ImportReport") -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from hotline.importing.mapping import load_mapping
    from hotline.importing.service.importer import ImportJob, import_file

    with ExitStack() as opened:
        listed = opened.enter_context(wanted.refused.open("w", encoding="utf-8")) if wanted.refused else None
        bar = opened.enter_context(
            Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=Console(stderr=True))
        )
        task = bar.add_task("", total=wanted.file.stat().st_size)
        job = ImportJob(
            wanted.file,
            load_mapping(wanted.folder),
            directory,
            encoding=wanted.encoding,
            dry_run=wanted.dry_run,
            notify=wanted.notify,
            rejected=wanted.rejected,
        )
        await import_file(
            services,
            job,
            services.clock(),
            report,
            progress=lambda n: bar.update(task, completed=n),
            on_refused=(lambda place, why: print(f"{place}\t{why}", file=listed)) if listed else None,
        )


def _print_report(report: "ImportReport", wanted: _ImportRequest) -> None:
    print(
        f"{'would take in' if wanted.dry_run else 'taken in'}: {report.taken}; known from before: {report.known}; "
        f"refused: {report.refused_count}"
    )
    for status, n in sorted(report.by_status.items()):
        print(f"  {status}: {n}")
    for what, n in sorted(report.odd.items()):
        print(f"  taken in though odd: {n} x {what}")
    for rule, n in sorted(report.by_rule.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_RULES]:
        print(f"  refused: {n} x {rule}")
    for place, why in report.refused[:MOST_PLACES]:
        print(f"  refused: {place}: {why}")
    if left := max(0, report.refused_count - MOST_PLACES):
        print(f"  … and {left} more" + ("" if wanted.refused else " (--refused FILE lists all)"))
    if any("not utf-8" in rule for rule in report.by_rule) and wanted.encoding is None:
        say("some rows are not UTF-8: if the file comes from a Chinese Windows program, try --encoding gb18030")
