"""Fetch the events that Stripe could not deliver, and queue them as if it had delivered them."""

from chalicelib.domain.errors import ConcurrentUpdate, Refused, Unavailable
from chalicelib.domain.reconciliation.backfill import GROUPS, Undelivered, after, under_way
from chalicelib.usecases.reconciliation.rate_limit import RateLimiter
from chalicelib.usecases.services import Services
from chalicelib.values import frozen


@frozen
class Fetched:
    """How many events a run put into the events queue, and the failure that stopped it, if any."""

    events: int
    failure: Exception | None = None


def backfill_events(services: Services) -> Fetched:
    """Put undelivered events into the events queue, where each is processed like any other: a
    duplicate does no harm, and one that fails delays no other.

    A page is done once all of it is in the queue. What fails now, and what a run does not reach,
    the next run repeats.
    """
    round, limiter, fetched = (
        under_way(services.stores.job_states.load(Undelivered), services.clock.now()),
        RateLimiter(services),
        0,
    )
    stopped_by: Exception | None = None
    try:
        while round.until and limiter.goes_on():
            page = services.stripe.listing.undelivered_events(
                GROUPS[round.group], round.since or round.until, round.place
            )
            limiter.made()
            for event in page.entries:
                services.queues.events.send(event)
            fetched += len(page.entries)
            following = after(round, page.next_page)
            services.stores.job_states.save(round, following)
            round = following
    except ConcurrentUpdate:
        pass  # another run is at work
    except (Unavailable, Refused) as failure:
        services.metrics.count(
            "ListsRefused" if isinstance(failure, Refused) else "ListsUnanswered", 1
        )
        stopped_by = failure
    services.metrics.count("EventsFetched", fetched)
    return Fetched(fetched, stopped_by)
