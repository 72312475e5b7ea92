"""Typical customers: what each of them does, and when. The simulated Stripe does the rest."""

from dataclasses import dataclass

DEEDS = {
    "opens": "opens the link in the first mail",
    "uses": "does in the product all that it reports",
    "gives a card": "gives a card that works",
    "loses the card": "has a card that is declined from now on",
    "cancels": "cancels to the end of the paid period",
    "buys": "buys again",
}
"""Everything that a customer can do, with its description."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One of DEEDS, a number of days after the signup, or after the end of the trial."""

    what: str
    day: float
    after_trial: bool = False

    def at_day(self, trial_days: int) -> float:
        """Days after the signup, for a trial of this length."""
        return self.day + (trial_days if self.after_trial else 0)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer who signs up and then does `deeds`. `name` is short, `story` a sentence."""

    name: str
    story: str
    deeds: tuple[Deed, ...] = ()


_BEGINS = (Deed("opens", 0.01), Deed("uses", 1), Deed("gives a card", 5))

CUSTOMERS = (
    Customer("never returns", "Signs up, and is not seen again."),
    Customer(
        "looks around",
        "Opens the first mail, does nothing of what the product reports, and never pays.",
        (Deed("opens", 0.01),),
    ),
    Customer("converts", "Tries it, gives a card on day 5, and stays.", _BEGINS),
    Customer(
        "card fails",
        "Pays once; then the card is declined. Gives another one ten days after the renewal.",
        (
            *_BEGINS,
            Deed("loses the card", 16, after_trial=True),
            Deed("gives a card", 41, after_trial=True),
        ),
    ),
    Customer(
        "cancels",
        "Pays once, and cancels six days later.",
        (*_BEGINS, Deed("cancels", 6, after_trial=True)),
    ),
    Customer(
        "comes back",
        "Pays once, cancels, and buys again ten days after access ended.",
        (*_BEGINS, Deed("cancels", 6, after_trial=True), Deed("buys", 41, after_trial=True)),
    ),
)
"""One customer of each kind. Renewals are monthly: the second payment is tried 30 or 31 days after
the trial.
"""
