"""Commands that replace HOTLINE_SECRET: secret status, rotate, drop."""

from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from hotline.operations.secret_rotation import ColumnRotation
    from hotline.tickets.context import Services

commands = typer.Typer(name="secret", help="Replace HOTLINE_SECRET without an outage", no_args_is_help=True)
RESTART = "restart every process of this system, then run `hotline secret rotate` again"
RESTART_LOOKUPS = "restart every process of this system, then run `hotline secret rotate --lookups` again"


FORCE = typer.Option(
    False, "--force", help="Also while a running process does not know of it: what it writes may be found by nobody"
)
LOOKUPS = typer.Option(False, "--lookups", help="The look-up key, by which callers, keys and sessions are found")


@commands.command("status")
def status(context: typer.Context) -> None:
    """Print which secrets are accepted, by their ids, how many values wait to be sealed anew, and how far the
    replacement of the look-up key is."""
    ids, waiting = context.obj.with_services(_state, as_found=True)
    print(f"current   {ids[0]}")
    for each in ids[1:]:
        print(f"accepted  {each}")
    print(f"to be sealed anew: {waiting}")
    if (step := context.obj.with_services(_load_lookup_step, as_found=True)) is not None:
        print(f"look-up key: a new one is {step}")


@commands.command("rotate")
def rotate(context: typer.Context, lookups: bool = LOOKUPS, force: bool = FORCE) -> None:
    """Replace the secret: make a new one, use it, or seal anew what another one sealed.

    Where a file holds the secret, the first run puts a new one into it, which is accepted; the second one lets it be
    used. Restart every process after each, and run this once more. Where the environment does, set HOTLINE_SECRET and
    HOTLINE_SECRET_PREVIOUS first. What was broken off goes on when it is run again; exits 1 if a value cannot be
    opened. With --lookups the same three runs replace the look-up key, wherever the secret is held."""
    from hotline.secrets.secret_file import add_next_secret, has_next_secret, use_next_secret

    line: CommandLine = context.obj
    if lookups:
        _rotate_lookups(line, force=force)
        return
    if line.with_services(_load_lookup_step, as_found=True) is not None:
        stop("the look-up key is being replaced: finish `hotline secret rotate --lookups` first, or drop it")
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
def drop(
    context: typer.Context,
    lookups: bool = LOOKUPS,
    end_credentials: bool = typer.Option(
        False, "--end-credentials", help="End keys, sessions and recovery codes that only the earlier look-up key finds"
    ),
    force: bool = FORCE,
) -> None:
    """Drop the secrets of the file that are not in use: earlier ones, or a new one; refused while they are needed.

    Codes that residents were sent and links to duty calendars of an earlier secret end. With --lookups: drop the
    look-up key that is not in use."""
    from hotline.secrets.secret_file import drop_other_secrets

    line: CommandLine = context.obj
    if lookups:
        _drop_lookups(line, end_credentials=end_credentials, force=force)
        return
    if line.settings.secret_file is None:
        stop("the environment holds the secret: remove HOTLINE_SECRET_PREVIOUS and restart every process")
    _, waiting = line.with_services(_state, as_found=True)
    if waiting:
        stop(f"{waiting} values are sealed with another secret: run `hotline secret rotate`")
    say(f"dropped: {drop_other_secrets(line.settings.secret_file)}; restart every process")


@commands.command("restore")
def restore(context: typer.Context) -> None:
    """Accept the look-up key that was dropped last again, up to 30 days later: a process had still written with it."""
    context.obj.with_services(_restore_lookup)
    say(f"the dropped look-up key is accepted again: {RESTART_LOOKUPS}")


