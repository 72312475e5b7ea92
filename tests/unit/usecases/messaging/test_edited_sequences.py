"""An owner edits billing.toml while customers live under it: nothing goes out twice, and nothing
whose time is over.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import Step
from chalicelib.usecases.schedule.replan import replan
from tests.fakes.grids import examples
from tests.fakes.lifecycles import DAY, START, Life
from tests.fakes.services import POLICY, FakeServices

HOUR = timedelta(hours=1)
EDITS = st.lists(
    st.tuples(
        st.integers(0, 30 * 24),
        st.sampled_from(["move", "remove", "add", "patience", "message"]),
        st.integers(0, 9),
        st.integers(-9 * 24, 20 * 24),
    ),
    min_size=1,
    max_size=5,
)


def edited(policy: Policy, number: int, what: str, place: int, hours: int) -> Policy:
    """The policy after an edit of one step; a step that is added is of the trial's end."""
    steps = list(policy.steps)
    step = steps[place % len(steps)]
    new: Step | None = step
    match what:
        case "move":
            new = replace(
                step, offset=hours * HOUR if step.anchor == "trial_ends" else abs(hours) * HOUR
            )
        case "patience":
            new = replace(step, tolerance=abs(hours) * HOUR)
        case "message":
            new = replace(step, message="trial_personal_note")
        case "remove":
            new = None if len(steps) > 1 else step
        case "add":
            steps.append(
                Step(
                    f"added_{number}",
                    "trial_end",
                    "trial_ends",
                    hours * HOUR,
                    "trial_one_day",
                    "lifecycle",
                    2 * DAY,
                )
            )
    steps[place % len(policy.steps) : place % len(policy.steps) + 1] = [new] if new else []
    return replace(policy, hash=f"edit-{number}", steps=tuple(steps))


def in_time(one: Any, policy: Policy) -> bool:
    """Whether a mail is one of the policy of its moment, and its time was not over."""
    step = next((step for step in policy.steps if step.id == one.step), None)
    if step is None:
        return False
    moment = (
        datetime.fromtimestamp(int(one.letter.tags["occasion"]), UTC)
        if step.anchor == "trial_ends"
        else START
    )
    return bool(
        one.at <= moment + step.offset + step.tolerance
        and (step.offset >= timedelta(0) or one.at <= moment + step.offset / 2)
    )


@examples(80)
@given(EDITS, st.booleans())
def test_a_sequence_edited_mid_life_sends_nothing_twice_and_nothing_stale(
    edits: list[tuple[int, str, int, int]], card: bool
) -> None:
    life = Life(place=FakeServices(policy=POLICY)).begins(card="pm_1" if card else None)
    under = [(START, POLICY)]
    for number, (hour, what, place, hours) in enumerate(sorted(edits)):
        life.advance(START + hour * HOUR)
        life.place.policy = edited(life.place.policy, number, what, place, hours)
        under.append((life.now.at, life.place.policy))
        for _ in range(3):
            replan(life.services)
    life.days(60)
    assert len({one.key for one in life.mails}) == len(life.mails), "nothing twice"
    for one in life.mails:
        rules = [policy for since, policy in under if since <= one.at]
        assert in_time(one, rules[-1]) or (
            under[len(rules) - 1][0] == one.at and in_time(one, rules[-2])
        ), (one.key, one.at)


def test_a_step_that_is_moved_after_it_went_out_does_not_go_out_again() -> None:
    life = Life(place=FakeServices(policy=POLICY)).begins().days(1)
    assert life.steps == ["welcome"]
    later = replace(
        POLICY,
        hash="later",
        steps=tuple(
            replace(step, offset=3 * DAY) if step.id == "welcome" else step for step in POLICY.steps
        ),
    )
    life.place.policy = later
    replan(life.services)
    assert life.days(60).steps.count("welcome") == 1


def test_a_step_added_for_a_moment_that_has_passed_is_not_made_up_for() -> None:
    life = Life(place=FakeServices(policy=POLICY)).begins().days(8)
    hello = Step("hello", "onboarding", "trial_started", 2 * DAY, "welcome", "lifecycle", 2 * DAY)
    life.place.policy = replace(POLICY, hash="hello", steps=(*POLICY.steps, hello))
    replan(life.services)
    assert "hello" not in life.days(60).steps
