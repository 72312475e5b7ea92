"""What a contact is, and what of it may leave."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.people.contact import ATTRIBUTES, contact
from chalicelib.domain.people.intercom import contact_body
from chalicelib.domain.policy.people import FIELDS
from tests.fakes.lifecycles import START
from tests.unit.usecases.webhooks.people.scene import POLICY

TRIAL = Account(
    "acc_3",
    profile=Profile("mia@example.com", "Mia"),
    signup=Signup("pro", START + timedelta(days=14), START, source="blog"),
)
assert POLICY.people


@pytest.mark.parametrize("days", [0, 13, 15, 400])
def test_every_attribute_is_always_sent_and_null_clears_it(days: int) -> None:
    now = START + timedelta(days=days)
    attributes = contact_body(contact(TRIAL, POLICY, False, now))["custom_attributes"]
    assert attributes.keys() == ATTRIBUTES.keys()
    assert (attributes["trial_ends_at"] is None) is (days > 14)
    assert (attributes["billing_until_at"] is None) is (days > 14)


def test_times_are_unix_seconds_and_revenue_is_in_major_units() -> None:
    attributes = contact_body(contact(TRIAL, POLICY, True, START))["custom_attributes"]
    assert attributes["trial_ends_at"] == int((START + timedelta(days=14)).timestamp())
    assert attributes["mrr"] == 0.0
    assert attributes["billing_mode"] == "live"
    assert attributes["billing_source"] == "blog"


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_not_listed_does_not_leave(field: str) -> None:
    assert POLICY.people
    fewer = replace(POLICY.people, fields=frozenset(FIELDS) - {field})
    body = contact_body(contact(TRIAL, replace(POLICY, people=fewer), False, START))
    assert field not in {*body, *body["custom_attributes"]}
    assert {"external_id", "role", "unsubscribed_from_emails"} <= body.keys()
