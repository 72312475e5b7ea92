"""Is every message of the policy whole? A missing variable is an error before it is a mail."""

from collections.abc import Iterable

from chalicelib.domain.sequences import Step
from chalicelib.outreach.rendering import BrokenMessage, missing
from chalicelib.outreach.samples import SAMPLES


def check_messages(steps: Iterable[Step]) -> None:
    """Return if the message of every step has all that it needs for every kind of reader. Raises BrokenMessage, UnknownMessage."""
    for step in steps:
        for reader, variables in SAMPLES.items():
            if names := missing(step.message, variables):
                raise BrokenMessage(f"The message {step.message} needs {', '.join(names)}, which {reader} has not.", step.message)
