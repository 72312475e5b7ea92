"""The partner event source that billing.toml names, and the stages that it is for."""

import pytest

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.bus import source_for
from chalicelib.domain.policy.policy import BusPolicy
from chalicelib.domain.policy.read import read_policy
from tests.fakes.services import ROOT

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()
LIVE, TEST = "aws.partner/stripe.com/ed_61Sx9", "aws.partner/stripe.com/ed_test_61Sx9"


def bus(value: str) -> BusPolicy:
    return read_policy(f"{SHIPPED}\n[bus]\nstripe_source = {value}\n").bus


def test_no_source_is_named_unless_the_owner_does() -> None:
    assert read_policy(SHIPPED).bus == BusPolicy(None)
    assert read_policy(f"{SHIPPED}\n[bus]\n").bus == BusPolicy(None)
    assert bus(f'"{LIVE}"') == BusPolicy(LIVE)


@pytest.mark.parametrize(
    "value",
    [
        "1",
        "true",
        "[]",
        '"ed_61Sx9"',
        '"aws.partner/stripe.com/"',
        '"aws.partner/stripe.com/ed_"',
        '"aws.partner/auth0.com/ed_1"',
        '"aws.partner/stripe.com/ed_1 "',
        '"aws.partner/stripe.com/ed_1/x"',
    ],
)
def test_what_is_no_source_of_stripes_is_a_mistake(value: str) -> None:
    with pytest.raises(PolicyMistakes) as caught:
        bus(value)
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == ["bus.stripe_source"]


@pytest.mark.parametrize(
    ("source", "livemode", "used"),
    [
        (LIVE, True, LIVE),
        (LIVE, False, None),
        (TEST, False, TEST),
        (TEST, True, None),
        ("", True, ""),
        ("", False, ""),
        (None, True, None),
    ],
)
def test_a_stage_uses_the_source_of_its_own_mode(
    source: str | None, livemode: bool, used: str | None
) -> None:
    assert source_for(BusPolicy(source), livemode) == used
