"""The heartbeat: a regular request to an outside address, which raises an alarm when the requests stop."""

import httpx

from hotline.delivery.notices import GatewayDown


class Heartbeat:
    """Sends the heartbeat. Nothing is tried twice: a heartbeat that does not arrive is the alarm."""

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


def heartbeat_to(url: str) -> Heartbeat:
    """A heartbeat to an address, with a client of its own."""
    client = httpx.AsyncClient(timeout=httpx.Timeout(10, connect=5), follow_redirects=False)
    return Heartbeat(client, url)
