"""Calls to Stripe's API. The only module that loads Stripe's SDK, on the first call; translates the
SDK's errors into ours.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chalicelib.domain.errors import BillhookError
from chalicelib.stripe_api.failures import StripeFailure, error_for

TIMEOUT_SECONDS = 8
RETRIES = 1

Raw = Mapping[str, Any]
"""An object of Stripe's as parsed JSON."""


PREVIEW = "/v1/invoices/create_preview"
"""What is posted to and changes nothing."""


class StripeTransport:
    """Calls Stripe's API through its SDK; answers are plain dicts. `before_change` is called before
    each call that changes something; if it raises, the call is not made.
    """

    def __init__(
        self,
        api_key: Callable[[], str],
        api_base: str | None = None,
        before_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._api_key = api_key
        self._api_base = api_base
        self._before_change = before_change
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
            page = self.get(path, limit=100, **(parameters | after))
            found = page["data"] if page else []
            yield from found
            if not page or not page["has_more"] or not found:
                return
            after = {"starting_after": found[-1]["id"]}

    def delete(self, path: str, **parameters: Any) -> Raw | None:
        """Delete the object at `path`; None if Stripe does not know it. Repeating it does no harm.
        Raises Unavailable, Refused.
        """
        self._before_change()
        return self._call("delete", path, parameters)

    def post(self, path: str, key: str | None = None, **parameters: Any) -> Raw | None:
        """Stripe's answer to a change. Within a day Stripe makes a change once under the same
        idempotency `key`.

        Raises Unavailable where the same call can be repeated under the same key, OutcomeUnknown
        where that would repeat the failure, CardDeclined, ConfirmationRequired, Refused, and
        StripeRefused also where Stripe does not know the object.
        """
        if path != PREVIEW:
            self._before_change()
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

        try:
            answer = self._client().raw_request(method, path, **parameters)
        except stripe.StripeError as error:
            if error.http_status == 404 and method != "post":
                return None
            raise translated_error(error, method == "post") from error
        found: Raw = json.loads(
            answer.body if isinstance(answer.body, str) else answer.body.decode()
        )
        for subscription in _subscriptions_in(found):
            self._complete(subscription)
        return found

    def _complete(self, subscription: dict[str, Any]) -> None:
        """Read the items that Stripe left out: a list within an object is cut where it is long, and
        `has_more` says so.
        """
        if not lacks_items(subscription):
            return
        items = subscription["items"]
        rest = self.all(
            "/v1/subscription_items",
            subscription=subscription["id"],
            starting_after=items["data"][-1]["id"],
        )
        subscription["items"] = {**items, "data": [*items["data"], *rest], "has_more": False}


def lacks_items(subscription: Raw) -> bool:
    """Whether Stripe told only the first items of a subscription."""
    items = subscription.get("items")
    return isinstance(items, Mapping) and items.get("has_more") is True


def _subscriptions_in(found: Any) -> list[dict[str, Any]]:
    """The subscriptions in an answer: it is one, or a list of them, or their customer."""
    kind = found.get("object") if isinstance(found, dict) else None
    if kind == "subscription":
        return [found]
    listed = found.get("subscriptions") if kind == "customer" else found
    data = listed.get("data") if isinstance(listed, dict) else None
    return [
        one
        for one in (data if isinstance(data, list) else [])
        if isinstance(one, dict) and one.get("object") == "subscription"
    ]


def translated_error(error: Any, changes: bool) -> BillhookError:
    """Our error for one of the SDK's. `changes` says that the call was to change something, so the
    change may have been made.
    """
    body = error.json_body if isinstance(error.json_body, Mapping) else {}
    details = body.get("error")
    failure = StripeFailure(
        error.http_status, details if isinstance(details, Mapping) else {}, type(error).__name__
    )
    return error_for(failure, changes)
