"""docs/costs.md: the counts, the bills made of them, and where each part ends."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

import yaml

from bench.costs.bills import (
    ASSUMED,
    Fixtures,
    Month,
    customers,
    dollars,
    idle,
    partner_events,
    quantities,
    webhooks,
)
from bench.costs.dashboard import CUSTOMERS
from bench.costs.deployment import SQS_SOURCES, logical_id
from bench.costs.metering import UNITS
from bench.costs.prices import PRICES, READ_ON
from bench.costs.stories import AGES, CARD_ON_DAY, WELL_AFTER, Used
from chalicelib.runtime.telemetry import METRICS
from local.aws.resources import TEMPLATE
from local.aws.template import load
from ops.package.build import ROOT
from ops.package.watching import watched

COLUMNS = {
    "webhooks": "webhooks",
    "bus_events": "events by EventBridge",
    "api": "API requests",
    "invocations": "invocations",
    "aws_calls": "AWS calls",
    "stripe_calls": "Stripe calls",
    "read_units": "read units",
    "write_units": "write units",
    "index_units": "of them index",
    "sqs": "SQS",
    "mails": "mails",
    "log_bytes": "log bytes",
}
"""The units that the table of counts shows, with their heads."""

QUESTIONS = (0, 100, 1_000, 10_000)
Stories = Mapping[str, list[Used]]


def page(stories: Stories) -> str:
    """The whole page."""
    return (
        "\n".join(
            [
                *_before(stories),
                *_counts(stories),
                *_bills(stories),
                *_assumptions(),
                *_prices(),
            ]
        )
        + "\n"
    )


def counted_row(used: Used) -> str:
    """A story's row of the table of counts."""
    amounts = used.total
    return row(
        [
            used.name,
            *(amount(amounts[unit]) for unit in COLUMNS),
            f"{used.items}",
            # Packed accounts are a few bytes longer or shorter in each run, by the ids in them.
            f"{round(used.stored / 1000, 1)}",
        ]
    )


def call_rows(used: Used) -> list[str]:
    """The calls of AWS that a story makes, a line a function."""
    return [
        row(
            [
                used.name,
                function,
                ", ".join(
                    f"{name.partition('.')[2]} {number}" for name, number in sorted(calls.items())
                ),
            ]
        )
        for function, calls in sorted(used.calls.items())
    ]


def _before(stories: Stories) -> list[str]:
    nothing = idle(stories["idle"], fixtures())
    months = {
        "idle": nothing,
        "a million webhooks": webhooks(stories["webhooks"], 1_000_000),
        "a million events by EventBridge": partner_events(stories["event bus"], 1_000_000),
        "1,000 customers, the idle stage included": customers(stories, 1_000) + nothing,
    }
    lines = [
        "# What it costs",
        "",
        *paragraph(_ABOUT),
        "",
        row(["a month", "list price", "largest parts"]),
        row(["---", "---:", "---"]),
    ]
    for name, month in months.items():
        bill = dollars(month)
        lines.append(row([name, f"{sum(bill.values()):.2f}", largest(bill)]))
    return lines


_ABOUT = """Written by `python -m bench.costs`; do not edit. Everything here is counted or
computed in one run: the deployed functions run stories with AWS in memory, a meter counts the
calls that leave for AWS and reads the sizes of the items, and list prices turn that into dollars.
What is neither counted nor a price is an assumption, listed below. Nothing was measured on
AWS."""


