"""Every page that a customer may see, with the values of customers of each kind, in a language."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.operations import Change
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.parts.instance import Instance, InstanceRequest
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.billing.cancellation_rules import Offer
from chalicelib.domain.billing.payments import OPEN_STATUSES
from chalicelib.domain.billing.preview import Preview
from chalicelib.domain.errors import BillhookError
from chalicelib.domain.policy.policy import (
    CancelPolicy,
    InstancePolicy,
    Plan,
    RetentionOffer,
    Tariff,
)
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.domain.stripe_objects.answers import Coupon
from chalicelib.domain.stripe_objects.objects import (
    Card,
    Customer,
    Invoice,
    Item,
    PauseCollection,
    Subscription,
)
from chalicelib.pages.cancellation import cancel_view, confirm_view
from chalicelib.pages.customer import NOTICES, billing_view
from chalicelib.pages.details import details_view
from chalicelib.pages.plan import plan_view, preview_view
from chalicelib.pages.problems import problem_text
from chalicelib.pages.welcome import welcome_view
from tests.fakes.services import POLICY

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
EMAIL = "ada@example.com"
PRICES = {"month": 4900, "year": 49000}
SOLD = replace(
    POLICY,
    cancel=CancelPolicy(withdrawal_days=14, now=True),
    plans={
        "pro": Plan(
            "pro",
            "Pro",
            ("projects",),
            {"month": "pro_monthly", "year": "pro_yearly"},
            PRICES,
            currencies={
                "jpy": Tariff({"month": "pro_jpy"}, {"month": 7400}),
                "kwd": Tariff({"month": "pro_kwd", "year": "pro_kwd_year"}, {"month": 15250}),
            },
        ),
        "scale": Plan("scale", "Scale", (), {"month": "scale_monthly"}, {"month": 19900}),
    },
)
"""A policy that sells in three currencies, one of them without an amount for a year, and lets
customers withdraw and end at once.
"""


@dataclass(frozen=True)
class Shown:
    """One page: `name` says which case it is, `template` and `values` make its HTML."""

    name: str
    template: str
    values: dict[str, Any] = field(default_factory=dict)


def customer(currency: str = "usd", amount: int = 4900, /, **subscription: Any) -> Account:
    """A customer with a card and a subscription to `pro`, for two seats."""
    item = Item("p", None, "pro_monthly", 2, amount, currency, "month")
    one = Subscription("sub_1", "cus_1", "active", NOW - DAY, (item,), period_end=NOW + 30 * DAY)
    account = Account("acc_1", profile=Profile(EMAIL, "Ada", timezone="Europe/Vienna"))
    seen = FromEvent(NOW - DAY)
    account = apply(account, CustomerSnapshot(Customer("cus_1", EMAIL, card="pm_1"), seen))
    account = apply(account, SubscriptionSnapshot(replace(one, **subscription), seen))
    return apply(account, CardSnapshot(Card("pm_1", "visa", "4242", 8, 2027), NOW))


def by_debit(account: Account) -> Account:
    """The account with a bank account instead of the card."""
    return apply(account, CardSnapshot(Card("pm_1", "", "3000", 0, 0, "sepa_debit"), NOW + DAY))


def billed(account: Account, currency: str, amount: int) -> Account:
    """The account with an invoice of each status."""
    invoices = [
        Invoice(
            *(f"in_{status}", "cus_1", status, NOW - number * DAY, "sub_1", currency, amount),
            amount_paid=amount if status == "paid" else 0,
            hosted_invoice_url=f"https://invoice.stripe.com/{number}",
        )
        for number, status in enumerate(("open", "paid", "void", "uncollectible"))
    ]
    return replace(account, invoices={one.id: TrackedInvoice(one, NOW) for one in invoices})


def left(currency: str) -> Account:
    """A customer who has left, and was billed in this currency."""
    return customer(currency, status="canceled", ended_at=NOW - DAY)


def every_page(language: str) -> Iterator[Shown]:
    """Each page in each of its forms."""
    yield from _billing_pages(language)
    yield from _welcome_pages(language)
    yield from _plan_pages(language)
    yield from _cancellation_pages(language)
    yield from _mail_pages()
    yield from _details_pages()
    for name in ("card_saved", "subscribed", "pending", "canceled"):
        titled = {"title": f"returned.{name}.title", "text": f"returned.{name}.text"}
        yield Shown(f"returned-{name}", "message", titled)
    problem = problem_text(BillhookError("English"), language)
    yield Shown("problem", "signup_problem", {"message": problem})
    yield Shown("check-inbox", "check_inbox")
    for name in ("sign_in.", "sign_in.ask_", "signed_out."):
        said = {"heading": f"{name}heading", "detail": f"{name}detail"}
        yield Shown(name.strip("._").replace(".", "-").replace("_", "-"), "sign_in", said)
    opened = {"email": "a…@example.com", "confirms": False, "choices": [], "settled": False}
    yield Shown("open-billing", "open_billing", opened)
    yield Shown("open-billing-first", "open_billing", opened | {"email": "", "confirms": True})
    several = [
        {"number": 2, "at": "Friday, 13 March 2026, 14:05 (Europe/Vienna)", "plan": "Pro"},
        {"number": 1, "at": "Thursday, 12 March 2026, 9:30 (Europe/Vienna)", "plan": "Scale"},
    ]
    choices = [one | {"own": one["number"] == 2} for one in several]
    chosen = opened | {"confirms": True, "choices": choices}
    yield Shown("open-billing-several", "open_billing", chosen)
    yield Shown("open-billing-settled", "open_billing", opened | {"settled": True})


def _details_pages() -> Iterator[Shown]:
    known = replace(customer(), profile=Profile(EMAIL, "Ada", language="de-AT"))
    yield Shown("details", "details", details_view(known, SOLD))
    without = replace(SOLD, mail=None, signup=None)
    yield Shown("details-without-sign-in", "details", details_view(Account("acc_2"), without))
    for name in ("email", "email_sign_in", "email_change", "email_undo", "plan_sign_in"):
        yield Shown(name.replace("_", "-"), name, {"email": EMAIL})
    for name in ("changed", "undone"):
        titled = {"title": f"email.{name}_heading", "text": f"email.{name}"}
        yield Shown(f"email-{name}", "message", titled)


def _billing_pages(language: str) -> Iterator[Shown]:
    accounts = {
        "paying": billed(customer(), "usd", 123456789),
        "past-due": billed(customer(status="past_due"), "usd", 9800),
        "past-due-debit": billed(by_debit(customer(status="past_due")), "usd", 9800),
        "unpaid-debit": billed(by_debit(customer(status="unpaid")), "usd", 9800),
        "overdue": billed(customer(status="past_due", send_invoice=True), "usd", 9800),
        "yen": billed(customer("jpy", 7400), "jpy", 14800),
        "dinar": billed(customer("kwd", 15250), "kwd", 30500),
        "trial": customer(status="trialing", trial_end=NOW + 13 * DAY, card=None),
        "canceling": customer(cancel_at=NOW + 9 * DAY),
        "pausing": customer(pause_collection=PauseCollection("void")),
        "paused": customer(status="paused"),
        "left": left("usd"),
        "left-dinar": left("kwd"),
        "left-not-sold": left("chf"),
        "unknown-plan": customer(items=()),
        "new": Account("acc_2"),
    }
    for name, account in accounts.items():
        view = billing_view(account, SOLD, NOW, None, language)
        yield Shown(f"billing-{name}", "billing", view)
    not_sold = billing_view(left("chf"), replace(SOLD, mail=None), NOW, None, language)
    yield Shown("billing-not-sold-without-mail", "billing", not_sold)
    for notice in NOTICES:
        view = billing_view(customer(), SOLD, NOW, notice, language)
        yield Shown(f"notice-{notice}", "billing", view)
    one = {"link": "billing@1", "at": "03.03.2026, 14:05", "browser": "1"}
    openings = [one | {"by": "12.03.2026", "own": own, "ended": not own} for own in (True, False)]
    view = billing_view(customer(), SOLD, NOW, None, language)
    yield Shown("billing-openings", "billing", view | {"openings": openings})


def _welcome_pages(language: str) -> Iterator[Shown]:
    signup = Signup("pro", NOW + 13 * DAY, NOW)
    account = Account("acc_1", profile=Profile(EMAIL), signup=signup)
    waiting = replace(account, signup=replace(signup, confirm=True))
    planless = replace(account, signup=replace(signup, plan="gone"))
    policy = replace(SOLD, pages=replace(SOLD.pages, first_steps=({"en": "Pro"},)))
    for name, one, now in (
        ("runs", account, NOW),
        ("confirm", waiting, NOW),
        ("planless", planless, NOW),
        ("over", account, NOW + 14 * DAY),
    ):
        yield Shown(f"welcome-{name}", "welcome", welcome_view(one, policy, now, language))
    policy = replace(policy, instance=INSTANCES)
    over = NOW + 15 * DAY
    for name, one, now in (
        ("making", instance_that_is("creating"), NOW),
        ("delayed", instance_that_is("creating", error="The answer was 500."), NOW),
        ("opening", instance_that_is("resuming"), NOW),
        ("stalled", instance_that_is("stalled"), NOW),
        ("held", Instance(NOW, "suspended", order="suspended"), NOW),
        ("suspended", Instance(NOW, "suspended"), over),
        ("deleted", Instance(NOW, "deleted"), over),
    ):
        view = welcome_view(replace(account, instance=one), policy, now, language)
        yield Shown(f"welcome-{name}", "welcome", view)
    waits = replace(account, instance=instance_that_is("creating"))
    view = welcome_view(waits, policy, NOW, language, is_stopped=True)
    yield Shown("welcome-stopped", "welcome", view)


INSTANCES = InstancePolicy("https://acme.app/instances", ("acme.app",), DAY, None, HOUR)
ASKED = {
    "creating": ("create", "none"),
    "resuming": ("resume", "suspended"),
    "stalled": ("create", "none"),
}


def instance_that_is(status: str, **changes: Any) -> Instance:
    """An instance that is asked for since a minute; the changes are of the request."""
    action, state = ASKED[status]
    trouble = "stalled" if status == "stalled" else None
    ago = NOW - timedelta(minutes=1)
    request = InstanceRequest("r.1", action, ago, ago + HOUR, calls=1, trouble=trouble)
    made = Instance(ago, state, request=replace(request, **changes))
    assert made.status == status
    return made


def _plan_pages(language: str) -> Iterator[Shown]:
    trial = customer(status="trialing", trial_end=NOW + 13 * DAY)
    for currency, amount in (("usd", 4900), ("jpy", 7400), ("kwd", 15250), ("chf", 4900)):
        view = plan_view(customer(currency, amount), SOLD, language)
        yield Shown(f"plan-{currency}", "plan", view)
    change = Change("scale", "month", 2, "scale_monthly", "now", NOW)
    for name, account, due, following, seats in (
        ("now", customer(), 33774, 39800, 2),
        ("free", customer(), 0, None, 1),
        ("trial", trial, 0, 39800, 1),
    ):
        preview = Preview(replace(change, quantity=seats), due, "usd", NOW, following)
        view = preview_view(account, SOLD, preview, name == "now", language)
        yield Shown(f"preview-{name}", "plan_preview", view)
    endless = preview_view(
        customer(period_end=None), SOLD, Preview(change, 0, "usd", NOW, 39800), False, language
    )
    yield Shown("preview-endless", "plan_preview", endless)
    yield Shown("declined", "plan_declined")
    for status in OPEN_STATUSES:
        values = {"status": status, "url": "https://invoice.stripe.com/i/1"}
        yield Shown(f"payment-{status}", "payment_open", values)


def _cancellation_pages(language: str) -> Iterator[Shown]:
    offers: dict[str, Offer | None] = {
        "plain": None,
        "pause": Offer(RetentionOffer("pause", days=60)),
        "plan": Offer(RetentionOffer("plan", "pro")),
    }
    coupons = (
        Coupon("A", percent_off=12.5, duration="once"),
        Coupon("B", amount_off=500, currency="kwd", duration="forever"),
        Coupon("C", percent_off=20.0, duration="repeating", months=3),
        Coupon("D", percent_off=20.0, duration="repeating", months=1),
    )
    for coupon in coupons:
        offers[f"coupon-{coupon.id}"] = Offer(RetentionOffer("coupon", coupon.id), coupon)
    for name, offer in offers.items():
        view = confirm_view(customer(), SOLD, offer, "unused", "", NOW, language)
        yield Shown(f"confirm-{name}", "cancel_confirm", view)
    paused = customer(status="paused")
    yield Shown("cancel", "cancel", cancel_view(customer(), SOLD, language))
    yield Shown("cancel-paused", "cancel", cancel_view(paused, SOLD, language))
    view = confirm_view(paused, SOLD, None, None, "", NOW, language)
    yield Shown("confirm-paused", "cancel_confirm", view)
    for days in (1, 14):
        for refund in ("", "$33.19"):
            values = {"days": days, "refund": refund}
            yield Shown(f"withdraw-{days}{refund and '-again'}", "withdraw", values)
    for what in ("withdraw", "cancel_now"):
        for refund in ("", "$33.19"):
            values = {"what": what, "refund": refund}
            yield Shown(f"leave-{what}{refund and '-again'}", "leave", values)
        yield Shown(f"left-{what}", "left", {"what": what})
    for answer in ("", "unused"):
        values = {"reasons": CANCELLATION_REASONS, "answer": answer, "comment": ""}
        yield Shown(f"feedback-{answer}", "feedback", values)


def _mail_pages() -> Iterator[Shown]:
    for wanted in (True, False):
        yield Shown(f"unsubscribe-{wanted}", "unsubscribe", {"wanted": wanted})
        for saved in (True, False):
            values = {"wanted": wanted, "saved": saved, "wrong": not saved}
            yield Shown(f"preferences-{wanted}-{saved}", "preferences", values)
    for token in ("", "token"):
        yield Shown(f"unsubscribed-{token}", "unsubscribed", {"preferences": token})
