"""What it costs to receive one webhook and to take one event in: CPU milliseconds, each beside a
yardstick of the same run.

No network: the clients are the real ones, and stand-ins answer where their requests would leave.
What the stand-ins themselves cost is subtracted, and so is left out what a socket, TLS and
Stripe's SDK cost when Stripe is asked.
"""

import argparse
import gc
import hashlib
import hmac
import json
import os
import platform
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import Message as Headers
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from chalicelib.domain.account.rules.apply import apply

sys.path.insert(0, str(Path(__file__).parents[1]))

import boto3
import msgspec
import stripe
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from chalice.app import Chalice

from bench.stubs import (
    ANSWERING_FOR_AWS,
    ENVIRONMENT,
    INSIDE_CLIENT,
    SECRET,
    TABLE,
    GivenSecrets,
    MemoryDynamo,
    StandInPool,
    TimedReader,
    answered_in_boto3,
    our_cpu,
    sent_message,
    wired_dynamo,
)
from chalicelib.aws import queues
from chalicelib.aws.accounts import Accounts
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.items import account_item, account_key, account_of, account_text
from chalicelib.aws.packing import pack
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import StripeFact
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.entry.http import webhook_app
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.telemetry import count, flush
from chalicelib.stripe_api.events import read_event
from chalicelib.stripe_api.signature import check_signature
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.services import Services
from local.aws.api_gateway import proxy_event
from local.aws.lambda_context import LambdaContext
from local.client import signature
from local.http_server import Request
from local.recordings import Recording, Truth
from tests.fakes.services import POLICY, RECORDINGS, FakeServices, Moment, at
from tests.fakes.stripe.reader import reading

ROUNDS = 25
PASSES = 15
SAMPLE_MS = 6
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Figure:
    """Something to measure, and the name of the figure that it is set beside. One call does it
    `per` times.
    """

    name: str
    act: Callable[[], object]
    beside: str | None = None
    per: int = 1


def measured(figures: list[Figure]) -> dict[str, float]:
    """The median CPU milliseconds of each. They are sampled in turn, so that what disturbs the
    machine disturbs all alike.
    """
    repeats = {figure.name: _repeats(figure) for figure in figures}
    samples: dict[str, list[float]] = defaultdict(list)
    gc.collect()
    # what was loaded for the bench is nothing that a function would have to look through
    gc.freeze()
    for _ in range(ROUNDS):
        for figure in figures:
            samples[figure.name].append(_sample(figure, repeats[figure.name]))
    return {name: median(some) for name, some in samples.items()}


def _sample(figure: Figure, times: int) -> float:
    began = our_cpu()
    for _ in range(times):
        figure.act()
    return 1000 * (our_cpu() - began) / times / figure.per


def _repeats(figure: Figure) -> int:
    figure.act()
    times = 1
    while _sample(figure, times) * times * figure.per < SAMPLE_MS:
        times *= 2
    return times


def gateway_event(path: str, payload: bytes, stripe_signature: str) -> Any:
    """A webhook as API Gateway hands it to a function."""
    headers = Headers()
    for name, value in {
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Content-Type": "application/json; charset=utf-8",
        "Host": "billing.example.com",
        "Stripe-Signature": stripe_signature,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "X-Forwarded-For": "3.18.12.63",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }.items():
        headers[name] = value
    return proxy_event(Request("POST", path, [], headers, payload, "3.18.12.63"), path, {})


def empty_app() -> Chalice:
    """Chalice with one route that does nothing."""
    app = Chalice(app_name="empty", configure_logs=False)

    @app.route("/webhooks/empty", methods=["POST"])
    def empty() -> dict[str, bool]:
        return {"received": True}

    return app


