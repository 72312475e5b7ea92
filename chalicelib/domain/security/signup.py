"""Signups: what a visitor requests, and who counts as the same person."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import field
from ipaddress import ip_address, ip_network

from chalicelib.values import frozen

PLUS_TAG = re.compile(r"\+.*$")


@frozen
class MailService:
    """A mail service: all its `domains` lead to the same mailboxes, and it ignores some letters
    before the @. `source` says so.
    """

    domains: tuple[str, ...]
    ignores: str
    source: str


MAIL_SERVICES = (
    MailService(("gmail.com", "googlemail.com"), ".", "support.google.com/mail/answer/7436150"),
    MailService(
        ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        ".-_",
        "proton.me/support/addresses-and-aliases, and what Proton answers about dots, hyphens and"
        " underscores (sindastra.de/p/1775/protonmail-dots-hyphens-and-underscores)",
    ),
    MailService(("icloud.com", "me.com", "mac.com"), "", "support.apple.com/en-us/102540"),
    MailService(
        ("yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "ya.ru"),
        "",
        "yandex.com/support/id/authorization/email.html",
    ),
)
"""The services that take several spellings for one mailbox. The first domain stands for all."""

SUBDOMAINS = frozenset({"fastmail.com"})
"""Domains below which each name is a mailbox: `anything@ada.fastmail.com` is ada's
(fastmail.help, "Subdomain addressing").
"""

OPEN_TO_ALL = frozenset(
    {
        "aol.com",
        "fastmail.com",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.de",
        "gmx.net",
        "hotmail.co.uk",
        "hotmail.com",
        "hotmail.fr",
        "icloud.com",
        "live.com",
        "mac.com",
        "mail.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "t-online.de",
        "web.de",
        "yahoo.co.jp",
        "yahoo.co.uk",
        "yahoo.com",
        "yandex.com",
        "yandex.ru",
        "163.com",
        "126.com",
    }
)
"""Domains of mail services where anybody has an address: their users have nothing in common."""


@frozen
class SignupRequest:
    """A signup, every field checked. `email` is as the visitor typed it, in its normal form."""

    email: str
    plan: str
    interval: str
    name: str | None = None
    external_id: str | None = None
    timezone: str | None = None
    source: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    language: str | None = None


def network_of(address: str) -> str:
    """What counts as one network address: an IPv4 address, also in its IPv6 form, or the /64
    network of an IPv6 address, which one customer of a provider has. Any other text is returned as
    it is.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))


def with_ascii_domain(email: str) -> str:
    """The address with its domain in ASCII, as mail servers and SES need it: `ada@müller.example`
    is `ada@xn--mller-kva.example` (RFC 5891). What comes before the @ stays as it is, and so does
    an address whose domain is in ASCII.

    Not by Python's codec `idna`, which makes `faß.de` another domain (RFC 3490).
    """
    local, at, domain = email.rpartition("@")
    if not at or domain.isascii():
        return email
    labels = unicodedata.normalize("NFKC", domain.lower()).replace("\N{IDEOGRAPHIC FULL STOP}", ".")
    return local + at + ".".join(_ascii_label(label) for label in labels.split("."))


def _ascii_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def own_domain(email: str) -> str | None:
    """The domain of an address, if whoever has the domain has all its addresses: None for a mail
    service that is open to all.
    """
    domain = identity(email).rpartition("@")[2]
    return None if domain in OPEN_TO_ALL else domain


def identity(email: str) -> str:
    """The mailbox of an address, which may have one trial: the same for every way to write it
    (case, +tag, a domain's letters or its ASCII, what its mail service ignores).
    """
    local, _, domain = with_ascii_domain(email.strip().lower()).rpartition("@")
    name, _, parent = domain.partition(".")
    if parent in SUBDOMAINS:
        local, domain = name, parent
    service = _BY_DOMAIN.get(domain)
    local = PLUS_TAG.sub("", local) or local
    if service is None:
        return f"{local}@{domain}"
    kept = "".join(letter for letter in local if letter not in service.ignores)
    return f"{kept or local}@{service.domains[0]}"


_BY_DOMAIN = {domain: service for service in MAIL_SERVICES for domain in service.domains}
