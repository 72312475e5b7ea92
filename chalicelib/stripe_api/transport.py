"""Calls to Stripe's API. The only module that loads Stripe's SDK, on the first call; translates the
SDK's errors into ours.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chalicelib.domain.errors import CardDeclined, OutcomeUnknown, Refused, Unavailable

TIMEOUT_SECONDS = 8
RETRIES = 1
TRANSIENT = frozenset({408, 409, 429})
"""Statuses below 500 after which the same call may succeed a moment later; 409 is a lock, or
another call under the same idempotency key.
"""

Raw = Mapping[str, Any]
"""An object of Stripe's as parsed JSON."""


class StripeTransport:
    """Calls Stripe's API through its SDK; answers are plain dicts. `count` adds to a metric."""

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
        """The object at `path`; None if Stripe does not know it. Raises Unavailable, Refused."""
        return self._call("get", path, parameters)

    def all(self, path: str, **parameters: Any) -> list[Raw]:
        """All objects of a list. Raises Unavailable, Refused."""
        return list(self.each(path, **parameters))

    def each(self, path: str, **parameters: Any) -> Iterator[Raw]:
        """The objects of a list, a hundred a call; the next page is fetched once the last one is
        used up. Raises Unavailable, Refused.
        """
        after: dict[str, Any] = {}
        while True:
            page = self.get(path, limit=100, **parameters, **after)
            found = page["data"] if page else []
            yield from found
            if not page or not page["has_more"] or not found:
                return
            after = {"starting_after": found[-1]["id"]}

    def delete(self, path: str, **parameters: Any) -> Raw | None:
        """Delete the object at `path`; None if Stripe does not know it. Repeating it does no harm.
        Raises Unavailable, Refused.
        """
        return self._call("delete", path, parameters)

    def post(self, path: str, key: str | None = None, **parameters: Any) -> Raw | None:
        """Stripe's answer to a change; None if it is about an object that Stripe does not know.
        Within a day Stripe makes a change once under the same idempotency `key`.

        Raises Unavailable where the same call can be repeated under the same key, Doubtful where
        that would repeat the failure, CardDeclined, Refused.
        """
        return self._call("post", path, parameters | ({"idempotency_key": key} if key else {}))

    def _client(self) -> Any:
        """The SDK's client, rebuilt when the key was rotated."""
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
            raise translated_error(error, method == "post") from error
        found: Raw = json.loads(
            answer.body if isinstance(answer.body, str) else answer.body.decode()
        )
        return found


def translated_error(error: Any, changes: bool) -> Exception:
    """Our error for one of the SDK's. `changes` says that the call was to change something, so the
    change may have been made.
    """
    import stripe

    status = error.http_status or 0
    if status == 402:
        return CardDeclined(f"The card was declined ({error.code}).")
    if isinstance(error, stripe.IdempotencyError) and status not in TRANSIENT:
        return OutcomeUnknown("The same key was used with other parameters.")
    if 400 <= status < 500 and status not in TRANSIENT:
        details = ", ".join(
            str(word) for word in (status, error.code, getattr(error, "param", None)) if word
        )
        return Refused(f"Stripe refuses a call ({details}): is the key allowed to make it?")
    if status >= 500 and changes:
        return OutcomeUnknown(
            f"Stripe failed at a change ({status}), and will say the same under the same key."
        )
    return Unavailable(f"Stripe gave no answer ({type(error).__name__}).")
