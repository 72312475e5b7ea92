"""What a caller asks for when it buys or changes a plan."""

from datetime import datetime

from chalicelib.values import frozen


@frozen
class PurchaseRequest:
    """A purchase by Checkout. None leaves the choice to the account and the policy: the plan that
    it had last, the interval that is sold first, one seat, the customer's currency.
    """

    plan: str | None = None
    interval: str | None = None
    quantity: int | None = None
    currency: str | None = None


@frozen
class PlanRequest:
    """A change of plan. An interval or a quantity that is None stays as it is. `prorate` is a key
    of policy.selling.PRORATE. With `as_of`, the moment of a preview, it costs to the cent what the
    preview said; None is now.
    """

    plan: str
    interval: str | None = None
    quantity: int | None = None
    prorate: str = "now"
    as_of: datetime | None = None
