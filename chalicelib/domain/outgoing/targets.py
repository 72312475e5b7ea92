"""Which URLs and addresses Billhook may call for somebody who names them.

Whoever may name a URL could make Billhook call what only it can reach: the metadata of its machine,
or the owner's network. So a URL is checked when it is named, and what its host resolves to is
checked at each call.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from chalicelib.domain.errors import InvalidInput
from chalicelib.values import frozen

LONGEST_URL = 2000

REFUSED_NETWORKS = {
    ip_network("0.0.0.0/8"): "this host (RFC 1122)",
    ip_network("192.0.0.0/24"): "protocol assignments (RFC 6890)",
    ip_network("192.88.99.0/24"): "relays of 6to4 (RFC 7526)",
    ip_network("224.0.0.0/4"): "multicast",
    ip_network("240.0.0.0/4"): "reserved",
    ip_network("::/96"): "IPv4-compatible: holds an IPv4 address",
    ip_network("::ffff:0:0/96"): "IPv4-mapped: holds an IPv4 address",
    ip_network("::ffff:0:0:0/96"): "IPv4-translated: holds an IPv4 address (RFC 2765)",
    ip_network("64:ff9b::/96"): "NAT64: holds an IPv4 address (RFC 6052)",
    ip_network("64:ff9b:1::/48"): "NAT64 of a local network (RFC 8215)",
    ip_network("2001::/23"): "protocol assignments, and Teredo: holds an IPv4 address",
    ip_network("2002::/16"): "6to4: holds an IPv4 address",
    ip_network("3fff::/20"): "documentation (RFC 9637)",
    ip_network("5f00::/16"): "segment routing (RFC 9602)",
    ip_network("fec0::/10"): "site-local (RFC 3879)",
    ip_network("ff00::/8"): "multicast",
}
"""Networks that are refused whatever `ipaddress` says of them, which changes with the release of
Python: each with its reason. An address that holds another one could lead to a private one.
"""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@frozen
class Target:
    """A checked URL, taken apart. `host` is in ASCII, without the brackets of IPv6; `path` has the
    query.
    """

    url: str
    is_secure: bool
    host: str
    port: int
    path: str


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and can lead to no other."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_global and not any(
        parsed.version == network.version and parsed in network for network in REFUSED_NETWORKS
    )


def is_callable(address: str, loopback: bool = False) -> bool:
    """Whether a resolved IP address may be called: a public one, with `loopback` also this machine
    itself (127.0.0.0/8 and ::1).
    """
    return is_public(address) or (loopback and _is_loopback(address))


def read_target(url: str, loopback: bool = False, field: str = "url") -> Target:
    """The target that a URL names. With `loopback`, for the local system, this machine may be
    called, also by plain http. Raises InvalidInput for every other URL that is not public.
    """
    try:
        return _target(url, loopback)
    except ValueError as error:
        raise InvalidInput(f"{field} {error}.", field) from None


def _target(url: str, loopback: bool) -> Target:
    parts, port = split_url(url)
    if parts.fragment or url.endswith("#"):
        raise ValueError("must not have a fragment")
    host = ascii_host(parts.hostname or "")
    is_local = loopback and is_this_machine(host)
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise ValueError("must begin with https://")
    if not is_local:
        _refuse_private(host)
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    if port != 443 and port <= 1023 and not (is_local and port == 80):
        raise ValueError("must have the port 443 or one above 1023")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise ValueError("must be percent-encoded where it is not ASCII")
    return Target(url, parts.scheme == "https", host, port, path)


def split_url(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL and its port, None if it names none. Raises ValueError, with what is
    wrong, for what browsers and programs may read differently.
    """
    if len(url) > LONGEST_URL:
        raise ValueError(f"must have at most {LONGEST_URL} characters")
    # urlsplit drops tabs and line breaks silently, and browsers read a backslash as a slash.
    if any(letter <= " " or letter in '\\"<>\x7f' for letter in url):
        raise ValueError("must be a URL without spaces, control characters and backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL such as https://example.com/hooks") from None
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    return parts, port


def is_this_machine(host: str) -> bool:
    """Whether a host in ASCII is this machine itself."""
    return host == "localhost" or _is_loopback(host)


def ascii_host(name: str) -> str:
    """The host as it is resolved. Raises ValueError for what is no host name and no address."""
    if ":" in name:
        try:
            return str(IPv6Address(name.replace("%", "no zone")))
        except ValueError:
            raise ValueError("must name a host") from None
    try:
        # As browsers do: other digits and letters with the same meaning become ASCII.
        host = name.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise ValueError("must name a host") from None
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("must name a host")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise ValueError("must name a host: this one is an address in disguise") from None
    return host


def _refuse_private(host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        if "." not in host or host.endswith((".localhost", ".local", ".internal")):
            raise ValueError("must name a host of the public internet") from None
        return
    if not is_public(host):
        raise ValueError("must not be a private address")


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback and not (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped)
