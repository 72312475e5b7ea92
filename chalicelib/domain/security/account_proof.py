"""The proof beside an account's id in the metadata of Stripe's objects. Whoever may write metadata
there can name any account; only Billhook, and who may read the account, can prove it.
"""

import hashlib
import hmac
from collections.abc import Callable

from chalicelib.domain.security.constant_time import same_secret

_PURPOSE = "account_proof:"
"""Keeps the proof apart from the other hashes under the same key: those stand in DynamoDB keys."""


def account_proof(account_id: str, key: str) -> str:
    """The proof of an account: 64 hex digits of HMAC-SHA256 under the secret `hash-key`, which is
    never rotated. So a proof holds for ever.
    """
    return hmac.new(key.encode(), f"{_PURPOSE}{account_id}".encode(), hashlib.sha256).hexdigest()


def proves(given: str | None, account_id: str | None, proof_of: Callable[[str], str]) -> bool:
    """Whether `given` is the proof of the account. `proof_of` makes the right one."""
    return bool(account_id and given) and same_secret(proof_of(account_id or ""), given or "")


def stripe_metadata(account_id: str, proof: str) -> dict[str, str]:
    """The metadata by which a new customer of Stripe's joins the account."""
    return {"account_id": account_id, "account_proof": proof}
