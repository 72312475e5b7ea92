"""The texts of messages to Slack."""

import json
from dataclasses import replace

import pytest

from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import example
from chalicelib.outreach.slack_messages import many_happenings, one_happening
from tests.fakes.services import POLICY

BASE = "https://billing.example.com"


def named(name: str | None, email: str | None = "ada@example.com") -> Account:
    account = Account("acc_1", profile=Profile(email))
    return replace(account, profile=replace(account.profile, name=name))


def test_a_payment_has_its_amount_and_the_plan_its_name() -> None:
    text = one_happening(example("payment.failed"), named("Ada"), POLICY, BASE)
    assert " · Pro · $49.00 · " in text


def test_a_payment_that_the_bank_took_back_has_its_amount() -> None:
    text = one_happening(example("payment.charged_back"), named("Ada"), POLICY, BASE)
    assert " · Pro · $49.00 · " in text


def test_a_milestone_is_named() -> None:
    document = json.loads(example("milestone.reached"))
    document["data"]["milestone"] = "shared_board"
    text = one_happening(json.dumps(document), named("Ada"), POLICY, BASE)
    assert " · Pro · shared_board · <" in text


@pytest.mark.parametrize("type", CATALOGUE)
def test_every_type_can_be_told(type: str) -> None:
    text = one_happening(example(type), named("Ada"), POLICY, BASE)
    assert text.startswith(f"*{type}* ")
    assert text.endswith("|acc_1>")
    assert len(text) < 500


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("A & B <script>", "A &amp; B &lt;script&gt;"),
        ("<https://evil.example|Ada>", "&lt;https : // evil . example|Ada&gt;"),
        ("Ada\n*trial.started*", "Ada *trial . started*"),
    ],
)
def test_what_somebody_typed_calls_nobody_and_leads_nowhere(name: str, told: str) -> None:
    text = one_happening(example("trial.started"), named(name), POLICY, BASE)
    assert f"\n{told} (ada@example.com) · " in text
    assert text.count("\n") == 1


def test_an_address_is_escaped_too() -> None:
    text = one_happening(example("trial.started"), named(None, "<!here>@x.example"), POLICY, BASE)
    assert "&lt;!here&gt;@x.example" in text


def test_an_account_that_is_gone_is_told_by_its_id() -> None:
    text = one_happening(example("access.revoked"), None, POLICY, BASE)
    assert f"\nPro · <{BASE}/admin/customers/acc_1|acc_1>" in text


def test_a_burst_counts_the_types() -> None:
    text = many_happenings(["a.b", "c.d", "a.b"], BASE)
    link = f"<{BASE}/admin/customers|Customers>"
    assert text == f"*3 happenings* within a short time: 2 × a.b, 1 × c.d\n{link}"


def test_a_type_of_another_release_is_told_too() -> None:
    later = json.dumps(json.loads(example("trial.started")) | {"type": "trial.renamed"})
    assert one_happening(later, None, POLICY, BASE).startswith("*trial.renamed* \n")
