"""Asking a provider's server: which answers are worth another try, and reading the JSON of the others."""

from codecs import BOM_UTF8
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from hotline.delivery.notices import GatewayDown, GatewayRefused, failure_reason, retry_after_seconds


def percent_encode(value: str) -> str:
    """Percent-encoded as the clouds sign it: RFC 3986, UTF-8."""
    return quote(value, safe="-_.~")


async def send_request(client: httpx.AsyncClient, method: str, url: str, **options: Any) -> httpx.Response:
    """One request to a provider. Raises GatewayDown for what may have arrived and what is worth another try: time-outs,
    broken answers, 408, 425, 429 and 5xx. Any other answer is the caller's to judge."""
    try:
        reply = await client.request(method, url, **options)
    except (httpx.HTTPError, httpx.InvalidURL) as cut:
        raise GatewayDown(failure_reason(cut)) from cut
    if reply.status_code in (408, 425, 429) or reply.is_server_error:
        raise GatewayDown(f"http {reply.status_code}", retry_after_seconds(reply))
    if reply.is_redirect:
        raise GatewayRefused(f"http {reply.status_code}: redirects are not followed")
    return reply


def parse_json_response(reply: httpx.Response) -> Any:
    """A provider's JSON answer. Raises GatewayDown for garbage: it may have taken the text all the same."""
    try:
        found = orjson.loads(reply.content.removeprefix(BOM_UTF8))
    except ValueError:
        raise GatewayDown(f"http {reply.status_code}: an answer that cannot be read") from None
    if not isinstance(found, dict | list):
        raise GatewayDown(f"http {reply.status_code}: an answer of another shape")
    return found
