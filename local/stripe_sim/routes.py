"""The API's calls: a table of method, path, the SDK's class for the parameters, and what is done."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import stripe
from stripe import params
from stripe.params import billing_portal, checkout

from local.stripe_sim.checkout import make_customer
from local.stripe_sim.engine import Engine, make_price
from local.stripe_sim.refusals import StripeRefusal
from local.stripe_sim.shapes import Object, blank

ANCHOR_OBJECT_SINCE = "2026-09-30"
"""Since endive `billing_cycle_anchor` is an object on update and resume."""

Do = Callable[["Call"], Any]


@dataclass(frozen=True)
class Call:
    """One call: the ids in its path, and its parameters, checked. `version` is None where none was named."""

    engine: Engine
    ids: tuple[str, ...]
    wanted: Object
    version: str | None

    def find(self, kind: str) -> Object:
        """The object that the path names. Raises StripeRefusal."""
        return self.engine.store.find(kind, self.ids[0])


@dataclass(frozen=True)
class Route:
    """A call of the API."""

    method: str
    path: re.Pattern[str]
    params: Any
    do: Do


def _get(kind: str) -> Do:
    return lambda call: call.find(kind)


def _list(kind: str, **fields: str) -> Do:
    """All of a kind, narrowed by those parameters that name a field."""

    def listed(call: Call) -> list[Object]:
        found = call.engine.store.all(kind)
        for name in fields:
            if name in call.wanted:
                found = [one for one in found if one[fields[name]] == call.wanted[name]]
        return [one for one in found if _within(one.get("created") or 0, call.wanted.get("created"))]

    return listed


def _within(created: int, wanted: Any) -> bool:
    if wanted is None:
        return True
    bounds = wanted if isinstance(wanted, dict) else {"gte": int(wanted), "lte": int(wanted)}
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](int(bound)) for name, bound in bounds.items())


def _make_product(call: Call) -> Object:
    wanted = call.wanted
    store = call.engine.store
    product = store.make(
        "product",
        stripe.Product,
        **({"id": wanted["id"]} if "id" in wanted else {}),
        name=wanted["name"],
        active=True,
        updated=store.second,
        metadata=dict(wanted.get("metadata") or {}),
        description=wanted.get("description"),
    )
    store.tell("product.created", product)
    return product


def _make_price(call: Call) -> Object:
    store, wanted = call.engine.store, dict(call.wanted)
    if data := wanted.pop("product_data", None):
        wanted["product"] = store.make("product", stripe.Product, type="service", name=data["name"], active=True, updated=store.second)["id"]
    if any(one["lookup_key"] == wanted.get("lookup_key") for one in store.all("price")) and wanted.get("lookup_key"):
        if not wanted.get("transfer_lookup_key"):
            raise StripeRefusal(f"A price (`{wanted['lookup_key']}`) already uses that lookup key.", "lookup_key", "resource_already_exists")
        for one in store.all("price"):
            one["lookup_key"] = None if one["lookup_key"] == wanted["lookup_key"] else one["lookup_key"]
    store.find("product", wanted.get("product"), "product")
    price = make_price(store, wanted)
    store.tell("price.created", price)
    return price


def _update_price(call: Call) -> Object:
    price = call.find("price")
    with call.engine.store.changing(price, "price.updated"):
        price |= {name: call.wanted[name] for name in ("active", "lookup_key", "nickname") if name in call.wanted}
    return price


def _prices(call: Call) -> list[Object]:
    found = _list("price", product="product", active="active", type="type")(call)
    keys = call.wanted.get("lookup_keys")
    return found if keys is None else [one for one in found if one["lookup_key"] in keys]


def _make_customer(call: Call) -> Object:
    wanted = dict(call.wanted)
    method = wanted.pop("payment_method", None)
    customer = make_customer(call.engine.store, wanted)
    if method:
        call.engine.payments.attach(call.engine.store.find("payment_method", method, "payment_method"), customer)
    return customer


def _update_customer(call: Call) -> Object:
    store, customer, wanted = call.engine.store, call.find("customer"), call.wanted
    if customer.get("deleted"):
        raise StripeRefusal(f"No such customer: '{customer['id']}'", "id", "resource_missing", 404)
    settings = wanted.get("invoice_settings") or {}
    if settings.get("default_payment_method"):
        method = store.find("payment_method", settings["default_payment_method"], "invoice_settings[default_payment_method]")
        if method["customer"] != customer["id"]:
            raise StripeRefusal(
                f"The customer does not have a payment method with the ID {method['id']}. The payment method must be attached to the customer.",
                "invoice_settings[default_payment_method]",
                "resource_missing",
            )
    with store.changing(customer, "customer.updated"):
        for name in ("email", "name", "description", "phone"):
            if name in wanted:
                customer[name] = wanted[name] or None
        if "metadata" in wanted:
            customer["metadata"] = {**customer["metadata"], **(wanted["metadata"] or {})}
        if settings:
            customer["invoice_settings"] = customer["invoice_settings"] | {name: value or None for name, value in settings.items()}
    return customer


def _get_customer(call: Call) -> Object:
    customer = call.find("customer")
    return {"id": customer["id"], "object": "customer", "deleted": True} if customer.get("deleted") else customer


def _delete_customer(call: Call) -> Object:
    engine, customer = call.engine, call.find("customer")
    for subscription in engine.store.all("subscription"):
        if subscription["customer"] == customer["id"] and subscription["status"] not in {"canceled", "incomplete_expired"}:
            engine.subscriptions.cancel(subscription)
    engine.store.tell("customer.deleted", customer)
    customer["deleted"] = True
    return _get_customer(call)


def _customers(call: Call) -> list[Object]:
    return [one for one in _list("customer", email="email")(call) if not one.get("deleted")]


def _search(kind: str) -> Do:
    """The plain part of Stripe's search: `metadata['account_id']:'x'` and `email:'x'`."""

    def found(call: Call) -> list[Object]:
        match = re.fullmatch(r"(?:metadata\['([^']+)'\]|(\w+)):\s*['\"]([^'\"]*)['\"]", call.wanted["query"].strip())
        if match is None:
            raise StripeRefusal("We were unable to parse your search query.", "query")
        key, field, value = match.groups()
        things = [one for one in call.engine.store.all(kind) if not one.get("deleted")]
        return [one for one in things if (one["metadata"].get(key) if key else one.get(field)) == value]

    return found