def _counts(stories: Stories) -> list[str]:
    lived = [kind for name, kind in stories.items() if name != "dashboard"]  # has its own table
    return [
        "",
        "## What is counted",
        "",
        *paragraph(_STORIES),
        "",
        row(["story", *COLUMNS.values(), "items", "KB"]),
        row(["---"] + ["---:"] * (len(COLUMNS) + 2)),
        *(counted_row(used) for kind in lived for used in kind),
        "",
        "Write units of the recordings by function: "
        + _shares(stories["webhooks"], "write_units")
        + ".",
        "",
        "AWS calls of each story by function:",
        "",
        row(["story", "function", "calls"]),
        row(["---"] * 3),
        *(line for kind in lived for used in kind for line in call_rows(used)),
        "",
        "### An event and its deliveries",
        "",
        *paragraph(_DELIVERIES),
        "",
        row(["", *(COLUMNS[unit] for unit in OF_A_DELIVERY), "dollars for a million"]),
        row(["---"] + ["---:"] * (len(OF_A_DELIVERY) + 1)),
        *_deliveries(stories),
        "",
        "### The bus, Slack, tokens and the feed",
        "",
        *paragraph(_OUTSIDE),
        "",
        row(["", *(COLUMNS[unit] for unit in OF_A_DELIVERY), "dollars for a million"]),
        row(["---"] + ["---:"] * (len(OF_A_DELIVERY) + 1)),
        *_outside(stories),
        "",
        "### A change and its entry in the audit log",
        "",
        *paragraph(_AUDITED),
        "",
        row(["", *(COLUMNS[unit] for unit in OF_A_DELIVERY), "dollars for a million"]),
        row(["---"] + ["---:"] * (len(OF_A_DELIVERY) + 1)),
        *_audited(stories),
        "",
        "### The life of an instance",
        "",
        *paragraph(_INSTANCES),
        "",
        row(["", *(COLUMNS[unit] for unit in OF_AN_INSTANCE), "dollars for a thousand"]),
        row(["---"] + ["---:"] * (len(OF_AN_INSTANCE) + 1)),
        _instance(stories),
        "",
        "### The life of a contact",
        "",
        *paragraph(_PEOPLE),
        "",
        row(["", *(COLUMNS[unit] for unit in OF_AN_INSTANCE), "dollars for a thousand"]),
        row(["---"] + ["---:"] * (len(OF_AN_INSTANCE) + 1)),
        _contact(stories),
        "",
        "### Pages of the dashboard",
        "",
        *paragraph(_DASHBOARD),
        "",
        row(["page", *(COLUMNS[unit] for unit in OF_A_PAGE), "dollars for a million"]),
        row(["---"] + ["---:"] * (len(OF_A_PAGE) + 1)),
        *map(_dashboard_row, stories["dashboard"]),
    ]


OF_A_DELIVERY = ("invocations", "aws_calls", "read_units", "write_units", "index_units", "sqs")
"""The units that the table of deliveries shows."""

_DELIVERIES = """What the start of a trial, which is three domain events, uses beyond the same
without endpoints, for each event and endpoint. A function that publishes reads the list of
endpoints once in five seconds, and the sweep once a minute, which is not in here. A delivery that
fails is tried ten times. Dollars are those of DynamoDB and SQS; requests to a FIFO queue cost a
quarter more than the standard ones that are counted here."""


def _deliveries(stories: Stories) -> Iterator[str]:
    alone, one, twenty, failing = stories["deliveries"]
    rows = {
        "a delivery, with one endpoint": (one, one.events),
        "a delivery, with twenty endpoints": (twenty, twenty.events * 20),
        "a delivery that fails ten times": (failing, failing.events),
    }
    for name, (used, deliveries) in rows.items():
        beyond = {
            unit: (used.total[unit] - alone.total[unit]) / deliveries for unit in OF_A_DELIVERY
        }
        dollars_each = sum(
            PRICES[unit].of(beyond[unit] * 1_000_000)
            for unit in ("read_units", "write_units", "sqs")
        )
        yield row([name, *(amount(beyond[unit]) for unit in OF_A_DELIVERY), f"{dollars_each:.2f}"])


_OUTSIDE = """What the same three events use beyond that for each event that goes to the owner's
event bus, or to Slack, one message each. Then one call each: an access token, a page of the feed
with all events of one customer's history, and a look that finds none. Dollars are those of
DynamoDB, SQS, API Gateway and EventBridge. A product that checks tokens by itself pays for one in
fifteen minutes of use, and for no call between."""


