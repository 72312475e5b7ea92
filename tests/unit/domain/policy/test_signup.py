"""Signups and pages in billing.toml: what is read, and that every mistake is named."""

import pytest

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.policy import PagesPolicy
from chalicelib.domain.policy.read import read_policy
from tests.fakes.services import POLICY, ROOT

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()


def test_the_shipped_policy_lets_visitors_sign_up() -> None:
    signup = POLICY.signup
    assert signup
    assert (signup.plan, signup.interval, signup.answer, signup.confirm) == (
        "pro",
        "month",
        "open",
        False,
    )
    assert signup.sites == ("https://acme.example", "https://www.acme.example")
    assert POLICY.pages.first_steps[0] == {
        "en": "Connect your data",
        "de": "Verbinden Sie Ihre Daten",
    }
    assert signup.forget_unproved_days == 30
    assert POLICY.trial.without_card == "pause"
    assert POLICY.plans["pro"].amounts == {"month": 4900, "year": 49000}
    assert POLICY.mail
    assert POLICY.mail.unproved[:3] == ("welcome", "notice", "failed")


def test_a_first_step_is_a_text_or_one_for_each_language() -> None:
    start, end = SHIPPED.index("first_steps = ["), SHIPPED.index("[mail]")
    written = 'first_steps = ["Lesen", { en = "Write", de = "Schreiben" }]\n'
    german = SHIPPED[:start] + written + SHIPPED[end:].replace('language = "en"', 'language = "de"')
    assert read_policy(german).pages.first_steps == (
        {"de": "Lesen"},
        {"en": "Write", "de": "Schreiben"},
    )


def test_without_its_table_nobody_can_sign_up_and_pages_look_plain() -> None:
    start, end = SHIPPED.index("[signup]"), SHIPPED.index("[mail]")
    policy = read_policy(SHIPPED[:start] + SHIPPED[end:])
    assert policy.signup is None
    assert policy.pages == PagesPolicy()


@pytest.mark.parametrize(
    ("good", "bad", "named"),
    [
        (
            'without_card = "pause"',
            'without_card = "stop"',
            "trial.without_card: must be one of pause, cancel, create_invoice",
        ),
        (
            "amounts = { month = 4900, year = 49000 }",
            "amounts = { month = 49.0 }",
            "plans.pro.amounts: must name an amount",
        ),
        ('currency = "usd"', 'currency = "USD"', "currency: must be a currency"),
        ('plan = "pro"\n', 'plan = "gold"\n', 'signup.plan: no plan "gold" is sold by the month'),
        (
            'interval = "month"',
            'interval = "week"',
            'signup.plan: no plan "pro" is sold by the week',
        ),
        ('answer = "open"', 'answer = "closed"', "signup.answer: must be one of open, same"),
        (
            'captcha = "none"',
            'captcha = "hcaptcha"',
            "signup.captcha: must be one of none, turnstile",
        ),
        (
            '"https://acme.example",',
            '"https://acme.example/",',
            "signup.sites: must list https origins",
        ),
        ("a_day = 500", "a_day = -1", "signup.a_day: must be a whole number"),
        ('colour = "#1f4b99"', 'colour = "blue"', "pages.colour: must be a colour"),
        ("first_steps = [", 'first_steps = [{ fr = "x" },', "pages.first_steps: must list texts"),
        (
            '# logo_url = "https://acme.example/logo.svg"',
            'logo_url = "http://acme.example/logo.svg"',
            "pages.logo_url: must be an https address",
        ),
        ('# logo_url = "https://acme.example/logo.svg"', 'logo = "x"', "pages.logo: no such key"),
        (
            'unproved = ["welcome", ',
            'unproved = ["hello", ',
            'mail.unproved: there is no step "hello"',
        ),
    ],
)
def test_every_mistake_is_named_with_its_key(good: str, bad: str, named: str) -> None:
    assert good in SHIPPED
    with pytest.raises(PolicyMistakes) as mistakes:
        read_policy(SHIPPED.replace(good, bad, 1))
    assert any(named in mistake for mistake in mistakes.value.mistakes), mistakes.value.mistakes
