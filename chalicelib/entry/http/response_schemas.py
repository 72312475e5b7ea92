"""What the calls answer, as JSON Schemas."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.account.standing import ACCESS_LEVELS, REASONS
from chalicelib.entry.http.request_schema import Schema

TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
MAYBE_WHOLE: Schema = {"type": ["integer", "null"]}
MOMENT: Schema = {"type": "string", "format": "date-time"}
MAYBE_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}


def several(inner: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": inner}


def fields(
    properties: Mapping[str, Schema], *optional: str, title: str = "", **more: Any
) -> Schema:
    """An object of exactly these fields; `optional` ones may be missing."""
    required = [name for name in properties if name not in optional]
    named = {"title": title} if title else {}
    return {
        **named,
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
        **more,
    }


_ACCESS: Mapping[str, Schema] = {
    "access": {
        "enum": list(ACCESS_LEVELS),
        "description": (
            "limited is the billing pages and the customer's own data, not the product's work."
        ),
    },
    "reason": {
        "enum": list(REASONS),
        "description": " ".join(f"{name}: {meaning}" for name, meaning in REASONS.items()),
    },
    "plan": (
        MAYBE
        | {
            "description": (
                "A plan of billing.toml; null for none, and for a price that billing.toml does not"
                " know."
            )
        }
    ),
    "features": several(TEXT),
    "quantity": MAYBE_WHOLE,
    "until": MAYBE_MOMENT | {"description": "When the clock alone will change it."},
}
STANDING = fields(
    {
        "status": (
            TEXT | {"description": "Stripe's, or granted, trial_starting, unconfirmed, none."}
        ),
        **_ACCESS,
    },
    title="Standing",
)
ACCESS = fields({"account_id": TEXT, **_ACCESS}, title="Access")
_ITEM = fields(
    {
        "price": TEXT,
        "lookup_key": MAYBE,
        "quantity": MAYBE_WHOLE,
        "amount": MAYBE_WHOLE,
        "currency": MAYBE,
        "interval": MAYBE,
    },
    title="SubscriptionItem",
)
_SUBSCRIPTION = fields(
    {
        "id": TEXT,
        "customer": TEXT,
        "status": TEXT,
        "plan": MAYBE,
        "quantity": MAYBE_WHOLE,
        "items": several(_ITEM),
        "created": MOMENT,
        "trial_end": MAYBE_MOMENT,
        "period_end": MAYBE_MOMENT,
        "cancels_at": MAYBE_MOMENT,
        "ended_at": MAYBE_MOMENT,
    },
    title="Subscription",
)
ACCOUNT = fields(
    {
        "account_id": TEXT,
        "email": MAYBE,
        "name": MAYBE,
        "external_id": MAYBE,
        "timezone": MAYBE,
        "attributes": {"type": "object", "additionalProperties": TEXT},
        "customers": several(TEXT),
        "standing": STANDING,
        "subscriptions": several(_SUBSCRIPTION),
    },
    title="Account",
)
ACCOUNTS = fields({"accounts": several(ACCOUNT)}, title="Accounts")
_ENTRY = fields(
    {"at": MOMENT, "kind": TEXT, "id": TEXT, "type": TEXT, "data": {}}, title="TimelineEntry"
)
TIMELINE = fields(
    {
        "entries": several(_ENTRY),
        "cursor": MAYBE | {"description": "Asks for the next page; null on the last."},
    },
    title="Timeline",
)
URL = fields({"url": TEXT | {"format": "uri"}}, title="Page")
SIGNED_UP = fields(
    {
        "account_id": TEXT,
        "status": TEXT,
        "trial_ends_at": MAYBE_MOMENT,
        "welcome_url": TEXT | {"format": "uri"},
    },
    title="SignedUp",
)
CHECK_YOUR_INBOX = fields({"status": {"const": "check_your_inbox"}}, title="CheckYourInbox")
HEALTH = fields({"status": {"const": "ok"}}, title="Health")
RECEIVED = fields(
    {"received": {"const": True}, "taken": {"type": "boolean"}}, "taken", title="Received"
)
REACTIVATED = fields(
    {"action": {"enum": ["uncanceled", "resumed", "checkout"]}, "url": TEXT | {"format": "uri"}},
    "url",
    title="Reactivated",
)
CHARGE = fields(
    {
        "charge_id": TEXT,
        "amount": WHOLE | {"description": "In minor units of the currency."},
        "currency": TEXT,
        "description": TEXT,
        "bill": {"enum": ["next_invoice", "now"]},
        "status": {
            "enum": ["pending", "paid"],
            "description": "pending: it stands on the next invoice.",
        },
        "invoice": TEXT,
    },
    "invoice",
    title="Charge",
)
ERROR = fields(
    {"error": fields({"code": TEXT, "message": TEXT, "field": TEXT}, "field")},
    title="Error",
    description=(
        "What went wrong: a code for programs, a sentence that says how to mend it, and the field"
        " that is to blame, if one is."
    ),
)
