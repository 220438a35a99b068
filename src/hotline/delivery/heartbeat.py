"""The dead man's switch: an address outside that expects to hear from us, and rings when it does not."""

import httpx

from hotline.delivery.notices import GatewayDown


class Heartbeat:
    """Says that all is well. Silence is the alarm, so nothing is tried twice."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def beat(self) -> None:
        """One request. Raises GatewayDown."""
        try:
            reply = await self._client.get(self._url)
        except httpx.TransportError as cut:
            raise GatewayDown(f"heartbeat: {type(cut).__name__}") from cut
        if not reply.is_success:
            raise GatewayDown(f"heartbeat: {reply.status_code}")

    async def close(self) -> None:
        await self._client.aclose()
