"""What of a change's amount is due at once."""

from dataclasses import replace

import pytest

from chalicelib.domain.account.operations import Change
from chalicelib.domain.billing.preview import Preview, preview_of
from tests.fakes.lifecycles import START, TRIAL
from tests.fakes.services import POLICY

RUNS = replace(TRIAL, status="active")
CHANGE = Change("scale", "month", 1, "scale_monthly", "now", START)


@pytest.mark.parametrize("status", ["active", "past_due"])
def test_a_change_that_is_prorated_now_is_due_at_once(status: str) -> None:
    found = preview_of(CHANGE, replace(RUNS, status=status), POLICY, 2500, "usd")
    assert found == Preview(CHANGE, 2500, "usd", START)
    assert found.next_amount is None


@pytest.mark.parametrize("prorate", ["next_invoice", "none"])
def test_a_change_for_the_next_invoice_is_part_of_that(prorate: str) -> None:
    change = replace(CHANGE, prorate=prorate)
    assert preview_of(change, RUNS, POLICY, 9900, "usd") == Preview(change, 0, "usd", START, 9900)


@pytest.mark.parametrize("prorate", ["now", "next_invoice", "none"])
def test_another_interval_begins_a_period_and_is_due_at_once(prorate: str) -> None:
    change = replace(CHANGE, interval="year", prorate=prorate)
    assert preview_of(change, RUNS, POLICY, 99000, "usd").due_now == 99000


@pytest.mark.parametrize("interval", ["month", "year"])
def test_in_a_trial_nothing_is_due_before_its_end(interval: str) -> None:
    change = replace(CHANGE, interval=interval)
    found = preview_of(change, TRIAL, POLICY, 9900, "usd")
    assert (found.due_now, found.next_amount) == (0, 9900)
