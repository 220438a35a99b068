"""Texts that waited for a number's next share: what came of the matter meanwhile may have made them untrue, as later
messages to the same receiver do not wait behind them."""

from hotline.database.engine import Database
from hotline.database.prepared import Row
from hotline.sms import store as sms_store
from hotline.sms.model.templates import still_fits
from hotline.tickets.model.vocabulary import TicketStatus

_HELD = "~"  # ends the partition of what waits
OUTDATED = "no longer true when the number had its next share"


def waiting_partition(partition: str) -> str:
    """Where a message waits for the number's next share: what comes after it to the same receiver does not wait."""
    return partition if partition.endswith(_HELD) else f"{partition}{_HELD}"[:60]


async def is_outdated(
    db: Database, message: Row, template: str, status: TicketStatus, number: str, receiver: str
) -> bool:
    """Whether a message to a caller waited, and is not true any more. `status`: where its ticket is now; `number`: the
    caller's own ticket, which may be merged into it."""
    # its partition alone says that it waited: `last_error` says why the newest try failed
    if not message.partition.endswith(_HELD):
        return False
    if not still_fits(template, message.payload.get("status"), status):
        return True
    step = _step(message.id, message.number)
    if step is None:
        return False
    told = await sms_store.load_told_texts(db, number, receiver)
    return any((_step(told_id, message.number) or 0) > step for told_id in told)


def _step(message_id: str, number: str) -> int | None:
    """Which step of the ticket a message tells of; None: of none, as an incident's final word."""
    of, _, rest = message_id.partition(".")
    step = rest.partition(".")[0]
    return int(step) if of == number and step.isdecimal() else None
