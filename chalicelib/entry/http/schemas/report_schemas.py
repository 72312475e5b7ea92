"""JSON Schemas of the reports."""

from chalicelib.domain.figures.movements import MOVEMENTS
from chalicelib.domain.figures.records import MONTHS, WITHIN
from chalicelib.domain.figures.trials import SPANS
from chalicelib.domain.policy.reasons import END_REASONS
from chalicelib.entry.http.schemas.request import Schema
from chalicelib.entry.http.schemas.response_schemas import (
    MAYBE,
    MAYBE_WHOLE,
    TEXT,
    WHOLE,
    array,
    fields,
)

DAY: Schema = {"type": "string", "format": "date"}
_REVENUE_DAY = fields(
    {
        "date": DAY,
        "mrr": WHOLE | {"description": "At the end of the day, in UTC."},
        **{name: WHOLE | {"description": meaning} for name, meaning in MOVEMENTS.items()},
    },
    title="RevenueDay",
)
_CURRENCY_REVENUE = fields(
    {
        "annualised": WHOLE | {"description": "12 times the last day's mrr."},
        "days": array(_REVENUE_DAY),
    },
    title="CurrencyRevenue",
)
REVENUE = fields(
    {
        "currencies": {
            "type": "object",
            "additionalProperties": _CURRENCY_REVENUE,
            "description": "By currency, such as usd. All amounts are in minor units.",
        }
    },
    title="Revenue",
)
_MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
_CONVERSIONS_WITHIN = fields(
    {
        "days": MAYBE_WHOLE
        | {"description": f"{', '.join(map(str, SPANS))}; null for those that took longer."},
        "converted": WHOLE | {"description": "Within these whole days, and after those before."},
    },
    title="ConversionsWithin",
)
_MILESTONE_COUNT = fields(
    {"name": TEXT, "reached": WHOLE | {"description": "Trials that reached it, whenever."}},
    title="MilestoneCount",
)
_TRIAL_WEEK = fields(
    {
        "week": DAY | {"description": "The Monday of the week in which the trials started (UTC)."},
        "started": WHOLE,
        "converted": WHOLE | {"description": "Paid an invoice of more than 0 since, whenever."},
        "expired": WHOLE | {"description": "Ended without."},
        "running": WHOLE,
        "activated": WHOLE | {"description": "Reached a milestone of billing.toml, whenever."},
        "milestones": array(_MILESTONE_COUNT),
        "median_days": MAYBE_WHOLE
        | {
            "description": "The whole days within which half of those that converted did; null"
            " without any."
        },
        "conversions": array(_CONVERSIONS_WITHIN),
    },
    title="TrialWeek",
)
TRIALS = fields({"weeks": array(_TRIAL_WEEK)}, title="Trials")
_KEPT = fields(
    {
        "months": WHOLE | {"description": f"One of {', '.join(map(str, MONTHS))}."},
        "customers": MAYBE_WHOLE
        | {
            "description": "Who brings in anything so many months after the first day; null until"
            " the last of the week is so old."
        },
    },
    title="CustomersKept",
)
_RETENTION_WEEK = fields(
    {
        "week": DAY
        | {"description": "The Monday of the week of their first day as customers (UTC)."},
        "customers": WHOLE | {"description": "Those whose revenue was `new` in this week."},
        "kept": array(_KEPT),
    },
    title="RetentionWeek",
)
RETENTION = fields({"weeks": array(_RETENTION_WEEK)}, title="Retention")
_REASON = fields(
    {
        "reason": {
            "enum": list(END_REASONS),
            "description": " ".join(f"{name}: {meaning}" for name, meaning in END_REASONS.items()),
        },
        "customers": WHOLE | {"description": "Whose last subscription ended."},
        "trials": WHOLE | {"description": "That never paid, and said why themselves."},
    },
    title="LeavingReason",
)
LEAVING = fields({"reasons": array(_REASON)}, title="Leaving")
_STEP_EFFECT = fields(
    {
        "step": TEXT,
        "sequence": MAYBE | {"description": "null if billing.toml has the step no more."},
        "sent": WHOLE | {"description": "Accounts that got it for the first time."},
        "converted": WHOLE
        | {
            "description": f"Those of them that began to pay, or paid again, within {WITHIN.days}"
            " days."
        },
        "held_out": WHOLE | {"description": "Accounts that would have got it."},
        "held_out_converted": WHOLE,
        "difference": _MAYBE_NUMBER
        | {
            "description": "The share that converted of those it was sent to, less that of those"
            " held out, such as 0.05; null without any of either."
        },
        "low": _MAYBE_NUMBER | {"description": "The lower end of its 95 % interval."},
        "high": _MAYBE_NUMBER | {"description": "The upper end."},
    },
    title="MessageEffect",
)
MESSAGES = fields({"steps": array(_STEP_EFFECT)}, title="Messages")
