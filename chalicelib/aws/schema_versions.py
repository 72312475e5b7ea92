"""The shapes in which accounts were written, and how each becomes the next.

Whatever changes what is written is another shape, an added field too: a release that does not know
the field would write the account back without it. So raise SHAPE, add the step that leads to it,
and let `python -m tests.adapters.aws.written` keep a text of it for the tests. No step is ever
removed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.errors import NewerSchemaVersion

SHAPE = 3
"""The number of the shape in which this release writes accounts; it reads all up to it."""

Texts = dict[str, Any]
"""The texts of an account's item as plain values: `body`, and `outbox` if there is one."""

Upgrade = Callable[[Texts], Texts]


def _with_defaults(texts: Texts) -> Texts:
    """What the next shape adds comes as its fields' defaults."""
    return texts


UPGRADES: Mapping[int, Upgrade] = {
    1: _with_defaults,  # 2 has `restored_at`
    # 3 has tasks, cards, plan changes, broadcasts, what is known of leaving, why a subscription was
    # canceled, when an invoice was paid
    2: _with_defaults,
}
"""How the texts of each older shape become those of the next."""


def upgraded(
    texts: Texts, shape: int, upgrades: Mapping[int, Upgrade] = UPGRADES, to: int = SHAPE
) -> Texts:
    """The texts of an item of `shape` in the shape `to`, one step after the other. Raises
    NewerSchemaVersion for one that is younger than that.
    """
    if shape > to:
        raise NewerSchemaVersion(
            f"An account was written in shape {shape} by a younger release; this one knows shapes"
            f" up to {to}, and leaves it as it is. Deploy that release again, or a later one."
        )
    for number in range(shape, to):
        texts = upgrades[number](texts)
    return texts
