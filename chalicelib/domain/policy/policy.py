"""The owner's policy: billing.toml as values, once read and checked (domain/policy/read.py)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import timedelta

from chalicelib.domain.policy.sequences import MailPolicy, Step
from chalicelib.domain.stripe_objects.objects import Item
from chalicelib.values import frozen


@frozen
class Tariff:
    """A plan's prices in one currency: `lookup_keys` and `amounts` (minor units) by interval."""

    lookup_keys: Mapping[str, str]
    amounts: Mapping[str, int] = field(default_factory=dict)


@frozen
class Plan:
    """A plan that customers can buy.

    `lookup_keys` are those of its prices by Stripe's interval (`month`, `year`). `amounts` by
    interval, in minor units, are shown on pages; what is billed is decided by Stripe's prices.
    `prices` and `products` are ids of Stripe's that belong to this plan too. `currencies` has its
    prices in currencies other than the owner's.
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
        """(currency, interval, lookup key, amount) of each price, in every currency. `currency` is
        the owner's own.
        """
        tariffs = {currency: Tariff(self.lookup_keys, self.amounts), **self.currencies}
        for name, tariff in tariffs.items():
            yield from (
                (name, interval, key, tariff.amounts.get(interval))
                for interval, key in tariff.lookup_keys.items()
            )

    @property
    def all_lookup_keys(self) -> tuple[str, ...]:
        """The lookup keys of every interval and currency, the owner's currency first."""
        return (
            *self.lookup_keys.values(),
            *(key for tariff in self.currencies.values() for key in tariff.lookup_keys.values()),
        )


@frozen
class TrialPolicy:
    """The rules of free trials.

    `late_news` is how long a trial with a card stays open after its end until Stripe reports what
    became of it; `first_payment` is how long its first payment may take. `after_trial` is the plan
    of accounts whose trial expired; None for none. `without_card` is what Stripe does when a trial
    ends without a card: `pause`, `cancel` or `create_invoice`.
    """

    days: int
    late_news: timedelta
    first_payment: timedelta
    after_trial: str | None = None
    without_card: str = "pause"


@frozen
class AccessPolicy:
    """How access ends.

    It continues for `past_due_grace` after a failed payment, and for `renewal_grace` after the end
    of a period if Stripe reports no next one; then the level is `stale`. `collection_paused` is the
    level while collection is paused; None leaves it as it is. `payment_tries` is how often Stripe
    tries a payment in all, as configured at Stripe. A bank debit that is under way counts as paid
    for `debit`; with `debit_changes` of `when_paid` a change of plan or quantity waits for it all
    the same. `debts` is the level while an invoice that was given up is not paid, and `disputed`
    that after the bank took the payment of the running period back.
    """

    past_due_grace: timedelta
    renewal_grace: timedelta
    stale: str
    collection_paused: str | None
    payment_tries: int = 8
    debit: timedelta = timedelta(days=14)
    debts: str = "limited"
    disputed: str = "limited"
    debit_changes: str = "at_once"


@frozen
class SignupPolicy:
    """Who may sign up, and how.

    `sites` are the origins whose pages may post signups. `answer` is `open`, or `same` for a
    response that does not reveal whether the address is known. With `confirm` a trial begins once
    its address is proved; this also applies after `a_day` signups in 24 hours. `an_hour` is the
    limit for one network address. What nobody proved and nobody used is erased
    `forget_unproved_days` after its trial; never if that is 0.
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
    forget_unproved_days: int = 30


@frozen
class PagesPolicy:
    """How the customer's pages look. `first_steps` are listed on the welcome page, each a text by
    language. Pages may redirect to `stripe_hosts`, where Checkout and the portal are.
    """

    colour: str = "#1f4b99"
    logo_url: str = ""
    first_steps: tuple[Mapping[str, str], ...] = ()
    stripe_hosts: tuple[str, ...] = ("https://checkout.stripe.com", "https://billing.stripe.com")


@frozen
class CheckoutPolicy:
    """Options of Stripe's Checkout: whether it calculates tax (`automatic_tax`) and collects tax
    ids and promotion codes, and when it collects the billing address (`auto` or `required`).
    """

    automatic_tax: bool = False
    tax_ids: bool = False
    addresses: str = "auto"
    promotion_codes: bool = False


@frozen
class RetentionOffer:
    """An offer to a customer who wants to cancel. `kind` is `pause` (for `days`), `plan` (a smaller
    one) or `coupon`; `value` is the plan or the coupon.
    """

    kind: str
    value: str = ""
    days: int = 0


@frozen
class CancelPolicy:
    """How customers can cancel on their page.

    `alternatives` are the retention offers by reason (reasons.CANCELLATION_REASONS). One that was
    accepted is made again after `again_after`. Customers may withdraw from the contract for
    `withdrawal_days`; 0 if they may not. Who withdraws again within `withdrawal_again_after` of the
    last time gets back what was paid for the days that are left (`withdrawal_again` is `prorata`),
    or cannot (`refuse`). With `now` they may also end a subscription at once.
    """

    alternatives: Mapping[str, RetentionOffer] = field(default_factory=dict)
    withdrawal_days: int = 0
    now: bool = False
    again_after: timedelta = timedelta(days=365)
    withdrawal_again: str = "prorata"
    withdrawal_again_after: timedelta = timedelta(days=365)


@frozen
class Milestone:
    """Something that users do in the product. `title`, by language, says it as a task. Users who
    have not done it `after` this time on trial may get a message; without a title it is only
    recorded.
    """

    name: str
    title: Mapping[str, str] = field(default_factory=dict)
    article_url: str = ""
    after: timedelta = timedelta(days=2)


@frozen
class TeamPolicy:
    """The mail to the team: the addresses, the notices (of team.NOTICES), and whether a daily
    digest is sent, at `digest_hour` of the next day in the policy's time zone. `roles` has the
    role (security.dashboard.ROLES) of each address in the dashboard that may not do all there.
    """

    mail: tuple[str, ...]
    notices: frozenset[str]
    digest: bool = True
    digest_hour: int = 8
    roles: Mapping[str, str] = field(default_factory=dict)

    def role_by_address(self) -> Mapping[str, str]:
        """The role of each address, in lower case, in the dashboard."""
        given = {address.lower(): role for address, role in self.roles.items()}
        return {address.lower(): given.get(address.lower(), "act") for address in self.mail}


@frozen
class FiguresPolicy:
    """`metered` says that one unit of a metered price counts as revenue; otherwise nothing of it
    does, since what will be used is not known.
    """

    metered: bool = False


@frozen
class BusPolicy:
    """`stripe_source` is the partner event source by which Stripe's events come over EventBridge;
    empty for none, None if billing.toml leaves it to the stage's own settings.

    `name` is the name or ARN of the bus that domain events go to, those of the types `events`, all
    if it is empty; None for none.
    """

    stripe_source: str | None = None
    name: str | None = None
    events: tuple[str, ...] = ()


@frozen
class SlackPolicy:
    """The types of the domain events that go to the team's channel in Slack."""

    happenings: tuple[str, ...]


