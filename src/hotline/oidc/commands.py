"""Commands about identity providers: oidc set, list, check, remove, link, unlink."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, read_password, say, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotline.oidc.providers import StoredProvider
    from hotline.organisation.context import OrganisationServices

commands = typer.Typer(name="oidc", help="Identity providers (OpenID Connect).")
CodeArgument = Annotated[str, typer.Argument(help="Code of the provider: part of the addresses it is told")]


@commands.command("set")
def set_provider(context: typer.Context, code: CodeArgument, file: Path) -> None:
    """Add a provider from a JSON file, or change it. docs/single-sign-on.md says what the file holds.

    Our client's secret there comes from HOTLINE_PASSWORD or standard input; without it the secret there was stays."""
    import re

    from pydantic import ValidationError

    from hotline.oidc import providers
    from hotline.oidc.schemas import ProviderIn
    from hotline.oidc.service import callback_address

    line: CommandLine = context.obj
    secret = read_password(ask=False) or None
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,29}", code):
        stop("the code: a-z 0-9 _ -, beginning with a letter or digit, 30 at most")
    try:
        given = ProviderIn.model_validate_json(file.read_bytes())
    except OSError as fault:
        stop(f"cannot read {file}: {fault.strerror}", 2)
    except ValidationError as fault:
        where = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in fault.errors()]
        stop("\n".join(["refused: the file is not valid", *where]))

    async def keep(services: "OrganisationServices") -> str:
        directory = await services.directory.now(services.clock())
        unknown = [r.department for r in given.rules if r.department and r.department not in directory.departments]
        unknown += [r.area for r in given.rules if r.area and r.area not in directory.areas]
        if unknown:
            stop(f"not in the directory: {', '.join(unknown)}")
        await providers.set_provider(services, code, given, secret, services.clock())
        return callback_address(services, code)

    address = line.with_services(keep)
    say(f"set: {code}; the provider is to know this redirect address:")
    print(address)


@commands.command("list")
def list_providers(context: typer.Context) -> None:
    """List the providers: code, issuer, client, and whether it is in use."""
    from hotline.oidc import providers

    line: CommandLine = context.obj

    async def load(services: "OrganisationServices") -> "Sequence[StoredProvider]":
        return await providers.load_providers(services)

    for stored in line.with_services(load):
        p = stored.provider
        print(f"{p.code}\t{p.issuer}\t{p.client_id}\t{'active' if p.active else 'off'}")


@commands.command("check")
def check_provider(context: typer.Context, code: CodeArgument) -> None:
    """Ask a provider for its metadata and keys; exits 1 if it does not answer as it must."""
    from hotline.oidc import providers
    from hotline.oidc.provider_client import ProviderClient, ProviderFault

    line: CommandLine = context.obj

    async def ask(services: "OrganisationServices") -> dict[str, object]:
        found = {p.provider.code: p.provider for p in await providers.load_providers(services)}.get(code)
        if found is None:
            stop("no such provider")
        client = ProviderClient(services.clock)
        try:
            async with client.connect(found) as connection:
                metadata = await client.metadata(connection, found)
                keys = await client.keys(connection, found)
        except ProviderFault as fault:
            stop(f"wrong: {fault}")
        return {
            "authorization_endpoint": metadata.authorization_endpoint,
            "token_endpoint": metadata.token_endpoint,
            "end_session_endpoint": metadata.end_session_endpoint,
            "keys": [key.kid for key in keys],
        }

    print(json.dumps(line.with_services(ask), indent=2))


@commands.command("remove")
def remove_provider(context: typer.Context, code: CodeArgument) -> None:
    """Remove a provider, and end the sessions that began there. The people who came from there stay, and cannot log in
    there any more."""
    from hotline.oidc import providers

    line: CommandLine = context.obj

    async def remove(services: "OrganisationServices") -> bool:
        return await providers.remove_provider(services, code, services.clock())

    if not line.with_services(remove):
        stop("no such provider")
    say(f"removed: {code}")


@commands.command("link")
def link_person(
    context: typer.Context,
    code: CodeArgument,
    subject: Annotated[str, typer.Argument(help="The person's `sub` at the provider")],
    login: Annotated[str, typer.Argument(help="The person's log-in here")],
) -> None:
    """Say that somebody who has a log-in here is this person at the provider."""
    from hotline.oidc import providers

    line: CommandLine = context.obj

    async def link(services: "OrganisationServices") -> str | None:
        return await providers.link_person(services, code, subject, login, services.clock())

    if fault := line.with_services(link):
        stop(fault)
    say(f"linked: {login}")


@commands.command("unlink")
def unlink_person(
    context: typer.Context,
    code: CodeArgument,
    subject: Annotated[str, typer.Argument(help="The person's `sub` at the provider")],
) -> None:
    """Forget who this is, and end the sessions. The account stays; one that came from there has no password until an
    administrator sets one."""
    from hotline.oidc import providers

    line: CommandLine = context.obj

    async def unlink(services: "OrganisationServices") -> str | None:
        return await providers.unlink_person(services, code, subject, services.clock())

    if fault := line.with_services(unlink):
        stop(fault)
    say("unlinked")
