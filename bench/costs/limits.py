"""Where each part ends: what a customer uses of it in a month, how much of it there is, and so at
how many customers it is full.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.costs.bills import SECONDS, assumed, customers, milliseconds, total
from bench.costs.deployment import BATCHES, logical_id
from bench.costs.stories import Used
from chalicelib.aws.items import DUE_SHARDS
from chalicelib.aws.jobs.replan_state import A_PAGE
from chalicelib.runtime import wiring
from chalicelib.usecases.figures.exports.nightly import SECONDS as EXPORT_SECONDS
from chalicelib.usecases.reconciliation.rate_limit import CALLS_A_SECOND
from chalicelib.usecases.reconciliation.rate_limit import SECONDS as RUN_SECONDS
from chalicelib.usecases.schedule.replan import PAGES_A_RUN
from chalicelib.usecases.schedule.sweep import A_RUN
from local.aws.resources import TEMPLATE
from local.aws.template import load

MOST = 10_000_000
"""Customers up to which the page looks."""

DAY_SECONDS = 86_400
ID_BYTES = 150
"""An id of a subscription in a set of Python's, its share of the table and of the list's items
included.
"""

A_PARTITION = 1_000
"""Writes a second that a partition of a table or an index takes."""

RAISED = "AWS's quota, raised on request"
EACH_ACCOUNT = "AWS sets it for each AWS account, and raises it with use"


@dataclass(frozen=True, slots=True)
class Limit:
    """`used` by one customer in a month, of `capacity` a second. At once comes `peak` times the
    month's mean; 1 can wait within its day.
    """

    part: str
    unit: str
    used: float
    capacity: float
    whose: str
    peak: float = field(default_factory=lambda: assumed("peak"))

    @property
    def customers(self) -> float:
        """How many fill it."""
        return self.capacity * SECONDS / (self.used * self.peak) if self.used else float("inf")


@dataclass(frozen=True, slots=True)
class Throttle:
    """A route's rate at API Gateway, as the template sets it."""

    method: str
    route: str
    rate: float


def throttles(template: Mapping[str, Any]) -> list[Throttle]:
    """The rates of the template's MethodSettings."""
    settings = template["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    return [
        Throttle(
            one["HttpMethod"],
            re.sub("~1", "/", one["ResourcePath"][1:]),
            one["ThrottlingRateLimit"],
        )
        for one in settings
    ]


