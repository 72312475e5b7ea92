"""Which mode of Stripe a key is for, and whether this command may use it on this stage."""

from chalicelib.domain.errors import InvalidInput

MODES = {"sk_live_": True, "rk_live_": True, "sk_test_": False, "rk_test_": False}
"""The prefixes of secret and restricted keys, and whether they are for live mode
(docs.stripe.com/keys).
"""


def is_live(key: str) -> bool | None:
    """Whether a key is for live mode; None if it is no secret or restricted key."""
    return next((live for prefix, live in MODES.items() if key.startswith(prefix)), None)


def check_mode(key: str, live_asked: bool, stage: str, stage_is_live: bool) -> None:
    """Return if the key fits the stage and the options. Raises InvalidInput with what to do
    instead.
    """
    live = is_live(key)
    if live is None:
        raise InvalidInput(
            "The Stripe key is none: a secret key begins with sk_live_ or sk_test_, a restricted"
            " one with rk_live_ or rk_test_.",
            "key",
        )
    if stage_is_live and not live:
        raise InvalidInput(
            f"Stage {stage} takes live money, but the Stripe key is a test key: use the live key,"
            " and --live.",
            "key",
        )
    if live_asked and not live:
        raise InvalidInput(
            "--live was given, but the Stripe key is a test key: take the one away, or put the live"
            " key in place of the other.",
            "live",
        )
    if live and not stage_is_live:
        raise InvalidInput(
            f"Stage {stage} takes test events only, but the Stripe key is a live key: use the test"
            " key.",
            "key",
        )
    if live and not live_asked:
        raise InvalidInput(
            "The Stripe key is a live key, and what it does concerns real customers: give --live if"
            " that is meant.",
            "live",
        )
