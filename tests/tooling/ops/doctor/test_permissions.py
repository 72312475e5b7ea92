"""The permissions that the stage's Stripe key needs, and the finding if it lacks some."""

import ast
from collections.abc import Iterator

import pytest

from chalicelib.domain.errors import Refused
from ops.doctor.permissions import NESTED, NOBODY, PERMISSIONS, Permission, lacking
from ops.doctor.stripe import judge_permission
from tests.fakes.services import ROOT
from tests.fakes.stripe.account import FakeStripeAccount

WRITES, READS = {"post", "delete", "_write"}, {"get", "all", "_page"}
"""By what chalicelib/stripe_api calls Stripe."""


def called() -> set[tuple[str, bool]]:
    """(path, whether it changes something) of each call to Stripe, and of what it has expanded."""
    found = set()
    for path in (ROOT / "chalicelib" / "stripe_api").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.args
                and node.func.attr in WRITES | READS
            ):
                named = ast.unparse(node.args[0]).lstrip("f").strip("'\"")
                if named.startswith("/v1/"):
                    found.add((named, node.func.attr in WRITES))
    return found | {("/v1/setup_intents", False), ("/v1/payment_methods", False)}


def test_the_doctor_asks_for_all_that_the_functions_have_stripe_do_and_for_no_more() -> None:
    calls = called()
    assert len(calls) > 15
    for permission in PERMISSIONS:
        own = {writes for path, writes in calls if path.startswith(permission.of)}
        assert own, f"nothing of {permission.resource} is called"
        assert permission.writes is (True in own), permission
    covered = tuple(path for one in PERMISSIONS for path in (one.of, *one.also))
    assert not [path for path, _ in calls if not path.startswith(covered)]


def test_the_runbook_names_every_permission() -> None:
    (row,) = [
        line
        for line in (ROOT / "docs" / "operations.md").read_text().splitlines()
        if line.startswith("| `stripe-api-key`")
    ]
    write, _, read = row.lower().partition("; read for")
    for permission in PERMISSIONS:
        assert permission.resource.lower() in (write if permission.writes else read), (
            permission.resource
        )


@pytest.fixture(scope="module")
def place() -> Iterator[FakeStripeAccount]:
    made = FakeStripeAccount()
    yield made
    made.close()


def test_a_key_that_may_do_everything_lacks_nothing_and_to_ask_changes_nothing(
    place: FakeStripeAccount,
) -> None:
    before = place.state()
    assert lacking(place.transport) == []
    assert place.simulator.engine.store.events == []
    assert place.state() == before


@pytest.mark.parametrize("permission", PERMISSIONS, ids=lambda one: one.resource)
def test_a_restricted_key_is_told_what_it_lacks_and_how_to_give_it(
    place: FakeStripeAccount, permission: Permission
) -> None:
    place.faults(
        {
            "how": "403",
            "path": permission.of,
            "method": "POST" if permission.writes else "GET",
            "times": 1,
        }
    )
    assert lacking(place.transport) == [permission]
    finding = judge_permission(permission)
    assert (
        finding.says
        == f"it may not {permission.level.lower()} {permission.resource}: {permission.without}"
    )
    assert finding.cure.endswith(f"set {permission.resource} to {permission.level}")


def test_a_key_without_the_balance_of_customers_is_told_so(place: FakeStripeAccount) -> None:
    (balance,) = NESTED
    assert (balance.of.replace(f"cus_{NOBODY}", "{customer}"), True) in called()
    place.faults({"how": "403", "path": balance.of, "method": "POST", "times": 1})
    assert lacking(place.transport) == [balance]
    assert "may not write Customer balance transactions" in judge_permission(balance).says


def test_an_unknown_key_is_not_reported_as_lacking_permissions(
    place: FakeStripeAccount,
) -> None:
    place.faults({"how": "401", "path": "/v1/", "times": 1})
    with pytest.raises(Refused):
        lacking(place.transport)
