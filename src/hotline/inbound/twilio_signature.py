"""Twilio's signature over the public address and every parameter. Its texts and its calls are signed the same way."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import orjson

from hotline.delivery.account import Account
from hotline.delivery.payloads import signed_pairs
from hotline.inbound.signatures import check_address, matches_any
from hotline.inbound.webhook_request import AuthenticationFailed, WebhookRequest


def check_twilio_signature(account: Account, request: WebhookRequest) -> None:
    """Check X-Twilio-Signature, or the newer signature with a key of its own. Raises AuthenticationFailed."""
    check_address(account, request)
    expected_signatures: list[str] = []
    named = request.headers.get("x-twilio-webhooks-signature-settings")
    sent_signature = request.headers.get("x-twilio-signature", "")
    content = _signed_part(request)
    if named:
        wanted = dict(part.strip().partition("=")[::2] for part in named.split(","))
        if wanted.get("algorithm", "HMAC_SHA256").upper() != "HMAC_SHA256":
            raise AuthenticationFailed("a signature of another kind")
        sent_signature = request.headers.get("x-twilio-webhooks-signature", sent_signature)
        for keys in account.secret_values("signing_keys"):
            key = orjson.loads(keys).get(wanted.get("key", ""))
            if key:
                expected_signatures += [
                    _signature(str(key), url + content, "sha256") for url in _url_variants(request.url)
                ]
    else:
        for token in account.secret_values("auth_token"):
            expected_signatures += [_signature(token, url + content, "sha1") for url in _url_variants(request.url)]
    if not sent_signature or not expected_signatures or not matches_any(sent_signature, expected_signatures):
        raise AuthenticationFailed("the signature is missing or wrong")


def _signed_part(request: WebhookRequest) -> str:
    """What follows the URL in what is signed: the form, sorted, repeated values as a sorted set; nothing for JSON."""
    if request.media_type == "application/json":
        digest = dict(request.query_pairs()).get("bodySHA256", "")
        if not matches_any(digest.lower(), [hashlib.sha256(request.body).hexdigest()]):
            raise AuthenticationFailed("the body is not the one that was signed")
        return ""
    form: dict[str, set[str]] = {}
    for name, value in signed_pairs(request.body):
        form.setdefault(name, set()).add(value)
    return "".join(name + value for name in sorted(form) for value in sorted(form[name]))


def _signature(key: str, text: str, digest: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode("utf-8", "surrogateescape"), digest)).decode()


def _url_variants(url: str) -> Iterator[str]:
    """The address with its port and without: which of them was signed differs."""
    yield url
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port is not None:
        yield urlunsplit(parts._replace(netloc=host))
    else:
        yield urlunsplit(parts._replace(netloc=f"{host}:{443 if parts.scheme == 'https' else 80}"))