def _make_method(call: Call) -> Object:
    card = call.wanted.get("card") or {}
    return call.engine.payments.make_method(str(card.get("token") or card.get("number") or ""))


def _attach(call: Call) -> Object:
    method = (
        call.find("payment_method") if call.ids[0].startswith("pm_") and call.ids[0] in call.engine.store.objects.get("payment_method", {}) else None
    )
    method = method or call.engine.payments.make_method(call.ids[0])
    call.engine.payments.attach(method, call.engine.store.find("customer", call.wanted.get("customer"), "customer"))
    return method


def _detach(call: Call) -> Object:
    store, method = call.engine.store, call.find("payment_method")
    with store.changing(method, "payment_method.detached"):
        owner, method["customer"] = method["customer"], None
    customer = store.objects["customer"].get(owner)
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        with store.changing(customer, "customer.updated"):
            customer["invoice_settings"] = customer["invoice_settings"] | {"default_payment_method": None}
    return method


def _methods(call: Call) -> list[Object]:
    owner = call.ids[0] if call.ids else call.wanted.get("customer")
    return [one for one in call.engine.store.all("payment_method") if one["customer"] == owner]


def _make_subscription(call: Call) -> Object:
    wanted = call.wanted
    customer = call.engine.store.find("customer", wanted.get("customer"), "customer")
    if customer.get("deleted"):
        raise StripeRefusal(f"No such customer: '{customer['id']}'", "customer", "resource_missing")
    return call.engine.subscriptions.create(customer, {**wanted, "billing_cycle_anchor": _seconds(wanted.get("billing_cycle_anchor"))})


