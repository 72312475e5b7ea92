"""Which URLs may be named, and which addresses may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.targets import Target, is_callable, is_public, read_target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com/hooks?a=1", ("example.com", 443, "/hooks?a=1")),
        ("https://Hooks.Example.com.", ("hooks.example.com", 443, "/")),
        ("https://example.com:8443/x", ("example.com", 8443, "/x")),
        ("https://93.184.216.34/x", ("93.184.216.34", 443, "/x")),
        ("https://[2606:4700::6810:84e5]:1024/x", ("2606:4700::6810:84e5", 1024, "/x")),
        ("https://bücher.example/x", ("xn--bcher-kva.example", 443, "/x")),
    ],
)
def test_a_url_of_the_public_internet_is_taken(url: str, target: tuple[str, int, str]) -> None:
    assert read_target(url) == Target(url, True, *target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hooks",
        "//example.com/hooks",
        "ftp://example.com/hooks",
        "http://example.com/hooks",
        "https://",
        "https:///hooks",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://@example.com/",
        "https://example.com/#part",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\nHost: other",
        "https://example.com\\@169.254.169.254/",
        "https://example.com/größe",
        "https://localhost/",
        "https://intranet/",
        "https://db.internal/",
        "https://printer.local/",
        "https://app.localhost/",
        "https://2852039166/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://example.1/",
        "https://example.0x1/",
        "https://１２７.0.0.1/",
        "https://127.0.0.1/",
        "https://10.0.0.8/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[2002:a9fe:a9fe::1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1%25eth0]/",
        "https://[2606:4700::1%25eth0]/",
        "https://%31%32%37.0.0.1/",
        "https://example..com/",
        "https://" + "a" * 64 + ".com/",
        "https://example.com/" + "a" * 2000,
    ],
)
def test_every_other_url_is_refused_by_the_name_of_its_field(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_target(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:3000/hooks",
        "http://localhost:3000/hooks",
        "http://[::1]:3000/hooks",
        "https://127.0.0.1:3000/hooks",
        "https://example.com/hooks",
    ],
)
def test_the_local_system_may_name_its_own_machine(url: str) -> None:
    assert read_target(url, loopback=True).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "http://10.0.0.8:3000/",
        "http://0.0.0.0:3000/",
        "http://127.1:3000/",
        "http://[::ffff:127.0.0.1]:3000/",
        "http://example.com/hooks",
        "http://127.0.0.1:22/",
    ],
)
def test_the_local_system_may_name_nothing_else_that_is_private(url: str) -> None:
    with pytest.raises(InvalidInput):
        read_target(url, loopback=True)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "3fff::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "nonsense",
    ],
)
def test_an_address_that_is_private_or_holds_another_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::6810:84e5"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_loopback_is_callable_in_the_local_system_alone() -> None:
    for address in ("127.0.0.1", "127.0.0.53", "::1"):
        assert is_callable(address, loopback=True)
        assert not is_callable(address)
    for address in ("169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "0.0.0.0"):
        assert not is_callable(address, loopback=True)


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_is_refused(text: str) -> None:
    try:
        target = read_target(f"https://{text}")
    except InvalidInput:
        return
    assert target.host.isascii()
    assert target.path.startswith("/")
    assert target.path.isascii()


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_no_form_of_ipv6_hides_a_private_ipv4_address(address: object) -> None:
    from ipaddress import IPv4Address, IPv6Address

    assert isinstance(address, IPv4Address)
    held = int(address)
    for prefix, shift in ((0, 0), (0xFFFF << 32, 0), (0x64FF9B << 96, 0), (0x2002 << 112, 80)):
        assert not is_public(str(IPv6Address(prefix | held << shift)))
    teredo = 0x20010000 << 96 | (held ^ 0xFFFFFFFF)
    assert not is_public(str(IPv6Address(teredo)))
