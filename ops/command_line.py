"""The commands as data: finding one by its name, listing them, running one."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from difflib import get_close_matches

from chalicelib.domain.errors import BillhookError

PROGRAM = "python -m ops"
HELP = ("-h", "--help")

Options = Callable[[argparse.ArgumentParser], object]
"""Adds arguments to the parser of one command."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `name` is one or two words, as typed, such as "keys list"; the first of two is a
    group. `run` returns the exit status, and may raise BillhookError.
    """

    name: str
    summary: str
    run: Callable[[argparse.Namespace], int]
    options: tuple[Options, ...] = ()


Subjects = Mapping[str, Sequence[Command]]
"""Headings of the listing, each with its commands."""


class UnknownCommand(Exception):
    """There is no command of this name. The text suggests the nearest one."""


def execute(
    subjects: Subjects,
    arguments: Sequence[str],
    program: str = PROGRAM,
    around: Callable[[str, argparse.Namespace], AbstractContextManager[None]] | None = None,
) -> int:
    """Run the command that the arguments name, or print a list if they name none or a group.
    `program` is what is typed before them; the command runs within `around`, which gets its name.

    Returns the exit status: 1 if the command refuses, 2 if there is no such command. Raises
    SystemExit like argparse, for help on a command and for arguments that it does not take.
    """
    try:
        found = select(subjects, arguments, program)
    except UnknownCommand as error:
        print(error, file=sys.stderr)
        return 2
    if isinstance(found, str):
        print(found)
        return 0
    options = parser_of(found, program).parse_args(arguments[len(found.name.split()) :])
    try:
        with around(found.name, options) if around else nullcontext():
            return found.run(options)
    except BillhookError as error:
        print(error.message, file=sys.stderr)
        return 1


def select(subjects: Subjects, arguments: Sequence[str], program: str = PROGRAM) -> Command | str:
    """The command at the start of the arguments, or the text of a list. Raises UnknownCommand."""
    first, second = (*arguments, "", "")[:2]
    if first in ("", *HELP):
        return listing(subjects, program)
    commands = {command.name: command for part in subjects.values() for command in part}
    if first in commands:
        return commands[first]
    group = {name for name in commands if name.startswith(f"{first} ")}
    if not group:
        raise _unknown(first, {name.split()[0] for name in commands}, program)
    if second in ("", *HELP):
        return listing(
            {
                heading: here
                for heading, part in subjects.items()
                if (here := [command for command in part if command.name in group])
            },
            program,
        )
    if f"{first} {second}" not in group:
        raise _unknown(f"{first} {second}", group, f"{program} {first}")
    return commands[f"{first} {second}"]


def parser_of(command: Command, program: str = PROGRAM) -> argparse.ArgumentParser:
    """The parser of the arguments after the command's name."""
    parser = argparse.ArgumentParser(
        prog=f"{program} {command.name}", description=f"{command.summary}."
    )
    for add in command.options:
        add(parser)
    return parser


def listing(subjects: Subjects, program: str = PROGRAM) -> str:
    """A line for each command, below the heading of its subject."""
    return "\n".join(_lines(subjects, program))


def _lines(subjects: Subjects, program: str) -> Iterator[str]:
    yield f"Usage: {program} COMMAND [options]"
    width = max(len(command.name) for part in subjects.values() for command in part)
    for heading, commands in subjects.items():
        yield f"\n{heading}"
        for command in commands:
            yield f"  {command.name:<{width}}  {command.summary}"
    yield f"\n{program} COMMAND --help describes the options of a command."


def _unknown(typed: str, known: Iterable[str], lists: str) -> UnknownCommand:
    near = get_close_matches(typed, known, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return UnknownCommand(f'There is no command "{typed}".{hint} {lists} lists the commands.')
