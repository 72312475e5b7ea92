"""Reads a Stripe account and carries out changes in it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.aws.keys.secrets import CACHED_SECONDS
from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.stripe_api.portal_settings import without_email
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.stripe_api.writer import OURS
from ops.stage.parameters import Parameter, Parameters
from ops.stage.policy import EVENT_SOURCE
from ops.stripe import current_state as holding
from ops.stripe.changes import (
    Change,
    ClosePortalEmail,
    DeleteEndpoint,
    MakeDestination,
    MakeEndpoint,
    MakePortal,
    MakePrice,
    MakeProduct,
    MendDestination,
    MendEndpoint,
    MendPortal,
    MendPrice,
    MendProduct,
    MoveDefault,
    RetireEndpoint,
    RetirePortal,
    RetirePrice,
    Stuck,
)
from ops.stripe.current_state import PLAN, REPLACES, SECRET_MARK, CurrentState, HeldPrice, mark
from ops.stripe.desired_state import Wanted
from ops.stripe.diff import compare
from ops.stripe.event_bus import (
    DESTINATIONS,
    EVENTBRIDGE,
    parameters,
    read_destinations,
    source_in,
)

WEBHOOK_SECRETS = "stripe-webhook-secrets"


@dataclass(frozen=True, slots=True)
class Account:
    """One Stripe account and one stage's secrets. `pause` waits for a number of seconds; `say` gets
    a line for each change.
    """

    transport: StripeTransport
    parameters: Parameters
    pause: Callable[[float], None]
    say: Callable[[str], None]

    def held(self, wanted: Wanted) -> CurrentState:
        """The present state. Raises Unavailable, Refused."""
        return replace(
            holding.read_catalogue(self.transport, wanted),
            portals=holding.read_portals(self.transport),
            endpoints=holding.read_endpoints(self.transport, wanted.webhook_url),
            marks=marks_in(self.parameters.get(WEBHOOK_SECRETS)),
            destinations=read_destinations(self.transport) if wanted.bus else (),
        )

    def apply(self, wanted: Wanted) -> list[Change]:
        """Change what differs; what differs afterwards is what stood in the way. Raises
        Unavailable, Refused: the same again goes on from there.

        Nothing is remembered from run to run: a product is known by its plan, a price by its lookup
        key, a portal by its metadata, an endpoint by its address and the mark of its secret. So a
        run that ended in its middle leaves nothing to be mended by hand.
        """
        hand = _Hand(self, wanted)
        for change in compare(wanted, self.held(wanted)):
            if not isinstance(change, Stuck):
                self.say(str(change))
                try:
                    hand.carry_out(change)
                except Refused as error:
                    said = getattr(error.__cause__, "user_message", None)
                    raise Refused(
                        f"{change.name}: {error.message}{f' It says: {said}' if said else ''}"
                    ) from error
        return compare(wanted, self.held(wanted))


class _Hand:
    """Carries out changes in order. It remembers the products that it created, for their prices."""

    def __init__(self, account: Account, wanted: Wanted) -> None:
        self._account, self._wanted = account, wanted
        self._transport, self._parameters = account.transport, account.parameters
        self._products: dict[str, str] = {}

    def carry_out(self, change: Change) -> None:
        _DO[type(change)](self, change)

    def make_product(self, change: MakeProduct) -> None:
        made = self._post("/v1/products", name=change.title, metadata={**OURS, PLAN: change.plan})
        self._products[change.plan] = made["id"]

    def mend_product(self, change: MendProduct) -> None:
        self._post(f"/v1/products/{change.id}", **change.fields)

    def make_price(self, change: MakePrice) -> None:
        price = change.price
        self._post(
            "/v1/prices",
            product=change.product or self._products[price.plan],
            lookup_key=price.lookup_key,
            transfer_lookup_key=True,
            unit_amount=price.amount,
            currency=price.currency,
            recurring={"interval": price.interval},
            **({"tax_behavior": change.tax_behavior} if change.tax_behavior else {}),
            # With the price itself, so that whatever ends this run the next one knows what is still
            # to be retired.
            metadata={**OURS, **({REPLACES: change.replaces} if change.replaces else {})},
        )

    def mend_price(self, change: MendPrice) -> None:
        self._post(f"/v1/prices/{change.id}", active=True)

    def move_default(self, change: MoveDefault) -> None:
        self._post(
            f"/v1/products/{change.product}", default_price=self._prices()[change.lookup_key].id
        )

    def retire_price(self, change: RetirePrice) -> None:
        self._post(f"/v1/prices/{change.id}", active=False)

    def make_portal(self, change: MakePortal) -> None:
        self._post("/v1/billing_portal/configurations", metadata=dict(OURS), **self._portal())

    def mend_portal(self, change: MendPortal) -> None:
        self._post(f"/v1/billing_portal/configurations/{change.id}", active=True, **self._portal())

    def close_portal_email(self, change: ClosePortalEmail) -> None:
        features = {"customer_update": without_email(change.features)}
        self._post(f"/v1/billing_portal/configurations/{change.id}", features=features)

    def retire_portal(self, change: RetirePortal) -> None:
        self._post(f"/v1/billing_portal/configurations/{change.id}", active=False)

    def make_endpoint(self, change: MakeEndpoint) -> None:
        wanted = self._wanted
        made = self._post(
            "/v1/webhook_endpoints",
            url=wanted.webhook_url,
            enabled_events=sorted(wanted.events),
            api_version=wanted.api_version,
            description="Billhook",
            metadata=dict(OURS),
        )
        secret = made["secret"]
        # The mark first: an endpoint whose mark is not among the secrets is known to be useless,
        # wherever this ends.
        self._post(f"/v1/webhook_endpoints/{made['id']}", metadata={SECRET_MARK: mark(secret)})
        before = self._parameters.get(WEBHOOK_SECRETS)
        kept = [
            one for one in (before.value.split() if before else ()) if mark(one) not in change.drop
        ]
        self._parameters.put(WEBHOOK_SECRETS, " ".join([secret, *kept]))

    def mend_endpoint(self, change: MendEndpoint) -> None:
        self._post(f"/v1/webhook_endpoints/{change.id}", **change.fields)

    def retire_endpoint(self, change: RetireEndpoint) -> None:
        found = self._parameters.get(WEBHOOK_SECRETS)
        if found and (seconds := seconds_until_known(found.changed_at, datetime.now(UTC))) > 0:
            self._account.say(
                f"        … in {seconds:.0f} seconds, when every function knows the new secret;"
                " until then both tell of everything"
            )
            self._account.pause(seconds)
        self._post(f"/v1/webhook_endpoints/{change.id}", disabled=True)

    def delete_endpoint(self, change: DeleteEndpoint) -> None:
        self._transport.delete(f"/v1/webhook_endpoints/{change.id}")

    def make_destination(self, change: MakeDestination) -> None:
        wanted = self._wanted
        assert wanted.bus
        made = self._post(DESTINATIONS, **parameters(wanted.bus, wanted.events, wanted.api_version))
        source = source_in(made[EVENTBRIDGE]["aws_event_source_arn"])
        self._account.say(
            f"        … its source is {source}: deploy the stage with it within seven days"
            f" (--set {EVENT_SOURCE}={source}, or [bus] stripe_source in billing.toml)"
        )

    def mend_destination(self, change: MendDestination) -> None:
        path = f"{DESTINATIONS}/{change.id}"
        if change.tell_of is not None:
            self._post(path, enabled_events=sorted(change.tell_of))
        if change.enable:
            self._post(f"{path}/enable")

    def _portal(self) -> dict[str, Any]:
        features = {name: dict(settings) for name, settings in self._wanted.portal.items()}
        features["subscription_update"]["products"] = offers(self._prices().values())
        return {"default_return_url": self._wanted.return_url, "features": features}

    def _prices(self) -> dict[str, HeldPrice]:
        return holding.read_prices(self._transport, self._wanted.offered)

    def _post(self, path: str, **parameters: Any) -> Raw:
        made = self._transport.post(path, **parameters)
        if made is None:
            raise Unavailable(
                f"Stripe does not know {path} any more: somebody else is at work there. The same"
                " again sees what is left to do."
            )
        return made


_DO: dict[type[Change], Callable[[_Hand, Any], None]] = {
    MakeProduct: _Hand.make_product,
    MendProduct: _Hand.mend_product,
    MakePrice: _Hand.make_price,
    MendPrice: _Hand.mend_price,
    MoveDefault: _Hand.move_default,
    RetirePrice: _Hand.retire_price,
    MakePortal: _Hand.make_portal,
    MendPortal: _Hand.mend_portal,
    ClosePortalEmail: _Hand.close_portal_email,
    RetirePortal: _Hand.retire_portal,
    MakeEndpoint: _Hand.make_endpoint,
    MendEndpoint: _Hand.mend_endpoint,
    RetireEndpoint: _Hand.retire_endpoint,
    DeleteEndpoint: _Hand.delete_endpoint,
    MakeDestination: _Hand.make_destination,
    MendDestination: _Hand.mend_destination,
}


def marks_in(secrets: Parameter | None) -> frozenset[str]:
    """The marks of the webhook secrets in the Parameter Store."""
    return frozenset(mark(secret) for secret in (secrets.value.split() if secrets else ()))


def offers(prices: Iterable[HeldPrice]) -> list[dict[str, Any]]:
    """The prices by their products, as the portal's configuration has them."""
    found: dict[str, list[str]] = {}
    for price in prices:
        if price.active:
            found.setdefault(price.product, []).append(price.id)
    return [{"product": product, "prices": sorted(ids)} for product, ids in sorted(found.items())]


def seconds_until_known(changed_at: datetime, now: datetime) -> float:
    """How long a function may still use an old secret: functions cache secrets for some minutes.
    Not more than 0 once all have the new one.
    """
    return CACHED_SECONDS - (now - changed_at).total_seconds()
