"""python -m ops mail: previews and compiles the messages."""

import argparse
from pathlib import Path

from ops.command_line import Command
from ops.commands.mail import broadcast, report


def _preview(options: argparse.Namespace) -> int:
    from ops.mail.build import preview

    print(f"Open {preview(options.folder)} in a browser.")
    return 0


def _compile(options: argparse.Namespace) -> int:
    from ops.mail.build import compile_all

    print(f"{len(compile_all())} messages are compiled.")
    return 0


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("out/mail"),
        help="where to write the pages (default: out/mail)",
    )


COMMANDS = (
    Command(
        "mail preview",
        "Write a page that shows every message as each kind of reader gets it",
        _preview,
        (_folder,),
    ),
    Command("mail compile", "Compile the MJML sources, like make mail", _compile),
    *report.COMMANDS,
    *broadcast.COMMANDS,
)
