"""Prices × counts. Nothing is counted here; what is neither counted nor a price is an assumption,
and stands in ASSUMED with its reason.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.costs.deployment import SCHEDULED
from bench.costs.metering import READ_UNIT_BYTES, Tally
from bench.costs.prices import PRICES
from bench.costs.stories import Used
from ops.package.build import ROOT

HOURS = 730
SECONDS = HOURS * 3600
MINUTES = HOURS * 60
GB = 1e9
ByFunction = Mapping[str, Tally]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that is neither counted nor listed."""

    value: float
    what: str


ASSUMED = {
    "own_ms": Assumption(
        20,
        "ms of CPU of an invocation; bench/ingest.py measures 0.5 to 3 ms on a full"
        " core, of which 512 MB are 0.29",
    ),
    "aws_ms": Assumption(8, "ms that a call to AWS takes, waiting included"),
    "stripe_ms": Assumption(350, "ms that a call to Stripe takes"),
    "cold_share": Assumption(0.01, "share of invocations with a cold start"),
    "cold_ms": Assumption(
        1700,
        "ms that a cold start adds, billed too: what bench/cold_start.py measures for the import"
        " and the first request, at 0.29 of a core",
    ),
    "access_log": Assumption(
        230, "bytes of a line in the API's access log, with the 26 that CloudWatch adds"
    ),
    "pollers": Assumption(
        2,
        "concurrent long polls of an empty queue, as few as Lambda's guide says it goes down to",
    ),
    "limited_pollers": Assumption(
        5, "the same of a queue with a maximum concurrency, where it does not go down to 2"
    ),
    "poll_seconds": Assumption(20, "seconds of a long poll of an empty queue"),
    "secret_seconds": Assumption(
        300, "seconds after which a running function reads a secret again"
    ),
    "access_calls": Assumption(
        1000,
        "requests for access of a customer in a month; the product may keep an answer until its"
        " `until`",
    ),
    "signups": Assumption(0.25, "signups a month for each paying customer"),
    "conversion": Assumption(
        0.10, "share of signups that pay; trials without a card convert 4 to 15 in a hundred"
    ),
    "peak": Assumption(10, "the busiest second, as a multiple of the month's mean"),
    "morning": Assumption(
        34,
        "the same for mail: a week's mail falls due in the first working hour of its five days,"
        " and leaves within that hour",
    ),
}


MEMORY_GB = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_memory_size"] / 1024


def assumed(name: str) -> float:
    """The number of an assumption."""
    return ASSUMED[name].value


def scaled(by_function: ByFunction, factor: float) -> dict[str, Tally]:
    """So many times the same."""
    return {
        name: Counter({unit: number * factor for unit, number in tally.items()})
        for name, tally in by_function.items()
    }


def together(parts: Iterable[ByFunction]) -> dict[str, Tally]:
    """All of it."""
    found: dict[str, Tally] = {}
    for part in parts:
        for name, tally in part.items():
            found[name] = found.get(name, Counter()) + tally
    return found


def total(by_function: ByFunction) -> Tally:
    """Of all functions."""
    return sum(by_function.values(), Counter())


@dataclass(frozen=True, slots=True)
class Fixtures:
    """What costs by being there: queues that are polled, without and with a maximum concurrency,
    alarms of one metric and of others, dashboards, keys of our own. `traced`: X-Ray traces the
    functions.
    """

    queues: int = 0
    limited_queues: int = 0
    alarms: int = 0
    composite_alarms: int = 0
    dashboards: int = 0
    keys: int = 0
    traced: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """What a month uses: units by function, GB in the table, custom metrics written to, and what
    stands there.
    """

    by_function: ByFunction
    stored_gb: float = 0
    metrics: frozenset[str] = frozenset()
    fixtures: Fixtures = Fixtures()
    secrets: int = 0

    def __add__(self, other: "Month") -> "Month":
        return Month(
            together([self.by_function, other.by_function]),
            self.stored_gb + other.stored_gb,
            self.metrics | other.metrics,
            self.fixtures if self.fixtures.queues else other.fixtures,
            max(self.secrets, other.secrets),
        )


def idle(runs: list[Used], fixtures: Fixtures) -> Month:
    """A month in which nothing happens but what the clock starts and the pollers' looks."""
    pollers = fixtures.queues * assumed("pollers") + fixtures.limited_queues * assumed(
        "limited_pollers"
    )
    polls = pollers * SECONDS / assumed("poll_seconds")
    started = [
        scaled(run.by_function, runs_a_month(str(SCHEDULED[run.name].schedule_expression)))
        for run in runs
    ]
    return Month(
        together([*started, {"Lambda's pollers": Counter({"sqs": int(polls)})}]),
        metrics=_metrics(runs),
        fixtures=fixtures,
    )


def runs_a_month(expression: str) -> float:
    """How often EventBridge starts what has this schedule. Raises ValueError for a form that no
    schedule has had yet.
    """
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        return MINUTES / (int(rate[1]) * {"minute": 1, "hour": 60, "day": 1440}[rate[2]])
    if re.fullmatch(r"cron\(\d+ (\d+|\*) \* \* \? \*\)", expression):
        return HOURS if " * * * ?" in expression else HOURS / 24
    raise ValueError(
        f"There is no rule for how often {expression} comes: give it one in bench/costs/bills.py."
    )