def _seconds(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def _update_subscription(call: Call) -> Object:
    subscription = call.find("subscription")
    if "billing_cycle_anchor" in call.wanted:
        _anchor(call)
    call.engine.subscriptions.update(subscription, call.wanted)
    return subscription


def _anchor(call: Call) -> str:
    """`now` or `unchanged`, in the form that the call's version has: a text, since endive an object."""
    given = call.wanted.get("billing_cycle_anchor", {"type": "now"})
    if isinstance(given, str) and call.version is not None and call.version >= ANCHOR_OBJECT_SINCE:
        raise StripeRefusal("Invalid object: billing_cycle_anchor", "billing_cycle_anchor")
    anchor = given if isinstance(given, str) else given.get("type")
    if anchor not in ("now", "unchanged"):
        raise StripeRefusal("Invalid billing_cycle_anchor: must be one of now or unchanged", "billing_cycle_anchor")
    return str(anchor)


def _resume(call: Call) -> Object:
    subscription = call.find("subscription")
    call.engine.subscriptions.resume(subscription, _anchor(call))
    return subscription


def _cancel(call: Call) -> Object:
    subscription = call.find("subscription")
    call.engine.subscriptions.cancel(subscription)
    return subscription


def _subscriptions(call: Call) -> list[Object]:
    found = _list("subscription", customer="customer")(call)
    status = call.wanted.get("status")
    if price := call.wanted.get("price"):
        found = [one for one in found if any(item["price"]["id"] == price for item in one["items"]["data"])]
    if status is None:
        return [one for one in found if one["status"] not in {"canceled", "incomplete_expired"}]
    ended = {"canceled", "incomplete_expired"}
    return [one for one in found if status == "all" or one["status"] == status or (status == "ended" and one["status"] in ended)]


def _items(call: Call) -> list[Object]:
    return list(call.engine.store.find("subscription", call.wanted["subscription"], "subscription")["items"]["data"])


def _invoices(call: Call) -> list[Object]:
    found = _list("invoice", customer="customer", status="status")(call)
    subscription = call.wanted.get("subscription")
    details = ((one, (one["parent"] or {}).get("subscription_details") or {}) for one in found)
    return [one for one, detail in details if subscription is None or detail.get("subscription") == subscription]


def _make_invoice(call: Call) -> Object:
    """A one-off of the customer's pending items, if they are asked for: `pending_invoice_items_behavior` is `exclude` by default."""
    store, wanted = call.engine.store, call.wanted
    customer = store.find("customer", wanted.get("customer"), "customer")
    held = [one for one in store.all("invoiceitem") if one["customer"] == customer["id"] and one["invoice"] is None]
    excluded = wanted.get("pending_invoice_items_behavior", "exclude") == "exclude"
    for one in held if excluded else []:
        one["invoice"] = "held"
    invoice = call.engine.invoices.make(customer, "manual", [], None, store.second, store.second, wanted.get("currency", "usd"))
    for one in held if excluded else []:
        one["invoice"] = None
    return invoice


def _finalize(call: Call) -> Object:
    invoice = call.find("invoice")
    call.engine.invoices.finalize(invoice)
    return invoice


def _pay(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] == "draft":
        call.engine.invoices.finalize(invoice)
    if invoice["status"] != "paid" or invoice["amount_due"]:
        call.engine.invoices.pay(invoice)
    return invoice


def _void(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeRefusal("You can only pass in open or uncollectible invoices.", "invoice", "invoice_not_open")
    call.engine.invoices.void(invoice)
    return invoice


def _give_up(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] != "open":
        raise StripeRefusal("You can only mark open invoices as uncollectible.", "invoice", "invoice_not_open")
    call.engine.invoices.give_up(invoice)
    return invoice


def _make_invoice_item(call: Call) -> Object:
    store, wanted, kind = call.engine.store, call.wanted, stripe.InvoiceItem
    customer = store.find("customer", wanted.get("customer"), "customer")
    pricing = None
    if "amount" in wanted:  # Stripe makes a price for an amount that is given by itself
        product = store.make("product", stripe.Product, type="service", name=wanted.get("description") or "Item", active=False, updated=store.second)
        store.tell("product.created", product)
        price = make_price(store, {"product": product["id"], "currency": wanted["currency"], "unit_amount": wanted["amount"], "active": False})
        store.tell("price.created", price)
    else:
        price = store.find("price", (wanted.get("pricing") or {}).get("price"), "pricing[price]")
    pricing = blank(kind.Pricing, type="price_details", price_details={"price": price["id"], "product": price["product"]})
    subscription = wanted.get("subscription")
    details = blank(kind.Parent.SubscriptionDetails, subscription=subscription)
    item = store.make(
        "invoiceitem",
        kind,
        amount=(price["unit_amount"] or 0) * wanted.get("quantity", 1),
        currency=price["currency"],
        customer=customer["id"],
        date=store.second,
        description=wanted.get("description"),
        discountable=True,
        metadata=dict(wanted.get("metadata") or {}),
        parent=blank(kind.Parent, type="subscription_details", subscription_details=details) if subscription else None,
        period={"start": store.second, "end": store.second},
        pricing=pricing,
        proration=False,
        quantity=wanted.get("quantity", 1),
        quantity_decimal=str(wanted.get("quantity", 1)),
    )
    if wanted.get("invoice"):
        item["invoice"] = store.find("invoice", wanted["invoice"], "invoice")["id"]
    store.tell("invoiceitem.created", item)
    return item


def _delete_invoice_item(call: Call) -> Object:
    item = call.find("invoiceitem")
    if item["invoice"] is not None:
        raise StripeRefusal("You can't delete an invoice item that is on an invoice.", "invoiceitem")
    del call.engine.store.objects["invoiceitem"][item["id"]]
    call.engine.store.tell("invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def _invoice_payments(call: Call) -> list[Object]:
    found = _list("invoice_payment", invoice="invoice", status="status")(call)
    intent = (call.wanted.get("payment") or {}).get("payment_intent")
    return [one for one in found if intent is None or one["payment"]["payment_intent"] == intent]


def _refund(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    id = wanted.get("charge") or store.find("payment_intent", wanted.get("payment_intent"), "payment_intent")["latest_charge"]
    return call.engine.payments.refund(store.find("charge", id, "charge"), wanted.get("amount"))


def _make_coupon(call: Call) -> Object:
    wanted = call.wanted
    values = {name: wanted[name] for name in ("percent_off", "amount_off", "currency", "duration", "duration_in_months", "name") if name in wanted}
    coupon = call.engine.store.make(
        "coupon",
        stripe.Coupon,
        id=wanted.get("id") or call.engine.store.id("product")[5:13].upper(),
        times_redeemed=0,
        valid=True,
        **{"duration": "once"} | values,
    )
    call.engine.store.tell("coupon.created", coupon)
    return coupon


def _make_checkout(call: Call) -> Object:
    return call.engine.checkout.create(call.wanted)


def _expire_checkout(call: Call) -> Object:
    session = call.find("checkout.session")
    call.engine.checkout.expire(session)
    return session


def _events(call: Call) -> list[Object]:
    wanted, found = call.wanted, list(reversed(call.engine.store.events))
    types = wanted.get("types") or ([wanted["type"]] if "type" in wanted else [])
    if "delivery_success" in wanted:
        found = [one for one in found if (one["pending_webhooks"] == 0) is wanted["delivery_success"]]
    fits = [one for one in found if not types or any(re.fullmatch(name.replace(".", r"\.").replace("*", ".*"), one["type"]) for name in types)]
    return [one for one in fits if _within(one["created"], wanted.get("created"))]


def _event(call: Call) -> Object:
    found = next((one for one in call.engine.store.events if one["id"] == call.ids[0]), None)
    if found is None:
        raise StripeRefusal(f"No such event: '{call.ids[0]}'", "id", "resource_missing", 404)
    return found


_TABLE: tuple[tuple[str, str, Any, Do], ...] = (
    ("POST", "products", params.ProductCreateParams, _make_product),
    ("GET", "products", params.ProductListParams, _list("product", active="active")),
    ("GET", "products/:id", params.ProductRetrieveParams, _get("product")),
    ("POST", "prices", params.PriceCreateParams, _make_price),
    ("GET", "prices", params.PriceListParams, _prices),
    ("GET", "prices/:id", params.PriceRetrieveParams, _get("price")),
    ("POST", "prices/:id", params.PriceUpdateParams, _update_price),
    ("POST", "coupons", params.CouponCreateParams, _make_coupon),
    ("GET", "coupons/:id", params.CouponRetrieveParams, _get("coupon")),
    ("POST", "customers", params.CustomerCreateParams, _make_customer),
    ("GET", "customers", params.CustomerListParams, _customers),
    ("GET", "customers/search", params.CustomerSearchParams, _search("customer")),
    ("GET", "customers/:id", params.CustomerRetrieveParams, _get_customer),
    ("POST", "customers/:id", params.CustomerUpdateParams, _update_customer),
    ("DELETE", "customers/:id", params.CustomerDeleteParams, _delete_customer),
    ("GET", "customers/:id/payment_methods", params.CustomerListPaymentMethodsParams, _methods),
    ("POST", "payment_methods", params.PaymentMethodCreateParams, _make_method),
    ("GET", "payment_methods", params.PaymentMethodListParams, _methods),
    ("GET", "payment_methods/:id", params.PaymentMethodRetrieveParams, _get("payment_method")),
    ("POST", "payment_methods/:id/attach", params.PaymentMethodAttachParams, _attach),
    ("POST", "payment_methods/:id/detach", params.PaymentMethodDetachParams, _detach),
    ("GET", "setup_intents", params.SetupIntentListParams, _list("setup_intent", customer="customer")),
    ("GET", "setup_intents/:id", params.SetupIntentRetrieveParams, _get("setup_intent")),
    ("GET", "payment_intents/:id", params.PaymentIntentRetrieveParams, _get("payment_intent")),
    ("GET", "charges", params.ChargeListParams, _list("charge", customer="customer")),
    ("GET", "charges/:id", params.ChargeRetrieveParams, _get("charge")),
    ("POST", "refunds", params.RefundCreateParams, _refund),
    ("POST", "subscriptions", params.SubscriptionCreateParams, _make_subscription),
    ("GET", "subscriptions", params.SubscriptionListParams, _subscriptions),
    ("GET", "subscriptions/search", params.SubscriptionSearchParams, _search("subscription")),
    ("GET", "subscriptions/:id", params.SubscriptionRetrieveParams, _get("subscription")),
    ("POST", "subscriptions/:id", params.SubscriptionUpdateParams, _update_subscription),
    ("POST", "subscriptions/:id/resume", params.SubscriptionResumeParams, _resume),
    ("DELETE", "subscriptions/:id", params.SubscriptionCancelParams, _cancel),
    ("GET", "subscription_items", params.SubscriptionItemListParams, _items),
    ("POST", "invoices", params.InvoiceCreateParams, _make_invoice),
    ("GET", "invoices", params.InvoiceListParams, _invoices),
    ("GET", "invoices/:id", params.InvoiceRetrieveParams, _get("invoice")),
    ("POST", "invoices/:id/finalize", params.InvoiceFinalizeInvoiceParams, _finalize),
    ("POST", "invoices/:id/pay", params.InvoicePayParams, _pay),
    ("POST", "invoices/:id/void", params.InvoiceVoidInvoiceParams, _void),
    ("POST", "invoices/:id/mark_uncollectible", params.InvoiceMarkUncollectibleParams, _give_up),
    ("POST", "invoiceitems", params.InvoiceItemCreateParams, _make_invoice_item),
    ("GET", "invoiceitems", params.InvoiceItemListParams, _list("invoiceitem", customer="customer", invoice="invoice")),
    ("GET", "invoiceitems/:id", params.InvoiceItemRetrieveParams, _get("invoiceitem")),
    ("DELETE", "invoiceitems/:id", params.InvoiceItemDeleteParams, _delete_invoice_item),
    ("GET", "invoice_payments", params.InvoicePaymentListParams, _invoice_payments),
    ("POST", "checkout/sessions", checkout.SessionCreateParams, _make_checkout),
    (
        "GET",
        "checkout/sessions",
        checkout.SessionListParams,
        _list("checkout.session", customer="customer", subscription="subscription", status="status"),
    ),
    ("GET", "checkout/sessions/:id", checkout.SessionRetrieveParams, _get("checkout.session")),
    ("POST", "checkout/sessions/:id/expire", checkout.SessionExpireParams, _expire_checkout),
    ("POST", "billing_portal/sessions", billing_portal.SessionCreateParams, lambda call: call.engine.checkout.portal(call.wanted)),
    ("GET", "events", params.EventListParams, _events),
    ("GET", "events/:id", params.EventRetrieveParams, _event),
)

ROUTES = [Route(method, re.compile("/v1/" + path.replace(":id", r"([A-Za-z0-9_-]+)")), kind, do) for method, path, kind, do in _TABLE]
"""A route without parameters in its path stands before one that would match it."""
