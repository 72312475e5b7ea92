"""The event buses and the happenings for Slack that billing.toml names."""

import pytest

from chalicelib.domain.changes.channels import channels_wanting, check_types
from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.bus import source_for
from chalicelib.domain.policy.policy import BusPolicy, Policy, SlackPolicy
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


def written(text: str) -> Policy:
    return read_policy(f"{SHIPPED}\n{text}\n")


@pytest.mark.parametrize(
    "name",
    [
        "billing",
        "default",
        "acme/billing.events-1",
        "arn:aws:events:eu-central-1:123456789012:event-bus/billing",
        "arn:aws-us-gov:events:us-gov-west-1:123456789012:event-bus/billing",
    ],
)
def test_a_bus_has_a_name_or_is_another_accounts(name: str) -> None:
    assert written(f'[bus]\nname = "{name}"').bus == BusPolicy(None, name)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('[bus]\nname = ""', "bus.name"),
        ('[bus]\nname = "my bus"', "bus.name"),
        ('[bus]\nname = "arn:aws:sqs:eu-central-1:123456789012:queue"', "bus.name"),
        ('[bus]\nname = "arn:aws:events:eu-central-1:1:event-bus/b"', "bus.name"),
        ('[bus]\nname = "b"\nevents = "all"', "bus.events"),
        ('[bus]\nname = "b"\nevents = ["a", "a"]', "bus.events"),
        ('[bus]\nevents = ["access.revoked"]', "bus.name"),
        ("[slack]", "slack.happenings"),
        ("[slack]\nhappenings = 1", "slack.happenings"),
        ('[slack]\nhappenings = []\nurl = "https://hooks.slack.com/x"', "slack.url"),
    ],
)
def test_a_mistake_is_named(text: str, wrong: str) -> None:
    with pytest.raises(PolicyMistakes) as caught:
        written(text)
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [wrong]


@pytest.mark.parametrize("text", ["bus.events", "slack.happenings"])
def test_a_type_that_no_event_has_is_a_mistake(text: str) -> None:
    named = {
        "bus.events": '[bus]\nname = "b"\nevents = ["access.revoked", "trial.begun"]',
        "slack.happenings": '[slack]\nhappenings = ["access.revoked", "trial.begun"]',
    }
    with pytest.raises(PolicyMistakes, match=f'{text}: there are no events "trial.begun"'):
        check_types(written(named[text]))
    check_types(written(named[text].replace("trial.begun", "trial.started")))


def test_each_channel_gets_what_it_wants() -> None:
    both = written('[bus]\nname = "b"\n[slack]\nhappenings = ["trial.started"]')
    assert both.slack == SlackPolicy(("trial.started",))
    assert list(channels_wanting(both, "trial.started")) == ["bus", "slack"]
    assert list(channels_wanting(both, "access.revoked")) == ["bus"]
    some = written('[bus]\nname = "b"\nevents = ["access.revoked"]')
    assert list(channels_wanting(some, "trial.started")) == []
    assert list(channels_wanting(read_policy(SHIPPED), "trial.started")) == []
