"""The API's calls: a table of method, path, the SDK's class for the parameters, and
what is done."""

import re
from dataclasses import dataclass
from typing import Any, NotRequired

from stripe import params
from stripe.params import billing_portal, checkout
from stripe.params.v2 import core

from local.stripe_sim.api import calls_catalogue as catalogue
from local.stripe_sim.api import calls_customers as customers
from local.stripe_sim.api import calls_discounts as discounts
from local.stripe_sim.api import calls_invoices as invoices
from local.stripe_sim.api import calls_items as items
from local.stripe_sim.api import calls_methods as methods
from local.stripe_sim.api import calls_refunds as refunds
from local.stripe_sim.api import calls_schedules as schedules
from local.stripe_sim.api import calls_setup as setup
from local.stripe_sim.api import calls_subscriptions as subscriptions
from local.stripe_sim.api.calls import Do, get, list_of, search


@dataclass(frozen=True)
class Route:
    """A call of the API."""

    method: str
    path: re.Pattern[str]
    params: Any
    do: Do


_TABLE: tuple[tuple[str, str, Any, Do], ...] = (
    ("POST", "products", params.ProductCreateParams, catalogue.make_product),
    ("GET", "products", params.ProductListParams, catalogue.products),
    ("GET", "products/:id", params.ProductRetrieveParams, get("product")),
    ("POST", "products/:id", params.ProductUpdateParams, catalogue.update_product),
    ("POST", "prices", params.PriceCreateParams, catalogue.make_price),
    ("GET", "prices", params.PriceListParams, catalogue.prices),
    ("GET", "prices/:id", params.PriceRetrieveParams, get("price")),
    ("POST", "prices/:id", params.PriceUpdateParams, catalogue.update_price),
    ("POST", "coupons", params.CouponCreateParams, discounts.make_coupon),
    ("GET", "coupons", params.CouponListParams, list_of("coupon")),
    ("GET", "coupons/:id", params.CouponRetrieveParams, get("coupon")),
    ("DELETE", "coupons/:id", params.CouponDeleteParams, discounts.delete_coupon),
    ("POST", "promotion_codes", params.PromotionCodeCreateParams, discounts.make_promotion_code),
    ("GET", "promotion_codes", params.PromotionCodeListParams, discounts.promotion_codes),
    ("GET", "promotion_codes/:id", params.PromotionCodeRetrieveParams, get("promotion_code")),
    (
        "POST",
        "promotion_codes/:id",
        params.PromotionCodeUpdateParams,
        discounts.update_promotion_code,
    ),
    ("POST", "customers", params.CustomerCreateParams, customers.make_customer),
    ("GET", "customers", params.CustomerListParams, customers.customers),
    ("GET", "customers/search", params.CustomerSearchParams, search("customer")),
    ("GET", "customers/:id", params.CustomerRetrieveParams, customers.get_customer),
    ("POST", "customers/:id", params.CustomerUpdateParams, customers.update_customer),
    ("DELETE", "customers/:id", params.CustomerDeleteParams, customers.delete_customer),
    (
        "GET",
        "customers/:id/payment_methods",
        params.CustomerListPaymentMethodsParams,
        methods.methods,
    ),
    (
        "GET",
        "customers/:id/balance_transactions",
        params.CustomerListBalanceTransactionsParams,
        customers.balance_transactions,
    ),
    (
        "POST",
        "customers/:id/balance_transactions",
        params.CustomerCreateBalanceTransactionParams,
        customers.adjust_balance,
    ),
    ("POST", "payment_methods", params.PaymentMethodCreateParams, methods.make_method),
    ("GET", "payment_methods", params.PaymentMethodListParams, methods.methods),
    ("GET", "payment_methods/:id", params.PaymentMethodRetrieveParams, get("payment_method")),
    ("POST", "payment_methods/:id/attach", params.PaymentMethodAttachParams, methods.attach),
    ("POST", "payment_methods/:id/detach", params.PaymentMethodDetachParams, methods.detach),
    ("POST", "setup_intents", params.SetupIntentCreateParams, methods.make_setup_intent),
    (
        "POST",
        "setup_intents/:id/confirm",
        params.SetupIntentConfirmParams,
        methods.confirm_setup_intent,
    ),
    (
        "GET",
        "setup_intents",
        params.SetupIntentListParams,
        list_of("setup_intent", customer="customer"),
    ),
    ("GET", "setup_intents/:id", params.SetupIntentRetrieveParams, get("setup_intent")),
    (
        "GET",
        "payment_intents",
        params.PaymentIntentListParams,
        list_of("payment_intent", customer="customer"),
    ),
    ("GET", "mandates/:id", params.MandateRetrieveParams, get("mandate")),
    ("GET", "payment_intents/:id", params.PaymentIntentRetrieveParams, get("payment_intent")),
    ("GET", "charges", params.ChargeListParams, list_of("charge", customer="customer")),
    ("GET", "charges/:id", params.ChargeRetrieveParams, get("charge")),
    ("POST", "refunds", params.RefundCreateParams, refunds.make),
    (
        "GET",
        "refunds",
        params.RefundListParams,
        list_of("refund", charge="charge", payment_intent="payment_intent"),
    ),
    ("GET", "refunds/:id", params.RefundRetrieveParams, get("refund")),
    ("POST", "subscriptions", params.SubscriptionCreateParams, subscriptions.make_subscription),
    ("GET", "subscriptions", params.SubscriptionListParams, subscriptions.subscriptions),
    ("GET", "subscriptions/search", params.SubscriptionSearchParams, search("subscription")),
    ("GET", "subscriptions/:id", params.SubscriptionRetrieveParams, get("subscription")),
    (
        "POST",
        "subscriptions/:id",
        params.SubscriptionUpdateParams,
        subscriptions.update_subscription,
    ),
    ("POST", "subscriptions/:id/resume", params.SubscriptionResumeParams, subscriptions.resume),
    ("DELETE", "subscriptions/:id", params.SubscriptionCancelParams, subscriptions.cancel),
    (
        "DELETE",
        "subscriptions/:id/discount",
        params.SubscriptionDeleteDiscountParams,
        discounts.delete_discount,
    ),
    (
        "POST",
        "subscription_schedules",
        params.SubscriptionScheduleCreateParams,
        schedules.make,
    ),
    (
        "GET",
        "subscription_schedules",
        params.SubscriptionScheduleListParams,
        schedules.listed,
    ),
    (
        "GET",
        "subscription_schedules/:id",
        params.SubscriptionScheduleRetrieveParams,
        get("subscription_schedule"),
    ),
    (
        "POST",
        "subscription_schedules/:id",
        params.SubscriptionScheduleUpdateParams,
        schedules.update,
    ),
    (
        "POST",
        "subscription_schedules/:id/release",
        params.SubscriptionScheduleReleaseParams,
        schedules.release,
    ),
    (
        "POST",
        "subscription_schedules/:id/cancel",
        params.SubscriptionScheduleCancelParams,
        schedules.cancel,
    ),
    (
        "GET",
        "subscription_items/:id",
        params.SubscriptionItemRetrieveParams,
        get("subscription_item"),
    ),
    ("POST", "subscription_items", params.SubscriptionItemCreateParams, subscriptions.add_item),
    (
        "POST",
        "subscription_items/:id",
        params.SubscriptionItemUpdateParams,
        subscriptions.update_item,
    ),
    (
        "DELETE",
        "subscription_items/:id",
        params.SubscriptionItemDeleteParams,
        subscriptions.delete_item,
    ),
    ("GET", "subscription_items", params.SubscriptionItemListParams, subscriptions.items),
    ("POST", "invoices", params.InvoiceCreateParams, invoices.make_invoice),
    ("GET", "invoices", params.InvoiceListParams, invoices.invoices),
    ("POST", "invoices/create_preview", params.InvoiceCreatePreviewParams, invoices.show_preview),
    ("GET", "invoices/search", params.InvoiceSearchParams, search("invoice")),
    ("GET", "invoices/:id", params.InvoiceRetrieveParams, get("invoice")),
    ("POST", "invoices/:id", params.InvoiceUpdateParams, invoices.update_invoice),
    ("DELETE", "invoices/:id", params.InvoiceDeleteParams, invoices.delete_invoice),
    ("GET", "invoices/:id/lines", params.InvoiceLineItemListParams, items.lines),
    ("POST", "invoices/:id/add_lines", params.InvoiceAddLinesParams, items.add_lines),
    ("POST", "invoices/:id/finalize", params.InvoiceFinalizeInvoiceParams, invoices.finalize),
    ("POST", "invoices/:id/pay", params.InvoicePayParams, invoices.pay),
    ("POST", "invoices/:id/send", params.InvoiceSendInvoiceParams, invoices.send),
    ("POST", "invoices/:id/void", params.InvoiceVoidInvoiceParams, invoices.void),
    (
        "POST",
        "invoices/:id/mark_uncollectible",
        params.InvoiceMarkUncollectibleParams,
        invoices.give_up,
    ),
    ("POST", "invoiceitems", params.InvoiceItemCreateParams, items.make),
    ("GET", "invoiceitems", params.InvoiceItemListParams, items.listed),
    ("GET", "invoiceitems/:id", params.InvoiceItemRetrieveParams, get("invoiceitem")),
    ("POST", "invoiceitems/:id", params.InvoiceItemUpdateParams, items.update),
    ("DELETE", "invoiceitems/:id", params.InvoiceItemDeleteParams, items.delete),
    ("POST", "credit_notes", params.CreditNoteCreateParams, refunds.make_note),
    (
        "GET",
        "credit_notes",
        params.CreditNoteListParams,
        list_of("credit_note", customer="customer", invoice="invoice"),
    ),
    ("GET", "credit_notes/:id", params.CreditNoteRetrieveParams, get("credit_note")),
    ("POST", "credit_notes/:id", params.CreditNoteUpdateParams, refunds.update_note),
    ("POST", "credit_notes/:id/void", params.CreditNoteVoidCreditNoteParams, refunds.void_note),
    ("GET", "invoice_payments", params.InvoicePaymentListParams, invoices.invoice_payments),
    ("GET", "invoice_payments/:id", params.InvoicePaymentRetrieveParams, get("invoice_payment")),
    ("POST", "checkout/sessions", checkout.SessionCreateParams, subscriptions.make_checkout),
    (
        "GET",
        "checkout/sessions",
        checkout.SessionListParams,
        list_of(
            "checkout.session", customer="customer", subscription="subscription", status="status"
        ),
    ),
    ("GET", "checkout/sessions/:id", checkout.SessionRetrieveParams, get("checkout.session")),
    (
        "POST",
        "checkout/sessions/:id/expire",
        checkout.SessionExpireParams,
        subscriptions.expire_checkout,
    ),
    (
        "POST",
        "billing_portal/sessions",
        billing_portal.SessionCreateParams,
        lambda call: call.engine.checkout.portal(call.wanted),
    ),
    (
        "POST",
        "billing_portal/configurations",
        billing_portal.ConfigurationCreateParams,
        setup.make_portal,
    ),
    ("GET", "billing_portal/configurations", billing_portal.ConfigurationListParams, setup.portals),
    (
        "GET",
        "billing_portal/configurations/:id",
        billing_portal.ConfigurationRetrieveParams,
        setup.get_portal,
    ),
    (
        "POST",
        "billing_portal/configurations/:id",
        billing_portal.ConfigurationUpdateParams,
        setup.update_portal,
    ),
    ("POST", "webhook_endpoints", params.WebhookEndpointCreateParams, setup.make_endpoint),
    ("GET", "webhook_endpoints", params.WebhookEndpointListParams, list_of("webhook_endpoint")),
    ("GET", "webhook_endpoints/:id", params.WebhookEndpointRetrieveParams, get("webhook_endpoint")),
    ("POST", "webhook_endpoints/:id", params.WebhookEndpointUpdateParams, setup.update_endpoint),
    ("DELETE", "webhook_endpoints/:id", params.WebhookEndpointDeleteParams, setup.delete_endpoint),
    ("GET", "account", params.AccountRetrieveCurrentParams, setup.account),
    ("GET", "balance", params.BalanceRetrieveParams, setup.balance),
    ("GET", "events", params.EventListParams, subscriptions.events),
    ("GET", "events/:id", params.EventRetrieveParams, subscriptions.event),
)


