"""The office: the services with their people, served on loopback, and a real browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.reporting.service.figures import update_rollups
from hotline.tickets.context import Services
from tests.conftest import Clock
from tests.console.browsing import MORNING, PASSWORD, Seat, a_browser, sit_down
from tests.streaming.listening import serving

PEOPLE = {
    "operator": Grant(frozenset({Role.OPERATOR})),
    "dispatcher": Grant(frozenset({Role.DISPATCHER})),
    "supervisor": Grant(frozenset({Role.SUPERVISOR})),
    "auditor": Grant(frozenset({Role.AUDITOR})),
    "works": Grant(frozenset({Role.HANDLER}), "property-works"),
    "boss": Grant(frozenset({Role.ADMIN})),
}


@dataclass
class Office:
    """The services with their people, served, and a browser."""

    address: str
    browser: Browser
    services: Services
    clock: Clock

    async def seat(self, login: str, *, address: str | None = None, **more: Any) -> Seat:
        return await sit_down(self.browser, address or self.address, login, **more)


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    """One for a file's stories, which share an event loop by it; every seat has a context of its own."""
    async with a_browser() as browser:
        yield browser


@pytest.fixture
async def office(app: FastAPI, services: Services, clock: Clock, browser: Browser) -> AsyncIterator[Office]:
    clock.now = MORNING
    for login, grant in PEOPLE.items():
        await add_person(services, NewPerson(login, login, PASSWORD, grant), clock())
    await update_rollups(services, clock())
    async with serving(app) as address:
        yield Office(address, browser, services, clock)
        for context in browser.contexts:
            await context.close()
