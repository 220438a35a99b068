"""Who the client is, and what a limit counts as one place."""

import pytest
from pydantic import ValidationError

from hotline.settings import Settings
from hotline.web.addresses import (
    UNKNOWN_ADDRESS,
    is_in_networks,
    parse_proxy_networks,
    rate_limit_key,
    resolve_client_address,
)

PROXIES = parse_proxy_networks("127.0.0.1, 10.1.0.0/24, 2001:db8:f::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # nobody's proxy is not believed
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7", "10.1.0.9"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1, 203.0.113.7, 10.1.0.9, 127.0.0.1"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7,, ,"], "203.0.113.7"),
        ("127.0.0.1", ["10.1.0.9"], "10.1.0.9"),
        ("127.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        ("127.0.0.1", ['"[2001:DB8:0::7]:4711"'], "2001:db8::7"),
        ("127.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("::ffff:127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8:f::2", ["2001:db8::7"], "2001:db8::7"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("127.0.0.1", ["203.0.113.7, unknown"], None),
        ("127.0.0.1", ["203.0.113.7, unix:"], None),
        ("127.0.0.1", ["203.0.113.7, _hidden"], None),
        ("127.0.0.1", ["203.0.113.7:x"], None),
        ("127.0.0.1", ["[2001:db8::7"], None),
        ("127.0.0.1", ["203.0.113.007"], None),
        ("127.0.0.1", ["２０３.0.113.7"], None),
        (None, ["203.0.113.7"], None),
        ("", ["203.0.113.7"], None),
        ("/run/hotline.sock", ["203.0.113.7"], None),
    ],
)
def test_the_client_is_the_last_one_a_named_proxy_saw(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    assert resolve_client_address(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize(
    "value",
    [
        "*", "10.1.0.5,*", "0.0.0.0/0", "::/0", "0.0.0.0", "::", "0.0.0.0/1,128.0.0.0/1", "128.0.0.0/2", "10.0.0.0/7",
        "::ffff:0:0/96", "::/96", "2000::/3", ",".join(f"{n}.0.0.0/8" for n in range(1, 256)), "proxy", "localhost",
        "10.1.0.5/24", "10.1.0.0/33", "10.1.0", "127.0.0.1;10.1.0.5",
    ],
)  # fmt: skip
def test_whoever_believes_everybody_is_told_at_start_what_to_write(value: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        Settings(forwarded_allow_ips=value)
    assert "forwarded_allow_ips" in str(wrong.value) and "10." in wrong.value.errors()[0]["msg"]


@pytest.mark.parametrize("value", ["", "127.0.0.1", "127.0.0.1,::1", "10.0.0.0/8", "fd00::/8", "::ffff:10.1.0.0/120"])
def test_proxies_are_named_by_address_or_network(value: str) -> None:
    assert len(Settings(forwarded_allow_ips=value).proxies) == len([v for v in value.split(",") if v])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_a_line_counts_as_one_place(one: str, other: str, same: bool) -> None:
    assert (rate_limit_key(one) == rate_limit_key(other)) is same


def test_what_has_no_address_is_one_place_and_in_no_list() -> None:
    assert rate_limit_key(None) == rate_limit_key("nonsense") == UNKNOWN_ADDRESS
    assert not is_in_networks(None, ["0.0.0.0/0", "::/0"]) and not is_in_networks("nonsense", ["0.0.0.0/0"])
    assert is_in_networks("::ffff:10.1.0.5", ["10.1.0.0/16"]) and is_in_networks("10.1.0.5", ["::ffff:10.1.0.0/112"])