class DestinationsParams(core.EventDestinationListParams):
    """With what `next_page_url` adds, which the SDK follows as it is."""

    page: NotRequired[str]


_V2: tuple[tuple[str, str, Any, Do], ...] = (
    ("POST", "event_destinations", core.EventDestinationCreateParams, setup.make_destination),
    (
        "GET",
        "event_destinations",
        DestinationsParams,
        list_of("v2.core.event_destination"),
    ),
    (
        "GET",
        "event_destinations/:id",
        core.EventDestinationRetrieveParams,
        get("v2.core.event_destination"),
    ),
    ("POST", "event_destinations/:id", core.EventDestinationUpdateParams, setup.update_destination),
    (
        "POST",
        "event_destinations/:id/enable",
        core.EventDestinationEnableParams,
        setup.switch_destination("enabled"),
    ),
    (
        "POST",
        "event_destinations/:id/disable",
        core.EventDestinationDisableParams,
        setup.switch_destination("disabled"),
    ),
)

ROUTES = [
    Route(method, re.compile(prefix + path.replace(":id", r"([A-Za-z0-9_-]+)")), kind, do)
    for prefix, table in (("/v1/", _TABLE), ("/v2/core/", _V2))
    for method, path, kind, do in table
]
"""A route without parameters in its path stands before one that would match it."""
