"""The language of a customer, from tags, locales and what a browser prefers."""

import pytest

from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.languages import accepted_language, language_code


@pytest.mark.parametrize(
    ("tag", "code"), [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("zh-Hant-TW", "zh")]
)
def test_the_code_of_a_tag_is_its_first_part(tag: str, code: str) -> None:
    assert language_code(tag) == code


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "en"),
        ("en;q=0.4,de;q=0.5", "de"),
        ("en,de", "en"),
        ("de;q=0", None),
        ("de;q=much", None),
        ("fr", None),
        ("*", None),
        ("", None),
        (",;,=;q=", None),
    ],
)
def test_the_language_that_a_browser_prefers_is_one_of_the_messages(
    header: str, language: str | None
) -> None:
    assert accepted_language(header) == language


@pytest.mark.parametrize(
    ("profile", "language"),
    [
        (Profile(language="de-AT", attributes={"locale": "en"}), "de"),
        (Profile(attributes={"locale": "de_CH"}), "de"),
        (Profile(language="fr", attributes={"language": "xx", "locale": "en-GB"}), "en"),
        (Profile(language="fr-CA"), "fr"),
        (Profile(), None),
    ],
)
def test_an_accounts_language_is_the_first_known_one_that_messages_are_written_in(
    profile: Profile, language: str | None
) -> None:
    assert Account("acc_1", profile=profile).language == language
