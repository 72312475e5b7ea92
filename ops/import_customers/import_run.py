"""Customers that Stripe had before Billhook was there, adopted one by one, within what Stripe
allows.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput, Refused, Unavailable
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.usecases.ingestion.adopt import adopt_old
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services
from ops.import_customers.survey import Candidate

OUTCOMES = {
    "imported": "imported",
    "completed": "had been begun, and now is whole",
    "known": "had an account already",
    "unanswered": (
        "imported; Stripe did not answer every question, and the stage asks again by itself"
    ),
    "gone": "no longer at Stripe, or erased here",
    "failed": "not imported",
}
"""What can become of a candidate."""

A_BATCH = 100
"""Candidates that are looked up in the table at once."""


def listed(
    transport: StripeTransport, path: str, livemode: bool, **parameters: Any
) -> Iterator[Raw]:
    """All that is in a list of Stripe's, a hundred a call.

    Raises InvalidInput where it is of the other mode than the stage's, Unavailable, Refused.
    """
    after: dict[str, Any] = {}
    while True:
        page = transport.get(path, limit=100, **parameters, **after)
        data = page["data"] if page else []
        if any(one.get("livemode") is (not livemode) for one in data):
            mode, other = ("live", "test") if livemode else ("test", "live")
            raise InvalidInput(
                f"This stage is for Stripe's {mode} mode, and its stripe-api-key is of the {other}"
                " mode.",
                "stripe-api-key",
            )
        yield from data
        if not page or not page["has_more"] or not data:
            return
        after = {"starting_after": data[-1]["id"]}


def bring_in(
    candidates: Sequence[Candidate], services: Services
) -> Iterator[tuple[Candidate, str, str]]:
    """Each candidate with what became of it, one of OUTCOMES, and what went wrong where something
    did.

    How far an import is, the table tells: who has an account is passed over without a call of
    Stripe's, and who has one that still waits for Stripe's answers is made whole. So it may end
    anywhere and be run again. Raises Unavailable, Refused where Stripe or the table goes on giving
    no answer.
    """
    for start in range(0, len(candidates), A_BATCH):
        batch = candidates[start : start + A_BATCH]
        accounts = services.stores.accounts.of_customers(
            {one.customer: one.account_id for one in batch}
        )
        for candidate in batch:
            try:
                yield (
                    candidate,
                    _brought_in(candidate, accounts.get(candidate.customer), services),
                    "",
                )
            except (Unavailable, Refused):
                raise
            except Exception as failure:
                # One customer that cannot be imported must not keep the others waiting. The text
                # may hold what it failed on.
                yield candidate, "failed", type(failure).__name__


def _brought_in(candidate: Candidate, known: Account | None, services: Services) -> str:
    if known and not known.asks:
        return "known"
    fetcher = StripeFetcher(services)
    account = known or adopt_old(candidate.customer, services, fetcher)
    if account is None:
        return "gone"
    whole = apply_facts(account, [], services, fetcher)
    if whole.asks:
        return "unanswered"
    return "completed" if known else "imported"
