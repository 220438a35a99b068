"""Handing outgoing messages to one address, signed as Standard Webhooks: id, time and body under an HMAC-SHA256."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from secrets import token_bytes
from typing import Any

import httpx

from hotline.delivery.egress import ForbiddenAddress
from hotline.replies import reply_type


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the far side answered, for the log: its HTTP status and the size of its body in bytes."""

    status: int
    size: int


class GatewayDown(Exception):
    """Later: it may have arrived, so the same id goes with the next try. `retry_after`: seconds the far side asked
    for."""

    def __init__(self, reason: str, retry_after: float | None = None, answer: HttpAnswer | None = None) -> None:
        super().__init__(reason)
        self.after, self.answer = retry_after, answer


class GatewayRefused(Exception):
    """Never: the far side says that this message is wrong. `gone`: it wants no message any more."""

    def __init__(self, reason: str, *, gone: bool = False, answer: HttpAnswer | None = None) -> None:
        super().__init__(reason)
        self.gone, self.answer = gone, answer


MAX_RETRY_AFTER = 24 * 3600.0


@reply_type()
class NoticeBody:
    """A message as the notice address gets it. `type`: `hotline.` and its kind, which says what `data` holds."""

    id: str
    type: str
    number: str
    created_at: datetime
    data: Mapping[str, Any]


def webhook_signatures(secrets: Sequence[str], id: str, stamp: str, body: bytes) -> str:  # noqa: A002
    """One signature for each living secret, as the receiver's library reads them."""
    signed = f"{id}.{stamp}.".encode() + body
    return " ".join(
        "v1,"
        + base64.b64encode(hmac.digest(base64.b64decode(s.removeprefix("whsec_")), signed, hashlib.sha256)).decode()
        for s in secrets
    )


def new_signing_secret() -> str:
    """A secret as Standard Webhooks writes it: `whsec_` and the base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(token_bytes(32)).decode()


class WebhookClient:
    """`secrets`: whsec_ and base64, one or several while they are being changed; None sends unsigned, for a receiver on
    the same machine."""

    def __init__(self, client: httpx.AsyncClient, url: str, *secrets: str | None) -> None:
        self._client, self._url = client, url
        self._secrets = [s for s in secrets if s]

    async def send(self, id: str, body: bytes, now: datetime) -> HttpAnswer:  # noqa: A002
        """Hand one message over. Raises GatewayDown or GatewayRefused."""
        return _answer(await self.post(id, body, now))

    async def post(self, id: str, body: bytes, now: datetime) -> httpx.Response:  # noqa: A002
        """The same; the far side's answer. The stamp is of this try: a receiver refuses one that is minutes old."""
        stamp = str(int(now.timestamp()))
        headers = {"webhook-id": id, "webhook-timestamp": stamp, "content-type": "application/json"}
        if self._secrets:
            headers["webhook-signature"] = webhook_signatures(self._secrets, id, stamp, body)
        try:
            reply = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as cut:  # an answer that cannot be read is no answer
            raise GatewayDown(failure_reason(cut)) from cut
        if not reply.is_success:
            code = reply.status_code
            if code in (408, 425, 429) or reply.is_server_error:
                raise GatewayDown(str(code), retry_after_seconds(reply), _answer(reply))
            raise GatewayRefused(str(code), gone=code == 410, answer=_answer(reply))
        return reply

    async def close(self) -> None:
        await self._client.aclose()


def _answer(reply: httpx.Response) -> HttpAnswer:
    return HttpAnswer(reply.status_code, len(reply.content))


def failure_reason(error: Exception) -> str:
    """Why nothing was reached, for the log: our own refusal in its words, else what kind of fault it was."""
    return str(error) if isinstance(error, ForbiddenAddress) else type(error).__name__


def retry_after_seconds(reply: httpx.Response) -> float | None:
    """Retry-After in seconds, given as such or as a date; None: no such wish."""
    wish = reply.headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdigit():
        return min(float(wish), MAX_RETRY_AFTER)
    try:
        until, sent = parsedate_to_datetime(wish), parsedate_to_datetime(reply.headers.get("date", ""))
        return max(0.0, min((until - sent).total_seconds(), MAX_RETRY_AFTER))
    except (ValueError, TypeError):
        return None
