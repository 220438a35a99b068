"""Commands about messages on their way out: outbox list, outbox drop."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.command_line import CommandLine, say, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotline.database.prepared import Row
    from hotline.delivery.context import DeliveryServices

commands = typer.Typer(name="outbox", help="Outgoing messages.")


@commands.command("list")
def list_outbox(
    context: typer.Context,
    status: Annotated[str, typer.Option(help="queued, leased, sent, dead, expired or dropped")] = "dead",
    limit: Annotated[int, typer.Option(help="How many to list at most")] = 50,
) -> None:
    """List messages with a status, one JSON line each."""
    from hotline.delivery import store as outbox_store
    from hotline.delivery.model import MessageStatus

    if status not in set(MessageStatus):
        stop("--status is one of " + ", ".join(MessageStatus))

    async def listed(services: "DeliveryServices") -> "Sequence[Row]":
        return await outbox_store.load_messages(services.db, status, "", limit)

    line: CommandLine = context.obj
    for row in line.with_services(listed):
        shown = {k: str(v) if v is not None else None for k, v in row._asdict().items() if k != "payload"}
        print(json.dumps(shown, ensure_ascii=False))


@commands.command("drop")
def drop_message(
    context: typer.Context,
    message: str,
    reason: Annotated[str, typer.Option(help="Why it will not be sent; stored with it")],
) -> None:
    """Drop a waiting or failed message, with a reason."""
    from hotline.delivery import store as outbox_store

    async def drop(services: "DeliveryServices") -> bool:
        return await services.db.transact(lambda c: outbox_store.drop(c, message, f"dropped by hand: {reason}"))

    line: CommandLine = context.obj
    say("dropped" if line.with_services(drop) else stop("no such waiting or failed message"))
