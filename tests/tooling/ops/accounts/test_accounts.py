"""One person's data: shown, handed out, erased; and an address that is written to again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.aws.items import account_of
from chalicelib.aws.mail.suppressions import SesSuppressionList, Suppressions
from chalicelib.domain.account.links import link_to, opens
from chalicelib.usecases.billing.run_operation import run_operation
from local.aws.ses_suppressions import SuppressionList
from ops.account_report import account_lines
from ops.stage.services import enter, services_of_stage
from tests.adapters.aws.conftest import TABLE
from tests.fakes.customer_pages import NOW, SOLD, billed, customer
from tests.tooling.ops.conftest import HASH_KEY, Deployed, T


@pytest.fixture(autouse=True)
def nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def test_an_account_is_shown_as_it_is_now(deployed: Deployed, ops: Any) -> None:
    deployed.fill()
    said = ops("accounts", "show", "acc_1", "--stage", "dev")
    assert said.status == 0
    assert said.out.startswith("acc_1  ada@example.com  (Ada Byron)\naccess        ")
    assert "waits         2026-03-02 09:01  publish the outbox\n" in said.out
    assert said.out.endswith("happened      2026-03-02 09:00  happening trial.started\n")


def test_a_persons_data_is_handed_out_in_one_file(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    deployed.fill()
    file = tmp_path / "ada.json"
    assert ops("accounts", "export", "acc_1", str(file), "--stage", "dev").status == 0
    handed_out = json.loads(file.read_text())
    assert handed_out["account"]["profile"]["email"] == "ada@example.com"
    assert [entry["type"] for entry in handed_out["timeline"]] == ["trial.started"]
    assert [claim["message"] for claim in handed_out["messages"]] == ["welcome@signup"]
    assert "eve@example.com" not in file.read_text()
    again = json.loads(ops("accounts", "export", "acc_1", "--stage", "dev").out)
    assert [entry["action"] for entry in again.pop("audit")] == ["accounts.exported"] * 2
    assert [entry["action"] for entry in handed_out.pop("audit")] == ["accounts.exported"]
    assert again == handed_out
    said = ops("accounts", "export", "acc_1", str(file), "--stage", "dev")
    assert (said.status, said.err) == (1, f"{file} cannot be written: File exists.\n")


def test_an_erased_person_is_gone_and_the_others_are_as_they_were(
    deployed: Deployed, ops: Any
) -> None:
    deployed.fill()
    before = deployed.items()
    said = ops("accounts", "erase", "acc_1", "--stage", "dev", "--yes")
    assert (said.status, said.err) == (0, "")
    assert "Account acc_1 is erased; 2 notes and claims beside it are." in said.out
    after = deployed.items()
    left = [account_of(item) for item in after if item["sk"]["S"] == "ACCOUNT"]
    assert [account.id for account in left] == ["acc_2"]
    readable = json.dumps(after, default=repr) + repr(left)
    assert "acc_1" not in readable
    assert "ada@example.com" not in readable
    assert [item for item in after if item in before] == [
        item
        for item in before
        if item["pk"]["S"] != "ACCOUNT#acc_1" and item.get("account_id") != {"S": "acc_1"}
    ]
    assert {item["pk"]["S"].partition("#")[0] for item in after if item not in before} == {
        "ERASED",
        "TRIAL",
    }
    assert (
        "was erased before; 0 notes"
        in ops("accounts", "erase", "acc_1", "--stage", "dev", "--yes").out
    )


def test_the_id_must_be_typed_again(
    deployed: Deployed, ops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.fill()
    before = deployed.items()
    for typed in ("y", "acc_2", ""):
        monkeypatch.setattr("builtins.input", lambda question, typed=typed: typed)
        said = ops("accounts", "erase", "acc_1", "--stage", "dev")
        assert (said.status, said.err) == (1, "This is another id: nothing was erased.\n")
    monkeypatch.setattr("builtins.input", _ended)
    assert ops("accounts", "erase", "acc_1", "--stage", "dev").status == 1
    assert deployed.items() == before
    monkeypatch.setattr("builtins.input", lambda question: "acc_1")
    assert ops("accounts", "erase", "acc_1", "--stage", "dev").status == 0
    assert deployed.accounts.load("acc_1") is None


def _ended(question: str) -> str:
    raise EOFError


def test_with_stripe_the_customer_is_deleted_there_too(deployed: Deployed, ops: Any) -> None:
    account = deployed.signs_up("acc_1", "ada@example.com")
    enter(deployed.stage)
    services = services_of_stage()
    services = replace(services, clock=replace(services.clock, now=lambda: T))
    run_operation(account, "trial", services)
    (customer,) = deployed.stripe.engine.store.all("customer")
    said = ops("accounts", "erase", "acc_1", "--stage", "dev", "--yes")
    assert said.status == 1
    assert "--stripe" in said.err
    said = ops("accounts", "erase", "acc_1", "--stage", "dev", "--yes", "--stripe")
    assert (said.status, f"Deleted at Stripe: {customer['id']}." in said.out) == (0, True)
    assert customer["deleted"]
    assert [one["status"] for one in deployed.stripe.engine.store.all("subscription")] == [
        "canceled"
    ]


def test_links_that_were_handed_out_are_ended(deployed: Deployed, ops: Any) -> None:
    account = deployed.signs_up("acc_1", "ada@example.com")
    link = link_to(account, "billing", datetime.now(UTC) - timedelta(minutes=1))
    assert opens(link, account)
    assert ops("accounts", "end-links", "acc_1", "--stage", "dev").status == 0
    ended = deployed.accounts.load("acc_1")
    assert ended
    assert not opens(link, ended)
    assert opens(link_to(ended, "billing", datetime.now(UTC) + timedelta(seconds=1)), ended)


@pytest.mark.parametrize(
    "action", [("show",), ("export",), ("erase", "--yes"), ("end-links",), ("revive",)]
)
def test_an_unknown_id_or_stage_is_an_error_and_changes_nothing(
    deployed: Deployed, ops: Any, action: tuple[str, ...]
) -> None:
    deployed.fill()
    before = deployed.items()
    said = ops("accounts", *action, "acc_none", "--stage", "dev")
    assert (said.status, said.err) == (1, "There is no account acc_none.\n")
    assert ops("accounts", *action, "acc_1", "--stage", "prod").err.startswith(
        "Stage prod is not deployed here"
    )
    assert ops("accounts", *action, "acc_1", "--stage", "").err.startswith("Which stage?")
    assert deployed.items() == before


def test_a_stage_is_erased_from_by_its_name_alone(
    deployed: Deployed, ops: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table's name left in the environment must not decide in whose data somebody is erased."""
    monkeypatch.setenv("TABLE_NAME", "another")
    deployed.fill()
    assert ops("accounts", "erase", "acc_1", "--stage", "dev", "--yes").status == 0
    assert deployed.stage.outputs["TableName"] == TABLE
    assert deployed.accounts.load("acc_1") is None


@pytest.fixture
def at_ses(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> SuppressionList:
    """SES's own list."""
    kept = SuppressionList()
    listed = SesSuppressionList(kept.attach(boto3.client("sesv2")))
    monkeypatch.setattr("chalicelib.aws.mail.suppressions.SesSuppressionList", lambda: listed)
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


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("usd", 4900, "$49.00"),
        ("jpy", 4900, "4,900 JPY"),
        ("kwd", 15250, "15.250 KWD"),
        ("isk", 490000, "4,900 ISK"),
    ],
)
def test_invoices_are_told_with_the_decimals_of_their_currency(
    currency: str, amount: int, text: str
) -> None:
    account = billed(customer(currency, amount), currency, amount)
    lines = account_lines(account, [], SOLD, NOW)
    invoices = [line for line in lines if line.startswith("invoice ")]
    assert invoices
    assert all(line.endswith(f"  {text}") for line in invoices)
