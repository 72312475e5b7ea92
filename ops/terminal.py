"""What the commands print: no word of a customer's or of a payload controls the operator's
terminal, or looks like a line of ours.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

from chalicelib.domain.security.visible_text import visible


def print_lines(lines: Iterable[str]) -> None:
    """Print each of them as one line, whatever line ends there are in it."""
    for line in lines:
        print(visible(line, kept=""))


def print_progress(text: str, stream: TextIO | None = None, end: str = "") -> None:
    """Print a text of ours over the terminal's line. `stream` is stdout if not given."""
    stream = stream or sys.stdout
    raw = stream.raw if isinstance(stream, _Visible) else stream
    print(f"\r{text}", end=end, file=raw, flush=True)


EVERY = 100
"""After so many things a run whose output goes into a file prints a line of its own."""


def print_count(done: int, all: int) -> None:
    """Print how many of all things are done, as a line that grows in a terminal."""
    if sys.stdout.isatty():
        print_progress(f"{done} of {all}", end="\n" if done == all else "")
    elif done % EVERY == 0 or done == all:
        print(f"{done} of {all}", flush=True)


def outcome_lines(outcomes: Counter[str], words: Mapping[str, str]) -> list[str]:
    """A line for each outcome: how often, and what it means by `words`."""
    return [f"{number:>7}  {words[outcome]}" for outcome, number in outcomes.most_common()]


class _Visible:
    """A stream that shows what is written to it, and else is the stream that it stands for."""

    def __init__(self, raw: TextIO) -> None:
        self.raw = raw

    def write(self, text: str) -> int:
        self.raw.write(visible(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


@contextmanager
def visible_output() -> Iterator[None]:
    """Within it, everything that is printed goes through `visible`."""
    out, errors = cast(TextIO, _Visible(sys.stdout)), cast(TextIO, _Visible(sys.stderr))
    with redirect_stdout(out), redirect_stderr(errors):
        yield
