"""Commands about second factors: user factors list, user factors reset."""

from typing import TYPE_CHECKING

import typer

from hotline.command_line import CommandLine, say

if TYPE_CHECKING:
    from hotline.organisation.context import OrganisationServices

commands = typer.Typer(name="factors", help="Second factors of people.")


@commands.command("list")
def list_factors(context: typer.Context) -> None:
    """List who logs in with a second factor: log-in and number of factors."""
    from hotline.organisation.store import second_factors

    line: CommandLine = context.obj

    async def load(services: "OrganisationServices") -> dict[str, int]:
        return await second_factors.load_factor_counts(services.db)

    for login, count in line.with_services(load).items():
        print(f"{login}\t{count}")


@commands.command("reset")
def reset_factors(context: typer.Context, login: str) -> None:
    """Remove all second factors and recovery codes of a person, and end their sessions.

    It works without anybody's log-in, as where the last administrator lost theirs."""
    from hotline.organisation.service import factor_changes
    from hotline.organisation.service.accounts import ActorCache

    line: CommandLine = context.obj

    async def reset(services: "OrganisationServices") -> int:
        return await factor_changes.reset_factors(services, ActorCache(), login, services.clock())

    say(f"removed: {line.with_services(reset)} of {login}")
