"""Files of a ticket: kept once under the hash of their bytes, typed by what they are, never shown as something to
run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from hotline.organisation.model.actors import Actor
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.storage.files import StoredFile, Upload, store_if_gone, stored_path
from hotline.tickets.act import Additions, act, load_handler_departments, load_visible_ticket
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import decide
from hotline.tickets.model.ticket import Attachment, Command, Facts
from hotline.tickets.model.visibility import can_see_file
from hotline.tickets.model.vocabulary import ATTACHED_FILE, Action, AttachmentPurpose
from hotline.tickets.store import history
from hotline.web.idempotency import ActionResult


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that was stored: its name, what was sent, and what it shows."""

    stored: StoredFile
    name: str
    upload: Upload
    purpose: AttachmentPurpose = AttachmentPurpose.EVIDENCE


async def check_can_attach(services: Services, number: str, actor: Actor, now: datetime) -> None:
    """Check before a file is stored that the actor may see the ticket and that it still takes files. Raises Refused."""
    facts = await load_visible_ticket(services, number, actor)
    decided = decide(facts, Command(Action.ATTACH, facts.ticket.version), actor, now)
    if isinstance(decided, Refusal):
        raise Refused(decided)


async def attach(
    services: Services,
    number: str,
    new: NewFile,
    request: WriteRequest,
    render: Callable[[Attachment], str],
) -> ActionResult:
    """Note a stored file on its ticket. Never locks the ticket: the request carries no version, so a change in between
    is not refused. Raises Refused, also where the file may not be attached."""
    by, stored = request.actor.id, new.stored
    await services.file_scanner.note_file(stored.sha256, request.now)
    for _ in range(10):
        facts = await load_visible_ticket(services, number, request.actor, request.scope)
        file = Attachment(
            id=str(uuid4()),
            number=facts.ticket.number,
            sha256=stored.sha256,
            name=new.name,
            media_type=stored.media_type,
            size=stored.size,
            at=request.now,
            by_id=by,
            purpose=new.purpose,
        )
        named = [file.id, file.sha256, file.name]
        command = Command(Action.ATTACH, facts.ticket.version, {ATTACHED_FILE: named})

        def render_attachment(_: Facts, file: Attachment = file) -> str:
            return render(file)

        try:
            result = await act(services, number, command, request, render_attachment, Additions(attachment=file))
            await store_if_gone(services.files, stored, new.upload)
            return result
        except Refused as refused:
            if refused.refusal.code is not Code.STALE:
                raise
    raise Refused(Refusal(Code.OVERLOADED, "the ticket changes too fast just now; nothing was written, try again"))


async def load_visible_files(services: Services, number: str, actor: Actor) -> tuple[Facts, list[Any]]:
    """The ticket, and the rows of its files that the actor may see, oldest first. Raises Refused: not theirs to see."""
    facts = await load_visible_ticket(services, number, actor)
    rows = await history.load_attachments(services.db, facts.ticket.number)
    authors = await load_handler_departments(services, actor, (r.by_id for r in rows))
    return facts, [r for r in rows if can_see_file(r.by_id, facts.assignments, actor, authors)]


async def load_attachment_file(services: Services, number: str, attachment: str, actor: Actor) -> tuple[Any, Path]:
    """The row and the place of a file, if its ticket is the actor's to see and its scan found nothing."""
    _, rows = await load_visible_files(services, number, actor)
    row = next((r for r in rows if r.id == attachment), None)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such attachment"))
    await services.file_scanner.check_can_open(row.sha256)
    return row, stored_path(services.files, row.sha256)
