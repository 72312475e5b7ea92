"""The bugs that the field has had: which test protects against each, as the tests themselves say by
the numbers that begin their docstrings.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

BUGS = {
    1: "an update that arrives before the creation",
    2: "a creation and an update at the same time",
    3: "our own call and its webhook",
    4: "two events of one second",
    5: "answers that complete in reverse",
    6: "the same event again",
    7: "a first attempt that failed",
    8: "a defect that is reported as success",
    9: "customers and products that are not ours",
    10: "an event that fails for ever",
    11: "a webhook that takes longer than Stripe waits",
    12: "an endpoint that was dead for weeks",
    13: "paid at Stripe, and nothing here",
    14: "a failed catch-up that counted as done",
    15: "a deleted customer",
    16: "the end of a trial without a card, in each of Stripe's ways",
    17: "a trial end that is removed",
    18: "a trial that is shortened, ended now, or shorter than the notice",
    19: "a reminder that depends on an event",
    20: "a reminder to somebody who has paid or canceled",
    21: "a second trial of the same person",
    22: "paid during the trial",
    23: "a plan change during the trial",
    24: "a browser that is faster than the webhook",
    25: "a double click, two tabs",
    26: "an idempotency key that returns an expired session",
    27: "an abandoned purchase and a new one",
    28: "another plan after an incomplete purchase",
    29: "the end of an old subscription after a new purchase",
    30: "a resumption of an ended subscription",
    31: "a cancellation in either of Stripe's fields",
    32: "the card page of a past-due customer",
    33: "a collection that is paused while the status says active",
    34: "a late payment of an old invoice after the cancellation",
    35: "charged without access",
    36: "fields that moved between API versions",
    37: "a signature over other bytes than those received",
    38: "an event of the other mode",
    39: "a charge made twice, in another currency, or of nothing",
    40: "a link scanner that unsubscribes",
    41: "what an unsubscription stops, and what a hard bounce stops",
    42: "a way around the suppression list",
    43: "a crash between sending and recording",
}
"""Read in the code of others, or reported by their users."""

NOT_YET: dict[int, str] = {}
"""Those without a test, and why."""

BESIDE = {
    "test_access_closes_at_the_trials_end_with_every_later_webhook_lost": (
        "a stored `trialing` that counts for ever"
    )
}
"""Tests of test_field_bugs.py against what was read in others' code and has no number."""

_NUMBERS = re.compile(r"(\d+(?:, \d+)*)[.:]")


def numbered(folder: Path) -> dict[int, list[str]]:
    """The names of the tests whose docstring begins with a bug's number, by number, in the order of
    their files.
    """
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        for name, doc in _documented(path):
            if numbers := _NUMBERS.match(doc):
                for number in numbers[1].split(", "):
                    found[int(number)].append(name)
    return found


def _documented(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, ast.get_docstring(node) or ""


def rows(found: dict[int, list[str]], not_yet: dict[int, str] = NOT_YET) -> list[str]:
    """The lines of the page's table. Raises ValueError for a number that no bug has, and for a bug
    with neither a test nor a reason, or both.
    """
    if strange := found.keys() - BUGS.keys():
        raise ValueError(
            f"There is no bug of the number {min(strange)}: {found[min(strange)][0]} must begin"
            " with another one."
        )
    lines = []
    for number, title in BUGS.items():
        names, reason = found.get(number, []), not_yet.get(number)
        if bool(names) is bool(reason):
            what = "a test and a reason to have none" if reason else "neither a test nor a reason"
            raise ValueError(f"Bug {number} ({title}) has {what}.")
        lines += [f"| {number} | {title} | {name} |" for name in names or [reason]]
    return lines + [f"| | {title} | {name} |" for name, title in BESIDE.items()]
