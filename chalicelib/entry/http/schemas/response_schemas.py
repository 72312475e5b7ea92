"""JSON Schemas of the API's responses."""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.account.parts.instance import STATUSES
from chalicelib.domain.billing.payments import OPEN_STATUSES
from chalicelib.domain.changes.audit import ACTIONS
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import ACCESS_SCHEMAS, COMMON_SCHEMAS
from chalicelib.entry.http.schemas.request import Schema

TEXT: Schema = {"type": "string"}
MAYBE: Schema = {"type": ["string", "null"]}
WHOLE: Schema = {"type": "integer"}
MAYBE_WHOLE: Schema = {"type": ["integer", "null"]}
TIME: Schema = {"type": "string", "format": "date-time"}
MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}


def array(inner: Schema) -> Schema:
    """An array of items of this schema."""
    return {"type": "array", "items": inner}


def fields(
    properties: Mapping[str, Schema], *optional: str, title: str = "", **more: Any
) -> Schema:
    """An object with exactly these fields. Those in `optional` may be missing."""
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


STANDING = fields(
    {
        "status": (
            TEXT
            | {
                "description": (
                    "The subscription's status at Stripe, or granted, trial_starting, unconfirmed,"
                    " none."
                )
            }
        ),
        **ACCESS_SCHEMAS,
    },
    title="Standing",
)
ACCESS = fields({"account_id": TEXT, **ACCESS_SCHEMAS}, title="Access")
ACCESS_TOKEN = fields(
    {
        "token": TEXT
        | {
            "description": "A JSON Web Token, signed by ES256. Claims: iss, sub (the account), aud"
            " (billhook-access), iat, exp, jti, external_id, and those of the access call: access,"
            " reason, plan, features, quantity, until."
        },
        "expires_at": TIME
        | {
            "description": "In 15 minutes, or when the access changes by the clock, if that is"
            " sooner."
        },
    },
    title="AccessToken",
)
KEY_SET = fields(
    {
        "keys": array(
            fields(
                {
                    "kty": {"const": "EC"},
                    "crv": {"const": "P-256"},
                    "use": {"const": "sig"},
                    "alg": {"const": "ES256"},
                    "kid": TEXT,
                    "x": TEXT,
                    "y": TEXT,
                }
            )
        )
    },
    title="KeySet",
)
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
        "items": array(_ITEM),
        "created": TIME,
        "trial_end": MAYBE_TIME,
        "period_end": MAYBE_TIME,
        "cancels_at": MAYBE_TIME,
        "ended_at": MAYBE_TIME,
        "schedule": MAYBE
        | {
            "description": "The schedule at Stripe that will change the subscription; null without"
            " one. Canceling it or changing its plan releases the schedule."
        },
        "pending_change": fields({"at": TIME, "plan": MAYBE, "quantity": MAYBE_WHOLE})
        | {
            "type": ["object", "null"],
            "description": "What the schedule changes next; null if it changes neither plan nor"
            " quantity, and if Stripe does not answer.",
        },
    },
    title="Subscription",
)
_OTHER = fields(
    {"id": TEXT, "customer": TEXT, "status": TEXT}, title="SubscriptionToAnotherProduct"
)
_OPENING = fields(
    {"at": TIME, "link": TEXT, "browser": TEXT, "ended": {"type": "boolean"}},
    title="LinkOpening",
)
_INSTANCE = fields(
    {
        "status": {
            "enum": list(STATUSES),
            "description": " ".join(f"{name}: {meaning}" for name, meaning in STATUSES.items()),
        },
        "url": MAYBE | {"format": "uri", "description": "Where it is, once that is known."},
        "wanted": {
            "enum": ["ready", "suspended", "deleted", None],
            "description": "What it is to be, by the account's access and operators' orders.",
        },
        "request_id": MAYBE
        | {"description": "The last request to the provisioner: the same in each of its calls."},
        "deadline": MAYBE_TIME
        | {"description": "By when the provisioner has to do what is asked; null if nothing is."},
        "since": TIME | {"description": "When the status became what it is."},
    },
    title="Instance",
)
ACCOUNT = fields(
    {
        "account_id": TEXT,
        "email": MAYBE,
        "email_proved": {
            "type": "boolean",
            "description": "Whether a button was pressed behind a link that was mailed to this"
            " address. Link users by external_id, or by the address only where this is true.",
        },
        "name": MAYBE,
        "external_id": MAYBE,
        "timezone": MAYBE,
        "language": MAYBE,
        "attributes": {"type": "object", "additionalProperties": TEXT},
        "customers": array(TEXT),
        "stripe_metadata": fields({"account_id": TEXT, "account_proof": TEXT})
        | {
            "description": "The metadata to give to what your product creates at Stripe for this"
            " account: a customer whose metadata only names an account that exists does not join"
            " it. Keep it on your server."
        },
        "standing": STANDING,
        "subscriptions": array(_SUBSCRIPTION),
        "openings": array(_OPENING)
        | {
            "description": "The last ten times that a mailed link opened the billing page, the"
            " oldest first: by which `link`, and by what kind of browser. POST …/links/end ends a"
            " link."
        },
        "others": array(_OTHER)
        | {
            "description": "The customer's subscriptions to other products in the same Stripe"
            " account. They give no access, and Billhook never changes them."
        },
        "instance": _INSTANCE
        | {
            "type": ["object", "null"],
            "description": "The customer's instance of the product; null if there is none.",
        },
    },
    title="Account",
)
ACCOUNTS = fields({"accounts": array(ACCOUNT)}, title="Accounts")
_ENTRY = fields(
    {"at": TIME, "kind": TEXT, "id": TEXT, "type": TEXT, "data": {}}, title="TimelineEntry"
)
TIMELINE = fields(
    {
        "entries": array(_ENTRY),
        "cursor": MAYBE | {"description": "The cursor of the next page; null on the last page."},
    },
    title="Timeline",
)
_AUDIT_ENTRY = fields(
    {
        "id": TEXT | {"description": "Repeats under one Idempotency-Key have the same."},
        "at": TIME,
        "actor": TEXT | {"description": "key:<name of the key>, operator:<address> or ops:<user>."},
        "action": {"enum": list(ACTIONS)},
        "account_id": TEXT,
        "detail": {
            "type": "object",
            "description": "What was asked for, and `before` and `after` of what changed. Empty"
            " once the account is erased.",
        },
        "from": MAYBE | {"description": "The network address of the caller."},
    },
    "account_id",
    title="AuditEntry",
)
AUDIT = fields(
    {
        "entries": array(_AUDIT_ENTRY),
        "cursor": MAYBE | {"description": "The cursor of the next page; null on the last page."},
    },
    title="AuditLog",
)
_EVENT = fields(
    {
        "id": TEXT | {"description": "A repeat has the same."},
        "type": {"enum": list(CATALOGUE)},
        "timestamp": TIME | {"description": "When it happened."},
        "sequence": {
            "type": "integer",
            "minimum": 1,
            "description": "Its number among the events of its account: from 1, without holes.",
        },
        "data": fields(
            COMMON_SCHEMAS,
            additionalProperties=True,
            description="With the fields of its type, which `webhooks` describes.",
        ),
    },
    title="Event",
)
EVENTS = fields(
    {
        "events": array(_EVENT),
        "cursor": TEXT
        | {
            "description": "Ask again with it. If it is the one that you sent, there is nothing"
            " new yet."
        },
    },
    title="Events",
)
URL = fields({"url": TEXT | {"format": "uri"}}, title="Page")
SIGNED_UP = fields(
    {
        "account_id": TEXT,
        "status": TEXT,
        "trial_ends_at": MAYBE_TIME,
        "welcome_url": TEXT | {"format": "uri"},
    },
    title="SignedUp",
)
CHECK_YOUR_INBOX = fields({"status": {"const": "check_your_inbox"}}, title="CheckYourInbox")
HEALTH = fields({"status": {"const": "ok"}}, title="Health")
RECEIVED = fields(
    {"received": {"const": True}, "taken": {"type": "boolean"}}, "taken", title="Received"
)
HEARD = fields(
    {
        "received": {"const": True},
        "taken": {"type": "boolean"},
        "reason": {
            "enum": [
                "not_followed",
                "no_milestone",
                "no_account",
                "other_mode",
                "same",
                "older",
                "switched_off",
                "unsubscribed_here",
            ],
            "description": "Why it changed nothing.",
        },
    },
    "reason",
    title="Heard",
)
WAITING = fields(
    {
        "status": {
            "enum": list(OPEN_STATUSES),
            "description": " ".join(
                f"{name}: {meaning}" for name, meaning in OPEN_STATUSES.items()
            ),
        },
        "invoice": TEXT | {"description": "The id of the invoice at Stripe."},
        "url": TEXT
        | {"format": "uri", "description": "Stripe's page where the customer confirms or pays."},
    },
    "url",
    title="Waiting",
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
            "enum": ["pending", "paid", *OPEN_STATUSES],
            "description": "pending: it will be on the next invoice. "
            + " ".join(f"{name}: {meaning}" for name, meaning in OPEN_STATUSES.items()),
        },
        "invoice": TEXT,
        "url": TEXT
        | {"format": "uri", "description": "Stripe's page where the customer confirms or pays."},
    },
    "invoice",
    "url",
    title="Charge",
)
ERROR = fields(
    {
        "error": fields(
            {"code": TEXT, "message": TEXT, "field": TEXT, "stripe_code": TEXT, "oldest": TEXT},
            "field",
            "stripe_code",
            "oldest",
        )
    },
    title="Error",
    description=(
        "A code for programs, a message that says how to correct the error, and the field that"
        " caused it, if there is one. stripe_code is Stripe's own code, if Stripe refused."
        " oldest is the cursor to go on with, where the one that was sent is too old."
    ),
)
