"""Handing outgoing messages to one address, signed as Standard Webhooks: id, time and body under an HMAC-SHA256."""

import base64
import hashlib
import hmac
from datetime import datetime

import httpx


class GatewayDown(Exception):
    """Later: it may have arrived, so the same id goes with the next try."""


class GatewayRefused(Exception):
    """Never: the far side says that this message is wrong."""


class Notices:
    """`secret`: whsec_ and base64; None sends unsigned, for a receiver on the same machine."""

    def __init__(self, client: httpx.AsyncClient, url: str, secret: str | None) -> None:
        self._client, self._url = client, url
        self._key = base64.b64decode(secret.removeprefix("whsec_")) if secret else None

    async def send(self, id: str, body: bytes, now: datetime) -> None:  # noqa: A002
        """Hand one message over. Raises GatewayDown or GatewayRefused."""
        stamp = str(int(now.timestamp()))
        headers = {"webhook-id": id, "webhook-timestamp": stamp, "content-type": "application/json"}
        if self._key is not None:
            signed = hmac.digest(self._key, f"{id}.{stamp}.".encode() + body, hashlib.sha256)
            headers["webhook-signature"] = "v1," + base64.b64encode(signed).decode()
        try:
            reply = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as cut:  # an answer that cannot be read is no answer
            raise GatewayDown(type(cut).__name__) from cut
        if not reply.is_success:
            down = reply.status_code in (408, 425, 429) or reply.is_server_error
            raise (GatewayDown if down else GatewayRefused)(str(reply.status_code))

    async def close(self) -> None:
        await self._client.aclose()