def _outside(stories: Stories) -> Iterator[str]:
    alone = stories["deliveries"][0]
    bus, slack, *calls = stories["outside"]
    for name, used in (("an event to the event bus", bus), ("an event to Slack", slack)):
        beyond = {unit: used.total[unit] - alone.total[unit] for unit in used.total}
        yield _outside_row(name, {unit: beyond[unit] / used.events for unit in beyond})
    for used in calls:
        yield _outside_row(used.name, used.total)


def _outside_row(name: str, amounts: Mapping[str, float]) -> str:
    paid = ("read_units", "write_units", "sqs", "api", "own_events")
    million = sum(PRICES[unit].of(amounts.get(unit, 0) * 1_000_000) for unit in paid)
    return row([name, *(amount(amounts.get(unit, 0)) for unit in OF_A_DELIVERY), f"{million:.2f}"])


_AUDITED = """A grant by the API, and what its entry adds to it: the entry in the log of its month,
and the one with the detail beside the account. So does every change by a key, an operator or `ops`.
Reads write none, but for exports and what an assistant reads. Dollars are those of DynamoDB and API
Gateway."""


def _audited(stories: Stories) -> Iterator[str]:
    with_entry, without = stories["audited"]
    yield _outside_row(with_entry.name, with_entry.total)
    beyond = {unit: with_entry.total[unit] - without.total[unit] for unit in with_entry.total}
    yield _outside_row("of that the audit entry", beyond)


OF_A_PAGE = ("aws_calls", "read_units")
"""The units that the table of the dashboard shows."""

_DASHBOARD = f"""What one look at a page uses, with a key or a session that is remembered. There are
{CUSTOMERS} customers of the usual standings, a year of figures that the hourly job has summed up,
and more entries in the audit log than a page shows. A list reads at most 51 places of a status, 204
where it looks for a plan, and the 50 accounts that it shows, so that more customers change no row
of a list but that of a plan, which reads at most 2.5 units more for each status. Figures read what
moved in the days and weeks that are not summed up yet. Dollars are those of DynamoDB and API
Gateway."""


def _dashboard_row(used: Used) -> str:
    amounts = used.total
    million = sum(PRICES[unit].of(amounts[unit] * 1_000_000) for unit in ("read_units", "api"))
    return row([used.name, *(amount(amounts[unit]) for unit in OF_A_PAGE), f"{million:.2f}"])


OF_AN_INSTANCE = (*OF_A_DELIVERY, "mails")
"""The units that the table of an instance shows."""

_INSTANCES = """What an instance adds to a signup whose trial runs out: three calls to your
provisioner (made, suspended, deleted), each answered at once, three domain events, and the two
mails that announce the deletion. Dollars are those of DynamoDB, SQS and SES, without what your
provisioner costs."""


def _instance(stories: Stories) -> str:
    return _beyond_a_signup("an instance: made, suspended, deleted", stories, "instances")


_PEOPLE = """What a contact at Intercom adds to the same signup, whose calls are in the name of its
story above: it looks once whether there is a contact, and once for leads of the address; each event
is a call, and so is each write. Several changes within a second are one write."""


def _contact(stories: Stories) -> str:
    return _beyond_a_signup("a contact: made, written, told of events", stories, "people")


def _beyond_a_signup(name: str, stories: Stories, kind: str) -> str:
    """What a story uses beyond the same signup without it."""
    alone, (with_one,) = stories["signups"][0], stories[kind]
    beyond = {unit: with_one.total[unit] - alone.total[unit] for unit in OF_AN_INSTANCE}
    paid = ("read_units", "write_units", "sqs", "mails")
    thousand = sum(PRICES[unit].of(beyond[unit] * 1000) for unit in paid)
    return row([name, *(amount(beyond[unit]) for unit in OF_AN_INSTANCE), f"{thousand:.2f}"])


