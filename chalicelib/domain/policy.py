"""The owner's policy: what billing.toml says, once it has been read and checked (`policy_file.py`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.facts import Item
from chalicelib.domain.sequences import MailPolicy, Step


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be bought. `lookup_keys` by Stripe's interval (`month`, `year`); `prices` and `products` are Stripe ids that mean this plan too."""

    id: str
    name: str
    features: tuple[str, ...]
    lookup_keys: Mapping[str, str]
    prices: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialPolicy:
    """`late_news` is how long a trial with a card stays open past its end while Stripe's news is awaited; `first_payment` how long its first
    payment may take. `after_trial` names the plan that remains when a trial ran out, if one does."""

    days: int
    late_news: timedelta
    first_payment: timedelta
    after_trial: str | None = None


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """How long access outlives a failed renewal and missing news, and what is left then. `collection_paused` None keeps what was."""

    past_due_grace: timedelta
    renewal_grace: timedelta
    stale: str
    collection_paused: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """billing.toml, known by its hash. Plans stand in the order of the file: of two the later is the greater."""

    hash: str
    base_url: str
    plans: Mapping[str, Plan]
    trial: TrialPolicy
    access: AccessPolicy
    mail: MailPolicy | None = None
    steps: tuple[Step, ...] = ()
    milestones: tuple[str, ...] = ()

    def rank(self, plan: str | None) -> int:
        """The plan's place in billing.toml, from 0; -1 for none and for one that is not there."""
        return list(self.plans).index(plan) if plan is not None and plan in self.plans else -1

    def features(self, plan: str | None) -> tuple[str, ...]:
        """What a plan gives; nothing for none."""
        return self.plans[plan].features if plan is not None and plan in self.plans else ()

    def plan_of(self, items: Iterable[Item]) -> tuple[str | None, int | None]:
        """The greatest plan among a subscription's items with its quantity; (None, quantity) if the catalogue knows none of them."""
        found = [(self._plan_of_item(item), item.quantity) for item in items]
        return max(found, key=lambda pair: self.rank(pair[0]), default=(None, None))

    def _plan_of_item(self, item: Item) -> str | None:
        for plan in self.plans.values():
            if item.price in plan.prices or item.product in plan.products:
                return plan.id
        return next((plan.id for plan in self.plans.values() if item.lookup_key in plan.lookup_keys.values()), None)
