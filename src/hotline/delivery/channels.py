"""The channels by which a worker sends messages."""

from dataclasses import dataclass

import httpx

from hotline.delivery.notices import WebhookClient


@dataclass
class DeliveryChannels:
    """`texts` and `hooks` are clients; which address and with what secret stands in the database. None: no such way."""

    notices: WebhookClient | None = None
    texts: httpx.AsyncClient | None = None
    hooks: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self.notices is not None:
            await self.notices.close()
        for client in (self.texts, self.hooks):
            if client is not None:
                await client.aclose()
