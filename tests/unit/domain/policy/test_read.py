"""Every mistake in billing.toml is named by its key, with what is wrong and an example."""

from datetime import timedelta

import pytest

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.stripe_objects.objects import Item
from tests.fakes.services import POLICY, ROOT

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()


def mistakes(text: str) -> list[str]:
    with pytest.raises(PolicyMistakes) as caught:
        read_policy(text)
    assert all(
        "Example: " in mistake or "Known here: " in mistake for mistake in caught.value.mistakes
    )
    return caught.value.mistakes


def test_the_shipped_policy_is_read() -> None:
    assert list(POLICY.plans) == ["pro", "scale"]
    assert POLICY.plans["pro"].lookup_keys == {"month": "pro_monthly", "year": "pro_yearly"}
    assert POLICY.plans["scale"].lookup_keys == {"month": "scale_monthly", "year": "scale_yearly"}
    assert POLICY.trial.days == 14
    assert POLICY.trial.first_payment == timedelta(hours=24)
    assert POLICY.access.past_due_grace == POLICY.access.renewal_grace == timedelta(days=7)
    assert (POLICY.access.stale, POLICY.access.collection_paused) == ("limited", None)


def test_what_has_a_default_may_be_left_out() -> None:
    least = (
        'schema = 1\nbase_url = "https://b.example.com"\n[trial]\ndays = 7\n[plans.a]\nname ='
        ' "A"\nfeatures = []\n'
    )
    assert read_policy(least).access == POLICY.access


def test_another_text_is_another_policy() -> None:
    assert read_policy(SHIPPED).hash == POLICY.hash
    assert read_policy(SHIPPED + "\n# changed\n").hash != POLICY.hash


@pytest.mark.parametrize(
    ("found", "instead", "key"),
    [
        ("schema = 1", "schema = 7", "schema: must be 1"),
        ("schema = 1\n", "", "schema: is missing"),
        (
            '"https://billing.example.com"',
            '"http://billing.example.com"',
            "base_url: must be an https address",
        ),
        (
            '"https://billing.example.com"',
            '"https://billing.example.com/path"',
            "base_url: must be an https address",
        ),
        ("days = 14", "days = 0", "trial.days: must be a whole number from 1 to 730"),
        ("days = 14", "days = true", "trial.days: must be a whole number"),
        ("days = 14", 'days = "14"', "trial.days: must be a whole number"),
        ("late_news_hours = 6", "late_news_hour = 6", "trial.late_news_hour: no such key"),
        (
            '# after_trial = "free"',
            'after_trial = "free"',
            'trial.after_trial: there is no plan "free"',
        ),
        ('stale = "limited"', 'stale = "some"', "access.stale: must be one of full, limited, none"),
        (
            'collection_paused = "keep"',
            'collection_paused = "full"',
            "access.collection_paused: must be one of keep, limited, none",
        ),
        ("payment_tries = 8", "payment_tries = 0", "access.payment_tries: must be a whole number"),
        ('name = "Pro"', 'name = " "', "plans.pro.name: must be a text"),
        ('name = "Pro"\n', "", "plans.pro.name: is missing"),
        (
            'features = ["projects", "reports"]',
            'features = "all"',
            "plans.pro.features: must be a list",
        ),
        (
            'features = ["projects", "reports"]',
            f'features = ["{"x" * 8_000}"]',
            "plans.pro.features: must take 8,000 bytes together at most",
        ),
        (
            'month = "pro_monthly"',
            'monthly = "pro_monthly"',
            "plans.pro.lookup_keys: must name a lookup key",
        ),
        (
            'month = "scale_monthly"',
            'month = "pro_monthly"',
            'plans.scale: "pro_monthly" belongs to plan "pro" already',
        ),
        ("[plans.pro]", '[plans."Pro Plan"]', "plans.Pro Plan: a plan's id is made of"),
        ("[trial]", "[trail]", "trail: no such key"),
    ],
)
def test_a_mistake_is_named(found: str, instead: str, key: str) -> None:
    assert found in SHIPPED
    assert any(mistake.startswith(key) for mistake in mistakes(SHIPPED.replace(found, instead, 1)))


def test_all_mistakes_are_named_at_once() -> None:
    named = mistakes("schema = 2\ncolour = 1\nplans = 3\n[trial]\ndays = -1\n[access]\nstale = 1\n")
    assert [mistake.split(":")[0] for mistake in named] == [
        "colour",
        "schema",
        "base_url",
        "trial.days",
        "access.stale",
        "plans",
        "plans",
    ]


def test_what_is_no_toml_is_said_to_be_none() -> None:
    assert mistakes("days = = 14")[0].startswith("the file is not valid TOML")


def test_the_greatest_plan_among_the_items_counts() -> None:
    pro, scale, other = (
        Item(f"price_{key}", lookup_key=key, quantity=n)
        for n, key in enumerate(("pro_yearly", "scale_monthly", "other"))
    )
    assert POLICY.plan_of([pro, scale, other]) == ("scale", 1)
    assert POLICY.plan_of([other]) == (None, 2)
    assert POLICY.plan_of([]) == (None, None)
    assert (POLICY.rank(None), POLICY.rank("gone")) == (-1, -1)


TEAM = '[operators]\nmail = ["ada@acme.example", "Ben@acme.example"]\n'


def test_roles_of_operators_are_read_and_default_to_act() -> None:
    team = read_policy(f'{SHIPPED}\n{TEAM}roles = {{ "ben@acme.example" = "look" }}').team
    assert team
    assert team.role_by_address() == {"ada@acme.example": "act", "ben@acme.example": "look"}


@pytest.mark.parametrize(
    ("roles", "mistake"),
    [
        ('{ "eve@acme.example" = "look" }', "operators.roles: eve@acme.example is not in"),
        ('{ "ada@acme.example" = "own" }', "operators.roles: must name a role"),
        ('["ada@acme.example"]', "operators.roles: must name a role"),
    ],
)
def test_a_role_must_be_known_and_of_an_operator(roles: str, mistake: str) -> None:
    (found,) = mistakes(f"{SHIPPED}\n{TEAM}roles = {roles}")
    assert found.startswith(mistake)
