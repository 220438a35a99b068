"""A town whose residents write."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hotline.tickets.context import Services
from tests.conftest import Clock
from tests.sms.handset import Handset
from tests.sms.providers import PUBLIC
from tests.sms.town import Town


@pytest.fixture
async def town(app: Any, services: Services, clock: Clock) -> AsyncIterator[Town]:
    services.public_url = services.gateways._url = PUBLIC
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline") as http:
        made = Town(services, http, Handset(), clock)
        await made.gateway()
        yield made
        await made.ways.close()
