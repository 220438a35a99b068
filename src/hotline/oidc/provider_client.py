"""Talks to identity providers: their metadata and keys, which are kept for a while, and the exchange of a code.

A log-in there is the one request that waits for another system (decision 0062): few at a time, with a deadline, and
never with a connection of the database in hand."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx

from hotline.delivery.egress import EgressTransport, http_client
from hotline.oidc.model import IdentityProvider
from hotline.refusals import Code, Refusal, Refused

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

DEADLINE = 8.0  # seconds for all that one log-in asks of a provider
AT_ONCE = 8  # log-ins that wait for one provider, in one process
MOST_WAITING = 32  # with those that wait for their turn
FRESH = timedelta(hours=1)  # metadata and keys are asked for again after it
USABLE = timedelta(days=1)  # and go on being used for so long where the provider does not answer
REFETCH = timedelta(minutes=1)  # an unknown key makes us look for new ones once a minute
UNREACHABLE = Refusal(
    Code.UNAVAILABLE, "the identity provider does not answer; nothing was changed, try again", retry_after=5
)
BUSY = Refusal(Code.OVERLOADED, "too many log-ins wait for identity providers; try again in a moment", retry_after=3)


class ProviderFault(Exception):
    """A provider answered what it must not: in words for the log."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself, as far as we use it."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    sends_issuer: bool  # with the code (RFC 9207)
    secret_in_body: bool


@dataclass(slots=True)
class _Known:
    metadata: Metadata
    metadata_at: datetime
    keys: "KeySet | None" = None
    keys_at: datetime | None = None