_STORIES = f"""First each scheduled function once, with nothing due; then one request for
access. The recordings are the histories of eight customers: their events only, those of one
second in one batch, once as webhooks and once by EventBridge. The signups get the mail of the
shipped billing.toml at an address that they have proved, and are followed for
{WELL_AFTER.days} days after the end of their trial; the one that pays adds a card on day
{CARD_ON_DAY}. SQS includes what Lambda's pollers receive and delete, AWS calls do not. Items and
KB are those in the table at the end."""


def _shares(stories: list[Used], unit: str) -> str:
    by_function: dict[str, float] = {}
    for used in stories:
        for name, tally in used.by_function.items():
            by_function[name] = by_function.get(name, 0) + tally[unit]
    whole = sum(by_function.values())
    return ", ".join(
        f"{name} {number / whole:.0%}"
        for name, number in sorted(by_function.items(), key=lambda one: -one[1])
        if number
    )


def _bills(stories: Stories) -> list[str]:
    nothing = idle(stories["idle"], fixtures())
    lines = [
        "",
        "## A month",
        "",
        "At list prices, and after AWS's permanent free tier.",
        "",
    ]
    lines += _bill("An idle stage", nothing)
    lines += _bill(
        "A million webhooks, without the idle stage", webhooks(stories["webhooks"], 1_000_000)
    )
    lines += _bill(
        "A million events by EventBridge, without the idle stage",
        partner_events(stories["event bus"], 1_000_000),
    )
    lines += [
        "### Older accounts",
        "",
        *paragraph(_OLDER),
        "",
        row(["months paid", "webhooks", "write units", "a million webhooks, list price"]),
        row(["---:"] * 4),
        *map(_older_row, AGES, stories["renewals"]),
        "",
    ]
    lines += _bill("1,000 customers, the idle stage included", customers(stories, 1_000) + nothing)
    lines += [
        "Up to ten million customers are in [scale.md](scale.md).",
        "",
        "How often the product asks for access decides the bill of 1,000 customers:",
        "",
        row(["requests for access of a customer", "a month", "largest parts"]),
    ]
    lines.append(row(["---:", "---:", "---"]))
    for questions in QUESTIONS:
        bill = dollars(customers(stories, 1_000, questions) + nothing)
        lines.append(row([f"{questions:,}", f"{sum(bill.values()):.2f}", largest(bill)]))
    every = (
        f"{len(METRICS)} metrics; all of them in every hour would cost"
        f" {PRICES['metrics'].of(len(METRICS)):.2f} a month."
    )
    return [*lines, "", *paragraph(f"{_METRICS} There are {every}")]


_METRICS = """For paying customers only webhooks and requests for access are counted: with the
shipped billing.toml nothing else falls due for them. AWS bills a custom metric for each hour in
which it is written. The bills take the metrics of the stories as written in every hour."""


_OLDER = """The webhooks above are of accounts that are days old. These are of one month of an
account that has paid every month since its trial, with the mail that falls due in it."""


def _older_row(months: int, used: Used) -> str:
    amounts = used.total
    million = sum(dollars(webhooks([used], 1_000_000)).values())
    counts = [amount(amounts[unit]) for unit in ("webhooks", "write_units")]
    return row([f"{months}", *counts, f"{million:.2f}"])


def _bill(title: str, month: Month) -> list[str]:
    bill, after, amounts = dollars(month), dollars(month, free=True), quantities(month)
    whole = sum(bill.values())
    lines = [
        f"### {title}",
        "",
        row(["what", "how many", "list price", "after the free tier"]),
        row(["---", "---:", "---:", "---:"]),
    ]
    for name, cost in bill.items():
        price = PRICES[name]
        lines.append(
            row(
                [
                    f"{price.service}: {price.unit}",
                    amount(amounts[name]),
                    f"{cost:.2f}",
                    f"{after.get(name, 0):.2f}",
                ]
            )
        )
    lines += [
        row(["**total**", "", f"**{whole:.2f}**", f"**{sum(after.values()):.2f}**"]),
        "",
        f"Largest parts: {largest(bill)}.",
        "",
    ]
    return lines


