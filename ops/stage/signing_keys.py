"""The keys that sign access tokens, in the secret `signing-keys`: made and rotated."""

from collections.abc import Callable
from datetime import UTC, datetime

from chalicelib.domain.security.signing_keys import (
    PUBLISHED_BEFORE,
    SigningKey,
    read_keys,
    waiting,
    with_next,
    write_keys,
)
from chalicelib.runtime.access_tokens import new_key
from ops.stage.parameters import Parameters

NAME = "signing-keys"

ALWAYS = datetime.fromtimestamp(0, UTC)
"""From when a key signs that has no key before it: no clock of AWS's is behind that."""


def new_signing_keys() -> str:
    """A first key, which signs at once."""
    return write_keys([new_key(ALWAYS)])


def rotate_signing_keys(
    parameters: Parameters, now: datetime, say: Callable[[str], None], leaked: bool = False
) -> None:
    """Publish the next key at once; it signs 24 hours later. The key of now stays published until
    its last token has ended, and some hours more. While a next key waits, nothing changes.

    If a key `leaked`, the next one signs at once and all others are gone: tokens that they signed
    are refused as soon as verifiers fetch the key set again. `say` gets a line. Raises Unavailable.
    """
    held = parameters.get(NAME)
    if leaked or held is None:
        parameters.put(NAME, new_signing_keys())
        say("A new key signs within five minutes. Tokens of the keys before are refused.")
        return
    keys = read_keys(held.value)
    if following := waiting(keys, now):
        say(f"Nothing was changed: key {following.kid} waits, and signs from {_signs(following)}.")
        return
    following = new_key(now + PUBLISHED_BEFORE)
    parameters.put(NAME, write_keys(with_next(keys, following, now)))
    say(f"Key {following.kid} is in the key set within five minutes, and signs from")
    say(f"{_signs(following)} on. The key of now goes some hours after that.")


def _signs(key: SigningKey) -> str:
    return f"{datetime.fromtimestamp(key.signs_from, UTC):%Y-%m-%d %H:%M} UTC"
