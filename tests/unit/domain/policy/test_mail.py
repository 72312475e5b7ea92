"""Mail and sequences in billing.toml: what is read, and that every mistake is named before anything
is sent.
"""

from datetime import timedelta

import pytest

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.keys import duration
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.policy.sequences import ANCHORS
from chalicelib.outreach.rendering import messages
from tests.fakes.services import ROOT
from tests.fakes.services import SHIPPED as POLICY

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()


def test_the_shipped_sequences_are_read() -> None:
    steps = {step.id: step for step in POLICY.steps}
    assert [step.id for step in POLICY.steps if step.sequence == "trial_end"][:3] == [
        "notice",
        "note",
        "three_days",
    ]
    assert not {"receipt", "invoice_due", "overdue_1", "overdue_7"} & steps.keys(), (
        "Stripe sends receipts and reminders too: ours are off until the owner says otherwise"
    )
    assert steps["three_days"].offset == timedelta(days=-3)
    assert (steps["notice"].stream, steps["notice"].only_if, steps["notice"].tolerance) == (
        "billing",
        ("card",),
        timedelta(days=4),
    )
    assert steps["welcome"].at_any_hour
    assert {step.anchor for step in POLICY.steps} <= ANCHORS.keys()
    assert {step.message for step in POLICY.steps} <= set(messages())
    assert POLICY.mail
    assert (POLICY.mail.hours.first, POLICY.mail.hours.last, POLICY.mail.hours.days) == (
        9,
        18,
        frozenset(range(5)),
    )
    assert list(POLICY.milestones) == ["connected_data", "invited_team"]


@pytest.mark.parametrize(
    ("found", "instead", "key"),
    [
        (
            'message = "welcome"',
            'message = "wellcome"',
            "sequences.onboarding.steps[1].message: must be one of",
        ),
        (
            '"milestone:connected_data"',
            '"milestone:conected_data"',
            'sequences.trial_end.steps[2].unless: names the milestone "conected_data"',
        ),
        (
            'if = ["card"]',
            'if = ["plan:enterprise"]',
            'sequences.trial_end.steps[1].if: names the plan "enterprise"',
        ),
        (
            'if = ["card"]',
            'if = ["rich"]',
            'sequences.trial_end.steps[1].if: has "rich", which is not one of card, no_card',
        ),
        ('if = ["card"]', 'if = ["card:x"]', 'sequences.trial_end.steps[1].if: has "card:x"'),
        ('if = ["card"]', 'if = "card"', "sequences.trial_end.steps[1].if: must be a list"),
        (
            'before = "7d"',
            'before = "-7d"',
            "sequences.trial_end.steps[1].before: must be a duration",
        ),
        (
            'before = "7d"',
            'before = "9999d"',
            "sequences.trial_end.steps[1].before: must be a duration",
        ),
        (
            'before = "7d"',
            'before = "7d", after = "1d"',
            "sequences.trial_end.steps[1].after: set either before or after",
        ),
        (
            'after = "0m", message = "welcome"',
            'message = "welcome"',
            "sequences.onboarding.steps[1].after: set either before or after",
        ),
        (
            'after = "0m", message = "welcome"',
            'before = "1d", message = "welcome"',
            "sequences.onboarding.steps[1].before: only card_expires, instance_deletes,",
        ),
        (
            'anchor = "trial_started"',
            'anchor = "signed_up"',
            "sequences.onboarding.anchor: must be one of",
        ),
        (
            'stream = "billing", tolerance',
            'stream = "urgent", tolerance',
            "sequences.trial_end.steps[1].stream: must be one of lifecycle, billing",
        ),
        (
            'id = "one_day"',
            'id = "three_days"',
            'sequences: the step id "three_days" is used twice',
        ),
        ('id = "one_day"', 'id = "One day"', "sequences.trial_end.steps[4].id: must be made of"),
        (
            'timezone = "Europe/London"',
            'timezone = "Europe/Londinium"',
            "mail.timezone: is not a time zone",
        ),
        ('days = ["mon"', 'days = ["monday"', "mail.days: must list"),
        ("hours = [9, 18]", "hours = [18, 9]", "mail.hours: must be two hours"),
        ("a_day = 1", "a_day = 0", "mail.a_day: must be a whole number"),
        (
            'support_email = "help@acme.example"',
            'support_email = "help"',
            "mail.support_email: must be an e-mail address",
        ),
        (
            'from_billing = "Acme <billing@mail.acme.example>"',
            'from_billing = "Acme\\r\\nBcc: x@y.zz <a@b.cc>"',
            "mail.from_billing: must be an e-mail",
        ),
        (
            'app_url = "https://app.acme.example"',
            'app_url = "javascript:alert(1)"',
            "mail.app_url: must be an https address",
        ),
        ('name = "invited_team"', 'name = "Invited team"', "milestones: must list different names"),
        (
            'name = "invited_team"',
            'name = "connected_data"',
            "milestones: must list different names",
        ),
        (
            'article_url = "https://acme.example/help/invite"',
            'article_url = "help"',
            "milestones[2].article_url: must be an https address",
        ),
        (
            'title = { en = "Invite',
            'title = { fr = "Invite',
            "milestones[2].title: must be a text, or a text for some of en, de",
        ),
        ('language = "en"', 'language = "fr"', "mail.language: must be one of en, de"),
        (
            'booking_url = "https://cal.example/ada"',
            "news = 3",
            "mail.news: must be a text, or a text for some of",
        ),
        ("\non = false", '\non = "no"', "sequences.invoices.on: must be true or false"),
        (
            '"reason:unused"',
            '"reason:bored"',
            'sequences.recovery.steps[9].if: names the reason "bored"',
        ),
        (
            'if = ["bank_asks"]',
            'if = ["reason:other"]',
            'sequences.dunning.steps[3].if: "reason:other" needs the anchor canceled or canceling',
        ),
        (
            'unless = ["unpaid"], stream',
            'unless = ["last_try"], stream',
            'sequences.trial_end.steps[5].unless: "last_try" needs the anchor',
        ),
    ],
)
def test_a_mistake_is_named_before_anything_is_sent(found: str, instead: str, key: str) -> None:
    assert found in SHIPPED
    with pytest.raises(PolicyMistakes) as caught:
        read_policy(SHIPPED.replace(found, instead, 1), messages())
    assert [mistake for mistake in caught.value.mistakes if mistake.startswith(key)], (
        caught.value.mistakes
    )


def test_sequences_need_to_know_who_writes() -> None:
    with pytest.raises(PolicyMistakes, match="mail: is required by the sequences"):
        read_policy(
            SHIPPED[: SHIPPED.index("[mail]")] + SHIPPED[SHIPPED.index("[sequences.onboarding]") :]
        )


def test_without_mail_there_is_none() -> None:
    quiet = read_policy(SHIPPED[: SHIPPED.index("[mail]")])
    assert (quiet.mail, quiet.steps) == (None, ())


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0m", timedelta(0)),
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(days=14)),
        ("3 d", None),
        ("d", None),
        (3, None),
    ],
)
def test_a_length_of_time(text: object, length: timedelta | None) -> None:
    assert duration(text) == length
