"""Twilio's signature over the public address and every parameter. Its texts and its calls are signed the same way."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import orjson

from hotline.delivery.account import Account
from hotline.inbound.push import Push, Unauthentic
from hotline.inbound.signatures import check_address, same


def check_twilio_signature(account: Account, push: Push) -> None:
    """X-Twilio-Signature, or the newer one with a key of its own. Raises Unauthentic."""
    check_address(account, push)
    rights: list[str] = []
    named = push.headers.get("x-twilio-webhooks-signature-settings")
    given = push.headers.get("x-twilio-signature", "")
    content = _signed_part(push)
    if named:
        wanted = dict(part.strip().partition("=")[::2] for part in named.split(","))
        if wanted.get("algorithm", "HMAC_SHA256").upper() != "HMAC_SHA256":
            raise Unauthentic("a signature of another kind")
        given = push.headers.get("x-twilio-webhooks-signature", given)
        for keys in account.all_of("signing_keys"):
            key = orjson.loads(keys).get(wanted.get("key", ""))
            if key:
                rights += [_signed(str(key), url + content, "sha256") for url in _urls(push.url)]
    else:
        for token in account.all_of("auth_token"):
            rights += [_signed(token, url + content, "sha1") for url in _urls(push.url)]
    if not given or not rights or not same(given, rights):
        raise Unauthentic("the signature is missing or wrong")


def _signed_part(push: Push) -> str:
    """What follows the URL in what is signed: the form, sorted, repeated values as a sorted set; nothing for JSON."""
    if push.media_type == "application/json":
        digest = dict(push.in_query()).get("bodySHA256", "")
        if not same(digest.lower(), [hashlib.sha256(push.body).hexdigest()]):
            raise Unauthentic("the body is not the one that was signed")
        return ""
    form: dict[str, set[str]] = {}
    for name, value in push.in_form():
        form.setdefault(name, set()).add(value)
    return "".join(name + value for name in sorted(form) for value in sorted(form[name]))


def _signed(key: str, text: str, digest: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), digest)).decode()


def _urls(url: str) -> Iterator[str]:
    """The address with its port and without: which of them was signed differs."""
    yield url
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port is not None:
        yield urlunsplit(parts._replace(netloc=host))
    else:
        yield urlunsplit(parts._replace(netloc=f"{host}:{443 if parts.scheme == 'https' else 80}"))
