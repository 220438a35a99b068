"""Checks what an identity provider signed: ID tokens (OpenID Connect Core 3.1.3.7) and logout tokens (Back-Channel
Logout 2.6)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from hotline.oidc.model import is_subject

# Signatures by a private key alone: with `none` there is none, and with HMAC our own client could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
SKEW = timedelta(seconds=30)  # by which the provider's clock may differ from ours
OLDEST = timedelta(minutes=10)  # a token is used at once
LONGEST_TOKEN = 64 * 1024
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class InvalidToken(Exception):
    """What is wrong with a token, in words for the log; nothing of what it holds."""


class UnknownKey(InvalidToken):
    """It is signed by a key that we do not have: the provider may have changed its keys."""


def _claims(token: str, keys: KeySet) -> Mapping[str, Any]:
    if len(token) > LONGEST_TOKEN:
        raise InvalidToken("too long")
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except InvalidKeyIdError:
        raise UnknownKey("signed by an unknown key") from None
    except (JoseError, ValueError, TypeError, KeyError) as fault:
        raise InvalidToken(f"not signed as it must be: {type(fault).__name__}") from None
    if not isinstance(claims, Mapping):
        raise InvalidToken("holds no claims")
    return claims


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"{name} is missing")
    return float(value)


def _check_common(claims: Mapping[str, Any], issuer: str, client_id: str, now: datetime) -> None:
    at = now.timestamp()
    audience = claims.get("aud")
    audience = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != issuer:
        raise InvalidToken("iss is another")
    if not isinstance(audience, list) or client_id not in audience:
        raise InvalidToken("aud is not us")
    if claims.get("azp", client_id if len(audience) == 1 else None) != client_id:
        raise InvalidToken("azp is not us")
    if _moment(claims, "exp") <= at - SKEW.total_seconds():
        raise InvalidToken("exp has passed")
    issued = _moment(claims, "iat")
    if not at - (OLDEST + SKEW).total_seconds() <= issued <= at + SKEW.total_seconds():
        raise InvalidToken("iat is not now")
    if "nbf" in claims and _moment(claims, "nbf") > at + SKEW.total_seconds():
        raise InvalidToken("nbf is to come")


def check_id_token(
    token: str, keys: KeySet, issuer: str, client_id: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    """The claims of an ID token. Raises InvalidToken; UnknownKey where new keys may help."""
    claims = _claims(token, keys)
    _check_common(claims, issuer, client_id, now)
    if not compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise InvalidToken("nonce is another")
    if not is_subject(claims.get("sub")):
        raise InvalidToken("sub is missing")
    return claims


def authenticated_at(claims: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the person proved to the provider who they are. None: it does not say."""
    if "auth_time" not in claims:
        return None
    return now - timedelta(seconds=max(0.0, now.timestamp() - _moment(claims, "auth_time")))


def check_strength(claims: Mapping[str, Any], acr_values: Sequence[str], max_age: int | None, now: datetime) -> None:
    """How, and how long ago, the person proved to the provider who they are, where that is asked for: a request for it
    binds nobody, what the token says does (Core 3.1.2.1, 5.5.1.1). `max_age`: in seconds. Raises InvalidToken."""
    if acr_values and claims.get("acr") not in acr_values:
        raise InvalidToken("acr is none of those that are asked for")
    if "auth_time" in claims and _moment(claims, "auth_time") > (now + SKEW).timestamp():
        raise InvalidToken("auth_time is to come")
    if max_age is not None and _moment(claims, "auth_time") < (now - SKEW).timestamp() - max_age:
        raise InvalidToken("auth_time is too long ago")


def check_logout_token(token: str, keys: KeySet, issuer: str, client_id: str, now: datetime) -> Mapping[str, Any]:
    """The claims of a logout token: `jti`, and `sub` or `sid` or both. Raises InvalidToken."""
    claims = _claims(token, keys)
    _check_common(claims, issuer, client_id, now)
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(LOGOUT_EVENT), Mapping) or "nonce" in claims:
        raise InvalidToken("no logout token")
    if not is_subject(claims.get("jti")):
        raise InvalidToken("jti is missing")
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    if not named or not all(is_subject(value) for value in named):
        raise InvalidToken("neither sub nor sid")
    return claims
