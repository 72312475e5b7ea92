"""`python -m local run` starts the whole system on this machine; `python -m local play` plays a
recorded history to it.
"""

import argparse
import json
import sys
import threading
from datetime import timedelta
from pathlib import Path

from chalicelib.domain.errors import BillhookError
from local.aws.emulator import EmulatorError
from local.client import Client, Unreachable
from local.durations import length
from local.recordings import Recording
from local.replay import Manner, play
from local.shutdown import Stopped, run_until_signal


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="start the system and run until Ctrl-C")
    run.add_argument("--port", type=int, default=8000)
    run.set_defaults(command=_run)
    player = commands.add_parser("play", help="play a recording to the running system")
    player.add_argument("recording", type=Path)
    player.add_argument("--port", type=int, default=8000)
    player.add_argument(
        "--shuffle", type=int, metavar="SEED", help="in an order that this number gives"
    )
    player.add_argument(
        "--double",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="deliver this share of the events twice",
    )
    player.add_argument(
        "--drop",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="leave this share of the events out",
    )
    player.add_argument(
        "--pace", type=float, default=0.0, metavar="SECONDS", help="wait before each event"
    )
    player.add_argument(
        "--advance",
        type=_length,
        metavar="LENGTH",
        help="after the last event, move the clock on by so much, such as 30d",
    )
    player.set_defaults(command=_play)
    options = parser.parse_args(arguments)
    code: int = options.command(options)
    return code


def _run(options: argparse.Namespace) -> int:
    return run_until_signal(lambda stopping: _serve(options, stopping))


def _serve(options: argparse.Namespace, stopping: threading.Event) -> int:
    from local.system import System

    try:
        system = System(options.port, stopping=stopping)
    except (OSError, OverflowError) as error:
        return _refuse(
            f"Port {options.port} cannot be used ({error}). Choose another: make run PORT=8001"
        )
    try:
        with system:
            simulated = " (simulated: docs/stripe-sim.md)" if system.has_simulator else ""
            print(f"Billhook runs at    {system.base}   (Ctrl-C ends it)")
            print(f"  control room      {system.base}/_local")
            print(f"  example site      {system.base}/_local/site/   (sign up there)")
            print(f"  mailbox           {system.base}/_local/mailbox")
            print(
                f"  Stripe's events   {system.base}/webhooks/stripe   signed with"
                f" {system.webhook_secret}"
            )
            print(f"  API key           {system.api_key}")
            print(f"  Stripe            {system.stripe_base}{simulated}")
            print(f"  AWS emulator      {system.emulator_endpoint}")
            print(
                "Play it a history:  .venv/bin/python -m local play"
                f" tests/recordings/trial_converts.json --port {system.port}",
                flush=True,
            )
            stopping.wait()
    except Stopped:
        return 0
    except (EmulatorError, BillhookError) as error:
        return _refuse(str(error))
    return 0


def _play(options: argparse.Namespace) -> int:
    try:
        recording = Recording.load(options.recording)
    except (OSError, KeyError, json.JSONDecodeError) as error:
        return _refuse(f"{options.recording} is no recording: {error}")
    manner = Manner(options.shuffle, options.double, options.drop, options.pace)
    try:
        return play(Client(f"http://127.0.0.1:{options.port}"), recording, manner, options.advance)
    except Unreachable as error:
        return _refuse(f"{error}. Is `make run PORT={options.port}` running?")
    except RuntimeError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 130


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("a share lies between 0 and 1")
    return share


def _length(text: str) -> timedelta:
    try:
        return length(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("a length is such as 30d, 12h or 2w") from None


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
