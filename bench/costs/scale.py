"""docs/scale.md: what more customers cost, where each part reaches its limit, and what then."""

from collections.abc import Mapping

from bench.costs.bills import customers, dollars, idle
from bench.costs.deployment import BATCHES
from bench.costs.limits import (
    A_PARTITION,
    A_SCAN_SECONDS,
    DAY_SECONDS,
    MOST,
    Limit,
    comparison_hours,
    export_hours,
    items_of_a_customer,
    limits,
    listed_megabytes,
    queueing_hours,
    replan_hours,
)
from bench.costs.page import amount, fixtures, largest, paragraph, row
from bench.costs.stories import Used
from chalicelib.aws.items import DUE_SHARDS
from chalicelib.aws.jobs.replan_state import A_PAGE
from chalicelib.usecases.schedule.replan import PAGES_A_RUN
from chalicelib.usecases.schedule.sweep import A_RUN

SIZES = (1_000, 10_000, 100_000, 1_000_000, MOST)
LOOKED_AT = (1_000, 100_000, MOST)
"""The sizes at which each part is looked at."""

Stories = Mapping[str, list[Used]]


def scale_page(stories: Stories) -> str:
    """The whole page."""
    lines = [*_before(), *_bills(stories), *_limits(stories), *_walks(stories), *_hot()]
    return "\n".join(lines) + "\n"


def _before() -> list[str]:
    return ["# Scale", "", *paragraph(_ABOUT), ""]


_ABOUT = """Written by `python -m bench.costs`, from the same counts as [what it costs](costs.md);
do not edit. Nothing was measured on AWS: capacities are AWS's and Stripe's published ones, or
numbers in the code."""


def _bills(stories: Stories) -> list[str]:
    nothing = idle(stories["idle"], fixtures())
    lines = [
        "## A month",
        "",
        "At list prices, the idle stage included.",
        "",
        row(["customers", "a month", "each", "largest parts"]),
        row(["---:", "---:", "---:", "---"]),
    ]
    for number in SIZES:
        bill = dollars(customers(stories, number) + nothing)
        whole = sum(bill.values())
        lines.append(row([f"{number:,}", f"{whole:,.0f}", f"{whole / number:.4f}", largest(bill)]))
    return [*lines, ""]


def _limits(stories: Stories) -> list[str]:
    heads = ["part", "use of a customer a month", "capacity", "peak"]
    heads += [f"used at {number:,}" for number in LOOKED_AT] + ["full at customers", "whose limit"]
    found = limits(stories)
    lines = [
        "## Where each part reaches its limit",
        "",
        *paragraph(_PEAKS),
        "",
        row(heads),
        row(["---"] + ["---:"] * 7 + ["---"]),
        *map(_limit_row, found),
        "",
        "What to do where a part is full, in that order:",
        "",
        row(["part", "what then"]),
        row(["---", "---"]),
        *(row([one.part, THEN[one.part]]) for one in found),
    ]
    return [*lines, ""]


_PEAKS = """The use of a customer is that of the thousand in [costs.md](costs.md), signups included.
The peak is a multiple of the month's mean; what can wait within its day has a peak of 1. A part
above 100 % is late at its peak, and catches up after it: webhooks wait in the queue, or at Stripe,
which sends them again for three days; due accounts wait in the index, and mail in its queue."""


def _limit_row(one: Limit) -> str:
    at = f"{one.customers:,.0f}" if one.customers < MOST else f"beyond {MOST:,}"
    capacity = (
        f"{one.capacity * DAY_SECONDS:,.0f} a day"
        if one.peak == 1
        else f"{amount(one.capacity)} a second"
    )
    shares = [_share(number / one.customers) for number in LOOKED_AT]
    used = f"{amount(one.used)} {one.unit}"
    return row([one.part, used, capacity, f"× {one.peak:g}", *shares, at, one.whose])


def _share(share: float) -> str:
    if share < 0.01:
        return "under 1 %"
    return f"{share:.0%}".replace("%", " %") if share < 10 else f"{share:,.0f} times"