@frozen
class PeoplePolicy:
    """The people system: `to` is intercom or segment, `base_url` its address. It gets events of the
    types `events`, all if it is empty, and of each account the `fields`. Contacts that were
    archived there are revived, or left.

    Who unsubscribes there is unsubscribed here if `follow_unsubscribes`; who subscribes there again
    is subscribed here, though they unsubscribed here, if `follow_subscribes`. `milestones` has the
    milestone that an event there stands for, by its key (domain/policy/people.py).
    """

    to: str
    base_url: str
    events: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset()
    revive_archived: bool = True
    follow_unsubscribes: bool = True
    follow_subscribes: bool = False
    milestones: Mapping[str, str] = field(default_factory=dict)


@frozen
class InstancePolicy:
    """How each customer gets an instance of the product.

    `target` is the provisioner: a URL, `eventbridge`, or `stepfunctions:` and a state machine's
    ARN. URLs of instances are on `hosts` or below them; hosts are in ASCII. An instance is
    suspended `suspend_after` the time at which access ended, and deleted `delete_after` it; never
    if that is None. A new one is to be ready within `deadline`. Of the customers that there were
    before, `existing_a_minute` get theirs in a minute. A welcome mail waits for the instance of a
    new one for `mail_waits` at most.
    """

    target: str
    hosts: tuple[str, ...]
    suspend_after: timedelta
    delete_after: timedelta | None
    deadline: timedelta
    existing_a_minute: int = 10
    mail_waits: timedelta = timedelta(minutes=5)


@frozen
class Policy:
    """All of billing.toml; `hash` identifies the text. `plans` are in the order of the file, the
    smallest first.
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
    team: TeamPolicy | None = None
    bus: BusPolicy = BusPolicy()
    slack: SlackPolicy | None = None
    instance: InstancePolicy | None = None
    figures: FiguresPolicy = FiguresPolicy()
    people: PeoplePolicy | None = None

    def rank(self, plan: str | None) -> int:
        """The plan's place in billing.toml, from 0; -1 for None and for an unknown plan."""
        return list(self.plans).index(plan) if plan is not None and plan in self.plans else -1

    def features(self, plan: str | None) -> tuple[str, ...]:
        """The plan's features; empty for None and for an unknown plan."""
        return self.plans[plan].features if plan is not None and plan in self.plans else ()

    def amount(self, plan: str, interval: str | None, currency: str) -> int | None:
        """What a plan costs for an interval in a currency, in minor units; None if billing.toml
        does not say.
        """
        prices = self.plans[plan].prices_in(self.currency) if plan in self.plans else ()
        found = (cost for sold_in, by, _, cost in prices if (sold_in, by) == (currency, interval))
        return next(found, None)

    def plan_name(self, plan: str | None) -> str:
        """The plan's name for customers; empty for None and for an unknown plan."""
        return self.plans[plan].name if plan is not None and plan in self.plans else ""

    def lookup_keys(self, plan: str, currency: str | None = None) -> Mapping[str, str]:
        """The lookup keys of a plan's prices by interval. `currency` None means the owner's own.
        Empty if the plan is unknown or has no price in the currency.
        """
        if plan not in self.plans:
            return {}
        if currency in {None, self.currency}:
            return self.plans[plan].lookup_keys
        tariff = self.plans[plan].currencies.get(currency or "")
        return tariff.lookup_keys if tariff else {}

    def lookup_key(self, plan: str, interval: str, currency: str | None = None) -> str | None:
        """The lookup key of a plan's price for an interval; None if there is no such price."""
        return self.lookup_keys(plan, currency).get(interval)

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies in which any plan is sold, the owner's own first."""
        others = (currency for plan in self.plans.values() for currency in plan.currencies)
        return tuple(dict.fromkeys((self.currency, *others)))

    def plan_of(self, items: Iterable[Item]) -> tuple[str | None, int | None]:
        """The largest plan among a subscription's items, with its quantity. The plan is None if no
        item belongs to one; the quantity is then that of the first item, None without items.
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
