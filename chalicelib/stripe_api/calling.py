"""Calls to Stripe. The only place that loads its SDK, and only when something is called; its errors
become ours.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.errors import CardDeclined, Doubtful, Refused, Unavailable

TIMEOUT_SECONDS = 8
RETRIES = 1
PASSING = frozenset({408, 409, 429})
"""Refusals that the same call may not meet again a moment later; 409 is a lock, or the same key in
use by another.
"""

Raw = Mapping[str, Any]


class StripeCaller:
    """Stripe's API by its SDK; answers come as plain dicts. `count` adds to a metric."""

    def __init__(
        self,
        api_key: Callable[[], str],
        api_base: str | None = None,
        count: Callable[[str, int], None] = lambda metric, by: None,
    ) -> None:
        self._count = count
        self._api_key = api_key
        self._api_base = api_base
        self._made: tuple[str, Any] | None = None

    def get(self, path: str, **parameters: Any) -> Raw | None:
        """What is at `path`; None if Stripe knows of nothing there. Raises Unavailable, Refused."""
        return self._call("get", path, parameters)

    def all(self, path: str, **parameters: Any) -> list[Raw]:
        """Everything of a list, page after page. Raises Unavailable, Refused."""
        found: list[Raw] = []
        page: Raw | None = {"has_more": True}
        while page and page["has_more"]:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = self.get(path, limit=100, **parameters, **after)
            found += page["data"] if page else []
        return found

    def delete(self, path: str, **parameters: Any) -> Raw | None:
        """Take away what is at `path`; None if Stripe knows of nothing there. The same again does
        no harm. Raises Unavailable, Refused.
        """
        return self._call("delete", path, parameters)

    def post(self, path: str, key: str | None = None, **parameters: Any) -> Raw | None:
        """What Stripe answers to a change; under the same idempotency `key` it is made once in a
        day.

        None if it is about something that Stripe does not know. Raises Unavailable where the same
        call with the same key is to be made again, Doubtful where that would only give the same
        failure, CardDeclined, Refused.
        """
        return self._call("post", path, parameters | ({"idempotency_key": key} if key else {}))

    def _client(self) -> Any:
        """The SDK's client, made anew when the key has been rotated."""
        import stripe

        key = self._api_key()
        if self._made is None or self._made[0] != key:
            client = stripe.StripeClient(
                key,
                base_addresses={"api": self._api_base} if self._api_base else None,
                http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
                max_network_retries=RETRIES,
            )
            self._made = key, client
        return self._made[1]

    def _call(self, method: str, path: str, parameters: dict[str, Any]) -> Raw | None:
        import stripe

        self._count("StripeCalls", 1)
        try:
            answer = self._client().raw_request(method, path, **parameters)
        except stripe.StripeError as error:
            if error.http_status == 404:
                return None
            raise in_our_words(error, method == "post") from error
        found: Raw = json.loads(
            answer.body if isinstance(answer.body, str) else answer.body.decode()
        )
        return found


def in_our_words(error: Any, changes: bool) -> Exception:
    """Our error for one of the SDK's; `changes` says whether the call was to change something, and
    so may have.
    """
    import stripe

    status = error.http_status or 0
    if status == 402:
        return CardDeclined(f"The card was declined ({error.code}).")
    if isinstance(error, stripe.IdempotencyError) and status not in PASSING:
        return Doubtful("The same key was used with other parameters.")
    if 400 <= status < 500 and status not in PASSING:
        said = ", ".join(
            str(word) for word in (status, error.code, getattr(error, "param", None)) if word
        )
        return Refused(f"Stripe refuses a call ({said}): is the key allowed to make it?")
    if status >= 500 and changes:
        return Doubtful(
            f"Stripe failed at a change ({status}), and will say the same under the same key."
        )
    return Unavailable(f"Stripe gave no answer ({type(error).__name__}).")
