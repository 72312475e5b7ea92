"""The command line of the local system."""

import pytest

from local.__main__ import main


def test_without_a_command_it_lists_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Usage: python -m local COMMAND [options]"
    assert [line.split()[0] for line in lines if line.startswith("  ")] == ["run", "play"]


def test_an_unknown_command_gets_the_nearest_one_and_exits_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plya"]) == 2
    assert capsys.readouterr().err == (
        'There is no command "plya". Did you mean "play"? python -m local lists the commands.\n'
    )


def test_a_file_that_is_no_recording_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", "README.md"]) == 1
    assert "README.md is no recording" in capsys.readouterr().err
