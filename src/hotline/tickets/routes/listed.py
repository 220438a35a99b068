"""Rows of a list of tickets as replies show them, with their clocks where these were asked for."""

from collections.abc import Sequence

from hotline.database.prepared import Row
from hotline.organisation.model.directory import Directory
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.visibility import reads_notes
from hotline.tickets.schemas.briefs import TicketBrief, render_brief, render_clocked_brief
from hotline.tickets.store.assignments import load_running_clocks
from hotline.tickets.store.lists import load_narratives


async def listed_briefs(
    context: TicketContext, rows: Sequence[Row], directory: Directory, *, clocks: bool
) -> tuple[TicketBrief, ...]:
    """The tickets of these rows. A contractor is shown the clocks of its own orders, and those of the ticket."""
    if not clocks:
        return tuple(render_brief(row, directory, context.now) for row in rows)
    holders = None if reads_notes(context.actor) else context.actor.departments
    held = await load_running_clocks(context.services.db, [row.number for row in rows], context.now, holders)
    said = await load_narratives(context.services.db, [row.number for row in rows])
    return tuple(
        render_clocked_brief(row, directory, held.get(row.number, ()), said.get(row.number), context.now)
        for row in rows
    )