def http_figures(payload: bytes) -> list[Figure]:
    """Receiving a webhook and what it is made of."""
    header = signature(payload, SECRET, int(clock.now().timestamp()))
    context, empty = LambdaContext("billhook-bench-APIHandler", 29), empty_app()
    event = gateway_event("/webhooks/stripe", payload, header)
    empty_event = gateway_event("/webhooks/empty", payload, header)
    for answer in (webhook_app.app(event, context), empty(empty_event, context)):
        if answer["statusCode"] != 200:
            raise RuntimeError(f"The route answers {answer}.")
    body, now, signed = (
        payload.decode(),
        clock.now(),
        header[2:].partition(",")[0].encode() + b"." + payload,
    )
    queue, sdk = wiring.events_queue(), stripe.Webhook
    return [
        Figure(
            "webhook received, answered",
            lambda: webhook_app.app(event, context),
            "an empty Chalice route",
        ),
        Figure("an empty Chalice route", lambda: empty(empty_event, context)),
        Figure("of it: send_message", lambda: queue.send(body), "an empty Chalice route"),
        Figure("of it: a metric written", _write_metric, "an empty Chalice route"),
        Figure(
            "of it: check_signature",
            lambda: check_signature(payload, header, (SECRET,), now),
            "bare hmac, SHA-256",
        ),
        Figure(
            "bare hmac, SHA-256",
            lambda: hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest(),
        ),
        Figure(
            "check_signature + read_event",
            lambda: _read(payload, header),
            "stripe's construct_event",
        ),
        Figure(
            "stripe's construct_event",
            lambda: sdk.construct_event(payload, header, SECRET),
            "json.loads",
        ),
        Figure("read_event", lambda: read_event(body, now), "json.loads"),
        Figure("json.loads", lambda: json.loads(body)),
    ]


def _write_metric() -> None:
    count("SignaturesRefused")
    flush()


def _read(payload: bytes, header: str) -> None:
    now = clock.now()
    check_signature(payload, header, (SECRET,), now)
    read_event(payload.decode(), now)


def account_figures(account: Account, facts: list[StripeFact]) -> list[Figure]:
    """Learning, standing, and what an account is in the table."""
    item, now = account_item(account), account.written_at or clock.now()
    return [
        Figure("apply, one fact", lambda: _updated(account.id, facts), "put_item", len(facts)),
        Figure("standing", lambda: standing(account, POLICY, now), "put_item"),
        Figure("account to item", lambda: account_item(account), "put_item"),
        Figure("item to account", lambda: account_of(item), "get_item"),
    ]


def single_calls(client: Any, boto3_client: Any, account: Account) -> list[Figure]:
    """One call to write an account and one to read it, by themselves, beside boto3's."""
    item, key = account_item(account), account_key(account.id)
    client.put_item(TableName=TABLE, Item=item)
    condition = {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": item["version"]},
    }
    return [
        figure
        for whose, some, beside in (("", client, "boto3's "), ("boto3's ", boto3_client, None))
        for figure in (
            Figure(
                f"{whose}put_item",
                partial(some.put_item, TableName=TABLE, Item=item, **condition),
                beside and f"{beside}put_item",
            ),
            Figure(
                f"{whose}get_item",
                partial(some.get_item, TableName=TABLE, Key=key, ConsistentRead=True),
                beside and f"{beside}get_item",
            ),
        )
    ]


def _updated(id: str, facts: list[StripeFact]) -> Account:
    account = Account(id)
    for fact in facts:
        account = apply(account, fact)
    return account


class WholeNumbers(TypeDeserializer):
    """Reads numbers as int: an account has no others."""

    def _deserialize_n(self, value: str) -> int:
        return int(value)


def shape_figures(client: Any, account: Account) -> list[Figure]:
    """The same plain values to the table and back: as packed JSON, as they are written, or as
    nested maps.
    """
    item = account_item(account)
    values = msgspec.json.decode(account_text(item))
    serialize, deserialize = TypeSerializer().serialize, WholeNumbers().deserialize
    maps_key = account_key(account.id + "-maps")

    def put_packed() -> None:
        packed = pack(msgspec.json.encode(values).decode())
        client.put_item(TableName=TABLE, Item=item | {"packed": {"B": packed}})

    def put_maps() -> None:
        client.put_item(TableName=TABLE, Item=item | maps_key | {"packed": serialize(values)})

    def get_packed() -> Account:
        found = client.get_item(TableName=TABLE, Key=account_key(account.id), ConsistentRead=True)[
            "Item"
        ]
        return msgspec.json.decode(account_text(found), type=Account)

    def get_maps() -> Account:
        found = client.get_item(TableName=TABLE, Key=maps_key, ConsistentRead=True)["Item"]
        return msgspec.convert(deserialize(found["packed"]), Account)

    put_packed()
    put_maps()
    if get_packed() != get_maps():
        raise RuntimeError("The two shapes do not give the same account.")
    return [
        Figure("put packed", put_packed),
        Figure("put maps", put_maps),
        Figure("get packed", get_packed),
        Figure("get maps", get_maps),
    ]


