"""What a customer calls themselves, and what is in a payload, moves nothing on the operator's
screen: no colours, no cleared screen, no set title, no text that reads backwards, no line of its
own.
"""

import io
import json
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.security.visible_text import visible
from ops.terminal import print_lines, print_progress, visible_output
from tests.tooling.ops.conftest import Deployed

HOSTILE = {
    "clears the screen": "\x1b[2J\x1b[H",
    "sets the title": "\x1b]0;owned\x07",
    "C1 form of the same": "\x9b2J",
    "overwrites the line": "Ada\rEve",
    "a line of its own": "Ada\nacc_9  eve@example.com",
    "a line of its own, by Unicode": "Ada\u2028acc_9\u2029acc_8\x85acc_7",
    "reads backwards": "\u202egpj.exe\u202c",
    "isolates": "\u2066Ada\u2069\u061c\u200e\u200f",
    "tags that nobody sees": "Ada\U000e0041\U000e0042",
    "half a letter": "Ada\ud800",
    "deletes": "Ada\x7f\x08\x08\x08Eve",
}
ALLOWED_CONTROLS = "\n"


def moves(text: str) -> set[str]:
    """The letters in it that a terminal acts on."""
    return {
        letter
        for letter in text
        if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and letter not in ALLOWED_CONTROLS
    }


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_shown_as_it_is_written_and_does_nothing(name: str) -> None:
    assert moves(visible(name)) == set()
    shown = visible(name, kept="")
    assert "\n" not in shown
    assert json.loads(f'"{shown}"') == name, "and the operator can see what it is"


@pytest.mark.parametrize(
    "name", ["Zoë O’Hara-Núñez", "王小明", "עדה", "👩\u200d💻 Ada", "فارسی\u200cها"]
)
def test_an_honest_name_stays(name: str) -> None:
    assert visible(name) == visible(name, kept="") == name


@given(st.text())
def test_what_was_json_is_the_same_json(text: str) -> None:
    shown = visible(json.dumps({"name": text}, ensure_ascii=False))
    assert moves(shown) <= set("\u200c\u200d")
    assert json.loads(shown) == {"name": text}


@pytest.fixture
def named(deployed: Deployed) -> Any:
    """An account of a customer who calls themselves so."""

    def make(id: str, name: str) -> None:
        account = deployed.signs_up(id, f"{id}@example.com")
        other = replace(account, profile=replace(account.profile, name=name))
        deployed.accounts.save(account, replace(other, version=account.version + 1))

    return make


def test_an_account_with_a_hostile_name_is_shown_in_as_many_lines_as_any(
    ops: Any, named: Any
) -> None:
    named("acc_1", "Ada Byron")
    named("acc_2", "".join(name for name in HOSTILE.values() if "\ud800" not in name))
    honest, hostile = (ops("accounts", "show", id, "--stage", "dev") for id in ("acc_1", "acc_2"))
    assert (honest.status, hostile.status) == (0, 0)
    assert moves(hostile.out) == set()
    assert len(hostile.out.splitlines()) == len(honest.out.splitlines())
    assert "\\u001b[2J" in hostile.out


def test_an_export_to_the_screen_does_nothing_either_and_is_whole(ops: Any, named: Any) -> None:
    name = "Ada\x1b[2J\u202e\x9b"
    named("acc_1", name)
    shown = ops("accounts", "export", "acc_1", "--stage", "dev").out
    assert moves(shown) == set()
    assert json.loads(shown)["account"]["profile"]["name"] == name


def test_what_a_command_says_of_an_error_does_nothing(ops: Any, deployed: Deployed) -> None:
    said = ops("accounts", "show", "acc\x1b[2J", "--stage", "dev")
    assert said.status == 1
    assert moves(said.err) == set()
    assert "acc\\u001b[2J" in said.err


def test_a_line_of_progress_of_ours_still_overwrites_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with visible_output():
        print_progress("1 of 2")
        print_progress("2 of 2", end="\n")
        print_lines(["Ada\rEve", "Bob\nEve"])
    assert capsys.readouterr().out == "\r1 of 2\r2 of 2\nAda\\rEve\nBob\\nEve\n"


def test_a_stream_of_ours_is_the_stream_that_it_stands_for() -> None:
    stream = io.StringIO()
    print_progress("1 of 2", stream)
    assert stream.getvalue() == "\r1 of 2"
