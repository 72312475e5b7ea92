"""What an account waits for, in the words of the dashboard."""

from collections.abc import Callable

from chalicelib.domain.schedule.due_work import DueItem

UPDATES = {
    "cancellation": "the subscription has ended",
    "resumption": "the pause is over",
    "trial": "the trial has ended",
    "first_payment": "the first payment has come or not",
    "period": "the next period has begun",
    "trial_payment": "the payment after the trial has come or not",
    "attempt": "a payment was tried again",
    "debit": "a bank debit has come or not",
    "due": "an invoice was paid by its due date",
}
"""Each expected update of Stripe, as what should be known by then."""


def _of_update(text: str) -> str:
    what = text.rpartition(": ")[2]
    return f"Ask Stripe, unless it has told that {UPDATES.get(what, what)}"


WORDS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("send ", "", lambda key: f"Mail {key.partition('@')[0]}"),
    ("queue ", " again", lambda key: f"Queue mail {key.partition('@')[0]} again"),
    ("run ", "", lambda name: f"Try again at Stripe: {name}"),
    ("change the standing", "", lambda _: "Access is decided anew"),
    ("publish the outbox", "", lambda _: "Tell others what has changed"),
    ("look after the instance", "", lambda _: "Look after the instance"),
    ("forget what", "", lambda _: "Erase what nobody proved or used"),
)
"""How an item begins and ends, and what to say of what stands between."""


def spoken_due(item: DueItem) -> str:
    """An item of due work in words."""
    if item.what.startswith("fetch "):
        if " unless Stripe reports: " in item.what:
            return _of_update(item.what)
        return "Ask Stripe again: an answer is missing"
    for begin, end, say in WORDS:
        if item.what.startswith(begin):
            return say(item.what.removeprefix(begin).removesuffix(end))
    return item.what
