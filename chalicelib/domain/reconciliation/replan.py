"""The progress of replanning all accounts after the policy changed."""

from chalicelib.values import frozen


@frozen
class ReplanState:
    """The replanning under the policy with `hash`. It continues at `cursor`; None at the start of a
    round. `found` counts the accounts of this round that were planned under another policy; it is
    `done` when a round found none.
    """

    hash: str
    cursor: str | None = None
    done: bool = False
    found: int = 0
    version: int = 0
