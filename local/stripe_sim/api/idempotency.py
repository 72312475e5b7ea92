"""Idempotency keys: the first answer under a key is kept for a day, failures too,
and given again."""

import threading
from collections.abc import Callable
from typing import Any

from local.stripe_sim.api.errors import StripeRefusal

KEPT_SECONDS = 24 * 3600

Result = tuple[int, Any]


class Keys:
    """What was answered under which key. A call that is refused before it began is not kept
    (docs.stripe.com/api/idempotent_requests).
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._kept: dict[str, tuple[int, str, Result | None]] = {}
        self._lock = threading.Lock()

    def run(self, key: str, fingerprint: str, do: Callable[[], Result]) -> tuple[Result, bool]:
        """The result under `key`, and whether it is an old one. Raises StripeRefusal for a key in
        use, or used for something else.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept and kept[0] + KEPT_SECONDS <= self._now():
                kept = None
            if kept and kept[1] != fingerprint:
                raise StripeRefusal(_mismatch(key, kept[1], fingerprint), type="idempotency_error")
            if kept and kept[2] is None:
                raise StripeRefusal(
                    "There is currently another in-progress request using this Idempotent Key.",
                    code="idempotency_key_in_use",
                    status=409,
                    type="idempotency_error",
                )
            if kept and kept[2]:
                return kept[2], True
            self._kept[key] = self._now(), fingerprint, None
        try:
            result = do()
        except BaseException:
            self.forget(key)
            raise
        with self._lock:
            self._kept[key] = self._now(), fingerprint, result
        return result, False

    def forget(self, key: str) -> None:
        """As though the key had never been used."""
        with self._lock:
            self._kept.pop(key, None)


def _mismatch(key: str, first: str, now: str) -> str:
    (method, path, _), (method_now, path_now, _) = first.split(" ", 2), now.split(" ", 2)
    where = (
        "with the same parameters they were first used with"
        if (method, path) == (method_now, path_now)
        else f"for the same endpoint they were first used for ('{path}')"
    )
    return (
        f"Keys for idempotent requests can only be used {where}. Try using a key other than"
        f" '{key}' if you meant to execute a different request."
    )
