"""The owner's policy: what billing.toml says, once it has been read and checked
(`policy_file.py`)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.domain.policy.sequences import MailPolicy, Step
from chalicelib.domain.stripe_objects.objects import Item


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a plan costs in one currency: `lookup_keys` and `amounts` by interval."""

    lookup_keys: Mapping[str, str]
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be bought. `lookup_keys` by Stripe's interval (`month`, `year`); `amounts`, by
    interval too and in minor units, are what the pages say that it costs: Stripe's prices decide
    what it does. `prices` and `products` are Stripe ids that mean this plan too. In other
    currencies than the owner's it is sold as `currencies` says.
    """

    id: str
    name: str
    features: tuple[str, ...]
    lookup_keys: Mapping[str, str]
    amounts: Mapping[str, int] = field(default_factory=dict)
    prices: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    currencies: Mapping[str, Tariff] = field(default_factory=dict)

    def prices_in(self, currency: str) -> Iterator[tuple[str, str, str, int | None]]:
        """Currency, interval, lookup key and amount of all its prices; `currency` is the owner's
        own.
        """
        tariffs = {currency: Tariff(self.lookup_keys, self.amounts), **self.currencies}
        for name, tariff in tariffs.items():
            yield from (
                (name, interval, key, tariff.amounts.get(interval))
                for interval, key in tariff.lookup_keys.items()
            )

    @property
    def all_lookup_keys(self) -> tuple[str, ...]:
        """Those of every interval and currency."""
        return (
            *self.lookup_keys.values(),
            *(key for tariff in self.currencies.values() for key in tariff.lookup_keys.values()),
        )


@dataclass(frozen=True, slots=True)
class TrialPolicy:
    """`late_news` is how long a trial with a card stays open past its end while Stripe's news is
    awaited; `first_payment` how long its first payment may take. `after_trial` names the plan that
    remains when a trial ran out, if one does. `without_card` is what Stripe does with the
    subscription when a trial ends without a card: `pause`, `cancel` or `create_invoice`.
    """

    days: int
    late_news: timedelta
    first_payment: timedelta
    after_trial: str | None = None
    without_card: str = "pause"


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """How long access outlives a failed renewal and missing news, and what is left then.
    `collection_paused` None keeps what was. `payment_tries` is how often Stripe tries a payment in
    all, as it is set there.
    """

    past_due_grace: timedelta
    renewal_grace: timedelta
    stale: str
    collection_paused: str | None
    payment_tries: int = 8


@dataclass(frozen=True, slots=True)
class SignupPolicy:
    """Who may sign up, and from where. `sites` are the origins whose pages may post; `answer` is
    `open`, or `same` for an answer that does not tell whether an address is known. `confirm` lets
    the trial begin when the address has been proved; so it is for everybody once more than `a_day`
    have signed up in 24 hours. `an_hour` is how many may come from one network address.
    """

    plan: str
    interval: str
    sites: tuple[str, ...] = ()
    answer: str = "open"
    confirm: bool = False
    disposable: str = "refuse"
    captcha: str = "none"
    an_hour: int = 100
    a_day: int = 500


@dataclass(frozen=True, slots=True)
class PagesPolicy:
    """How the customer's pages look, and what they say to do first. `stripe_hosts` are where
    Checkout and the portal may be.
    """

    colour: str = "#1f4b99"
    logo_url: str = ""
    first_steps: tuple[str, ...] = ()
    stripe_hosts: tuple[str, ...] = ("https://checkout.stripe.com", "https://billing.stripe.com")


@dataclass(frozen=True, slots=True)
class CheckoutPolicy:
    """What Stripe's Checkout asks for and reckons: tax (`automatic_tax`), tax ids, the billing
    address (`auto` or `required`), promotion codes.
    """

    automatic_tax: bool = False
    tax_ids: bool = False
    addresses: str = "auto"
    promotion_codes: bool = False


@dataclass(frozen=True, slots=True)
class RetentionOffer:
    """What is offered to who cancels for a reason: a `pause` of `days`, a smaller `plan`, or a
    `coupon`; `value` names the plan or the coupon.
    """

    kind: str
    value: str = ""
    days: int = 0


@dataclass(frozen=True, slots=True)
class CancelPolicy:
    """Canceling on the customer's page: `alternatives` by reason (domain/tasks.REASONS), and the
    days in which a consumer may withdraw from the contract; 0 where nobody may. An alternative that
    was taken is offered again after `again_after`; `now` lets subscriptions end at once too.
    """

    alternatives: Mapping[str, RetentionOffer] = field(default_factory=dict)
    withdrawal_days: int = 0
    now: bool = False
    again_after: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Milestone:
    """What a user does in the product. `title` (by language) says it as something to do; who has
    not done it `after` that long on trial may be nudged. Without a title it is only noted.
    """

    name: str
    title: Mapping[str, str] = field(default_factory=dict)
    article_url: str = ""
    after: timedelta = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class OperatorsPolicy:
    """Who of the team gets mail, and which. `digest_hour` is of the day after, by the clock of the
    policy.
    """

    mail: tuple[str, ...]
    notices: frozenset[str]
    digest: bool = True
    digest_hour: int = 8


@dataclass(frozen=True, slots=True)
class Policy:
    """billing.toml, known by its hash. Plans stand in the order of the file: of two the later is
    the greater.
    """

    hash: str
    base_url: str
    plans: Mapping[str, Plan]
    trial: TrialPolicy
    access: AccessPolicy
    signup: SignupPolicy | None = None
    pages: PagesPolicy = PagesPolicy()
    currency: str = "usd"
    checkout: CheckoutPolicy = CheckoutPolicy()
    cancel: CancelPolicy = CancelPolicy()
    mail: MailPolicy | None = None
    steps: tuple[Step, ...] = ()
    milestones: Mapping[str, Milestone] = field(default_factory=dict)
    operators: OperatorsPolicy | None = None

    def rank(self, plan: str | None) -> int:
        """The plan's place in billing.toml, from 0; -1 for none and for one that is not there."""
        return list(self.plans).index(plan) if plan is not None and plan in self.plans else -1

    def features(self, plan: str | None) -> tuple[str, ...]:
        """What a plan gives; nothing for none."""
        return self.plans[plan].features if plan is not None and plan in self.plans else ()

    def plan_name(self, plan: str | None) -> str:
        """A plan's name for customers; empty for none."""
        return self.plans[plan].name if plan is not None and plan in self.plans else ""

    def sold(self, plan: str, currency: str | None = None) -> Mapping[str, str]:
        """The lookup keys of a plan's prices by interval, in a currency; the owner's own unless
        another is named. Empty if it is not sold.
        """
        if plan not in self.plans:
            return {}
        if currency in {None, self.currency}:
            return self.plans[plan].lookup_keys
        tariff = self.plans[plan].currencies.get(currency or "")
        return tariff.lookup_keys if tariff else {}

    def lookup_key(self, plan: str, interval: str, currency: str | None = None) -> str | None:
        """The lookup key of a plan's price for an interval; None if it is not sold so."""
        return self.sold(plan, currency).get(interval)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those in which anything is sold, the owner's own first."""
        return tuple(
            dict.fromkeys(
                (self.currency, *(one for plan in self.plans.values() for one in plan.currencies))
            )
        )

    def plan_of(self, items: Iterable[Item]) -> tuple[str | None, int | None]:
        """The greatest plan among a subscription's items with its quantity; (None, quantity) if the
        catalogue knows none of them.
        """
        found = [(self._plan_of_item(item), item.quantity) for item in items]
        return max(found, key=lambda pair: self.rank(pair[0]), default=(None, None))

    def _plan_of_item(self, item: Item) -> str | None:
        for plan in self.plans.values():
            if item.price in plan.prices or item.product in plan.products:
                return plan.id
        return next(
            (plan.id for plan in self.plans.values() if item.lookup_key in plan.all_lookup_keys),
            None,
        )
