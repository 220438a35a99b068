"""Servers on loopback that messages of dangers go to, and the ways to them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.egress import EgressRules, EgressTransport, http_client, parse_networks
from hotline.tickets.context import Services
from tests.streaming.listening import serving

LOOPBACK = parse_networks("127.0.0.0/8")
FarSide = Callable[[Sequence[Route]], AbstractAsyncContextManager[str]]


@pytest.fixture
def far_side(services: Services) -> FarSide:
    """Serves routes at the address that it gives; addresses on loopback may be used."""
    services.add(EgressRules(LOOPBACK))

    @asynccontextmanager
    async def serve(routes: Sequence[Route]) -> AsyncIterator[str]:
        app: Any = Starlette(routes=routes)
        app.state.services = services
        async with serving(app) as address:
            yield address

    return serve


@pytest.fixture
async def ways() -> AsyncIterator[DeliveryChannels]:
    made = DeliveryChannels(hooks=http_client(EgressTransport(LOOPBACK)))
    yield made
    await made.close()
