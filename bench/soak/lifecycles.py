"""Kinds of customers: what they do, and on which day. Drawn by a seed, so that the same seed
gives the same customers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

DAY = timedelta(days=1)
ARRIVE_WITHIN = 5.0
"""The days within which all customers sign up: fewer than five hundred a day, above which
everybody has to confirm the address first.
"""

LIFE = 60.0
ZONES = (
    None,
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Australia/Sydney",
    "Pacific/Auckland",
)

Plan = list[tuple[float, str, tuple[str, ...]]]
"""Days since the signup, the action, and its argument."""

Draw = Callable[[Random], Plan]


@dataclass(frozen=True, slots=True)
class Act:
    """One action of a customer, at a time after the start of the soak test. `does` names one of
    acts.ACTS.
    """

    at: timedelta
    does: str
    with_: tuple[str, ...] = ()


@dataclass
class Customer:
    """One customer; the ids are known after the signup."""

    number: int
    kind: str
    zone: str | None
    acts: list[Act]
    account_id: str = ""
    stripe_id: str = ""
    refused: list[str] = field(default_factory=list)
    """The actions that were not possible."""

    @property
    def email(self) -> str:
        """Its address."""
        return f"customer{self.number}@example.com"


def _card(
    chance: Random, card: str = "tok_visa", first: float = 1, last: float = 13
) -> tuple[float, str, tuple[str, ...]]:
    return chance.uniform(first, last), "gives_card", (card,)


def _later(
    chance: Random, first: float, last: float, does: str, *with_: str
) -> tuple[float, str, tuple[str, ...]]:
    return chance.uniform(first, last), does, with_


KINDS: dict[str, tuple[int, Draw]] = {
    "never returns": (6, lambda chance: []),
    "converts by Checkout": (4, lambda chance: [_later(chance, 0.2, 13, "buys", "tok_visa")]),
    "pays at the trial's end": (4, lambda chance: [_card(chance)]),
    "card fails, is replaced": (
        3,
        lambda chance: [
            _card(chance, "tok_chargeCustomerFail"),
            _later(chance, 15, 24, "gives_card", "tok_mastercard"),
        ],
    ),
    "card fails for good": (2, lambda chance: [_card(chance, "tok_chargeCustomerFail")]),
    "buys without a trial": (2, lambda chance: [_later(chance, 0.5, 30, "buys", "tok_amex")]),
    "cancels at the period's end": (
        2,
        lambda chance: [_card(chance), _later(chance, 15, 50, "cancels_at_period_end")],
    ),
    "cancels at once": (2, lambda chance: [_card(chance), _later(chance, 5, 55, "cancels_now")]),
    "changes their mind": (
        2,
        lambda chance: [
            _card(chance),
            _later(chance, 15, 25, "cancels_at_period_end"),
            _later(chance, 25.1, 40, "changes_mind"),
        ],
    ),
    "comes back after the end": (3, lambda chance: [_later(chance, 15, 45, "buys", "tok_visa")]),
    "comes back after canceling": (
        2,
        lambda chance: [
            _card(chance),
            _later(chance, 15, 25, "cancels_now"),
            _later(chance, 26, 50, "buys", "tok_visa"),
        ],
    ),
    "3-D Secure": (
        2,
        lambda chance: [
            _card(chance, "tok_threeDSecure2Required"),
            _later(chance, 14.5, 20, "authenticates"),
        ],
    ),
    "pauses": (
        2,
        lambda chance: [
            _card(chance),
            _later(chance, 15, 30, "pauses"),
            _later(chance, 31, 50, "goes_on"),
        ],
    ),
    "switches the plan": (
        2,
        lambda chance: [_card(chance), _later(chance, 3, 50, "switches_plan", "scale_monthly")],
    ),
    "is deleted": (2, lambda chance: [_card(chance), _later(chance, 3, 50, "is_deleted")]),
}
"""Each kind with how many of about forty customers it has."""

READS, USES, UNSUBSCRIBES = 0.5, 0.3, 0.05
"""The shares of customers who open a link of a mail (which proves the address), who reach a
milestone, and who unsubscribe.
"""


def population(customers: int, seed: int) -> list[Customer]:
    """A number of customers. The first of each kind come first, so that a small run has all
    kinds too.
    """
    chance = Random(seed)
    kinds, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    drawn = kinds[:customers] + chance.choices(kinds, weights, k=max(0, customers - len(kinds)))
    return [_customer(number, kind, chance) for number, kind in enumerate(drawn)]


def _customer(number: int, kind: str, chance: Random) -> Customer:
    comes = chance.uniform(0, ARRIVE_WITHIN)
    plan: Plan = [
        (0.0, "is_made" if kind == "buys without a trial" else "signs_up", ()),
        *KINDS[kind][1](chance),
    ]
    for share, does, last in (
        (READS, "opens_link", 10.0),
        (USES, "uses", 6.0),
        (UNSUBSCRIBES, "unsubscribes", 12.0),
    ):
        if chance.random() < share:
            plan.append(_later(chance, 0.1, last, does))
    acts = [Act((comes + day) * DAY, does, with_) for day, does, with_ in sorted(plan)]
    return Customer(number, kind, chance.choice(ZONES), acts)
