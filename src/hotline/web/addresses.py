"""Network addresses: which proxies are believed, who the client behind them is, what a limit counts as one place."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
UNKNOWN_ADDRESS = "unknown"  # no address: a socket without one, or a proxy that wrote something else
_WIDEST = {4: 8, 6: 16}  # bits a proxy's network must fix at least: anything wider names half the world
_LONGEST = 80  # characters of an address: 39, a zone of 15, a port, brackets, quotes
_PRIVATE = ipaddress.IPv6Network("fc00::/7")
_PREFIX = 64  # bits of an IPv6 address that tell one line from another: whoever has a line chooses the rest
_NETWORK_PREFIX = {4: 24, 6: 48}  # bits that neighbouring lines have in common: the least that is routed by itself


def parse_address(text: str | None) -> Address | None:
    """An address as a socket or a proxy writes it: `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`,
    quoted or not. IPv4 within IPv6 (`::ffff:192.0.2.7`) is the IPv4 address; a zone is dropped. None: it is none."""
    text = (text or "").strip()
    return None if len(text) > _LONGEST else _parse_trimmed(text)


@lru_cache(maxsize=2048)  # a client asks again and again, by the same proxy
def _parse_trimmed(text: str) -> Address | None:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not _is_port(port)):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return _unmapped_address(found)


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text[0] == ":" and digits.isascii() and digits.isdigit() and len(digits) <= 5


def _unmapped_address(address: Address) -> Address:
    return getattr(address, "ipv4_mapped", None) or address


def parse_proxy_networks(text: str) -> tuple[Network, ...]:
    """A comma list of proxies, each an address or a network (`10.1.0.0/24`). Raises ValueError, with what to write
    instead, where one is neither or where so wide a network is named that clients would stand in it too."""
    named = [_parse_proxy_network(part.strip()) for part in text.split(",") if part.strip()]
    networks: list[Network] = []
    networks += ipaddress.collapse_addresses(n for n in named if isinstance(n, ipaddress.IPv4Network))
    networks += ipaddress.collapse_addresses(n for n in named if isinstance(n, ipaddress.IPv6Network))
    for network in networks:  # many small ones side by side embrace as much as a large one
        private = isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_PRIVATE)
        if network.prefixlen < _WIDEST[network.version] and not private:
            raise ValueError(
                f"{network} holds clients as well as proxies: name the proxies alone, as 10.1.0.5 or 10.1.0.0/24"
            )
    return tuple(networks)


def _parse_proxy_network(text: str) -> Network:
    if text == "*":
        raise ValueError("* believes every client's own word: name the proxies, as 10.1.0.5 or 10.1.0.0/24")
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        try:
            meant = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError("name each proxy by its address or network, as 10.1.0.5 or 10.1.0.0/24") from None
        raise ValueError(f"an address with more than its network: write {meant}") from None
    if network.network_address.is_unspecified:
        raise ValueError(f"{text} is every address: name the proxies, as 10.1.0.5 or 10.1.0.0/24")
    plain = _unmapped_network(network)
    return network if plain is network else _parse_proxy_network(str(plain))


def _unmapped_network(network: Network) -> Network:
    """A network of IPv4 addresses written within IPv6 as the IPv4 network it is."""
    mapped = _unmapped_address(network.network_address)
    if network.version == 6 and mapped.version == 4 and network.prefixlen >= 96:
        return ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}")
    return network


def is_in_networks(address: str | None, allowed: Iterable[str]) -> bool:
    """Whether an address is one of these addresses or stands in one of these networks."""
    found = parse_address(address)
    if found is None:
        return False
    return any(found in _unmapped_network(ipaddress.ip_network(n.strip(), strict=False)) for n in allowed)


def resolve_client_address(peer: str | None, forwarded: Sequence[str], proxies: Sequence[Network]) -> str | None:
    """The client's address. `peer` is who is connected, `forwarded` the lines of X-Forwarded-For in their order: each
    proxy adds whom it was asked by at the end, so the right-most entry that no named proxy wrote about itself is the
    client. None: not known, as the proxy wrote no address there. What stands further left is the client's own word."""
    address = parse_address(peer)
    if address is None:
        return None
    entries = [entry.strip() for line in forwarded for entry in line.split(",")]
    while entries and any(address in network for network in proxies):
        entry = entries.pop()
        if not entry:
            continue
        address = parse_address(entry)
        if address is None:
            return None
    return str(address)


def rate_limit_key(address: str | None) -> str:
    """What limits count an address as: an IPv4 address itself, an IPv6 address as its /64."""
    found = parse_address(address)
    if found is None:
        return UNKNOWN_ADDRESS
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, _PREFIX), strict=False))


def network_key(address: str | None) -> str:
    """The network around an address, as limits count it: the /24 of an IPv4 address, the /48 of an IPv6 address."""
    found = parse_address(address)
    if found is None:
        return UNKNOWN_ADDRESS
    return str(ipaddress.ip_network((found, _NETWORK_PREFIX[found.version]), strict=False))


_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def parse_origins(text: str) -> tuple[str, ...]:
    """A comma list of origins, as `https://example.org`. Raises ValueError for anything else: it stands in a header."""
    origins = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("an origin is https://, a host and, where it is another one, a port")
    return origins
