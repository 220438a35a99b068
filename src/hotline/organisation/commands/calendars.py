"""The command that imports a year's holiday notice: calendar import."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.organisation.context import OrganisationServices
    from hotline.organisation.model.holidays import CalendarChange, HolidayNotice
    from hotline.organisation.model.items import Calendar

commands = typer.Typer(name="calendar", help="Working calendars.")
LARGEST = 1_000_000  # bytes of a year's notice
KINDS_OF_DAY = {True: "working day", False: "day off", None: "ordinary day"}


@dataclass(frozen=True)
class _NoticeImport:
    """What `calendar import` was asked."""

    name: str
    content: bytes
    calendar: str
    year: int | None
    apply: bool
    dry_run: bool


@commands.command("import")
def import_calendar(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A year's holiday notice: JSON as of holiday-cn, iCalendar, or CSV")],
    calendar: Annotated[str, typer.Option(help="The calendar to change")] = "cn",
    year: Annotated[int | None, typer.Option(help="Refuse a file for another year; of several, take this one")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write what is shown, without a question")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; write nothing")] = False,
) -> None:
    """Import a year's holiday notice into a calendar, all or nothing.

    Lists each day that is added, changed or removed, and writes nothing before that was confirmed: it asks at a
    terminal; elsewhere it needs --apply. The worker then recalculates running deadlines."""
    line: CommandLine = context.obj
    wanted = _NoticeImport(file.name, _read_file(file), calendar, year, apply, dry_run)
    done = line.with_services(lambda services: _import(services, wanted))
    if done is None:
        say("nothing changed")
        return
    version, confirmed, days = done
    say(f"calendar {calendar}: {days} days of the notice, announced to {confirmed}; directory version {version}")
    say("the worker recalculates running deadlines; each that moves is noted in its ticket's timeline")


def _read_file(file: Path) -> bytes:
    """The bytes of a notice's file. Stops, naming the file, where they cannot be read."""
    try:
        if file.stat().st_size > LARGEST:
            stop(f"cannot read {file.name}: larger than 1 MB, too large for a year's notice")
        return file.read_bytes()
    except OSError as fault:
        stop(f"cannot read {file.name}: {fault.strerror}")


async def _import(services: "OrganisationServices", wanted: _NoticeImport) -> tuple[int, str, int] | None:
    """(directory version, announced to, days of the notice), or None where nothing changed. A dry run prints the
    same."""
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.organisation.model.holidays import calendar_change, partial_notice_warning, with_notice
    from hotline.organisation.service.directory import change
    from hotline.organisation.service.notice_files import read_notice

    now = services.clock()
    directory = await services.directory.now(now)
    try:
        notice = read_notice(wanted.content, wanted.name, wanted.year)
    except ValueError as fault:
        stop(f"cannot read {wanted.name}: {fault}")
    before = directory.calendars.get(wanted.calendar)
    if before is None:
        stop(f"no calendar {wanted.calendar}; there are: {', '.join(directory.calendars) or 'none'}")
    after, doubt = with_notice(before, notice), partial_notice_warning(before, notice)
    found = calendar_change(before, after, notice)
    _print_days(found, before, after, notice)
    if doubt:
        say(f"please check: {doubt}")
    if after == before:
        say(f"calendar {wanted.calendar} already matches the notice; directory version {directory.version}")
        return None
    summary = f"{len(found.added)} days added, {len(found.changed)} changed, {len(found.removed)} removed"
    if not any((found.added, found.changed, found.removed)):
        summary = f"no day differs; announced to {after.confirmed_to} instead of {before.confirmed_to or 'nothing'}"
    if wanted.dry_run:
        say(summary)
        return None
    if not wanted.apply:
        if not sys.stdin.isatty():
            stop(f"{summary}: nothing changed; to write it, run it again with --apply", 2)
        if not typer.confirm(f"{summary}. Write it to calendar {wanted.calendar}?", err=True):
            return None
    changes = [("calendars", wanted.calendar, after)]
    kept = await change(services.directory, changes, COMMAND_LINE, now, version=directory.version)
    return kept.version, after.confirmed_to, len(notice.days)


def _print_days(found: "CalendarChange", before: "Calendar", after: "Calendar", notice: "HolidayNotice") -> None:
    """Print the days that the notice removes (-), changes (~) or adds (+), and those a later notice has set (=)."""
    for sign, moved in (("-", found.removed), ("~", found.changed), ("+", found.added)):
        for day, was, is_now in moved:
            name = after.names.get(day, before.names.get(day, ""))
            print(f"{sign} {day}  {KINDS_OF_DAY[was]} -> {KINDS_OF_DAY[is_now]}  {name}")
    for day in found.kept:
        print(f"= {day}  stays as in the notice for {notice.year + 1}")
