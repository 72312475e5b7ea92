"""What the product and Billhook say to each other, beside the access check of examples/access."""

import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

CALL_SECONDS = 5
LONGEST_TIME = 12
"""Digits of Unix seconds. More are nobody's time."""

AGE_SECONDS = 300
"""How old a signed request may be: an older one may be somebody's recording."""


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether Billhook sent these very bytes, by Standard Webhooks."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or len(timestamp) > LONGEST_TIME:
        return False
    if abs(now - int(timestamp)) > AGE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    signatures = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(expected, one) for one in signatures)


class Billhook:
    """Calls of Billhook's API, with a key of scope `write`."""

    def __init__(self, base: str, key: str) -> None:
        self._base, self._key = base.rstrip("/"), key

    def report(self, account_id: str, milestone: str, at: str) -> None:
        """Tell that the customer did something that messages depend on. The same again changes
        nothing. Raises OSError.
        """
        self._post(account_id, "milestones", {"name": milestone, "at": at})

    def billing_url(self, account_id: str) -> str:
        """Where this customer pays: Stripe's page for a card or a plan, or for who has both,
        Stripe's portal. Where neither can be had, Billhook's page that mails a link.
        """
        try:
            try:
                return str(self._post(account_id, "checkout", {})["url"])
            except urllib.error.HTTPError as refused:
                if refused.code != 409:
                    raise
                return str(self._post(account_id, "portal", {})["url"])
        except (OSError, KeyError):
            return f"{self._base}/sign-in"

    def _post(self, account_id: str, call: str, content: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._base}/accounts/{quote(account_id, safe='')}/{call}",
            json.dumps(content).encode(),
            {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            told: dict[str, Any] = json.loads(answer.read() or b"{}")
            return told
