"""Fetch the events that Stripe could not deliver, and queue them as if it had delivered them."""

from dataclasses import dataclass

from chalicelib.domain.errors import ConcurrentUpdate, Refused, Unavailable
from chalicelib.domain.reconciliation.backfill import GROUPS, Undelivered, after, under_way
from chalicelib.usecases.reconciliation.rate_limit import RateLimiter
from chalicelib.usecases.services import Services


@dataclass(frozen=True, slots=True)
class Fetched:
    """How many events a run put into the events queue, and the failure that ended it early, if one
    did.
    """

    events: int
    failure: Exception | None = None


def backfill_events(services: Services) -> Fetched:
    """Put undelivered events into the events queue, where each is taken in like any other: twice
    does no harm, and one that cannot be taken in holds up no other.

    A page counts as done once the queue has all of it. What Stripe, the table or the queue do not
    take or give now, and what a run does not reach, the next run does again.
    """
    round, pace, fetched = (
        under_way(services.stores.job_states.load(Undelivered), services.clock.now()),
        RateLimiter(services),
        0,
    )
    stopped_by: Exception | None = None
    try:
        while round.until and pace.goes_on():
            page = services.stripe.listing.undelivered_events(
                GROUPS[round.group], round.since or round.until, round.place
            )
            pace.made()
            for event in page.entries:
                services.queues.events.send(event)
            fetched += len(page.entries)
            further = after(round, page.next_page)
            services.stores.job_states.save(round, further)
            round = further
    except ConcurrentUpdate:
        pass  # another fetches already
    except (Unavailable, Refused) as failure:
        services.metrics.count(
            "ListsRefused" if isinstance(failure, Refused) else "ListsUnanswered", 1
        )
        stopped_by = failure
    services.metrics.count("EventsFetched", fetched)
    return Fetched(fetched, stopped_by)
