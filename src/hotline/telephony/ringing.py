"""At whose telephones a call rings now. The exchange says so in its events; a call has no agent until one answers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.telephony import store as call_store
from hotline.telephony.model import parse_event, rung_agents
from hotline.telephony.push_state import CallPushState
from hotline.telephony.vocabulary import VoiceState
from hotline.tickets.context import Services

RINGS_AT_MOST = timedelta(minutes=15)  # after it was offered
TOLD_FOR = timedelta(minutes=1)  # that a call rings no longer
LOOK_EVERY = 1.0  # seconds: another process may have been told of it


async def load_rung_calls(services: Services, login: str, since: datetime, now: datetime) -> list[Row]:
    """The calls that ring at this login's telephone, or rang there and were taken by another or given up; those alone
    that moved since then."""
    recent = await _recent_calls(services, now)
    return [row for row, logins in recent if login in logins and row.moved_at > since and row.agent != login]


def is_taken(row: Any, login: str) -> bool:
    """Whether somebody else answered it."""
    return bool(row.state == VoiceState.ANSWERED and row.agent != login)


async def _recent_calls(services: Services, now: datetime) -> Sequence[tuple[Row, frozenset[str]]]:
    """Read once a second for everybody who waits, and as soon as an exchange reports something here."""
    state, loop = services.part(CallPushState), asyncio.get_running_loop()
    async with state.looking:
        if loop.time() >= state.recent_until:
            state.recent_until = loop.time() + LOOK_EVERY
            gateways = await services.gateways.now(now)
            agents = {name: gateway.account.settings.get("agents") or {} for name, gateway in gateways.items()}
            state.recent = await services.db.snapshot(lambda c: _read(c, agents, now))
        return state.recent


def _read(c: sa.Connection, agents: dict[str, Any], now: datetime) -> list[tuple[Row, frozenset[str]]]:
    found = []
    for row in call_store.load_recent_calls(c, now - RINGS_AT_MOST, now - TOLD_FOR):
        events = call_store.load_events(c, row.pbx, row.reference)
        rung = rung_agents(parse_event(row.reference, e.key, e.body, e.at) for e in events)
        known = agents.get(row.pbx, {})
        found.append((row, frozenset(str(known.get(agent, agent))[:60] for agent in rung)))
    return found
