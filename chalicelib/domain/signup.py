"""Signing up: what a visitor asks for, and who counts as the same person."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

PLUS_TAG = re.compile(r"\+.*$")
ONE_MAILBOX = {"googlemail.com": "gmail.com"}
"""Domains that are one mail service under two names."""

DOTLESS = frozenset({"gmail.com"})
"""Where dots in an address mean nothing (support.google.com/mail/answer/7436150)."""


@dataclass(frozen=True, slots=True)
class SignupRequest:
    """A signup as it was asked for, checked field by field. `email` is as it was typed, in its
    normal form.
    """

    email: str
    plan: str
    interval: str
    name: str | None = None
    external_id: str | None = None
    timezone: str | None = None
    source: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None


def neighbourhood(address: str) -> str:
    """What counts as one network address: an IPv4 address, or the /64 that one customer of a
    provider has of IPv6; anything else as it is.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def identity(email: str) -> str:
    """What an address is to a trial: the same for every way to write one mailbox (case, +tag, dots
    where they mean nothing).
    """
    local, _, domain = email.strip().lower().rpartition("@")
    domain = ONE_MAILBOX.get(domain, domain)
    local = PLUS_TAG.sub("", local) or local
    return f"{local.replace('.', '') if domain in DOTLESS else local}@{domain}"
