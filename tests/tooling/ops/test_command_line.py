"""The list of commands, and the error for an unknown name."""

from argparse import Namespace
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidInput
from ops.__main__ import SUBJECTS
from ops.command_line import Command, execute

EVERY = [command for part in SUBJECTS.values() for command in part]
GROUPS = sorted({one.name.split()[0] for one in EVERY if " " in one.name})


def lines_of(text: str) -> dict[str, str]:
    """Each listed command with its summary."""
    return dict(line.split("  ", 2)[1:] for line in text.splitlines() if line.startswith("  "))


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_ops_alone_lists_every_command_with_its_summary_below_its_subject(
    ops: Any, arguments: tuple[str, ...]
) -> None:
    said = ops(*arguments)
    assert (said.status, said.err) == (0, "")
    listed = {name.strip(): summary.strip() for name, summary in lines_of(said.out).items()}
    assert listed == {one.name: one.summary for one in EVERY}
    headings = [line for line in said.out.splitlines() if line in SUBJECTS]
    assert headings == list(SUBJECTS)
    assert max(map(len, said.out.splitlines())) <= 100


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_lists_its_commands_and_no_others(ops: Any, group: str) -> None:
    said = ops(group)
    assert (said.status, said.err) == (0, "")
    assert [name.strip() for name in lines_of(said.out)] == [
        one.name for one in EVERY if one.name.startswith(f"{group} ")
    ]
    assert ops(group, "--help") == said


def test_no_group_is_a_command_too() -> None:
    assert not {one.name for one in EVERY} & set(GROUPS)


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.name)
def test_each_command_describes_its_options(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        execute(SUBJECTS, [*command.name.split(), "--help"])
    assert ended.value.code == 0
    help = " ".join(capsys.readouterr().out.split())
    assert f"usage: python -m ops {command.name}" in help
    assert f"{command.summary}." in help


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        (
            "acounts show acc_1",
            'There is no command "acounts". Did you mean "accounts"?'
            " python -m ops lists the commands.",
        ),
        (
            "dead redrvie --all",
            'There is no command "dead redrvie". Did you mean "dead redrive"?'
            " python -m ops dead lists the commands.",
        ),
        ("qqq", 'There is no command "qqq". python -m ops lists the commands.'),
        (
            "--stage dev doctor",
            'There is no command "--stage". python -m ops lists the commands.',
        ),
    ],
)
def test_an_unknown_command_gets_the_nearest_one_and_exits_2(
    ops: Any, typed: str, error: str
) -> None:
    said = ops(*typed.split())
    assert (said.status, said.out, said.err) == (2, "", f"{error}\n")


def test_an_option_that_a_command_does_not_have_exits_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        execute(SUBJECTS, ["doctor", "--colour"])
    assert ended.value.code == 2
    assert "--colour" in capsys.readouterr().err


def test_a_command_gets_its_options_and_a_refusal_of_it_exits_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(options: Namespace) -> int:
        raise InvalidInput(f"{options.id} is wrong.", "id")

    command = Command("things mend", "Mend a thing", refuse, (lambda it: it.add_argument("id"),))
    assert execute({"Things": [command]}, ["things", "mend", "x1"]) == 1
    assert capsys.readouterr().err == "x1 is wrong.\n"
