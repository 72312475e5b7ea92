"""Apply facts to an account and save it. Fetches from Stripe what the facts leave undecided."""

from collections.abc import Callable, Sequence

from chalicelib.domain.account.facts import Fact, FetchResult
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.ingestion.fetching import StripeFetcher, fetch_pending
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import update


def apply_facts(
    account: Account,
    facts: Sequence[Fact],
    services: Services,
    fetcher: StripeFetcher | None,
    unpublished: list[Account] | None = None,
    check: Callable[[Account], None] = lambda found: None,
) -> Account:
    """The account with `facts` applied, as saved; unchanged and not saved if they are not new.

    Fetches at once what only Stripe can decide, and what was left open before; what Stripe does not
    answer now is fetched later, by the schedule. Without a fetcher nothing is fetched.
    `unpublished` as in `update`. `check` gets the account that the facts are applied to, and may
    raise. Raises Unavailable if the table cannot be reached, if other writers are always faster,
    or if the account was erased meanwhile.
    """
    answers: list[FetchResult] = []  # kept between tries: nothing is fetched twice

    def change(found: Account) -> Account | None:
        check(found)
        updated = found
        for fact in (*facts, *answers):
            updated = apply(updated, fact)
        updated = fetch_pending(updated, answers, fetcher) if fetcher else updated
        if updated == found:
            return None
        now = services.clock.now()
        return next_version(found, updated, services.policy, now, services.comes_again)

    after = update(account.id, change, services, known=account, unpublished=unpublished)
    if after is None:
        raise Unavailable(f"Account {account.id} was erased meanwhile.")
    return after