def limits(stories: Mapping[str, list[Used]]) -> list[Limit]:
    """All of them, the nearest first."""
    month = customers(stories, 1).by_function
    used, template = total(month), load(TEMPLATE)
    rate = {(one.method, one.route): one.rate for one in throttles(template)}
    policy = wiring.policy().signup
    signups = policy.a_day if policy else 0
    seconds = sum(map(milliseconds, month.values())) / 1000
    acts = month["SweepDue"]["sqs"]  # a message each

    morning, spread = assumed("morning"), 1

    def at_once(name: str, whose: str, *peak: float) -> Limit:
        return Limit(
            f"concurrency of {name}",
            "seconds",
            milliseconds(month[logical_id(name)]) / 1000,
            BATCHES[name][1],
            whose,
            *peak,
        )

    def throttled(part: str, unit: str, amount: float, method: str, route: str) -> Limit:
        return Limit(
            f"the rate limit of {part}",
            unit,
            amount,
            rate[method, route],
            "MethodSettings in resources.yaml",
        )

    found = [
        Limit("API Gateway, the account's default", "requests", used["api"], 10_000, RAISED),
        throttled("webhooks", "webhooks", used["webhooks"], "POST", "/webhooks/stripe"),
        throttled(
            "requests for access",
            "requests",
            assumed("access_calls"),
            "GET",
            "/accounts/{account_id}/access",
        ),
        throttled("signups", "signups", assumed("signups"), "POST", "/signups"),
        Limit(
            "signups without confirmation",
            "signups",
            assumed("signups"),
            signups / DAY_SECONDS,
            "`a_day` in billing.toml",
            spread,
        ),
        Limit("Lambda's concurrency, the account's default", "seconds", seconds, 1000, RAISED),
        at_once(
            "process_events", "Lambda's for a queue; larger batches need less for each customer"
        ),
        at_once("act_on_accounts", "Lambda's for a queue", morning),
        at_once(
            "send_mails",
            "`maximum_concurrency`, with SENDERS_AT_ONCE in chalicelib/aws/mail/mailer.py",
            morning,
        ),
        Limit(
            "accounts that a sweep queues",
            "accounts",
            acts,
            A_RUN / 60,
            "`A_RUN` in chalicelib/usecases/schedule/sweep.py",
            morning,
        ),
        Limit(
            "SES in its sandbox",
            "mails",
            used["mails"],
            200 / DAY_SECONDS,
            "SES's, until you request production access",
            spread,
        ),
        Limit(
            "SES at 50,000 a day, an example",
            "mails",
            used["mails"],
            50_000 / DAY_SECONDS,
            EACH_ACCOUNT,
            spread,
        ),
        Limit("SES at 14 a second, an example", "mails", used["mails"], 14, EACH_ACCOUNT, morning),
        Limit("the table, on demand", "write units", used["write_units"], 40_000, RAISED),
        Limit(
            f"the due index, {DUE_SHARDS} shards",
            "writes",
            used["index_units"],
            DUE_SHARDS * A_PARTITION,
            "`DUE_SHARDS` in chalicelib/aws/items.py",
            morning,
        ),
        Limit(
            "the feed of events, one row after another",
            "rows",
            used["feed_rows"],
            1000 / (2 * assumed("aws_ms")),
            "how long a call to DynamoDB takes: a publisher needs two for a row",
        ),
        Limit(
            "Stripe's API, live",
            "calls",
            used["stripe_calls"],
            100,
            "Stripe's, for the whole Stripe account",
        ),
        Limit(
            "Stripe's API, in a sandbox",
            "calls",
            used["stripe_calls"],
            25,
            "Stripe's, for the whole Stripe account",
        ),
    ]
    return sorted(found, key=lambda one: one.customers)


def replan_hours(stories: Mapping[str, list[Used]], number: float) -> float:
    """How long a changed policy takes to reach all accounts: every item of the table is read once,
    and once more in the second round.
    """
    return 2 * number * items_of_a_customer(stories) / (PAGES_A_RUN * A_PAGE) / 60


A_SCAN_SECONDS = 0.1
"""An assumption: how long DynamoDB takes for a page of a megabyte. It was not measured on AWS."""

EXPORTS_AN_HOUR = 6
"""Runs of the nightly export, by its schedule."""


def export_hours(stories: Mapping[str, list[Used]], number: float) -> float:
    """How long a night's export takes: every megabyte of the table is read once, while a run
    begins new parts.
    """
    megabytes = customers(stories, number).stored_gb * 1000
    return megabytes * A_SCAN_SECONDS / EXPORT_SECONDS / EXPORTS_AN_HOUR


def items_of_a_customer(stories: Mapping[str, list[Used]]) -> float:
    """Items in the table for each paying customer, those of a year's signups that did not pay
    included.
    """
    return (
        max(story.items for story in stories["webhooks"])
        + assumed("signups") * 12 * stories["signups"][0].items
    )


def comparison_hours(number: float) -> float:
    """How long the daily comparison lists subscriptions and customers at Stripe, a hundred a call,
    in runs of ten minutes.
    """
    calls_an_hour = 6 * CALLS_A_SECOND * RUN_SECONDS
    return 2 * number / 100 / calls_an_hour


def listed_megabytes(number: float) -> float:
    """What the ids of all subscriptions take in the memory of the comparison's last phase."""
    return number * ID_BYTES / 1e6


def queueing_hours(number: float) -> float:
    """How long the sweep takes to queue so many accounts."""
    return number / A_RUN / 60