def _rotate_lookups(line: "CommandLine", *, force: bool) -> None:
    from hotline.operations.stored_keys import LookupStep

    before = line.with_services(_load_lookup_step, as_found=True)
    step = line.with_services(partial(_advance_lookups, force=force))
    if step is LookupStep.ACCEPTED:
        say(f"a new look-up key is accepted and not used yet: {RESTART_LOOKUPS}")
        return
    if before is LookupStep.ACCEPTED:
        say(f"the new look-up key is in use, the earlier one is still accepted: {RESTART_LOOKUPS}")
        return
    done = line.with_services(_move_lookups)
    for table in sorted(done.moved):
        print(f"{table:24} {done.moved[table]} moved")
    if done.left:
        stop(f"{done.left} values were written with the earlier key meanwhile: {RESTART_LOOKUPS}")
    say("every row is found by the new look-up key: when keys and sessions are too, `hotline secret drop --lookups`")


def _drop_lookups(line: "CommandLine", *, end_credentials: bool, force: bool) -> None:
    from hotline.operations.stored_keys import LookupStep

    step = line.with_services(_load_lookup_step, as_found=True)
    if step is None:
        stop("one look-up key alone is accepted")
    if step is LookupStep.USED:
        stop("rows are still found by the look-up key before: run `hotline secret rotate --lookups`")
    if left := line.with_services(_check_moved):
        stop(f"{left} values were written with the other look-up key meanwhile, and moved: {RESTART_LOOKUPS}")
    credentials = line.with_services(_count_credentials, as_found=True)
    if any(credentials.values()) and not end_credentials:
        told = ", ".join(f"{count} {name}" for name, count in credentials.items())
        stop(f"found by the other look-up key alone: {told}. Wait until they have been used or have expired, make them "
             "anew, or end them with --end-credentials")  # fmt: skip
    line.with_services(partial(_drop_other_lookup, force=force))
    say("one look-up key alone is accepted: restart every process. The other one is kept sealed for 30 days: "
        "`hotline secret restore` accepts it again")  # fmt: skip


async def _load_lookup_step(services: "Services") -> Any:
    from hotline.operations.stored_keys import read_stored_keys

    return (await services.db.transact(lambda c: read_stored_keys(c, services.secret))).step


async def _advance_lookups(services: "Services", force: bool) -> Any:
    from hotline.operations.lookup_rotation import advance_lookups

    return await services.db.transact(lambda c: advance_lookups(c, services.secret, services.clock(), force=force))


async def _move_lookups(services: "Services") -> Any:
    from hotline.operations.lookup_rotation import move_lookups

    done = await move_lookups(services)
    await _note(services, {"lookups": True, "sealed": sum(done.moved.values())})
    return done


async def _check_moved(services: "Services") -> int:
    from hotline.operations.lookup_rotation import check_moved

    return await check_moved(services)


async def _count_credentials(services: "Services") -> dict[str, int]:
    from hotline.operations.lookup_rotation import count_credentials

    return await services.db.snapshot(lambda c: count_credentials(c, services.secret, services.clock()))


async def _drop_other_lookup(services: "Services", force: bool) -> None:
    from hotline.operations.lookup_rotation import drop_lookups

    await services.db.transact(lambda c: drop_lookups(c, services.secret, services.clock(), force=force))


async def _restore_lookup(services: "Services") -> None:
    from hotline.operations.lookup_rotation import restore_lookup

    await services.db.transact(lambda c: restore_lookup(c, services.secret, services.clock()))


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

    done = await seal_anew(services)
    await _note(services, {"sealed": sum(column.sealed for column in done)})
    return done


async def _note(services: "Services", details: dict[str, Any]) -> None:
    from hotline.organisation.model.actors import COMMAND_LINE
    from hotline.secrets.secret_box import secret_id
    from hotline.security_log.store import SecurityEvent, record_deed
    from hotline.security_log.vocabulary import Deed

    told = {"secret": secret_id(services.secret), **details}
    event = SecurityEvent(Deed.SECRET_ROTATED, COMMAND_LINE, services.clock(), details=told, address=None)
    await services.db.transact(lambda c: record_deed(c, event))
