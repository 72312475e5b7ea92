"""What pages tell about errors."""

import pytest
from babel.numbers import format_decimal

from chalicelib.domain.bounds import most
from chalicelib.domain.errors import BillhookError, CardDeclined, Forbidden, InvalidInput
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.pages.plan import SEATS_AT_MOST
from chalicelib.pages.problems import problem_text
from chalicelib.pages.texts import text


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (InvalidInput("x", "email", "disposable"), "invalid_email_disposable"),
        (InvalidInput("x", "email"), "invalid_email"),
        (InvalidInput("x", "email", "of a new kind"), "invalid_email"),
        (InvalidInput("x", "anything"), "invalid"),
        (InvalidInput("x"), "invalid"),
        (Forbidden("x", kind="site"), "forbidden_site"),
        (Forbidden("x", "captcha"), "forbidden_captcha"),
        (CardDeclined("x"), "card_declined"),
        (BillhookError("x"), "other"),
    ],
)
def test_the_most_specific_text_is_told(error: BillhookError, key: str) -> None:
    for language in LANGUAGES:
        assert problem_text(error, language) == text(f"problem.{key}", language)


def test_limits_in_texts_are_those_of_the_forms() -> None:
    for language in LANGUAGES:
        told = text("problem.invalid_seats", language)
        assert format_decimal(SEATS_AT_MOST, locale=language) in told
        assert str(most("comment")) in text("problem.invalid_comment", language)
