"""A stranger chooses a name that is a message: none of it greets, and none of it is a link."""

import pytest

from chalicelib.outreach.typed_words import broken_up, spoken_name


@pytest.mark.parametrize(
    "name",
    [
        "Ada Byron",
        "J. R. Tolkien",
        "J.R.R. Tolkien",
        "J.-P. Sartre",
        "O'Brien",
        "D\u2019Arcy",
        "Anne-Marie",
        "Zo\u00eb",
        "\u0395\u03bb\u03ad\u03bd\u03b7",
        "\u674e\u5c0f\u9f99",
        "\u0928\u093f\u0915\u093f\u0924\u093e",
        "x" * 60,
    ],
)
def test_a_plain_name_is_in_the_greeting(name: str) -> None:
    assert spoken_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "  ",
        "...",
        "-",
        "evil.com",
        "evil\uff0ecom",
        "evil\u3002com",
        "evil\uff61com",
        "t.co",
        "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
        "https://evil.example/x",
        "mallory@evil.example",
        "mallory\uff20evil",
        "Call\u00a0+1\u00a0555\u00a00100",
        "Call \u0661\u0662\u0663",
        "Call \u2460\u2461\u2462",
        "Ada, you have won!",
        "Ada\u202emoc",
        "Ada\u200bByron",
        "\u0301Ada",
        "x" * 61,
    ],
)
def test_what_is_no_name_greets_nobody(name: str | None) -> None:
    assert spoken_name(name) == ""


def test_other_spaces_and_widths_are_read_as_the_usual_ones() -> None:
    assert spoken_name("\uff21da\u00a0Byron\u3000") == "Ada Byron"


@pytest.mark.parametrize(
    ("typed", "mailed"),
    [
        ("https://evil.example/x", "https : // evil . example/x"),
        ("www\uff0eevil\uff0eexample", "www . evil . example"),
        ("evil\u3002example", "evil . example"),
        ("mallory@evil.example", "mallory at evil . example"),
        ("J. R. Tolkien", "J. R. Tolkien"),
    ],
)
def test_the_team_reads_what_was_typed_and_cannot_press_it(typed: str, mailed: str) -> None:
    assert broken_up(typed) == mailed
