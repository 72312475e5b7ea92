"""Fetch the events that Stripe could not deliver, and hand them on as though they had been."""

import json

from chalicelib.domain.errors import LostRace, Refused, Unavailable
from chalicelib.domain.undelivered import GROUPS, Undelivered, after, under_way
from chalicelib.usecases.pace import Pace
from chalicelib.usecases.world import World


def fetch_undelivered(world: World) -> int:
    """How many events were put into the events queue, where each is taken in like any other: twice
    does no harm, and one that cannot be taken in holds up no other.

    A page counts as done once the queue has all of it. What Stripe, the table or the queue do not
    take or give now, and what a run does not reach, the next run does again.
    """
    round, pace, fetched = under_way(world.rounds.load(Undelivered), world.now()), Pace(world), 0
    try:
        while round.until and pace.goes_on():
            page = world.stripe.listing.undelivered_events(
                GROUPS[round.group], round.since or round.until, round.place
            )
            pace.made()
            for event in page.things:
                world.events_queue.send(json.dumps(event))
            fetched += len(page.things)
            further = after(round, page.behind)
            world.rounds.save(round, further)
            round = further
    except LostRace:
        pass  # another fetches already
    except (Unavailable, Refused) as failure:
        world.count("ListsRefused" if isinstance(failure, Refused) else "ListsUnanswered", 1)
    world.count("EventsFetched", fetched)
    return fetched
