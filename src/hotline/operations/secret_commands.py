"""Commands that replace HOTLINE_SECRET: secret status, rotate, drop."""

from typing import TYPE_CHECKING, Any

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.operations.secret_rotation import ColumnRotation
    from hotline.tickets.context import Services

commands = typer.Typer(name="secret", help="Replace HOTLINE_SECRET without an outage", no_args_is_help=True)
RESTART = "restart every process of this system, then run `hotline secret rotate` again"


@commands.command("status")
def status(context: typer.Context) -> None:
    """Print which secrets are accepted, by their ids, and how many values wait to be sealed anew."""
    ids, waiting = context.obj.with_services(_state, as_found=True)
    print(f"current   {ids[0]}")
    for each in ids[1:]:
        print(f"accepted  {each}")
    print(f"to be sealed anew: {waiting}")


@commands.command("rotate")
def rotate(context: typer.Context) -> None:
    """Replace the secret: make a new one, use it, or seal anew what another one sealed.

    Where a file holds the secret, the first run puts a new one into it, which is accepted; the second one lets it be
    used. Restart every process after each, and run this once more. Where the environment does, set HOTLINE_SECRET and
    HOTLINE_SECRET_PREVIOUS first. What was broken off goes on when it is run again; exits 1 if a value cannot be
    opened."""
    from hotline.secrets.secret_file import add_next_secret, has_next_secret, use_next_secret

    line: CommandLine = context.obj
    file = line.settings.secret_file
    if file is not None and file.exists() and has_next_secret(file):
        line.with_services(_load_ids, as_found=True)  # a secret that does not open the look-up key stops it here
        use_next_secret(file)
        say(f"the new secret of {file} is in use, the earlier one is still accepted: {RESTART}")
        return
    if len(line.with_services(_load_ids, as_found=True)) == 1:
        if file is None:
            stop("accept a new secret first, as HOTLINE_SECRET_PREVIOUS: docs/operations.md")
        add_next_secret(file)
        say(f"a new secret is in {file}, accepted and not used yet: {RESTART}")
        return
    done: list[ColumnRotation] = line.with_services(_seal_anew)
    for column in done:
        print(f"{column.column:24} {column.sealed} sealed anew, {column.unreadable} unreadable")
    if any(column.unreadable for column in done):
        stop("some values were sealed with a secret that is not accepted: add it to HOTLINE_SECRET_PREVIOUS")
    say("nothing is sealed with another secret; codes and links that it signed are valid until it is dropped")


@commands.command("drop")
def drop(context: typer.Context) -> None:
    """Drop the secrets of the file that are not in use: earlier ones, or a new one; refused while they are needed.

    Codes that residents were sent and links to duty calendars of an earlier secret end."""
    from hotline.secrets.secret_file import drop_other_secrets

    line: CommandLine = context.obj
    if line.settings.secret_file is None:
        stop("the environment holds the secret: remove HOTLINE_SECRET_PREVIOUS and restart every process")
    _, waiting = line.with_services(_state, as_found=True)
    if waiting:
        stop(f"{waiting} values are sealed with another secret: run `hotline secret rotate`")
    say(f"dropped: {drop_other_secrets(line.settings.secret_file)}; restart every process")


async def _load_ids(services: "Services") -> list[str]:
    """The ids of the accepted secrets, the current one first."""
    from hotline.secrets.secret_box import secret_id
    from hotline.server_secret import accepted_secrets

    return [secret_id(each) for each in accepted_secrets(services.secret)]


async def _state(services: "Services") -> tuple[list[str], int]:
    from hotline.operations.secret_rotation import count_sealed_by_others

    return await _load_ids(services), await count_sealed_by_others(services)


async def _seal_anew(services: "Services") -> Any:
    from hotline.operations.secret_rotation import seal_anew
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.secrets.secret_box import secret_id
    from hotline.security_log.store import SecurityEvent, record_deed
    from hotline.security_log.vocabulary import Deed

    done = await seal_anew(services)
    details = {"secret": secret_id(services.secret), "sealed": sum(column.sealed for column in done)}
    event = SecurityEvent(Deed.SECRET_ROTATED, COMMAND_LINE, services.clock(), details=details, address=None)
    await services.db.transact(lambda c: record_deed(c, event))
    return done
