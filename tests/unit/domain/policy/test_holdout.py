"""Who is held out: a share, by lot, each step for itself, and always the same ones."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.holdout import is_held_out
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS, Step
from tests.fakes.services import ROOT

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()
NOTE = Step(
    "note",
    "trial_end",
    "trial_ends",
    timedelta(days=-8),
    "trial_personal_note",
    "lifecycle",
    timedelta(days=1),
    hold_out=0.1,
)
IDS = [f"acc_{number}" for number in range(20_000)]


def test_a_tenth_is_about_a_tenth_and_always_the_same() -> None:
    out = [id for id in IDS if is_held_out(id, NOTE)]
    assert 0.09 < len(out) / len(IDS) < 0.11
    assert out == [
        id for id in IDS if is_held_out(id, replace(NOTE, message="another", offset=timedelta(0)))
    ]


def test_each_step_draws_its_own_lot() -> None:
    other = replace(NOTE, id="three_days")
    both = [id for id in IDS if is_held_out(id, NOTE) and is_held_out(id, other)]
    assert 0.007 < len(both) / len(IDS) < 0.013, "a tenth of a tenth"


def test_a_greater_share_holds_out_those_of_before_and_more() -> None:
    more = replace(NOTE, hold_out=0.3)
    assert all(is_held_out(id, more) for id in IDS if is_held_out(id, NOTE))
    assert 0.28 < sum(is_held_out(id, more) for id in IDS) / len(IDS) < 0.32


def test_without_a_share_nobody_is_and_what_was_asked_for_has_none() -> None:
    assert not any(is_held_out(id, replace(NOTE, hold_out=0.0)) for id in IDS)
    assert not any(step.hold_out for step in TRANSACTIONAL_STEPS)


def with_share(share: str, step: str = "three_days") -> str:
    return SHIPPED.replace(f'id = "{step}",', f'id = "{step}", hold_out = {share},')


def test_the_policy_may_hold_out_up_to_a_half() -> None:
    for share, read in (("0.1", 0.1), ("0.5", 0.5), ("0", 0.0)):
        (step,) = [step for step in read_policy(with_share(share)).steps if step.id == "three_days"]
        assert step.hold_out == read


@pytest.mark.parametrize("share", ["0.51", "1", "-0.1", '"0.1"', "true", "nan"])
def test_another_share_is_refused_with_the_reason(share: str) -> None:
    with pytest.raises(
        PolicyMistakes,
        match=(
            r"trial_end\.steps\[3\]\.hold_out: must be a share from 0 to 0\.5: with more held"
            r" out, too few"
        ),
    ):
        read_policy(with_share(share))


def test_a_billing_notice_is_held_out_of_nobody() -> None:
    with pytest.raises(
        PolicyMistakes,
        match=r"sequences\.trial_end: ended is a billing notice, which every customer must get",
    ):
        read_policy(with_share("0.1", "ended"))