_ASK = "Ask AWS for more, weeks before."
THEN = {
    "SES in its sandbox": "Request production access: docs/operations.md has how.",
    "signups without confirmation": "Raise `a_day`. Beyond it, visitors confirm their address"
    " first; nobody is turned away.",
    "the rate limit of requests for access": "Let the product keep an answer until its `until`, or"
    " check access tokens, which take no call. Else raise the rate in resources.yaml.",
    "SES at 14 a second, an example": _ASK + " Mail of a morning leaves later, in order of the"
    " queue.",
    "SES at 50,000 a day, an example": _ASK,
    "accounts that a sweep queues": "Raise `A_RUN`, up to what the act queue's workers do in a"
    " minute. Until then messages of the busiest hour leave some minutes late.",
    "concurrency of send_mails": "Raise `maximum_concurrency` and SENDERS_AT_ONCE with SES's rate.",
    "concurrency of process_events": "Each worker takes a hundred events at once, so a full queue"
    " is emptied faster than a short one.",
    "concurrency of act_on_accounts": "Raise the batch size.",
    "Stripe's API, in a sandbox": "A sandbox has no customers by the million.",
    "Stripe's API, live": "Ask Stripe for more. Adoptions of new customers need most calls; an"
    " account that signed up at Billhook needs none.",
    "API Gateway, the account's default": _ASK + " Stripe's events can come by EventBridge, and"
    " products check access tokens: both without API Gateway.",
    "the rate limit of webhooks": "Take Stripe's events by EventBridge, or raise the rate. Stripe"
    " sends again what was refused.",
    "the rate limit of signups": "Raise the rate in resources.yaml.",
    "Lambda's concurrency, the account's default": _ASK,
    f"the due index, {DUE_SHARDS} shards": "Raise `DUE_SHARDS`: accounts move to their new shard"
    " when they are next written.",
    "the feed of events, one row after another": "Publishers wait for each other, and messages"
    " return to their queues: nothing is lost. Events that a worker publishes together take one"
    " row, so larger batches need fewer.",
    "the table, on demand": _ASK + " Warm throughput is worth its price before an import.",
}
"""What then, by the part of the limit."""


def _walks(stories: Stories) -> list[str]:
    heads = ["job", *(f"{number:,}" for number in LOOKED_AT), "what then"]
    rows = {
        "the daily comparison with Stripe, hours": (
            comparison_hours,
            "Above a day it starts anew only when it is done: a lost event is found later. Raise"
            " `CALLS_A_SECOND` in rate_limit.py to what Stripe allows you.",
        ),
        "what the comparison holds in memory, MB": (
            listed_megabytes,
            "It fails at some three million subscriptions, in a function of 512 MB. Give"
            " CompareWithStripe more memory, or compare by ranges of `created`.",
        ),
        "replanning all accounts after a change of billing.toml, hours": (
            lambda number: replan_hours(stories, number),
            "Raise `PAGES_A_RUN`, or let a segment of the scan run in each of several functions."
            " Accounts that change or fall due meanwhile are replanned at once.",
        ),
        "a night's export, where it is switched on, hours": (
            lambda number: export_hours(stories, number),
            "Above a day no night is complete, and `ops doctor` says so. Raise `SECONDS` in"
            " nightly.py with the function's time-out, or use DynamoDB's own export.",
        ),
        "queueing all accounts, if all were due at once, hours": (
            queueing_hours,
            "Raise `A_RUN` and `A_SHARD`. The oldest come first.",
        ),
    }
    return [
        "## Jobs that walk through all accounts",
        "",
        row(heads),
        row(["---"] + ["---:"] * len(LOOKED_AT) + ["---"]),
        *(
            row([job, *(amount(round(hours(number), 1)) for number in LOOKED_AT), then])
            for job, (hours, then) in rows.items()
        ),
        "",
        *paragraph(
            f"""Replanning reads the table twice, {PAGES_A_RUN * A_PAGE:,} items a minute, at
            {items_of_a_customer(stories):.0f} items a customer. A million accounts that are due at
            the same second are tried in memory by `python -m bench.sweep --million`: each is queued
            once, in {1_000_000 // A_RUN} runs of a minute, and two keys are read for each. A
            night's export reads a megabyte of the table in {1000 * A_SCAN_SECONDS:.0f} ms, which is
            an assumption, and holds one part in memory (`python -m bench.exports`)."""
        ),
        "",
    ]


def _hot() -> list[str]:
    batch, at_once = BATCHES["process_events"]
    return [
        "## What no number of customers fills",
        "",
        *paragraph(
            f"""A partition of the table takes {A_PARTITION:,} write units a second, and holds one
            account, or the day's count of signups, which their throttle keeps far below that. A
            shard of the stream follows a partition. At most {batch * at_once:,} events
            ({at_once} batches of {batch}) and what Lambda's pollers hold are in flight, of the
            120,000 that a queue allows. A standard queue has no limit to its rate."""
        ),
    ]
