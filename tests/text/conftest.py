"""The doors that residents' words come by."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.sms.providers import PUBLIC
from tests.text.doors import Doors, make_town


@pytest.fixture
async def doors(app: FastAPI, services: Services, desk: Player, clock: Clock, tmp_path: Path) -> AsyncIterator[Doors]:
    services.public_url = services.gateways._url = PUBLIC
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        town = make_town(services, http, clock)
        yield Doors(services, http, desk, clock, tmp_path, town)
        await town.ways.close()
