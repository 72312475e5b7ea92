"""python -m ops accounts joins: customers that name an account without its proof."""

import json
from typing import Any

import pytest

from chalicelib.aws.events.timeline import Timelines
from chalicelib.usecases.ingestion.adopt import derived_id
from chalicelib.usecases.ingestion.ingest import Message, ingest
from ops.stage.services import enter, services_of_stage
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import Deployed, T


@pytest.fixture(autouse=True)
def nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def stranger(deployed: Deployed, email: str = "eve@example.com") -> str:
    """A customer at Stripe who names Ada's account; gives the id of the account apart."""
    since = len(deployed.stripe.engine.store.events)
    made = deployed.stripe.post("/v1/customers", email=email, metadata={"account_id": "acc_1"})
    enter(deployed.stage)
    ingest(
        [
            Message(event["id"], json.dumps(event))
            for event in deployed.stripe.engine.store.events[since:]
        ],
        services_of_stage(),
    )
    return derived_id(made["id"])


def types_of(deployed: Deployed, id: str) -> list[str]:
    entries, _ = Timelines(TABLE, deployed.dynamodb).page(id, None, T)
    return [entry.type for entry in entries if entry.kind == "call"]


def test_a_stage_without_such_customers_says_so(deployed: Deployed, ops: Any) -> None:
    said = ops("accounts", "joins", "--stage", "dev")
    assert (said.status, said.out) == (0, "No customer names an account without its proof.\n")


def test_such_customers_are_listed_with_what_an_operator_needs_to_decide(
    deployed: Deployed, ops: Any
) -> None:
    deployed.signs_up("acc_1", "ada@example.com")
    apart = stranger(deployed, "eve\x1b[2J@example.com")
    said = ops("accounts", "joins", "--stage", "dev")
    first, *_ = said.out.splitlines()
    customer = f"cus_{apart.removeprefix('acc_')}"
    assert first.endswith(f"  {apart}  {customer}  eve\\u001b[2J@example.com  names acc_1")
    assert "names         acc_1 without a proof: accounts joins\n" in (
        ops("accounts", "show", apart, "--stage", "dev").out
    )


def test_a_joined_customer_is_part_of_the_account_that_it_named(
    deployed: Deployed, ops: Any
) -> None:
    deployed.signs_up("acc_1", "ada@example.com")
    apart = stranger(deployed)
    said = ops("accounts", "joins", "--join", apart, "--stage", "dev")
    assert (said.status, said.err) == (0, "")
    assert said.out.endswith(f"Account {apart} is now a part of account acc_1.\n")
    joined = deployed.accounts.load("acc_1")
    assert joined
    assert list(joined.customers) == [f"cus_{apart.removeprefix('acc_')}"]
    assert joined.email == "ada@example.com"
    assert deployed.accounts.load(apart) is None
    assert "join.made" in types_of(deployed, "acc_1")
    again = ops("accounts", "joins", "--join", apart, "--stage", "dev")
    assert (again.status, again.err) == (1, "There is no account of that id.\n")


def test_a_dismissed_customer_is_not_listed_again(deployed: Deployed, ops: Any) -> None:
    deployed.signs_up("acc_1", "ada@example.com")
    apart = stranger(deployed)
    said = ops("accounts", "joins", "--dismiss", apart, "--stage", "dev")
    assert said.out == f"Account {apart} stays as it is, and is not listed any more.\n"
    assert types_of(deployed, apart) == ["join.dismissed"]
    assert ops("accounts", "joins", "--stage", "dev").out.startswith("No customer")
    again = ops("accounts", "joins", "--join", apart, "--stage", "dev")
    assert (again.status, again.err) == (
        1,
        f"Account {apart} waits for no decision about a join.\n",
    )
    assert apart not in {one["pk"]["S"] for one in deployed.items() if "JOIN" in one["pk"]["S"]}


def test_one_account_is_either_joined_or_dismissed(deployed: Deployed, ops: Any) -> None:
    with pytest.raises(SystemExit):
        ops("accounts", "joins", "--join", "acc_1", "--dismiss", "acc_1", "--stage", "dev")
