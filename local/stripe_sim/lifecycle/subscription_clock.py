"""What happens to subscriptions by themselves: trials end, periods begin, payments arrive or fail,
planned cancellations come.
"""

from collections.abc import Callable

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.calendar import days
from local.stripe_sim.billing.drafts import NOT_TAXED
from local.stripe_sim.billing.invoices import Invoices
from local.stripe_sim.billing.items import pending_of, subscription_of
from local.stripe_sim.billing.payments import Payments
from local.stripe_sim.billing.periods import FINAL, UPDATED, Periods
from local.stripe_sim.lifecycle.store import Store

RENEWING = frozenset({"active", "past_due", "unpaid"})
INCOMPLETE_SECONDS = 23 * 3600
NOTICE_SECONDS = days(3)


class SubscriptionClock(Periods):
    """Subscriptions as far as their clock and their payments. `ended` is called when one was
    canceled.
    """

    def __init__(self, store: Store, payments: Payments, invoices: Invoices) -> None:
        super().__init__(store, payments, invoices)
        invoices.settled = self._settled
        self.ended: Callable[[Object], None] = lambda subscription: None

    def next_due(self, subscription: Object) -> int | None:
        """The next second at which something happens to it by itself."""
        return min((at for at, _ in self._due(subscription)), default=None)

    def fall_due(self, subscription: Object) -> None:
        """Do the first thing that is due at this second."""
        due = [what for at, what in sorted(self._due(subscription)) if at <= self._store.second]
        if due:
            getattr(self, due[0])(subscription)

    def _due(self, one: Object) -> list[tuple[int, str]]:
        status, due = one["status"], []
        if status in FINAL:
            return []
        if status == "trialing":
            due.append((one["trial_end"], "_end_trial"))
            if not one.get("_noticed"):
                due.append((one["trial_end"] - NOTICE_SECONDS, "_give_notice"))
        if status == "incomplete":
            due.append((one["created"] + INCOMPLETE_SECONDS, "_expire"))
        if one["cancel_at"] is not None:
            due.append((one["cancel_at"], "_cancel_as_planned"))
        if status in RENEWING:
            due.append((self._period_of(one)[1], "_renew"))
        if one["pause_collection"] and one["pause_collection"]["resumes_at"]:
            due.append((one["pause_collection"]["resumes_at"], "_collect_again"))
        return due

    def _give_notice(self, subscription: Object) -> None:
        subscription["_noticed"] = True
        self._store.tell("customer.subscription.trial_will_end", subscription)

    def _end_trial(self, subscription: Object, by_hand: bool = False) -> None:
        customer = self._store.find("customer", subscription["customer"])
        behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if (
            self._payments.default_of(customer, subscription) is None
            and subscription["collection_method"] == "charge_automatically"
            and behavior != "create_invoice"
        ):
            if behavior == "cancel":
                # The reason does not say that a person asked.
                self._end(subscription, "canceled", "cancellation_requested")
                return
            with (
                self._store.changing(subscription, UPDATED)
                if self._store.settings["every_event"]
                else self._store.quietly(subscription)
            ):
                subscription["status"] = "paused"
                paused = stripe.Subscription.StatusDetails.Paused
                subscription["status_details"] = {
                    "paused": blank(
                        paused,
                        type="subscription",
                        transitioned_at=self._store.second,
                        subscription=blank(
                            paused.Subscription, type="trial_end_without_payment_method"
                        ),
                    )
                }
            self._store.tell("customer.subscription.paused", subscription)
            return
        self._renew(subscription, by_hand)

    def _renew(self, subscription: Object, by_hand: bool = False) -> None:
        """Begin the next period, and bill it. A trial that is ended `by_hand` is billed in the
        call; such an invoice does not look back.
        """
        with self._store.changing(subscription, UPDATED):
            since, start = self._period_of(subscription)
            self._begin_period(subscription, start)
            if subscription["status"] == "trialing":
                subscription["status"] = "active"
            invoice = self._invoice(
                subscription,
                "subscription_update" if by_hand else "subscription_cycle",
                self._lines(subscription, *self._period_of(subscription)),
                None if by_hand else since,
            )
            self._collect(subscription, invoice, self._bill)

    def will_renew(self, subscription: Object) -> bool:
        """Whether another period follows the one that runs."""
        end = self._period_of(subscription)[1]
        canceled = subscription["cancel_at"] is not None and subscription["cancel_at"] <= end
        return subscription["status"] in RENEWING | {"trialing"} and not canceled

    def renew_early(self, subscription: Object) -> None:
        """Renew at the end of the period as though it were now: what is to be known of the next
        invoice, on a copy.
        """
        self._store.second = self._period_of(subscription)[1]
        self._renew(subscription)

    def _collect(
        self, subscription: Object, invoice: Object, bill: Callable[[Object], None]
    ) -> None:
        """Bill a draft, unless collecting is paused or has been given up."""
        if subscription["pause_collection"]:
            self._do_not_collect(invoice, subscription["pause_collection"]["behavior"])
        elif subscription["status"] != "unpaid":
            bill(invoice)
        else:
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None

    def _bill(self, invoice: Object) -> None:
        in_the_call = not invoice["auto_advance"]
        wait = 0 if in_the_call else self._store.settings["invoice_draft_seconds"]
        if wait:
            invoice["automatically_finalizes_at"] = invoice["_finalize_at"] = (
                self._store.second + wait
            )
            return
        self.bill_draft(invoice)

    def _do_not_collect(self, invoice: Object, behavior: str) -> None:
        invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        if behavior == "keep_as_draft":
            return
        self._invoices.finalize(invoice)
        if invoice["status"] == "open":
            self._invoices.void(invoice) if behavior == "void" else self._invoices.give_up(invoice)

    def bill_draft(self, invoice: Object) -> None:
        """Finalize a draft whose hour is over, and try to have it paid unless it was sent. One that
        cannot be taxed stays a draft.
        """
        try:
            self._invoices.finalize(invoice)
        except StripeRefusal as refusal:
            if refusal is not NOT_TAXED:
                raise
        if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
            self._invoices.attempt(invoice)

    def retry(self, invoice: Object) -> None:
        """Try again to have an invoice paid."""
        subscription = self._invoices.subscription_of(invoice)
        if subscription and subscription["status"] in FINAL:
            invoice["next_payment_attempt"] = None
            return
        self._invoices.retry(invoice)

    def _expire(self, subscription: Object) -> None:
        for invoice in self._invoices.open_of(subscription):
            self._invoices.void(invoice)
        with self._store.changing(subscription, UPDATED):
            subscription["status"], subscription["canceled_at"], subscription["ended_at"] = (
                "incomplete_expired",
                self._store.second,
                self._store.second,
            )

    def end_as_planned(self, subscription: Object) -> None:
        """End it now, as it was planned: what is pending is invoiced."""
        self._cancel_as_planned(subscription)

    def _cancel_as_planned(self, subscription: Object) -> None:
        if self._pending_of(subscription):
            with self._store.quietly(subscription):
                self.bill_finally(subscription)
        self._end(
            subscription, "canceled", subscription["cancellation_details"]["reason"], planned=True
        )

    def bill_finally(self, subscription: Object) -> None:
        """Invoice what is pending for a subscription that ends. What comes to less than nothing is
        not credited: the draft is marked uncollectible.
        """
        customer = self._store.find("customer", subscription["customer"])
        pending = pending_of(self._store, customer, subscription["currency"])
        if not any(subscription_of(one) in (None, subscription["id"]) for one in pending):
            return
        since = self._period_of(subscription)[0]
        invoice = self._invoice(subscription, "subscription_cycle", [], since)
        if invoice["total"] < 0:
            self._invoices.give_up(invoice)
        else:
            self.bill_draft(invoice)

    def _pending_of(self, subscription: Object) -> list[Object]:
        customer = self._store.find("customer", subscription["customer"])
        return [
            item
            for item in pending_of(self._store, customer)
            if subscription_of(item) == subscription["id"]
        ]

    def _collect_again(self, subscription: Object) -> None:
        with self._store.changing(subscription, UPDATED):
            subscription["pause_collection"] = None

    def _end(
        self, subscription: Object, status: str, reason: str | None, planned: bool = False
    ) -> None:
        """Cancel it. When it was `planned` stays the date of the cancellation."""
        subscription["status"], subscription["ended_at"] = status, self._store.second
        if not planned or subscription["canceled_at"] is None:
            subscription["canceled_at"] = self._store.second
        subscription["cancellation_details"]["reason"] = reason
        for invoice in self._invoices.open_of(subscription):
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        subscription["_ended"] = True
        self._store.tell("customer.subscription.deleted", subscription)
        self.ended(subscription)

    def _settled(self, invoice: Object, what: str) -> None:
        subscription = self._invoices.subscription_of(invoice)
        if subscription is None or subscription["status"] in FINAL:
            return
        resumes = subscription["status"] == "paused" and bool(invoice.get("_resumes"))
        if what == "failed":
            self._payment_failed(subscription, invoice)
        elif resumes and what in ("paid", "processing"):
            self._run_again(subscription, invoice)
        elif subscription["status"] == "incomplete":
            if what in ("paid", "processing"):
                self._become(subscription, "active")
        elif subscription["status"] in {"active", "past_due", "unpaid"} and what != "processing":
            self._judge(subscription)

    def _judge(self, subscription: Object) -> None:
        """Take the status from the newest invoice that was finalized and is not void
        (docs.stripe.com/billing/subscriptions/overview).
        """
        counted = [
            one
            for one in self._invoices.of(subscription)
            if one["status"] not in ("draft", "void") and one["billing_reason"] != "manual"
        ]
        if not counted or not self._invoices.is_owed(counted[0]):
            self._become(subscription, "active")
        elif subscription["status"] == "active":
            self._become(subscription, "past_due")

    def _become(self, subscription: Object, status: str) -> None:
        with self._store.changing(subscription, UPDATED):
            subscription["status"] = status

    def _run_again(self, subscription: Object, invoice: Object) -> None:
        with self._store.changing(subscription, UPDATED):
            subscription["status"], subscription["status_details"] = "active", None
            if invoice["_resumes"] == "now":
                subscription["billing_cycle_anchor"] = self._store.second
            self._begin_period(subscription, self._store.second)
        self._store.tell("customer.subscription.resumed", subscription)

    def _payment_failed(self, subscription: Object, invoice: Object) -> None:
        if subscription["status"] == "active":
            self._judge(subscription)
        last = (
            invoice["next_payment_attempt"] is None
            and invoice["attempt_count"] >= self._store.settings["payment_tries"]
        )
        if subscription["status"] != "past_due" or not last:
            return
        after = self._store.settings["after_retries"]
        if after == "canceled":
            self._end(subscription, "canceled", "payment_failed")
        elif after == "unpaid":
            self._become(subscription, "unpaid")
