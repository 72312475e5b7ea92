"""Calls about the Stripe account itself: how its portal behaves, where its events go, and whose it
is.
"""

import secrets
from datetime import UTC, datetime

import stripe
from stripe.billing_portal import Configuration
from stripe.v2.core import EventDestination

from local.stripe_sim.api.calls import Call, Do, list_of
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank

PORTAL_PRODUCTS = 10
ENDPOINTS = 16
"""Stripe's limits: products that a portal offers, webhook endpoints of an account."""

_OFFERED = "features.subscription_update.products"


def account(call: Call) -> Object:
    return blank(
        stripe.Account,
        id="acct_simulated",
        type="standard",
        charges_enabled=True,
        details_submitted=True,
        payouts_enabled=True,
    )


def balance(call: Call) -> Object:
    return blank(stripe.Balance, available=[], pending=[])


def make_portal(call: Call) -> Object:
    store, features = call.engine.store, _features(call, _no_features())
    made = store.make(
        "billing_portal.configuration",
        Configuration,
        active=True,
        business_profile=blank(
            Configuration.BusinessProfile, **call.wanted.get("business_profile", {})
        ),
        default_return_url=call.wanted.get("default_return_url") or None,
        features=features,
        is_default=False,
        login_page=blank(Configuration.LoginPage, enabled=False),
        metadata=merged({}, call.wanted),
        name=call.wanted.get("name"),
        updated=store.second,
    )
    return _portal_as_asked(call, made)


def update_portal(call: Call) -> Object:
    configuration, wanted = call.find("billing_portal.configuration"), call.wanted
    if wanted.get("active") is False and configuration["is_default"]:
        raise StripeRefusal("You cannot deactivate the default configuration.", "active")
    configuration["features"] = _features(call, configuration["features"])
    configuration |= {
        name: wanted[name] or None for name in ("default_return_url", "name") if name in wanted
    }
    configuration |= {
        "active": wanted.get("active", configuration["active"]),
        "updated": call.engine.store.second,
    }
    configuration["metadata"] = merged(configuration["metadata"], wanted)
    return _portal_as_asked(call, configuration)


def get_portal(call: Call) -> Object:
    return _portal_as_asked(call, call.find("billing_portal.configuration"))


def portals(call: Call) -> list[Object]:
    found = list_of("billing_portal.configuration", active="active", is_default="is_default")(call)
    return [_portal_as_asked(call, one) for one in found]


