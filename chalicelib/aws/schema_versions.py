"""The schema versions of stored accounts, and the upgrade from each to the next.

The item's attribute `shape` holds the version. Every change of the stored form needs a new version,
even an added field: a release that does not know the field would save the account without it. To
add one, raise SHAPE, add the upgrade to it, and run `python -m tests.adapters.aws.written`, which
stores a sample of it for the tests. Never remove an upgrade.
"""

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.errors import NewerSchemaVersion

SHAPE = 5
"""The schema version that this release writes. It reads this one and all older ones."""

Texts = dict[str, Any]
"""The JSON texts of an account's item, parsed: `body`, and, up to version 4, `outbox` if there is
one.
"""

Upgrade = Callable[[Texts], Texts]


def _with_outbox_inside(texts: Texts) -> Texts:
    """Version 5 has the outbox in the body."""
    return {"body": texts["body"] | {"outbox": texts.get("outbox", [])}}


def _with_defaults(texts: Texts) -> Texts:
    """For a version that only adds fields: they start with their defaults."""
    return texts


UPGRADES: Mapping[int, Upgrade] = {
    1: _with_defaults,  # 2 adds `restored_at`
    # 3 adds operations, cards, plan changes, broadcasts, cancellation requests and feedback, why a
    # subscription was canceled, when an invoice was paid
    2: _with_defaults,
    # 4 adds subscriptions to other products, the payments of invoices and what a customer changed
    3: _with_defaults,
    # 5 packs the body, which has the outbox now, and adds the complaint about a notice
    4: _with_outbox_inside,
}
"""Schema version → the upgrade of its texts to the next version."""


def refuse_newer(shape: int, to: int = SHAPE) -> None:
    """Raises NewerSchemaVersion if an item's schema version `shape` is newer than `to`."""
    if shape > to:
        raise NewerSchemaVersion(
            f"An account was written in schema version {shape} by a newer release. This release"
            f" reads versions up to {to} and leaves the account as it is. Deploy that release"
            " again, or a later one."
        )


def upgraded(
    texts: Texts, shape: int, upgrades: Mapping[int, Upgrade] = UPGRADES, to: int = SHAPE
) -> Texts:
    """The texts of an item of schema version `shape`, not newer than `to`, upgraded step by step to
    the version `to`.
    """
    for number in range(shape, to):
        texts = upgrades[number](texts)
    return texts
