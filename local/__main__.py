"""The local system's command line, python -m local."""

import argparse
import json
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.errors import BillhookError
from local.aws.emulator import EmulatorError
from local.client import Client, Unreachable
from local.durations import length
from local.recordings import Recording
from local.replay import Manner, play
from local.shutdown import Stopped, run_until_signal
from ops.command_line import Command, execute

if TYPE_CHECKING:
    from local.system import System

PROGRAM = "python -m local"
WHERE_TO_LOOK = """
Billhook runs at {base}  (Ctrl-C ends it)

  Control room     {base}/_local  (start here)
  Example site     {base}/_local/site/
  Mailbox          {base}/_local/mailbox
  Example product  {product}
  Intercom         {intercom}
  Stripe           {stripe}
  AWS emulator     {emulator}
  API key          {key}
  Stripe's events  {base}/webhooks/stripe  (signed with {secret})

Play a recorded customer to it, in a second terminal:
  .venv/bin/python -m local play tests/recordings/trial_converts.json --port {port}
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command, or list them. Returns the exit status: 0 if it succeeded, 1 if it failed,
    with a sentence on stderr, 2 if there is no such command.
    """
    return execute({"Commands": COMMANDS}, arguments, PROGRAM)


def _run(options: argparse.Namespace) -> int:
    return run_until_signal(lambda stopping: _serve(options.port, stopping))


def _serve(port: int, stopping: threading.Event) -> int:
    from local.system import System

    try:
        system = System(port, stopping=stopping, tell=lambda step: _tell(f"  {step}"))
    except (OSError, OverflowError) as error:
        return _refuse(f"Port {port} cannot be used ({error}). Choose another: make run PORT=8001")
    _tell("Starting Billhook:")
    try:
        with system:
            print(_where_to_look(system), flush=True)
            stopping.wait()
    except Stopped:
        return 0
    except (EmulatorError, BillhookError) as error:
        return _refuse(str(error))
    return 0


def _where_to_look(system: "System") -> str:
    is_simulated = system.has_simulator
    return WHERE_TO_LOOK.format(
        base=system.base,
        stripe=system.stripe_base + ("  (simulated: docs/stripe-sim.md)" if is_simulated else ""),
        product=system.product_url or "does not run",
        intercom=f"{system.base}/_local/intercom  (a stand-in: docs/people.md)"
        if system.has_intercom
        else "does not run",
        emulator=system.emulator_endpoint,
        key=system.api_key,
        secret=system.webhook_secret,
        port=system.port,
    )


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


def _port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8000, help="port of the system, else 8000")


def _way_to_play(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", type=Path, help="a file of tests/recordings")
    parser.add_argument(
        "--shuffle", type=int, metavar="SEED", help="deliver in a random order with this seed"
    )
    parser.add_argument(
        "--double",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="deliver this share of the events twice",
    )
    parser.add_argument(
        "--drop",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="leave out this share of the events",
    )
    parser.add_argument(
        "--pace", type=float, default=0.0, metavar="SECONDS", help="wait before each event"
    )
    parser.add_argument(
        "--advance",
        type=_length,
        metavar="LENGTH",
        help="move the clock forward after the last event, such as 30d",
    )


COMMANDS = (
    Command("run", "Start the whole system on this machine; Ctrl-C ends it", _run, (_port,)),
    Command("play", "Play a recorded customer to the system", _play, (_port, _way_to_play)),
)


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


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _refuse(sentence: str) -> int:
    _tell(sentence)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
