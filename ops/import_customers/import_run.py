"""Adopts the customers that Stripe had before Billhook was installed, one by one, within Stripe's
rate limits.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput, Refused, Unavailable
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.usecases.ingestion.adopt import adopt_old
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.instances.report import InstanceReport, report_instance
from chalicelib.usecases.services import Services
from chalicelib.values import replace
from ops.import_customers.survey import Candidate

OUTCOMES = {
    "imported": "imported",
    "completed": "an earlier import had begun it; complete now",
    "known": "had an account already",
    "apart": (
        "imported apart: the account that its metadata names exists, and is not proved. python -m"
        " ops accounts joins lists them"
    ),
    "unanswered": (
        "imported; Stripe did not answer every call, and the stage repeats them by itself"
    ),
    "gone": "no longer at Stripe, or erased here",
    "failed": "not imported",
}
"""What can be the result for a candidate."""

A_BATCH = 100
"""How many candidates are looked up in the table in one call."""


def listed(
    transport: StripeTransport, path: str, livemode: bool, **parameters: Any
) -> Iterator[Raw]:
    """The objects of a list of Stripe's.

    Raises InvalidInput if they are of the other mode than the stage, Unavailable, Refused.
    """
    for found in transport.each(path, **parameters):
        if found.get("livemode") is (not livemode):
            mode, other = ("live", "test") if livemode else ("test", "live")
            raise InvalidInput(
                f"This stage is for Stripe's {mode} mode, and its stripe-api-key is of the {other}"
                " mode.",
                "stripe-api-key",
            )
        yield found


def instances_in(text: str) -> dict[str, str]:
    """Customer → the URL of the instance that they have already: a line for each, with white space
    between. Raises InvalidInput.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or not words[0].startswith("cus_"):
            raise InvalidInput(
                f"Line {number} must be a customer and a URL: cus_1 https://a.acme.app", "instances"
            )
        found[words[0]] = words[1]
    return found


def run_import(
    candidates: Sequence[Candidate],
    services: Services,
    instances: Mapping[str, str] | None = None,
) -> Iterator[tuple[Candidate, str, str]]:
    """Each candidate with its outcome, one of OUTCOMES, and what failed, if anything did. Those in
    `instances` are ready at that URL: nothing is asked of the provisioner for them.

    The table has the progress: a customer with an account is skipped without a call to Stripe, and
    an account that still waits for fetches is completed. So an import can stop anywhere and be run
    again. Raises Unavailable, Refused if Stripe or the table does not answer.
    """
    for start in range(0, len(candidates), A_BATCH):
        batch = candidates[start : start + A_BATCH]
        accounts = services.stores.accounts.of_customers(
            {candidate.customer: candidate.account_id for candidate in batch}
        )
        for candidate in batch:
            try:
                url = (instances or {}).get(candidate.customer)
                known = accounts.get(candidate.customer)
                yield candidate, _with_its_instance(candidate, known, url, services), ""
            except (Unavailable, Refused):
                raise
            except Exception as failure:
                # One customer that cannot be imported must not stop the import. The error's text
                # may contain payload data.
                yield candidate, "failed", type(failure).__name__


def _with_its_instance(
    candidate: Candidate, known: Account | None, url: str | None, services: Services
) -> str:
    """The outcome. Until the instance is known, none is asked for."""
    if url is None:
        return _brought_in(candidate, known, services)
    policy = services.policy
    quiet = replace(services, policy=replace(policy, instance=None))
    outcome = _brought_in(candidate, known, quiet)
    found = services.stores.accounts.of_customers({candidate.customer: candidate.account_id})
    account = found.get(candidate.customer)
    if account and account.instance is None:
        report_instance(account.id, InstanceReport("ready", url), services)
    return outcome


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
    if known:
        return "completed"
    return "apart" if whole.refused_join else "imported"
