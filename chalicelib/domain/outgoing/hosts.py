"""Whether a URL that somebody names leads to one of the owner's own hosts.

Such a URL is given to browsers and mails, not called. Hosts are compared by their labels, in ASCII:
`notacme.app` is no host of `acme.app`, and a name in other letters is another name.
"""

from collections.abc import Iterable
from urllib.parse import urlunsplit

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.targets import ascii_host, is_this_machine, split_url


def is_host_of(host: str, suffixes: Iterable[str]) -> bool:
    """Whether a host in ASCII is one of the suffixes, or ends with one as a whole label."""
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)


def link_to(url: str, suffixes: Iterable[str], loopback: bool = False, field: str = "url") -> str:
    """The URL with its host in ASCII, small letters and without a dot at its end. It is https, on a
    host of `suffixes`; with `loopback`, for the local system, this machine may be linked to by
    plain http. Raises InvalidInput for every other URL.
    """
    allowed = tuple(suffixes)
    try:
        return _link(url, allowed, loopback)
    except ValueError as error:
        raise InvalidInput(f"{field} {error}.", field) from None


def _link(url: str, allowed: tuple[str, ...], loopback: bool) -> str:
    parts, port = split_url(url)
    host = ascii_host(parts.hostname or "")
    is_local = loopback and is_this_machine(host)
    if parts.scheme != "https" and not (is_local and parts.scheme == "http"):
        raise ValueError("must begin with https://")
    if not is_host_of(host, allowed) or (is_this_machine(host) and not loopback):
        raise ValueError(f"must be on one of the hosts of billing.toml: {', '.join(allowed)}")
    if not (parts.path + parts.query + parts.fragment).isascii():
        raise ValueError("must be percent-encoded where it is not ASCII")
    name = f"[{host}]" if ":" in host else host
    netloc = name if port is None else f"{name}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))
