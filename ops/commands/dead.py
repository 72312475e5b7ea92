"""python -m ops dead: the dead letters of a stage."""

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chalicelib.domain.changes.dead_letters import CODES, ORIGINS, DeadLetter
from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.confirm import agreed
from ops.stage.stages import Stage, add_stage, find_stage, stage_name

if TYPE_CHECKING:
    from chalicelib.aws.stage.dead_letters import DeadLetterQueue
    from chalicelib.usecases.operators.dead_letters.handling import Senders

MOST = 1000
"""How many dead letters one command reads."""


def _list(options: argparse.Namespace) -> int:
    from chalicelib.usecases.operators.dead_letters.handling import looking

    queue, _ = _queue_and_senders(find_stage(stage_name(options)))
    with looking(queue, options.most) as letters:
        print(*map(line, letters), *_end(letters, options.most), sep="\n")
    return 0


def _show(options: argparse.Namespace) -> int:
    from chalicelib.usecases.operators.dead_letters.handling import looking

    queue, _ = _queue_and_senders(find_stage(stage_name(options)))
    with looking(queue, options.most) as letters:
        (letter,) = _named(letters, [options.id])
        print(line(letter), ORIGINS[letter.origin], "", letter.body, sep="\n")
    return 0


def _redrive(options: argparse.Namespace) -> int:
    from chalicelib.usecases.operators.dead_letters.handling import looking, redrive

    queue, senders = _queue_and_senders(find_stage(stage_name(options)))
    with looking(queue, options.most) as letters:
        wanted = (
            _named(letters, options.ids)
            if options.ids
            else [one for one in letters if options.all or one.code == options.code]
        )
        if wanted:
            note("dead redrive", options)
        status = _tell(redrive(wanted, queue, senders))
        print(*_end(letters, options.most), sep="\n")
    return status


def _discard(options: argparse.Namespace) -> int:
    from chalicelib.usecases.operators.dead_letters.handling import discard, looking

    queue, _ = _queue_and_senders(find_stage(stage_name(options)))
    with looking(queue, options.most) as letters:
        wanted = _named(letters, options.ids)
        print(*map(line, wanted), sep="\n")
        if not (options.yes or agreed(f"Delete {len(wanted)}? Their content is lost.")):
            print("Nothing was deleted.")
            return 1
        note("dead discard", options)
        return _tell(discard(wanted, queue))


def line(letter: DeadLetter) -> str:
    """A dead letter in one line, without its payload."""
    about = " ".join(word for word in (letter.what, letter.account) if word) or "?"
    return (
        f"{letter.id}  {letter.at:%Y-%m-%d %H:%M:%S}  {letter.origin:<8}  {letter.code:<11} "
        f" {about}  {letter.reason}".rstrip()
    )


def _tell(done: Iterable[tuple[DeadLetter, str]]) -> int:
    from chalicelib.usecases.operators.dead_letters.handling import FAILED, OUTCOMES

    failed = 0
    for letter, outcome in done:
        failed += outcome in FAILED
        print(
            f"{letter.id}  {outcome}: {OUTCOMES[outcome]}",
            file=sys.stderr if outcome in FAILED else sys.stdout,
        )
    return 1 if failed else 0


def _end(letters: list[DeadLetter], most: int) -> list[str]:
    more = (
        " There may be more: use a larger --most, or run it again." if len(letters) >= most else ""
    )
    return [f"{len(letters)} dead letter{'' if len(letters) == 1 else 's'}.{more}"]


def _named(letters: list[DeadLetter], ids: list[str]) -> list[DeadLetter]:
    found = {letter.id: letter for letter in letters}
    if missing := [id for id in ids if id not in found]:
        raise InvalidInput(
            f"There is no dead letter {', '.join(missing)}: python -m ops dead list shows them.",
            "id",
        )
    return [found[id] for id in dict.fromkeys(ids)]


def _queue_and_senders(stage: Stage) -> tuple["DeadLetterQueue", "Senders"]:
    """The stage's dead letters, and the functions that send them back."""
    import boto3

    from chalicelib.aws.queues import GroupedQueue, Queue
    from chalicelib.aws.stage.dead_letters import DeadLetterQueue
    from chalicelib.usecases.operators.dead_letters.handling import senders_to
    from chalicelib.usecases.operators.dead_letters.reading import read_letter
    from ops.recovery.feedback import feedback_function

    sqs, outputs = boto3.client("sqs"), stage.outputs
    queues = {
        "events": Queue(outputs["EventsQueueUrl"], sqs),
        "act": Queue(outputs["ActQueueUrl"], sqs),
        "mail": Queue(outputs["MailQueueUrl"], sqs),
    }
    senders = senders_to(
        queues,
        GroupedQueue(outputs["DeliveriesQueueUrl"], sqs),
        feedback_function(outputs["FeedbackFunctionName"], boto3.client("lambda")),
    )
    return DeadLetterQueue(outputs["DeadLettersQueueUrl"], read_letter, sqs), senders


def _id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the dead letter's id, as the list shows it")


def _which(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", nargs="*", default=[], metavar="ID", help="the dead letters' ids")
    which.add_argument("--code", choices=CODES, help="all dead letters with this reason")
    which.add_argument("--all", action="store_true", help="all dead letters")


def _discarded(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="the dead letters' ids")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _most(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--most",
        type=int,
        default=MOST,
        help=f"read at most this many dead letters (default: {MOST})",
    )


COMMANDS = (
    Command(
        "dead list",
        "List the dead letters, each with its subject and reason, without payloads",
        _list,
        (_most, add_stage),
    ),
    Command(
        "dead show",
        "Show a dead letter with its payload, which may contain email addresses",
        _show,
        (_id, _most, add_stage),
    ),
    Command(
        "dead redrive",
        "Send dead letters back to the queue that they came from",
        _redrive,
        (_which, _most, add_stage),
    ),
    Command(
        "dead discard",
        "Delete dead letters for good",
        _discard,
        (_discarded, _most, add_stage),
    ),
)
