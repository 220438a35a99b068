"""Whether a push comes from its gateway: addresses, tokens, time windows and Standard Webhooks signatures. All
comparisons take the same time for every wrong value."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hotline.delivery.account import Account
from hotline.delivery.payloads import unix_moment
from hotline.inbound.push import Push, Unauthentic
from hotline.web.addresses import is_among

FUTURE = timedelta(minutes=5)  # how far ahead of ours a provider's clock may be

STANDARD_WINDOW = timedelta(minutes=5)  # how old a Standard Webhooks signature may be


def same(given: str, rights: Iterable[str]) -> bool:
    """Whether a secret is one of the living ones; how long that takes tells nothing."""
    found = False
    for right in rights:
        found |= hmac.compare_digest(given.encode(), right.encode())
    return found


def is_from_gateway(account: Account, address: str | None) -> bool:
    """Whether the address is one of those that are set; any will do where none are."""
    allowed = account.settings.get("addresses") or ()
    return not allowed or is_among(address, allowed)


def check_address(account: Account, push: Push) -> None:
    """Only from the addresses that are set, where any are."""
    if not is_from_gateway(account, push.remote):
        raise Unauthentic("not from an address of this gateway")


def check_token(account: Account, push: Push) -> None:
    """For providers that sign nothing: the secret in the query, and the list of addresses."""
    check_address(account, push)
    given = next((v for k, v in push.in_query() if k == "token"), "")
    if not account.all_of("token") or not same(given, account.all_of("token")):
        raise Unauthentic("the token is missing or wrong")


def check_window(moment: datetime | None, now: datetime, back: timedelta) -> None:
    """Raises Unauthentic for a signature too old, or from the future."""
    if moment is None or not now - back <= moment <= now + FUTURE:
        raise Unauthentic("the time of the signature lies outside the window")


def check_standard(secrets: Sequence[str], push: Push) -> None:
    """A Standard Webhooks signature by any of the living secrets, not older than five minutes. Raises Unauthentic."""
    id, stamp = push.headers.get("webhook-id", ""), push.headers.get("webhook-timestamp", "")  # noqa: A001
    rights: list[str] = []
    for secret in secrets:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"))
        except binascii.Error:
            continue
        signed = hmac.digest(key, f"{id}.{stamp}.".encode() + push.body, hashlib.sha256)
        rights.append("v1," + base64.b64encode(signed).decode())
    given = push.headers.get("webhook-signature", "").split()
    if not id or not rights or not any(same(one, rights) for one in given):
        raise Unauthentic("the signature is missing or wrong")
    check_window(unix_moment(stamp), push.at, STANDARD_WINDOW)
