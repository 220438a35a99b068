"""The command that imports the outlines of the map: outlines import."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.organisation.context import OrganisationServices
    from hotline.organisation.model.outlines import OutlineChanges

commands = typer.Typer(name="outlines", help="Outlines of the map.")
LARGEST = 50_000_000  # bytes of a file


@commands.callback()
def _group() -> None:
    """Outlines of the map."""


@commands.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="GeoJSON: a FeatureCollection, WGS84")],
    save: Annotated[bool, typer.Option("--save", help="Replace the outlines; without it nothing is written")] = False,
) -> None:
    """Replace the outlines of the map by those of a GeoJSON file, all or nothing.

    Each feature has `properties` with `kind` (land, green, water, road, place, building, label), `area` (the code of
    the place it shows) or a `code` of its own, and `name`, `name_en` where it shows no area. Without --save the command
    tells what would change."""
    line: CommandLine = context.obj
    document = _read(file)
    changes = line.with_services(lambda services: _import(services, document, save=save))
    done = "" if save else " (nothing was written: repeat with --save)"
    counts = f"{changes.added} new, {changes.changed} changed, {changes.removed} removed, {changes.same} same"
    say(f"outlines: {counts}{done}")


def _read(file: Path) -> Any:
    from hotline.text.strict_json import parse_strict_json

    try:
        if file.stat().st_size > LARGEST:
            stop(f"cannot read {file.name}: larger than {LARGEST // 1_000_000} MB")
        return parse_strict_json(file.read_bytes())
    except OSError as fault:
        stop(f"cannot read {file.name}: {fault.strerror}")
    except ValueError as fault:
        stop(f"cannot read {file.name}: {fault}")


async def _import(services: "OrganisationServices", document: Any, *, save: bool) -> "OutlineChanges":
    from hotline.organisation.service.outlines import import_outlines

    return await import_outlines(services, document, services.clock(), save=save)
