"""Checks that an incoming webhook comes from its gateway: addresses, tokens, time windows and Standard Webhooks
signatures. Comparisons run in constant time."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hotline.delivery.account import Account
from hotline.delivery.payloads import parse_unix_time
from hotline.inbound.webhook_request import AuthenticationFailed, WebhookRequest
from hotline.web.addresses import is_in_networks

MAX_CLOCK_AHEAD = timedelta(minutes=5)  # how far ahead of ours a provider's clock may be

STANDARD_MAX_AGE = timedelta(minutes=5)  # how old a Standard Webhooks signature may be


def matches_any(value: str, expected_values: Iterable[str]) -> bool:
    """Whether a secret is one of the valid ones, compared in constant time."""
    found = False
    for right in expected_values:
        found |= hmac.compare_digest(value.encode(), right.encode())
    return found


def is_from_gateway(account: Account, address: str | None) -> bool:
    """Whether the address is one of those that are set; any will do where none are."""
    allowed = account.settings.get("addresses") or ()
    return not allowed or is_in_networks(address, allowed)


def check_address(account: Account, request: WebhookRequest) -> None:
    """Only from the addresses that are set, where any are."""
    if not is_from_gateway(account, request.remote_address):
        raise AuthenticationFailed("not from an address of this gateway")


def check_token(account: Account, request: WebhookRequest) -> None:
    """For providers that sign nothing: the secret in the query, and the list of addresses."""
    check_address(account, request)
    given = next((v for k, v in request.query_pairs() if k == "token"), "")
    if not account.secret_values("token") or not matches_any(given, account.secret_values("token")):
        raise AuthenticationFailed("the token is missing or wrong")


def check_timestamp(moment: datetime | None, now: datetime, max_age: timedelta) -> None:
    """Raises AuthenticationFailed for a signature too old, or from the future."""
    if moment is None or not now - max_age <= moment <= now + MAX_CLOCK_AHEAD:
        raise AuthenticationFailed("the time of the signature lies outside the window")


def check_standard_webhook(secrets: Sequence[str], request: WebhookRequest) -> None:
    """A Standard Webhooks signature by any of the living secrets, not older than five minutes. Raises
    AuthenticationFailed."""
    id, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")  # noqa: A001
    expected_signatures: list[str] = []
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"))
        except binascii.Error:
            continue
        signed = hmac.digest(key, f"{id}.{stamp}.".encode() + request.body, hashlib.sha256)
        expected_signatures.append("v1," + base64.b64encode(signed).decode())
    given = request.headers.get("webhook-signature", "").split()
    if not id or not expected_signatures or not any(matches_any(one, expected_signatures) for one in given):
        raise AuthenticationFailed("the signature is missing or wrong")
    check_timestamp(parse_unix_time(stamp), request.at, STANDARD_MAX_AGE)
