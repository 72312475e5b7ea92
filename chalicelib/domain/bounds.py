"""How much of everything an account may hold: one table for every way in which it can grow from
outside.

An account is one item of DynamoDB, which takes 400 KB at most: a full account could take no more
events of Stripe, a cancellation included. A caller's request over a bound is refused before
anything is written. What Stripe and time add cannot be refused: what no rule needs any more makes
room, the oldest first.
"""

from collections.abc import Mapping

from chalicelib.values import frozen

OVER = {
    "400": "The request is refused with 400 `invalid`, which names the field.",
    "409": "The request is refused with 409 `too_many`.",
    "oldest": "The oldest makes room.",
    "left": "The newcomer is left out.",
}
"""What happens over a bound."""


@frozen
class Bound:
    """At most `most` of `what`; `over` is one of OVER. `why` is the reason for the number, and why
    nothing is lost that a rule needs.
    """

    most: int
    what: str
    over: str
    why: str


BOUNDS: Mapping[str, Bound] = {
    # what a caller writes
    "name": Bound(100, "characters of a name", "400", "Long enough for any name."),
    "note": Bound(500, "characters of a grant's note", "400", "A reason, for the team."),
    "comment": Bound(500, "characters of a customer's comment", "400", "A few sentences."),
    "description": Bound(
        500, "characters of a charge's description", "400", "Stripe's invoices take 500."
    ),
    "attributes": Bound(50, "attributes of an account", "400", "As many as Stripe's metadata."),
    "attribute": Bound(500, "bytes of an attribute's text", "400", "As long as Stripe's metadata."),
    "grants": Bound(
        50, "grants that have not ended", "409", "One a week for a year, side by side."
    ),
    "milestones": Bound(200, "milestones", "409", "Far more than a billing.toml lists."),
    "operations": Bound(
        30,
        "operations that wait for Stripe",
        "409",
        "Usually one. More wait only while Stripe does not answer.",
    ),
    "broadcasts": Bound(
        20, "broadcasts of the last 30 days", "409", "More than the weekly limit on mail lets out."
    ),
    "address changes": Bound(
        10,
        "changes of the address by the customer that can be confirmed or undone",
        "409",
        "Dropping one would end the right to undo it.",
    ),
    "ended links": Bound(
        50,
        "links of the last month that were ended one by one",
        "409",
        "Dropping one would let it open again. All together can be ended at any time.",
    ),
    "texts": Bound(
        48_000,
        "bytes of attributes, notes, comments and descriptions together",
        "409",
        "An eighth of what DynamoDB takes, whatever their letters.",
    ),
    # what strangers type
    "pending signups": Bound(
        5,
        "signups of an address that nobody has proved, beside the first",
        "oldest",
        "The newest one always stays. Those to which a link was mailed make room last.",
    ),
    "pending signups' texts": Bound(
        60_000,
        "bytes of names and attributes of these signups together",
        "oldest",
        "As much as two signups can have.",
    ),
    # what Stripe adds
    "customers": Bound(
        20,
        "Stripe customers of an account",
        "left",
        "Usually one. Another one gets an account of its own.",
    ),
    "subscriptions": Bound(
        20,
        "subscriptions that are kept whole",
        "left",
        "Stripe keeps what is left out, and the access of the others stays. Purchases that were"
        " begun and not paid make room for others.",
    ),
    "ended": Bound(
        200,
        "ended subscriptions of which only the end is kept",
        "oldest",
        "An event about one that ended before is more than a day old: it is checked at Stripe.",
    ),
    "unsettled invoices": Bound(
        50,
        "invoices that are not settled",
        "left",
        "The oldest debt decides on access, and a paid one makes room.",
    ),
    "changed items": Bound(
        5,
        "items that the invoice of a change credits",
        "left",
        "A plan and its add-ons. The smallest plan among them counts.",
    ),
    "disputes": Bound(
        20,
        "disputes",
        "oldest",
        "Those that the owner won make room first. One that is open or lost is enough for the"
        " rule. As many invoices that were charged back are known.",
    ),
    "recurring changes": Bound(
        60,
        "changes of what subscriptions bring in",
        "oldest",
        "Usually a few in years. Events come within a month of what they tell; what came of older"
        " changes is in the daily figures.",
    ),
    "endings": Bound(
        20,
        "reasons of subscriptions that ended and are kept no more",
        "oldest",
        "What came of older ones is in the weekly figures.",
    ),
    "discounts": Bound(
        70,
        "discounts",
        "oldest",
        "More than changes: that of a change that is kept is kept. One that a subscription has now"
        " never makes room.",
    ),
    "reports": Bound(
        12,
        "reports of one object that tie, or are settled",
        "oldest",
        "A tie is settled by a fetch, however many reports tie. A repeat of an older one causes one"
        " fetch more.",
    ),
    # what Billhook adds
    "operations done": Bound(
        50,
        "operations that were done",
        "oldest",
        "An operation that is repeated has its idempotency key at Stripe.",
    ),
    "ended grants": Bound(5, "grants that have ended", "oldest", "They give no access any more."),
    "messages": Bound(
        200,
        "records of messages",
        "oldest",
        "Queued ones stay, and those of occasions that can come due; the timeline has all.",
    ),
    "feedback": Bound(20, "answers to the exit question", "oldest", "The timeline has all."),
    "events": Bound(
        100,
        "domain events that wait to be published",
        "oldest",
        "They are published within a minute. Where more than 50 wait, who writes the account next"
        " publishes them first, so only a change that makes more at once drops any.",
    ),
}
"""Every bound, by its name."""


def most(name: str) -> int:
    """The number of a bound. Raises KeyError for a name that BOUNDS does not have."""
    return BOUNDS[name].most
