"""Which URLs lead to the owner's own hosts."""

import pytest

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.hosts import link_to

HOSTS = ("acme.app", "xn--bcher-kva.example", "203.0.113.7")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://acme.app", None),
        ("https://acme.app/", None),
        ("https://a.b.acme.app:8443/x?y=1#/home", None),
        ("https://a.acme.app:80", None),
        ("https://203.0.113.7/x", None),
        ("https://ACME.App./x", "https://acme.app/x"),
        ("HTTPS://a.acme.app", "https://a.acme.app"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://äcme.acme.app", "https://xn--cme-pla.acme.app"),
        ("https://ａｃｍｅ.app/x", "https://acme.app/x"),
    ],
)
def test_a_url_on_one_of_the_hosts_is_kept_with_its_host_in_ascii(
    url: str, kept: str | None
) -> None:
    assert link_to(url, HOSTS) == (kept or url)


@pytest.mark.parametrize(
    "url",
    [
        "https://notacme.app",
        "https://acme.app.evil.example",
        "https://app",
        "https://evil.example/acme.app",
        "https://evil.example?acme.app",
        "https://evil.example#.acme.app",
        "https://acme.app@evil.example",
        "https://acme.app:x@evil.example",
        "https://evil.example\\.acme.app",
        "https://evil.example/\\acme.app",
        "https://evil.example%2eacme.app",
        "https://acme.app:port/",
        "https://acme.app:99999/",
        "https://аcme.app",
        "https://acme。evil",
        "https://x.203.0.113.7",
        "https://3405803783",
        "https://127.0.0.1/",
        "http://acme.app",
        "//acme.app",
        "acme.app",
        "/x",
        "",
        "javascript:alert(1)",
        "javascript://acme.app/%0aalert(1)",
        "data:text/html,x",
        "ftp://acme.app",
        "https:acme.app",
        "https:///acme.app",
        " https://acme.app",
        "https://acme.app/\n",
        "https://ac\tme.app",
        "https://acme.app/<script>",
        "https://acme.app/ü",
        "https://acme..app",
        "https://[::1]/",
        "https://acme.app/" + 2000 * "x",
    ],
)
def test_every_other_url_is_refused_with_its_field(url: str) -> None:
    for loopback in (False, True):
        with pytest.raises(InvalidInput) as caught:
            link_to(url, HOSTS, loopback)
        assert caught.value.field == "url"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8100/a", "https://localhost/", "http://[::1]/"])
def test_this_machine_is_linked_to_by_the_local_system_alone(url: str) -> None:
    here = ("127.0.0.1", "localhost", "::1")
    assert link_to(url, here, loopback=True) == url
    with pytest.raises(InvalidInput):
        link_to(url, here)
    with pytest.raises(InvalidInput):
        link_to(url, HOSTS, loopback=True)
