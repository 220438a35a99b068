"""The command that fills the directory: seed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say
from hotline.packaged_files import packaged_folder

if TYPE_CHECKING:
    from hotline.organisation.context import OrganisationServices

commands = typer.Typer()
MOST_LISTED = 20


@commands.command("seed")
def load_seed(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A shipped seed (ruiquan, liucheng, basis), or a folder")],
) -> None:
    """Load the directory from a folder of CSV, JSON and TOML files, all or nothing.

    Items with the same code are replaced and listed; so are those that older versions of the seed brought and it does
    without, which are removed. Imported notices, your own exceptions and duty overrides stay. A seed
    with `outlines.geojson` replaces the outlines of the map."""
    line: CommandLine = context.obj
    version, replaced, removed = line.with_services(lambda services: _seed(services, name))
    for item in replaced[:MOST_LISTED]:
        say(f"replaced: {item}")
    if len(replaced) > MOST_LISTED:
        say(f"replaced: … and {len(replaced) - MOST_LISTED} more (GET /v1/directory-log lists them all)")
    for item in removed:
        say(f"removed: {item}")
    say(f"directory: version {version}")


async def _seed(services: "OrganisationServices", name: str) -> tuple[int, list[str], list[str]]:
    """The directory's new version, and the items replaced and removed, as noun/code."""
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.organisation.model.directory import SEED_ORDER_NOUNS
    from hotline.organisation.service.outlines import seed_outlines
    from hotline.organisation.service.seeding import seed_directory

    root = packaged_folder("seeds")
    folder = root / name if (root / name).is_dir() and "/" not in name else Path(name)
    before = await services.directory.now(services.clock())
    after = await seed_directory(services.directory, folder, root, COMMAND_LINE, services.clock())
    await seed_outlines(services, folder, services.clock())
    pairs = ((noun, code, after.noun(noun).get(code)) for noun in SEED_ORDER_NOUNS for code in before.noun(noun))
    changed = [(f"{n}/{c}", item is None) for n, c, item in pairs if item != before.noun(n)[c]]
    return after.version, [n for n, gone in changed if not gone], [n for n, gone in changed if gone]
