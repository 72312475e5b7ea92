"""What customers may do in Stripe's portal, and what they never may: change the e-mail address.

A session of the portal is opened by whoever has a billing link. Billhook's own page asks for a
fresh sign-in before it changes the address, and Stripe's portal would not.
"""

from collections.abc import Mapping
from typing import Any

FEATURES: Mapping[str, Mapping[str, Any]] = {
    "payment_method_update": {"enabled": True},
    "invoice_history": {"enabled": True},
    # At the period's end: what was paid for is kept.
    "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
}
"""What the portal offers whatever is sold. Changes of the plan come with the prices
(ops/stripe/desired_state.py). The owner decides on the rest, but for the e-mail address.
"""


def lets_change_email(features: Mapping[str, Any]) -> bool:
    """Whether a configuration with these features lets customers change their e-mail address."""
    updates = features.get("customer_update") or {}
    return bool(updates.get("enabled")) and "email" in (updates.get("allowed_updates") or ())


def without_email(features: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter `customer_update` that takes the e-mail address out of these features, and
    leaves what else the owner allows. Without anything left it is switched off: Stripe takes no
    empty list (docs.stripe.com/api/customer_portal/configurations/update).
    """
    allowed = (features.get("customer_update") or {}).get("allowed_updates") or ()
    others = [one for one in allowed if one != "email"]
    return {"enabled": True, "allowed_updates": others} if others else {"enabled": False}
