"""python -m ops mcp: the API as tools of an assistant."""

import argparse
import os

from ops.command_line import Command


def _serve(options: argparse.Namespace) -> int:
    from ops.mcp.api import Api
    from ops.mcp.server import serve
    from ops.stage.listening import key_for

    # With the admin key all that can be read can be tried here; whether tools act is said apart.
    key = key_for(options.url, options.key, local="admin_key")
    serve(Api(options.url, key), options.allow_actions)
    return 0


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        default=os.environ.get("BILLHOOK_URL", "http://127.0.0.1:8000"),
        help="the stage (default: BILLHOOK_URL, or the local system)",
    )
    parser.add_argument(
        "--key",
        help="a read or admin key, a write key for actions (default: BILLHOOK_KEY, or the local"
        " system's admin key)",
    )
    parser.add_argument(
        "--allow-actions",
        "--write",
        action="store_true",
        help="also tools that change something; none erases, charges or cancels",
    )


COMMANDS = (
    Command(
        "mcp",
        "Serve the API as tools of an assistant, over standard input and output",
        _serve,
        (_which,),
    ),
)
