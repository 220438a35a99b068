"""The commands of privacy: privacy export, privacy erase."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.privacy.erasing import PlannedErasure
    from hotline.privacy.exporting import PersonExport
    from hotline.tickets.context import Services

privacy = typer.Typer(name="privacy", help="What is held of a person, to be shown or erased.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(metavar="PERSON", help="A phone number, or the id of a caller")]


@privacy.command("export")
def export(
    context: typer.Context,
    person: Person,
    to: Annotated[Path | None, typer.Option(help="A new folder, or a new file whose name ends in .zip")] = None,
) -> None:
    """Write all that is held of a person: as JSON, as text to be read, and their files."""
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.privacy.exporting import export_person, write_export
    from hotline.privacy.subjects import find_subject

    async def work(services: "Services") -> "PersonExport":
        subject = await find_subject(services, person, "PERSON")
        return await export_person(services, subject, services.clock(), COMMAND_LINE)

    line: CommandLine = context.obj
    found: PersonExport = line.with_services(work)
    target = to or Path(f"person-{found.caller[:8]}.zip")
    try:
        write_export(found, target)
    except FileExistsError:
        stop(f"{target} is there already: name another with --to")
    for noun in found.nouns:
        if noun.rows:
            print(f"{len(noun.rows):6} {noun.what('en')}; {noun.kept('en')}")
    say(f"written to {target}: hand it to nobody but this person")


@privacy.command("erase")
def erase(
    context: typer.Context,
    person: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it, only tell what would be")] = False,
    also_open: Annotated[bool, typer.Option("--also-open", help="Also where a matter is being worked on")] = False,
) -> None:
    """Tell what erasing a person would change and what stays, and do it with --yes.

    Refused while matters of theirs are open."""
    from hotline.locales import translate
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.privacy.erasing import erase_person, plan_erasure
    from hotline.privacy.schemas import STAYS
    from hotline.privacy.subjects import find_subject

    async def plan(services: "Services") -> "PlannedErasure":
        return await plan_erasure(services, await find_subject(services, person, "PERSON"))

    async def work(services: "Services") -> dict[str, int]:
        subject = await find_subject(services, person, "PERSON")
        return await erase_person(services, subject, services.clock(), COMMAND_LINE, also_open=also_open)

    line: CommandLine = context.obj
    if yes:
        for noun, count in line.with_services(work).items():
            print(f"{count:6} {translate(f'privacy.{noun}', 'en')}")
        say("erased; free pages and older backups hold it until they are written over: docs/security.md")
        return
    planned: PlannedErasure = line.with_services(plan)
    for share, numbers in planned.tickets.items():
        if numbers:
            print(f"{len(numbers):6} {translate(f'privacy.share.{share}', 'en')}: {', '.join(numbers)}")
    for noun, count in planned.rows.items():
        print(f"{count:6} {translate(f'privacy.{noun}', 'en')}")
    for stays in STAYS:
        print(f"stays: {translate(f'privacy.stays.{stays}', 'en')}")
    if planned.spooled:
        print(f"{planned.spooled:6} records wait in the spool: it is refused until they are brought in")
    if planned.open:
        print(f"open: {', '.join(planned.open)}: refused without --also-open")
    say("nothing was changed; --yes erases")
