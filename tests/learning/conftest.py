"""Persons who have signed in: what they decide is learned from, and what a key does is not."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from hotline.organisation.model.actors import Actor, ActorKind
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.tickets.context import Services
from tests.conftest import CAST, Cast, Clock, Player

PASSWORD = "a long pass 24365"


@pytest.fixture
async def persons(app: FastAPI, services: Services, clock: Clock) -> AsyncIterator[Cast]:
    """`await persons("desk")`: that member, signed in to the console."""
    players: dict[str, Player] = {}

    async def come(name: str) -> Player:
        if name not in players:
            grant = CAST[name]
            made = await add_person(services, NewPerson(name, name, PASSWORD, grant), clock())
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://hotline", headers={"origin": "http://hotline"}
            )
            reply = await http.post("/console/session", json={"login": name, "password": PASSWORD})
            assert reply.status_code == 200, reply.text
            players[name] = Player(name, http, Actor(ActorKind.PERSON, made["id"], name, grant.roles))
        return players[name]

    yield come
    for player in players.values():
        await player.http.aclose()


@pytest.fixture
async def clerk(persons: Cast) -> Player:
    """An operator who has signed in."""
    return await persons("desk")


@pytest.fixture
async def dispatcher(persons: Cast) -> Player:
    return await persons("switch")