def webhooks(recorded: list[Used], number: float) -> Month:
    """So many webhooks, mixed as in the recordings."""
    return _events(recorded, "webhooks", number, secrets=3)


def partner_events(recorded: list[Used], number: float) -> Month:
    """So many events by Stripe's partner event bus, mixed as in the recordings: nobody reads the
    secret of a webhook.
    """
    return _events(recorded, "bus_events", number, secrets=2)


def _events(recorded: list[Used], unit: str, number: float, secrets: int) -> Month:
    some = together(used.by_function for used in recorded)
    factor = number / total(some)[unit]
    return Month(scaled(some, factor), 0, _metrics(recorded), secrets=secrets)


def customers(
    stories: Mapping[str, list[Used]], number: float, questions: float | None = None
) -> Month:
    """A month of so many paying customers and of the signups that come with them, whose trials are
    lived to a month after their end.

    `questions` for access are those of a customer, the assumed number if it is not given.
    """
    recorded, (lapsed, paid), (question,) = (
        stories["webhooks"],
        stories["signups"],
        stories["access"],
    )
    lives = scaled(
        together(used.by_function for used in recorded),
        number * 30 / sum(used.days for used in recorded),
    )
    signups, conversion = number * assumed("signups"), assumed("conversion")
    trials = [
        scaled(lapsed.by_function, signups * (1 - conversion)),
        scaled(paid.by_function, signups * conversion),
    ]
    asked = scaled(
        question.by_function, number * (assumed("access_calls") if questions is None else questions)
    )
    stored = (
        number * max(used.stored for used in recorded)
        + signups * 12 * (1 - conversion) * lapsed.stored
    )
    seen = _metrics([*recorded, lapsed, paid])
    return Month(
        together([lives, *trials, asked, _comparisons(number, stored)]),
        stored / GB,
        seen,
        secrets=4,
    )


def _comparisons(number: float, stored: float) -> ByFunction:
    """The daily comparison of so many customers: the table is scanned at half the price of
    consistent reads, and for a hundred that live there is a call of Stripe's and an item of their
    ids.
    """
    pages = number / 100
    daily = {
        "read_units": stored / READ_UNIT_BYTES / 2,
        "write_units": 3 * pages,
        "aws_calls": pages,
        "stripe_calls": pages,
    }
    return scaled({"CompareWithStripe": Counter(daily)}, 30)


def _metrics(stories: Iterable[Used]) -> frozenset[str]:
    return frozenset(name for used in stories for name in used.metrics)


def milliseconds(tally: Tally) -> float:
    """How long a function runs, warm, for what it does."""
    return (
        tally["invocations"] * assumed("own_ms")
        + tally["aws_calls"] * assumed("aws_ms")
        + tally["stripe_calls"] * assumed("stripe_ms")
    )


def traces(invocations: float) -> float:
    """How many of a function's invocations X-Ray records, spread evenly: the first of each second,
    and five in a hundred of the others.
    """
    rate = invocations / SECONDS
    first = 1 - math.exp(-rate)
    return SECONDS * (first + 0.05 * (rate - first))


def quantities(month: Month) -> dict[str, float]:
    """What is billed, by the name of its price."""
    all_of_it, functions = total(month.by_function), month.by_function.values()
    invocations = all_of_it["invocations"]
    run = sum(map(milliseconds, functions)) + invocations * assumed("cold_share") * assumed(
        "cold_ms"
    )
    logged = all_of_it["log_bytes"] + all_of_it["api"] * assumed("access_log")
    return {
        "api": all_of_it["api"],
        "bus_events": all_of_it["bus_events"],
        "lambda_requests": invocations,
        "lambda_gb_seconds": run / 1000 * MEMORY_GB,
        "write_units": all_of_it["write_units"],
        "read_units": all_of_it["read_units"],
        "stored_gb": month.stored_gb,
        "backup_gb": month.stored_gb,
        "sqs": all_of_it["sqs"],
        "mails": all_of_it["mails"],
        "decryptions": month.secrets * SECONDS / assumed("secret_seconds"),
        "log_gb": logged / GB,
        "metrics": len(month.metrics),
        "statistics": all_of_it["statistics"],
        "alarms": month.fixtures.alarms,
        "composite_alarms": month.fixtures.composite_alarms,
        "keys": month.fixtures.keys,
        "dashboards": month.fixtures.dashboards,
        "traces": sum(traces(tally["invocations"]) for tally in functions)
        if month.fixtures.traced
        else 0,
    }


def dollars(month: Month, free: bool = False) -> dict[str, float]:
    """The bill, line by line, the dearest first; `free`: after what is free."""
    lines = {name: PRICES[name].of(quantity, free) for name, quantity in quantities(month).items()}
    return dict(
        sorted(((name, cost) for name, cost in lines.items() if cost), key=lambda line: -line[1])
    )
