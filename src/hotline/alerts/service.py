"""What an actor must know now: the dangers that wait, and who is on duty."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hotline.alerts import store
from hotline.alerts.model import Alert, knows_of_all
from hotline.organisation.model import duty
from hotline.organisation.model.actors import AREA_WIDE_ROLES, Actor, ActorKind
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Roster
from hotline.organisation.model.scopes import Scope, scope_of
from hotline.organisation.store.people import load_person
from hotline.tickets.context import Services

DUTY_AHEAD = timedelta(hours=24)  # how far ahead gaps are looked for


async def alerts_for(services: Services, actor: Actor, now: datetime, number: str | None = None) -> list[Alert]:
    """The dangers that wait and that this actor must know of, the longest waiting first. `number`: of that ticket
    alone."""
    scope = scope_of(actor)
    if scope.whole and knows_of_all(actor, on_duty=await _is_on_duty(services, actor, now)):
        return await store.load_alerts(services.db, scope, own_alone=False, number=number)
    own = Scope(False, scope.areas, scope.departments)
    return await store.load_alerts(services.db, own, own_alone=True, number=number)


async def _is_on_duty(services: Services, actor: Actor, now: datetime) -> bool:
    """Whether a person takes a turn of any roster now; members are known by their log-in."""
    if actor.kind is not ActorKind.PERSON or knows_of_all(actor, on_duty=False):
        return False
    person = await load_person(services.db, actor.id)
    directory = await services.directory.now(now)
    return person is not None and person.login in logins_on_duty(directory, now)


def logins_on_duty(directory: Directory, now: datetime) -> set[str]:
    """The codes of everybody on duty now, which are log-ins where the member has one."""
    rosters = [roster for roster in directory.rosters.values() if roster.active]
    return {turn.member.code for roster in rosters for turn in turns_now(roster, now)}


def turns_begun(directory: Directory, since: datetime, now: datetime) -> dict[str, datetime]:
    """Whose turn began after `since`, and when: the latest where there are two. By code, as `logins_on_duty`."""
    rosters = [roster for roster in directory.rosters.values() if roster.active]
    turns = [turn for roster in rosters for turn in turns_now(roster, now) if turn.start > since]
    return {turn.member.code: turn.start for turn in sorted(turns, key=lambda turn: turn.start)}


def turns_now(roster: Roster, now: datetime) -> list[duty.Turn]:
    """Who is on duty by one roster at this moment."""
    return [turn for turn in duty.uncut_turns(roster, now, now + DUTY_AHEAD, DUTY_AHEAD * 2) if turn.start <= now]


def officers_for(directory: Directory, holders: Iterable[str], now: datetime) -> list[duty.Turn]:
    """Whom to call: the officers of the first holder whose chain has any; where there is no holder, the organisation's
    own."""
    asked = list(holders)
    if not asked:
        return duty.officers_to_call(directory, None, now)
    return next((found for holder in asked if (found := duty.officers_to_call(directory, holder, now))), [])


def visible_rosters(directory: Directory, actor: Actor) -> list[Roster]:
    """The rosters that an actor is shown: the desk every one, a department its own and those it calls for help. The
    organisation's own comes first."""
    rosters = [roster for roster in directory.rosters.values() if roster.active]
    if not actor.roles & AREA_WIDE_ROLES:
        called = {code for own in actor.departments for code in duty.duty_chain(directory, own)}
        shown = actor.departments if actor.contractor else actor.departments | called
        rosters = [roster for roster in rosters if roster.department in shown]
    home = directory.home.fallback if directory.home else None
    return sorted(rosters, key=lambda roster: (roster.department != home, roster.department, roster.code))
