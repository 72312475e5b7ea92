"""The identities of SES that stand for the senders in billing.toml."""

from collections.abc import Iterable
from email.utils import parseaddr


def identities_of(sender: str) -> list[str]:
    """The identities that can verify an address, the most specific first: the address itself, its
    domain, the domains above it.
    """
    domain = sender.rpartition("@")[2]
    labels = domain.split(".")
    return [sender, *(".".join(labels[place:]) for place in range(len(labels) - 1))]


def identities(senders: Iterable[str]) -> list[str]:
    """The identities of all senders, each a From with or without a name."""
    return sorted({name for sender in senders for name in identities_of(parseaddr(sender)[1])})