def make_endpoint(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    if len(store.all("webhook_endpoint")) >= ENDPOINTS:
        raise StripeRefusal(f"You have reached the maximum of {ENDPOINTS} test webhook endpoints.")
    made = store.make(
        "webhook_endpoint",
        stripe.WebhookEndpoint,
        api_version=wanted.get("api_version"),
        description=wanted.get("description"),
        enabled_events=wanted["enabled_events"],
        metadata=merged({}, wanted),
        status="enabled",
        url=wanted["url"],
    )
    made["_secret"] = f"whsec_{secrets.token_hex(16)}"
    return {**made, "secret": made["_secret"]}


def update_endpoint(call: Call) -> Object:
    endpoint, wanted = call.find("webhook_endpoint"), call.wanted
    endpoint |= {
        name: wanted[name] for name in ("description", "enabled_events", "url") if name in wanted
    }
    endpoint["status"] = {None: endpoint["status"], True: "disabled", False: "enabled"}[
        wanted.get("disabled")
    ]
    endpoint["metadata"] = merged(endpoint["metadata"], wanted)
    return endpoint


def delete_endpoint(call: Call) -> Object:
    endpoint = call.find("webhook_endpoint")
    del call.engine.store.objects["webhook_endpoint"][endpoint["id"]]
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def make_destination(call: Call) -> Object:
    """An event destination at EventBridge, whose partner event source no bus is associated with
    yet. Others are not simulated.
    """
    store, wanted = call.engine.store, call.wanted
    if wanted["type"] != "amazon_eventbridge" or "amazon_eventbridge" not in wanted:
        raise StripeRefusal("Only destinations at Amazon EventBridge are simulated.", "type")
    id, bridge = store.id("v2.core.event_destination"), wanted["amazon_eventbridge"]
    source = f"event-source/aws.partner/stripe.com/{id}"
    now = datetime.fromtimestamp(store.second, UTC).isoformat()
    return store.make(
        "v2.core.event_destination",
        EventDestination,
        id=id,
        amazon_eventbridge=blank(
            EventDestination.AmazonEventbridge,
            aws_account_id=bridge["aws_account_id"],
            aws_event_source_arn=f"arn:aws:events:{bridge['aws_region']}::{source}",
            aws_event_source_status="pending",
        ),
        created=now,
        description=wanted.get("description", ""),
        enabled_events=wanted["enabled_events"],
        event_payload=wanted["event_payload"],
        events_from=wanted.get("events_from", ["@self"]),
        metadata=merged({}, wanted),
        name=wanted["name"],
        snapshot_api_version=wanted.get("snapshot_api_version"),
        status="enabled",
        type=wanted["type"],
        updated=now,
    )


def update_destination(call: Call) -> Object:
    destination, wanted = call.find("v2.core.event_destination"), call.wanted
    destination |= {
        name: wanted[name] for name in ("description", "enabled_events", "name") if name in wanted
    }
    destination["metadata"] = merged(destination["metadata"], wanted)
    return destination


def switch_destination(status: str) -> Do:
    """Enable or disable an event destination."""

    def switched(call: Call) -> Object:
        destination = call.find("v2.core.event_destination")
        destination["status"] = status
        return destination

    return switched


def _no_features() -> Object:
    kind = Configuration.Features
    return blank(
        kind,
        customer_update=blank(kind.CustomerUpdate, enabled=False),
        invoice_history=blank(kind.InvoiceHistory, enabled=False),
        payment_method_update=blank(kind.PaymentMethodUpdate, enabled=False),
        subscription_cancel=blank(
            kind.SubscriptionCancel,
            cancellation_reason=blank(kind.SubscriptionCancel.CancellationReason, enabled=False),
            enabled=False,
            mode="at_period_end",
            proration_behavior="none",
        ),
        subscription_pause=blank(
            kind.SubscriptionPause,
            enabled=False,
            duration=blank(
                kind.SubscriptionPause.Duration, interval_options=[], type="interval_options"
            ),
        ),
        subscription_update=blank(
            kind.SubscriptionUpdate,
            enabled=False,
            products=[],
            proration_behavior="none",
            schedule_at_period_end=blank(kind.SubscriptionUpdate.ScheduleAtPeriodEnd),
            trial_update_behavior="end_trial",
        ),
    )


def _features(call: Call, before: Object) -> Object:
    """The features after a call: those that it names are changed in what it says of them."""
    features = dict(before)
    for name, change in (call.wanted.get("features") or {}).items():
        features[name] = features[name] | change
    changing = features["subscription_update"]
    changing["products"] = [_offer(call, one) for one in changing["products"] or []]
    if changing["enabled"] and not (changing["products"] and changing["default_allowed_updates"]):
        raise StripeRefusal(
            "`products` and `default_allowed_updates` are required to enable it.",
            "features[subscription_update]",
        )
    if len(changing["products"]) > PORTAL_PRODUCTS:
        raise StripeRefusal(
            f"You can specify up to {PORTAL_PRODUCTS} products.",
            "features[subscription_update][products]",
        )
    return features


def _offer(call: Call, offer: Object) -> Object:
    store, param = call.engine.store, "features[subscription_update][products]"
    product = store.find("product", offer["product"], param)
    offered = [store.find("price", id, param) for id in offer["prices"]]
    intervals = [
        (price["recurring"]["interval"], price["recurring"]["interval_count"], price["currency"])
        for price in offered
        if price["recurring"]
    ]
    if any(price["product"] != product["id"] for price in offered) or len(intervals) < len(offered):
        raise StripeRefusal(f"Prices of {product['id']} must be recurring, and its own.", param)
    if len(set(intervals)) < len(intervals):
        raise StripeRefusal(f"Prices of {product['id']} must differ in their intervals.", param)
    if named := call.wanted.get("features", {}).get("subscription_update", {}).get("products"):
        fresh = {id for one in named for id in one["prices"]}
        if any(not price["active"] for price in offered if price["id"] in fresh):
            raise StripeRefusal(
                "The price specified is inactive. This field only accepts active prices.", param
            )
    quantity = blank(
        Configuration.Features.SubscriptionUpdate.Product.AdjustableQuantity,
        enabled=False,
        minimum=1,
    )
    return {"adjustable_quantity": quantity, **offer}


def _portal_as_asked(call: Call, configuration: Object) -> Object:
    """What a portal offers is only told where it is asked for."""
    if any(one.removeprefix("data.") == _OFFERED for one in call.wanted.get("expand") or []):
        return configuration
    features = configuration["features"]
    offer = {
        name: value for name, value in features["subscription_update"].items() if name != "products"
    }
    return configuration | {"features": features | {"subscription_update": offer}}
