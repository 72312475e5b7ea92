"""docs/costs.md says what the code does now, and what is made of the counts is right."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bench.costs import bills
from bench.costs.audited import granted, granted_without_entry
from bench.costs.deployment import SCHEDULED
from bench.costs.limits import Limit, throttles
from bench.costs.metering import Meter, index_units, read_units, size_of, write_units
from bench.costs.outside import to_the_bus, token
from bench.costs.page import call_rows, counted_row
from bench.costs.prices import PRICES
from bench.costs.stories import (
    Used,
    access_call,
    by_event_bus,
    idle_run,
    recorded,
    signs_up,
)
from chalicelib.aws import dynamo
from local.aws.resources import TEMPLATE
from local.aws.template import load
from tests.adapters.aws.conftest import TABLE
from tests.adapters.aws.conftest import boto3_table as dynamodb  # noqa: F401 - the fixture
from tests.fakes.services import RECORDINGS, ROOT

PAGE = (ROOT / "docs" / "costs.md").read_text().splitlines()
COUNTED_HERE: dict[str, Callable[[], Used]] = {
    **{name: lambda name=name: idle_run(name) for name in SCHEDULED},  # type: ignore[misc]
    "access": access_call,
    "recording": lambda: recorded(RECORDINGS["trial_converts"]),
    "event bus": lambda: by_event_bus(RECORDINGS["trial_converts"]),
    "signup": lambda: signs_up(None),
    "owner's bus": to_the_bus,
    "token": token,
    "audited": granted,
    "not audited": granted_without_entry,
}
"""A part of the page, as the whole takes twenty seconds: `python -m bench.costs --check` holds all
of it.
"""


@pytest.mark.parametrize("story", COUNTED_HERE)
def test_the_page_of_costs_is_that_of_the_present_code(story: str) -> None:
    """Another number here is a change that costs more or less: run `python -m bench.costs`, and
    look at the difference.
    """
    used = COUNTED_HERE[story]()
    for row in (counted_row(used), *call_rows(used)):
        assert row in PAGE


def test_a_million_webhooks_cost_at_most_seven_and_a_half_dollars_at_any_age() -> None:
    (young,) = [line for line in PAGE if line.startswith("| a million webhooks |")]
    start = PAGE.index("### Older accounts")
    older = [line for line in PAGE[start : start + 12] if line[:3].startswith("| ")]
    ages = [line.split("|") for line in older if line.split("|")[1].strip().isdigit()]
    assert [int(row[1]) for row in ages] == [1, 12, 36]
    for price in (float(young.split("|")[2]), *(float(row[4]) for row in ages)):
        assert price <= 7.50


def test_an_idle_stage_costs_at_most_what_was_meant() -> None:
    (row,) = [line for line in PAGE if line.startswith("| idle |")]
    assert float(row.split("|")[2]) <= 1.20


def test_a_million_events_by_eventbridge_cost_at_most_five_dollars() -> None:
    (row,) = [line for line in PAGE if line.startswith("| a million events by EventBridge |")]
    assert float(row.split("|")[2]) <= 5.00


def item(size: int, **more: Any) -> dict[str, Any]:
    """An item of so many bytes, and what else it carries."""
    empty = size_of({"pk": {"S": "A"}, "sk": {"S": "B"}, "body": {"S": ""}})
    return {"pk": {"S": "A"}, "sk": {"S": "B"}, "body": {"S": "x" * (size - empty)}, **more}


def test_names_and_values_weigh_what_dynamodb_says() -> None:
    assert size_of({"pk": {"S": "Zürich"}}) == 2 + 7
    assert size_of({"n": {"N": "1234"}}) == 1 + 3
    assert size_of({"yes": {"BOOL": True}}) == 3 + 1
    assert size_of({"list": {"L": [{"S": "ab"}]}}) == 4 + 3 + 1 + 2


def test_a_write_is_rounded_up_per_kb_of_the_larger_of_before_and_after() -> None:
    assert write_units(None, item(1024)) == 1
    assert write_units(None, item(1025)) == 2
    assert write_units(item(3000), item(100)) == 3
    assert write_units(item(3000), None) == 3
    assert write_units(None, None) == 1


def test_a_read_is_rounded_up_per_four_kb_and_half_where_it_need_not_be_consistent() -> None:
    assert (read_units(0, True), read_units(4096, True), read_units(4097, True)) == (1, 1, 2)
    assert (read_units(0, False), read_units(9000, False)) == (0.5, 1.5)


def test_an_entry_of_the_index_costs_one_to_come_or_go_and_two_to_move() -> None:
    early, late = (
        {"due_shard": {"S": "DUE#1"}, "due_at": {"S": at}} for at in ("2026-03-02", "2026-03-03")
    )
    plain = item(100)
    assert index_units(None, plain | early) == index_units(plain | early, plain) == 1
    assert index_units(plain | early, plain | late) == 2
    assert index_units(plain | early, item(500) | early) == index_units(None, plain) == 0


def test_transactions_are_doubled_and_refused_writes_are_billed(dynamodb: Any) -> None:
    meter = Meter(lambda _: None)
    put = {"Put": {"TableName": TABLE, "Item": item(1500)}}
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    with meter.watching(), meter.function("F"):
        dynamodb.transact_write_items(TransactItems=[put])
        with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
            dynamodb.put_item(TableName=TABLE, Item=item(10), **condition)
        dynamodb.get_item(
            TableName=TABLE, Key={"pk": {"S": "A"}, "sk": {"S": "B"}}, ProjectionExpression="pk"
        )
    assert meter.by_function["F"]["write_units"] == 2 * 2 + 2
    assert meter.by_function["F"]["read_units"] == 0.5
    assert meter.calls["F"] == {
        "dynamodb.TransactWriteItems": 1,
        "dynamodb.PutItem": 1,
        "dynamodb.GetItem": 1,
    }


def test_a_scan_costs_what_its_filter_leaves_out_too(dynamodb: Any) -> None:
    dynamodb.put_item(TableName=TABLE, Item=item(9000))
    meter = Meter(lambda _: None)
    with meter.watching(), meter.function("F"):
        found = dynamodb.scan(TableName=TABLE, FilterExpression="attribute_exists(nothing)")
    assert found["Items"] == []
    assert meter.by_function["F"]["read_units"] == 3 * 0.5


def test_a_call_without_a_price_is_an_error(dynamodb: Any) -> None:
    meter = Meter(lambda _: None)
    with (
        meter.watching(),
        meter.function("F"),
        pytest.raises(ValueError, match="no rule for what TransactGetItems costs"),
    ):
        dynamodb.transact_get_items(
            TransactItems=[
                {"Get": {"TableName": TABLE, "Key": {"pk": {"S": "A"}, "sk": {"S": "B"}}}}
            ]
        )
    dynamo.client.cache_clear()


def test_free_amounts_are_subtracted_once() -> None:
    assert PRICES["sqs"].of(3_000_000) == pytest.approx(1.2)
    assert PRICES["sqs"].of(3_000_000, free=True) == pytest.approx(0.8)
    assert PRICES["sqs"].of(900_000, free=True) == 0


def test_few_invocations_are_all_traced_and_of_many_a_twentieth() -> None:
    assert bills.traces(730) == pytest.approx(730, rel=0.001)
    many = 1_000 * bills.SECONDS
    assert bills.traces(many) == pytest.approx(many / 20 + 0.95 * bills.SECONDS, rel=0.001)


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(1 minute)", 43_800),
        ("rate(1 hour)", 730),
        ("rate(5 minutes)", 8_760),
        ("cron(30 4 * * ? *)", 730 / 24),
        ("cron(7 * * * ? *)", 730),
    ],
)
def test_a_schedule_runs_so_often_a_month(expression: str, runs: float) -> None:
    assert bills.runs_a_month(expression) == pytest.approx(runs)


def test_a_schedule_of_another_form_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="no rule"):
        bills.runs_a_month("cron(0 9 ? * MON *)")


def test_idle_is_the_clock_and_the_pollers_of_every_queue() -> None:
    sweep = Used(
        "sweep_due", {"SweepDue": Counter(invocations=1, sqs=1)}, {}, 0, 0, 0, frozenset(), 0
    )
    month = bills.quantities(bills.idle([sweep], bills.Fixtures(2, 1, alarms=12, dashboards=1)))
    assert month["lambda_requests"] == 43_800
    assert month["sqs"] == 43_800 + (2 * 2 + 5) * bills.SECONDS / 20
    assert (month["alarms"], month["dashboards"], month["mails"]) == (12, 1, 0)


def test_a_limit_is_full_where_the_peak_of_its_use_meets_it() -> None:
    limit = Limit(
        "a throttle", "calls", used=bills.SECONDS / 1000, capacity=50, whose="ours", peak=10
    )
    assert limit.customers == pytest.approx(5_000)


def test_the_throttles_are_those_of_the_template() -> None:
    found = {(one.method, one.route): one.rate for one in throttles(load(TEMPLATE))}
    assert found.keys() >= {
        ("POST", "/signups"),
        ("POST", "/webhooks/stripe"),
        ("GET", "/accounts/{account_id}/access"),
    }
