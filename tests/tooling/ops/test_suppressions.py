"""Suppressed addresses: listed with their accounts, and lifted on both lists."""

from typing import Any

import boto3
import pytest

from chalicelib.aws.suppressions import SesSuppressionList, Suppressions
from local.aws.ses_suppressions import SuppressionList
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import HASH_KEY, Deployed, T


@pytest.fixture
def at_ses(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> SuppressionList:
    """SES's own list."""
    kept = SuppressionList()
    listed = SesSuppressionList(kept.attach(boto3.client("sesv2")))
    monkeypatch.setattr("chalicelib.aws.suppressions.SesSuppressionList", lambda: listed)
    return kept


def test_what_is_suppressed_is_listed_with_its_reason_and_its_accounts(
    deployed: Deployed, ops: Any, at_ses: SuppressionList
) -> None:
    assert ops("suppressions", "list", "--stage", "dev").out == (
        "The stage suppresses no address.\n"
    )
    deployed.fill()
    Suppressions(TABLE, lambda: HASH_KEY, deployed.dynamodb).add("ada@example.com", "bounce", T)
    for email in ("ada@example.com", "cy@example.com"):
        at_ses.add(email)
    said = ops("suppressions", "list", "--stage", "dev")
    lines = said.out.splitlines()
    assert (said.status, said.err) == (0, "")
    assert sorted(lines[:2]) == [
        "2026-03-02 09:00  bounce     stops all        ada@example.com  acc_1",
        "2026-03-02 09:00  complaint  stops lifecycle  address unknown  no account",
    ]
    assert lines[2] == "only on SES's list: cy@example.com"


def test_a_lifted_address_is_off_both_lists(
    deployed: Deployed, ops: Any, at_ses: SuppressionList
) -> None:
    deployed.fill()
    at_ses.add("bob@example.com")
    said = ops("suppressions", "lift", "bob@example.com", "--stage", "dev")
    assert (said.status, said.out) == (
        0,
        "bob@example.com gets mail again: it was suppressed since 2026-03-02, after a complaint.\n",
    )
    held = Suppressions(TABLE, lambda: HASH_KEY, deployed.dynamodb)
    assert (held.load("bob@example.com"), at_ses.addresses()) == (None, [])
    again = ops("suppressions", "lift", "bob@example.com", "--stage", "dev")
    assert (again.status, again.err) == (1, "bob@example.com is not suppressed.\n")
