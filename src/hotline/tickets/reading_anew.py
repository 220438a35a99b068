"""What an amended narrative or another triage makes of a ticket's title and of its flags of danger."""

from collections.abc import Set
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import LIVE_CHANNELS, URGENCY, Priority
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Command, Ticket
from hotline.tickets.model.vocabulary import DANGER_FLAG, Action, Field
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.titles import make_title
from hotline.value_objects import replace

F = Field
_BY_THE_DESK = frozenset({Action.TRIAGE, Action.AMEND})
_READ_ANEW = _BY_THE_DESK | {Action.ADD_CALL, Action.PROVIDE_INFO}  # which may tell the place


async def advise_on(services: Services, ticket: Ticket, text: str) -> Advice:
    """The advice on a text that belongs to this ticket."""
    return await services.offload.run(
        len(text),
        advise,
        services.directory.derived(build_lexicon),
        text,
        None,
        ticket.area,
        written=ticket.channel not in LIVE_CHANNELS,
        form_opinion=services.form_opinion,
    )


async def is_place_read(services: Services, ticket: Ticket) -> bool:
    """Whether the building of a ticket is the one that its first words name, and nothing else was given of the
    place."""
    if ticket.area is None or ticket.address or ticket.lat is not None:
        return False
    elsewhere = replace(ticket, area=None)
    return (await advise_on(services, elsewhere, ticket.narrative)).area == ticket.area


async def read_anew_columns(
    services: Services, directory: Directory, ticket: Ticket, command: Command
) -> dict[str, Any]:
    """The columns that follow from a command that changes what a ticket is about: its title, unless somebody chose it;
    its flags of danger; and with a danger that an amended narrative adds, its priority."""
    given: dict[Any, Any] = {name: value for name, value in command.fields.items() if value is not None}
    narrative = given.get(F.NARRATIVE, ticket.narrative)
    reworded = narrative != ticket.narrative
    moved = given.get(F.CATEGORY, ticket.category) != ticket.category or given.get(F.AREA, ticket.area) != ticket.area
    rings = any(flag.startswith(DANGER_FLAG) for flag in ticket.flags)
    eased = rings and given.get(F.PRIORITY, ticket.priority) is not Priority.EMERGENCY
    if command.action not in _READ_ANEW or not (reworded or moved or (eased and command.action in _BY_THE_DESK)):
        return {}
    told = await advise_on(services, ticket, ticket.narrative)
    anew = await advise_on(services, ticket, narrative) if reworded else told
    columns: dict[str, Any] = {}
    priority = given.get(F.PRIORITY, ticket.priority)
    if reworded and F.PRIORITY not in given and set(anew.dangers) - set(told.dangers):
        priority = columns["priority"] = min(ticket.priority, anew.priority, key=URGENCY.index)
    category = given.get(F.CATEGORY, ticket.category)
    read = set(map(str, told.dangers)), tuple(map(str, anew.dangers)) if reworded else None
    dangers = _dangers(directory, ticket, read, category, priority)
    if command.action not in _BY_THE_DESK:  # only the place changes
        dangers = tuple(f.removeprefix(DANGER_FLAG) for f in ticket.flags if f.startswith(DANGER_FLAG))
    flags = (*(f"{DANGER_FLAG}{danger}" for danger in dangers), *_other_flags(ticket))
    if set(flags) != set(ticket.flags):
        columns["flags"] = flags
    if given.get(F.TITLE, ticket.title) == ticket.title and is_made_title(directory, ticket, told):
        area = given.get(F.AREA, anew.area or ticket.area)
        kept = replace(anew, category=category or anew.category, area=area, dangers=dangers)
        title = make_title(directory, kept, narrative, given.get(F.ADDRESS, ticket.address))
        if title != ticket.title:
            columns["title"] = title
    return columns


def is_made_title(directory: Directory, ticket: Ticket, told: Advice) -> bool:
    """Whether the title is one that was made of the narrative, at intake or by a change after it."""
    dangers = tuple(flag.removeprefix(DANGER_FLAG) for flag in ticket.flags if flag.startswith(DANGER_FLAG))
    chosen = replace(told, category=ticket.category or told.category, dangers=dangers)
    made = (told, replace(told, dangers=dangers), chosen, replace(chosen, area=ticket.area))
    return any(ticket.title == make_title(directory, each, ticket.narrative, ticket.address) for each in made)


def _other_flags(ticket: Ticket) -> tuple[str, ...]:
    return tuple(flag for flag in ticket.flags if not flag.startswith(DANGER_FLAG))


def _dangers(
    directory: Directory,
    ticket: Ticket,
    read: tuple[Set[str], tuple[str, ...] | None],
    category: str | None,
    priority: Priority,
) -> tuple[str, ...]:
    """The dangers after it. `read`: those read in the narrative before, and in the new one (None: there is none). A
    person's triage below an emergency, in a category of no danger, says that there is none; an emergency in the
    category of a danger says that there is this one."""
    hazards = sorted(directory.hazards.values(), key=lambda hazard: hazard.rank)
    of_category = [str(hazard.code) for hazard in hazards if hazard.category == category]
    known = [flag.removeprefix(DANGER_FLAG) for flag in ticket.flags if flag.startswith(DANGER_FLAG)]
    before, now = read
    if now is not None:
        dropped = before - set(now)
        known = [*now, *(danger for danger in known if danger not in dropped)]
    chosen = directory.categories.get(category or "")
    of_danger = bool(of_category) or (chosen is not None and chosen.priority is Priority.EMERGENCY)
    if priority is not Priority.EMERGENCY and chosen is not None and not of_danger and not now:
        return ()
    if priority is Priority.EMERGENCY and of_category and not set(of_category) & set(known):
        known = [*known, of_category[0]]
    return tuple(dict.fromkeys(known))