@dataclass(slots=True)
class _Queue:
    """The log-ins that wait for one provider."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    waiting: int = 0


def is_trusted_address(url: Any) -> bool:
    """https; http on this machine alone."""
    if not isinstance(url, str) or len(url) > 2000:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class ProviderClient:
    """`transport`: how providers are reached; None: over the network. Their addresses are set by an administrator."""

    def __init__(self, clock: Callable[[], datetime], transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._clock, self._transport = clock, transport
        self._context: ssl.SSLContext | None = None
        self._known: dict[str, _Known] = {}
        self._queues: dict[str, _Queue] = {}  # by issuer: one that does not answer keeps nobody from another

    @asynccontextmanager
    async def connect(self, provider: IdentityProvider) -> AsyncIterator[httpx.AsyncClient]:
        """A client for what one log-in asks. Raises Refused: too many wait, or the deadline has passed."""
        queue = self._queues.setdefault(provider.issuer, _Queue())
        if queue.waiting >= MOST_WAITING:
            raise Refused(BUSY)
        queue.waiting += 1
        try:
            async with asyncio.timeout(DEADLINE), queue.turns, http_client(self._reach()) as client:
                yield client
        except (TimeoutError, httpx.HTTPError):
            raise Refused(UNREACHABLE) from None
        finally:
            queue.waiting -= 1

    def _reach(self) -> httpx.AsyncBaseTransport:
        if self._transport is not None:
            return self._transport
        if self._context is None:
            self._context = ssl.create_default_context()
        return EgressTransport(skip_address_check=True, verify=self._context)

    async def metadata(self, client: httpx.AsyncClient, provider: IdentityProvider) -> Metadata:
        """Raises ProviderFault, httpx.HTTPError."""
        now, known = self._clock(), self._known.get(provider.issuer)
        if known is not None and now - known.metadata_at < FRESH:
            return known.metadata
        try:
            found = _metadata(provider, await _json(client, f"{provider.issuer.rstrip('/')}{_WELL_KNOWN}"))
        except (ProviderFault, httpx.HTTPError):
            if known is not None and now - known.metadata_at < USABLE:
                return known.metadata
            raise
        if known is not None:
            known.metadata, known.metadata_at = found, now
        else:
            self._known[provider.issuer] = _Known(found, now)
        return found

    async def keys(
        self, client: httpx.AsyncClient, provider: IdentityProvider, *, unknown_key: bool = False
    ) -> "KeySet":
        """A provider's keys. `unknown_key`: those that are known do not fit. Raises ProviderFault, httpx.HTTPError."""
        metadata = await self.metadata(client, provider)
        known, now = self._known[provider.issuer], self._clock()
        if known.keys is not None and known.keys_at is not None:
            age = now - known.keys_at
            if age < (REFETCH if unknown_key else FRESH):
                return known.keys
        try:
            found = _key_set(await _json(client, metadata.jwks_uri))
        except (ProviderFault, httpx.HTTPError):
            if known.keys is not None and known.keys_at is not None and now - known.keys_at < USABLE:
                return known.keys
            raise
        known.keys, known.keys_at = found, now
        return found

    async def exchange(
        self, client: httpx.AsyncClient, provider: IdentityProvider, secret: str | None, form: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """What a code is exchanged for: `id_token`, `access_token`. Raises ProviderFault, httpx.HTTPError."""
        metadata = await self.metadata(client, provider)
        sent = dict(form)
        auth: httpx.BasicAuth | None = None
        if secret is None or metadata.secret_in_body:
            sent["client_id"] = provider.client_id
        if secret is not None and metadata.secret_in_body:
            sent["client_secret"] = secret
        elif secret is not None:  # each part as in a form, before they are joined (RFC 6749, 2.3.1)
            auth = httpx.BasicAuth(quote(provider.client_id, safe=""), quote(secret, safe=""))
        headers = {"accept": "application/json"}
        reply = await client.post(metadata.token_endpoint, data=sent, headers=headers, auth=auth or _NO_AUTH)
        if reply.status_code >= 500:
            raise httpx.RemoteProtocolError(f"the token endpoint answered {reply.status_code}")
        if reply.status_code != 200:
            raise ProviderFault(f"the token endpoint answered {reply.status_code}")
        return _object(reply)

    async def userinfo(
        self, client: httpx.AsyncClient, provider: IdentityProvider, access_token: str
    ) -> Mapping[str, Any]:
        """The claims that the provider tells beside the ID token; none where it has no such endpoint. Raises
        ProviderFault, httpx.HTTPError."""
        endpoint = (await self.metadata(client, provider)).userinfo_endpoint
        if endpoint is None:
            return {}
        return await _json(client, endpoint, {"authorization": f"Bearer {access_token}"})


_NO_AUTH = httpx.Auth()
_WELL_KNOWN = "/.well-known/openid-configuration"


async def _json(client: httpx.AsyncClient, url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    reply = await client.get(url, headers={"accept": "application/json", **(headers or {})})
    if reply.status_code >= 500:
        raise httpx.RemoteProtocolError(f"answered {reply.status_code}")
    if reply.status_code != 200:
        raise ProviderFault(f"answered {reply.status_code}")
    return _object(reply)


def _object(reply: httpx.Response) -> Mapping[str, Any]:
    try:
        found = reply.json()
    except (ValueError, RecursionError):
        raise ProviderFault("answered what is no JSON") from None
    if not isinstance(found, dict):
        raise ProviderFault("answered no object")
    return found


def _metadata(provider: IdentityProvider, found: Mapping[str, Any]) -> Metadata:
    if found.get("issuer") != provider.issuer:
        raise ProviderFault("the metadata is another issuer's")
    local = _is_this_machine(urlsplit(provider.issuer).hostname or "")
    optional = [n for n in ("userinfo_endpoint", "end_session_endpoint") if found.get(n) is not None]
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", *optional):
        if not is_trusted_address(found.get(name)):
            raise ProviderFault(f"{name} is no address over https")
        if not local and _is_this_machine(urlsplit(found[name]).hostname or ""):  # the code and our secret go there
            raise ProviderFault(f"{name} is an address of this machine, and the issuer's is not")
    methods = found.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise ProviderFault("it does not support PKCE with S256")
    ways = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    in_body = isinstance(ways, list) and "client_secret_basic" not in ways and "client_secret_post" in ways
    return Metadata(
        found["authorization_endpoint"],
        found["token_endpoint"],
        found["jwks_uri"],
        found.get("userinfo_endpoint"),
        found.get("end_session_endpoint"),
        found.get("authorization_response_iss_parameter_supported") is True,
        in_body,
    )


def _key_set(found: Mapping[str, Any]) -> "KeySet":
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    keys = found.get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ProviderFault("the keys are no key set")
    signing = [key for key in keys if key.get("use", "sig") == "sig" and key.get("kty") != "oct"]
    try:
        return KeySet.import_key_set({"keys": signing})
    except (JoseError, ValueError, TypeError, KeyError):
        raise ProviderFault("the keys are no key set") from None
