"""The HTTP client for providers, webhooks and the notice address: a name is resolved once, every address is checked,
and the checked address is connected to. No redirects, limited answers, and no private networks unless they are allowed
by name."""

import asyncio
import ipaddress
import socket
import time
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from hotline.web.addresses import Address, Network

MAX_RESPONSE_BYTES = 256 * 1024
MAX_EXCHANGE_SECONDS = 20.0  # seconds for a whole exchange, however slowly it drips
_PORTS = {"https": 443, "http": 80}
# `is_global` alone lets these through, or differs between Python versions
_FORBIDDEN = tuple(
    ipaddress.ip_network(n)
    for n in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
        "::/96", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
        "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class ForbiddenAddress(httpx.ConnectError):
    """An address we do not speak with. A ConnectError: for the sender it is a far side that cannot be reached."""


def parse_networks(text: str) -> tuple[Network, ...]:
    """A comma list of networks. Raises ValueError."""
    return tuple(ipaddress.ip_network(n.strip(), strict=False) for n in text.split(",") if n.strip())


def is_web_address(url: str) -> bool:
    """An http or https address with a host, without user and fragment."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in _PORTS and bool(parts.hostname) and not parts.username and not parts.fragment


def is_allowed_address(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether we may connect there: a public address, or one of the networks that are allowed."""
    if any(address.version == n.version and address in n for n in allowed):
        return True
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return is_allowed_address(mapped, allowed)
    if any(address.version == n.version and address in n for n in _FORBIDDEN):
        return False
    return bool(address.is_global) and not address.is_multicast and not address.is_reserved


PRIVATE_ADDRESS = "a public address: HOTLINE_EGRESS_ALLOW names networks of your own"
PLAIN_ADDRESS = "https on port 443, outside the networks of HOTLINE_EGRESS_ALLOW"


@dataclass(frozen=True, slots=True)
class EgressRules:
    """Where deliveries may go. `allowed`: networks that may be spoken with though they are not public."""

    allowed: tuple[Network, ...] = ()

    def broken_by(self, url: str) -> str | None:
        """The rule that every delivery to this address would break, as far as the address alone tells: a name is
        resolved when something is sent. None: none that is known."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
        except ValueError:  # no port, or no host in brackets, that there could be
            return PLAIN_ADDRESS
        address = _literal_address(host)
        if address is not None and not is_allowed_address(address, self.allowed):
            return PRIVATE_ADDRESS
        if address is not None:
            inside = any(address.version == n.version and address in n for n in self.allowed)
        else:
            inside = bool(self.allowed)  # it may be a name of theirs
        return None if inside or (parts.scheme == "https" and port == 443) else PLAIN_ADDRESS


def _literal_address(host: str) -> Address | None:
    """The address that a host is written as, as the system's resolver reads it; also of this machine's own name."""
    host = unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower().removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return ipaddress.ip_address("127.0.0.1")
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))  # also 0x7f.1
    except (OSError, UnicodeError):
        return None


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Every address of a name, from the system's resolver."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as fault:
        raise httpx.ConnectError(f"no address: {type(fault).__name__}") from fault
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class EgressTransport(httpx.AsyncBaseTransport):
    """`allowed`: networks that may be spoken with though they are not public, in clear and on any port.
    `skip_address_check`: the address was set by an administrator for a gateway; then only answers are limited."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        skip_address_check: bool = False,
        resolve: Resolve = resolve_host,
        inner: httpx.AsyncBaseTransport | None = None,
        verify: Any = True,
    ) -> None:
        # a kept connection would be reused for another name at the same address, without a check of its certificate
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=None if skip_address_check else 0)
        self._inner = inner or httpx.AsyncHTTPTransport(verify=verify, limits=limits, retries=0)
        self._allowed, self._trusted, self._resolve = allowed, skip_address_check, resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        until = time.monotonic() + MAX_EXCHANGE_SECONDS
        try:
            async with asyncio.timeout(MAX_EXCHANGE_SECONDS):
                reply = await self._inner.handle_async_request(
                    request if self._trusted else await self._pinned_request(request)
                )
        except TimeoutError:
            raise httpx.ReadTimeout("the whole exchange took too long") from None
        if reply.headers.get("content-encoding", "identity").lower() != "identity":  # small here, huge when unpacked
            await reply.aclose()
            raise httpx.ReadError("the answer is packed, and was not asked to be")
        if int(reply.headers.get("content-length", "0") or 0) > MAX_RESPONSE_BYTES:
            await reply.aclose()
            raise httpx.ReadError("the answer is too large")
        return httpx.Response(
            reply.status_code, headers=reply.headers, stream=_LimitedStream(reply, until), extensions=reply.extensions
        )

    async def _pinned_request(self, request: httpx.Request) -> httpx.Request:
        url = request.url
        if url.scheme not in _PORTS or not url.host or url.userinfo:
            raise ForbiddenAddress("not an address of ours to speak with")
        port = url.port or _PORTS[url.scheme]
        addresses = [ipaddress.ip_address(a.partition("%")[0]) for a in await self._resolve(url.host, port)]
        if not addresses or not all(is_allowed_address(a, self._allowed) for a in addresses):
            raise ForbiddenAddress("not a public address: HOTLINE_EGRESS_ALLOW names networks of your own")
        inside = all(any(a.version == n.version and a in n for n in self._allowed) for a in addresses)
        if not inside and (url.scheme != "https" or port != 443):
            raise ForbiddenAddress("only https on port 443, outside the networks of HOTLINE_EGRESS_ALLOW")
        address = addresses[0]
        shown = f"[{address}]" if address.version == 6 else str(address)
        # Host and the name in TLS stay what they were; only where we connect to is fixed
        return httpx.Request(
            request.method, url.copy_with(host=shown), headers=request.headers, stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )  # fmt: skip

    async def aclose(self) -> None:
        await self._inner.aclose()


class _LimitedStream(httpx.AsyncByteStream):
    """An answer that ends: by its size, and by the clock."""

    def __init__(self, reply: httpx.Response, until: float) -> None:
        self._reply, self._until = reply, until

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        stream = self._reply.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise httpx.ReadError("no stream to read")
        pieces = stream.__aiter__()
        while True:
            try:
                async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                    piece = await pieces.__anext__()
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise httpx.ReadTimeout("the whole exchange took too long") from None
            size += len(piece)
            if size > MAX_RESPONSE_BYTES:
                raise httpx.ReadError("the answer is too large")
            yield piece

    async def aclose(self) -> None:
        await self._reply.aclose()


def http_client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """A client that follows no redirects, believes no proxy of the environment, and waits 15 seconds at most."""
    timeout = httpx.Timeout(15, connect=5)
    return httpx.AsyncClient(
        transport=transport, timeout=timeout, follow_redirects=False, trust_env=False,
        headers={"accept-encoding": "identity", "user-agent": "hotline"},
    )  # fmt: skip