# --- taking in ---


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call of process_events gets, and what Stripe holds at that moment."""

    messages: list[Message]
    truth: Truth
    now: datetime


Table = list[Batch]
"""Batches that meet one table, which is empty at first."""


def wanted_of(recording: Recording) -> list[tuple[int, Any]]:
    """The events that Billhook wants, each with the number of events that have happened by then."""
    return [
        (done, event)
        for done, event in enumerate(recording.events, 1)
        if event["type"] in EVENT_TYPES
    ]


def histories(size: int) -> list[Table]:
    """Each recording lived through in its own time by one account, in whole batches of `size`; what
    is left over is left out.
    """
    return [
        [
            Batch(
                _messages([event for _, event in some]),
                recording.truth(some[-1][0]),
                at(some[-1][1]["created"]),
            )
            for some in _chunks(wanted_of(recording), size)
            if len(some) == size
        ]
        for recording in RECORDINGS.values()
    ]


def crowd(accounts: int, each: int, size: int) -> list[Table]:
    """The first wanted events of many accounts in random order, all of them late: Stripe is where
    they lead.
    """
    sources = [recording for recording in RECORDINGS.values() if len(wanted_of(recording)) >= each]
    truth, events = Truth({}, {}, {}), []
    for number in range(accounts):
        recording = sources[number % len(sources)].renamed(f"n{number}")
        some = wanted_of(recording)[:each]
        held = recording.truth(some[-1][0])
        truth = Truth(
            truth.customers | held.customers,
            truth.subscriptions | held.subscriptions,
            truth.invoices | held.invoices,
        )
        events += [event for _, event in some]
    random.Random(SEED).shuffle(events)
    now = at(max(event["created"] for event in events)) + timedelta(minutes=1)
    return [[Batch(_messages(some), truth, now) for some in _chunks(events, size)]]


def _messages(events: list[Any]) -> list[Message]:
    return [
        Message(f"m{number}", json.dumps(event, indent=2, ensure_ascii=False))
        for number, event in enumerate(events)
    ]


def _chunks(things: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]


@dataclass(slots=True)
class Cost:
    """What it cost to take events in. CPU in milliseconds for all of them together."""

    cpu: float = 0.0
    client: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    asks: int = 0
    effects: Counter[str] = field(default_factory=Counter)


def typical(
    tables: dict[str, list[Table]], client: Any, table: MemoryDynamo, single: list[Figure]
) -> tuple[dict[str, Cost], dict[str, float]]:
    """The medians of several passes, each from empty tables, and of `single` calls in
    between. What is counted is the same in each.
    """
    passes: dict[str, list[Cost]] = defaultdict(list)
    samples: dict[str, list[float]] = defaultdict(list)
    for _ in range(PASSES):
        for name, some in tables.items():
            passes[name].append(_played(some, client, table))
        for figure in single:
            samples[figure.name].append(_sample(figure, 20))
    costs = {
        name: replace(
            some[0], cpu=median(one.cpu for one in some), client=median(one.client for one in some)
        )
        for name, some in passes.items()
    }
    return costs, {name: median(some) for name, some in samples.items()}


def _played(tables: list[Table], client: Any, table: MemoryDynamo) -> Cost:
    cost, kept = Cost(), table.items
    table.calls.clear()
    for batches in tables:
        table.items = {}
        reader, moment = TimedReader(), Moment(clock.now())
        accounts, log = (
            Accounts(TABLE, lambda: GivenSecrets.hash_key, client),
            Timelines(TABLE, client),
        )
        services = FakeServices(
            accounts, log, stripe=reading(reader), now=moment, policy=POLICY
        ).services
        for batch in batches:
            reader.truth, moment.at = batch.truth, batch.now
            _time(cost, batch, services)
        cost.asks += len(reader.asked)
    cost.calls, table.items = table.calls.copy(), kept
    return cost


def _time(cost: Cost, batch: Batch, services: Services) -> None:
    began, client_began = our_cpu(), INSIDE_CLIENT.cpu - ANSWERING_FOR_AWS.cpu
    outcomes = ingest(batch.messages, services)
    cost.cpu += 1000 * (our_cpu() - began)
    cost.client += 1000 * (INSIDE_CLIENT.cpu - ANSWERING_FOR_AWS.cpu - client_began)
    cost.effects.update(outcome.effect for outcome in outcomes)
    if failures := [outcome.failure for outcome in outcomes if outcome.failure]:
        raise RuntimeError("An event was not taken in.") from failures[0]


# --- what is printed ---


def print_figures(figures: list[Figure], times: dict[str, float]) -> None:
    """Each figure beside its yardstick."""
    print(f"{'one at a time':30} {'CPU ms':>8}   {'beside':24} {'CPU ms':>8} {'ratio':>8}")
    for figure in figures:
        line = f"{figure.name:30} {times[figure.name]:8.4f}"
        if figure.beside:
            line += (
                f"   {figure.beside:24} {times[figure.beside]:8.4f}"
                f" {times[figure.name] / times[figure.beside]:7.2f}x"
            )
        print(line)


def print_costs(costs: dict[str, Cost], times: dict[str, float]) -> None:
    """What it costs to take events in, with the client's part twice: as calls × the single call,
    and by the stopwatch.
    """
    get, put = times["get_item"], times["put_item"]
    print(
        f"{'':34} {'':6} {'CPU':>7} {'AWS':>7} {'Stripe':>7}   {'calls × single call':>21}  "
        f" {'by the stopwatch':>21}"
    )
    print(
        f"{'taking in, each per event':34} {'events':>6} {'ms':>7} {'calls':>7} {'asks':>7}"
        + f"   {'client':>14} {'rest':>6}" * 2
    )
    for name, cost in costs.items():
        events, cpu = cost.effects.total(), cost.cpu / cost.effects.total()
        reads = sum(number for operation, number in cost.calls.items() if "Get" in operation)
        estimate = (reads * get + (cost.calls.total() - reads) * put) / events
        line = (
            f"{name:34} {events:6} {cpu:7.3f} {cost.calls.total() / events:7.3f}"
            f" {cost.asks / events:7.3f}"
        )
        for client in (estimate, cost.client / events):
            line += f"   {client:7.3f} ({client / cpu:4.0%}) {cpu - client:6.3f}"
        print(line)
    print(f"the single call, in the same passes: get_item {get:.3f} ms, put_item {put:.3f} ms")
    for name, cost in costs.items():
        print(f"{name}: {_counted(cost.calls)}; events {_counted(cost.effects)}")


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common())


def print_shapes(times: dict[str, float], account: Account) -> None:
    """Packed JSON against nested maps."""
    text = account_text(account_item(account))
    maps = json.dumps(TypeSerializer().serialize(msgspec.json.decode(text)), separators=(",", ":"))
    print(
        f"the account as packed JSON ({len(pack(text)):,} bytes), as it is, beside nested maps"
        f" ({len(maps):,}): ",
        end="",
    )
    one, other = (
        [times[f"{verb} {shape}"] for verb in ("put", "get")] for shape in ("packed", "maps")
    )
    print(
        "; ".join(
            f"{verb} {a:.3f} ms, {b:.3f} ms, {b / a:.2f}x"
            for verb, a, b in zip(("written", "read"), one, other, strict=True)
        )
    )


def main() -> None:
    """Measure everything and print it."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)
    sqs: Any = queues.client()
    sqs._pool = StandInPool(sent_message)
    table, boto3_client = MemoryDynamo(), boto3.client("dynamodb")
    answered_in_boto3(boto3_client, table)
    client, recording = wired_dynamo(table), RECORDINGS["trial_converts"]
    events = [event for _, event in wanted_of(recording)]
    facts = [
        fact
        for event in events
        if (fact := read_event(json.dumps(event), at(event["created"])).fact)
    ]
    account = next_version(
        Account("acct_demo"), _updated("acct_demo", facts), POLICY, at(events[-1]["created"])
    )
    webhook = next(event for event in reversed(events) if event["type"] == "invoice.paid")
    payload = json.dumps(webhook, indent=2, ensure_ascii=False).encode()
    tables = {
        "one at a time, one account": histories(1),
        "ten in a batch, one account": histories(10),
        "1000, 100 accounts, 100 in a batch": crowd(100, 10, 100),
    }
    # The functions write their metrics to stdout; that is in the figures, but need not be seen.
    with (
        patch.object(wiring, "secrets", GivenSecrets),
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
    ):
        single = single_calls(client, boto3_client, account)
        figures = [*http_figures(payload), *account_figures(account, facts), *single]
        times = measured([*figures, *shape_figures(client, account)])
        costs, single_times = typical(tables, client, table, single)
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("boto3", "chalice", "stripe", "msgspec")
    )
    print(f"CPU milliseconds, without network. Python {platform.python_version()}, {versions}.")
    print(f"Medians of {ROUNDS} rounds taken in turn, and of {PASSES} passes of ingestion.")
    print(
        f"The webhook is {webhook['type']} of {len(payload):,} bytes; the account has"
        f" {len(facts)} events.\n"
    )
    print_figures(figures, times)
    print()
    print_costs(costs, single_times)
    print()
    print_shapes(times, account)


if __name__ == "__main__":
    main()