def largest(bill: Mapping[str, float]) -> str:
    """The three largest parts of a bill, with their shares."""
    whole = sum(bill.values())
    return ", ".join(
        f"{PRICES[name].service} ({PRICES[name].unit.split(',')[0]}) {cost / whole:.0%}"
        for name, cost in list(bill.items())[:3]
    )


def fixtures() -> Fixtures:
    """What costs by being there, as the template has it for a stage without settings."""
    functions = yaml.safe_load((ROOT / ".chalice" / "permissions.yaml").read_text())
    template = load(TEMPLATE)
    watching = watched(
        {"Resources": {id: {"Type": "AWS::Serverless::Function"} for id in functions}}
    )
    types = Counter(
        one.get("Type")
        for part in (template, watching)
        for one in part["Resources"].values()
        if "Condition" not in one
    )
    polled = [config for name, config in SQS_SOURCES.items() if _is_on(template, logical_id(name))]
    return Fixtures(
        queues=sum(config.maximum_concurrency is None for config in polled),
        limited_queues=sum(config.maximum_concurrency is not None for config in polled),
        alarms=types["AWS::CloudWatch::Alarm"],
        composite_alarms=types["AWS::CloudWatch::CompositeAlarm"],
        dashboards=types["AWS::CloudWatch::Dashboard"],
        keys=types["AWS::KMS::Key"],
        traced=template["Parameters"]["Traces"]["Default"] == "true",
    )


def _is_on(template: Mapping[str, Any], function: str) -> bool:
    """Whether Lambda polls the function's queue on a stage without settings."""
    (source,) = template["Resources"][function]["Properties"]["Events"].values()
    return "Enabled" not in source["Properties"]


def _assumptions() -> list[str]:
    rows = (row([name, f"{one.value:g}", one.what]) for name, one in ASSUMED.items())
    return [
        "",
        "## Assumptions",
        "",
        row(["name", "value", "what"]),
        row(["---", "---:", "---"]),
        *rows,
        "",
        *paragraph(_LEFT_OUT),
    ]


_LEFT_OUT = """Not counted: data that leaves AWS, a domain and a firewall, DynamoDB's
decryptions (with AWS's own key, one request in five minutes for each caller), storage of logs,
retries after failures, exports and erasures. A transaction's write of the index counts once,
not twice. Traces are taken as spread evenly over the month; bunched ones are fewer. The stream
starts its function once for all that one function wrote. Storage is the most that a recording
leaves, and a year of signups that did not pay."""


def _prices() -> list[str]:
    rows = [
        row(
            [
                one.service,
                one.unit,
                f"{one.dollars:g} / {one.per:,.0f}",
                f"{one.free:,.0f}",
                ("" if one.verified else "not verified: ") + one.source,
            ]
        )
        for one in PRICES.values()
    ]
    about = (
        f'us-east-1, in dollars, read on {READ_ON}. "Not verified": AWS\'s own table could not be'
        " read, so check these before you rely on them."
    )
    return [
        "",
        "## Prices",
        "",
        about,
        "",
        row(["service", "unit", "price", "free a month", "source"]),
        row(["---", "---", "---:", "---:", "---"]),
        *rows,
    ]


def amount(number: float) -> str:
    """A number with as many digits as it needs."""
    return f"{number:,.2f}" if 0 < number < 10 and number != int(number) else f"{number:,.0f}"


def row(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def paragraph(text: str) -> list[str]:
    """The lines of a paragraph."""
    return wrap(" ".join(text.split()), 100, break_long_words=False, break_on_hyphens=False)


assert COLUMNS.keys() <= UNITS.keys()
