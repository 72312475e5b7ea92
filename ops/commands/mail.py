"""python -m ops mail: look at the messages, compile them, and see what came of them."""

import argparse
from pathlib import Path
from typing import Any

from ops.commands import mail_broadcast, mail_report


def add_to(commands: Any) -> None:
    """Make the commands known."""
    mail = commands.add_parser("mail", help="the messages").add_subparsers(
        required=True, metavar="action"
    )
    preview = mail.add_parser(
        "preview", help="write a page that shows every message to every kind of reader"
    )
    preview.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("out/mail"),
        help="where to (default: out/mail)",
    )
    preview.set_defaults(run=_preview)
    compiling = mail.add_parser("compile", help="compile the MJML sources, as make mail does")
    compiling.set_defaults(run=_compile)
    mail_report.add_to(mail)
    mail_broadcast.add_to(mail)


def _preview(options: argparse.Namespace) -> int:
    from ops.mail import preview

    print(f"Open {preview(options.folder)} in a browser.")
    return 0


def _compile(options: argparse.Namespace) -> int:
    from ops.mail import compile_all

    print(f"{len(compile_all())} messages are compiled.")
    return 0
