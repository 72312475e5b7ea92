"""Subscriptions in all eight statuses: how they begin, what their clock does, and how they are changed."""

from typing import Any

import stripe

from local.stripe_sim.calendar import days, period_end
from local.stripe_sim.invoices import Invoices
from local.stripe_sim.payments import NO_CARD, Payments
from local.stripe_sim.proration import prorate
from local.stripe_sim.refusals import StripeRefusal, declined
from local.stripe_sim.shapes import Object, blank
from local.stripe_sim.store import Store

FINAL = frozenset({"canceled", "incomplete_expired"})
RENEWING = frozenset({"active", "past_due", "unpaid"})
UPDATED = "customer.subscription.updated"
INCOMPLETE_SECONDS = 23 * 3600
NOTICE_SECONDS = days(3)


class Subscriptions:
    """What is done with subscriptions."""

    def __init__(self, store: Store, payments: Payments, invoices: Invoices) -> None:
        self._store, self._payments, self._invoices = store, payments, invoices
        invoices.settled = self._settled

    # How they begin

    def create(self, customer: Object, wanted: Object, method: Object | None = None, on_session: bool = False) -> Object:
        """A subscription as the parameters of `POST /v1/subscriptions` say. `method` is the card that a Checkout collected. Raises StripeRefusal."""
        trial_end = self._trial_end(wanted)
        behaviour = wanted.get("payment_behavior", "allow_incomplete")
        subscription = self._made(customer, wanted, trial_end, method)
        start, end = self._period_of(subscription)
        with self._store.quietly(subscription):  # its first payment is told by what it is created as
            if trial_end:
                subscription["status"] = "trialing"
                self._first_invoice(subscription, customer, [line | {"amount": 0, "subtotal": 0} for line in self._lines(subscription, start, end)])
            else:
                self._begin_paying(subscription, customer, method, behaviour, on_session)
        self._store.tell("customer.subscription.created", subscription)
        if trial_end and trial_end - self._store.second <= NOTICE_SECONDS:
            self._give_notice(subscription)
        return subscription

    def _made(self, customer: Object, wanted: Object, trial_end: int | None, method: Object | None) -> Object:
        now, kind = self._store.second, stripe.Subscription
        anchor = trial_end or (wanted.get("billing_cycle_anchor") if isinstance(wanted.get("billing_cycle_anchor"), int) else None) or now
        mode = (wanted.get("billing_mode") or {}).get("type", "flexible")
        behavior = (wanted.get("trial_settings") or {}).get("end_behavior", {}).get("missing_payment_method", "create_invoice")
        if wanted.get("default_payment_method"):
            self._store.find("payment_method", wanted["default_payment_method"], "default_payment_method")
        subscription = self._store.make(
            "subscription",
            kind,
            automatic_tax=blank(kind.AutomaticTax, enabled=False),
            billing_cycle_anchor=anchor,
            billing_mode=blank(kind.BillingMode, type=mode, updated_at=now),
            cancel_at_period_end=bool(wanted.get("cancel_at_period_end", False)),
            cancellation_details=blank(kind.CancellationDetails),
            collection_method=wanted.get("collection_method", "charge_automatically"),
            currency="usd",
            customer=customer["id"],
            default_payment_method=method["id"] if method else wanted.get("default_payment_method"),
            description=wanted.get("description"),
            invoice_settings=blank(kind.InvoiceSettings, issuer=blank(kind.InvoiceSettings.Issuer, type="self")),
            metadata=dict(wanted.get("metadata") or {}),
            payment_settings=blank(
                kind.PaymentSettings,
                save_default_payment_method=(wanted.get("payment_settings") or {}).get("save_default_payment_method", "off"),
            ),
            start_date=now,
            status="incomplete",
            trial_start=now if trial_end else None,
            trial_end=trial_end,
            trial_settings=blank(kind.TrialSettings, end_behavior=blank(kind.TrialSettings.EndBehavior, missing_payment_method=behavior)),
            items={"object": "list", "data": [], "has_more": False, "url": ""},
        )
        subscription["items"]["url"] = f"/v1/subscription_items?subscription={subscription['id']}"
        for line in wanted.get("items") or []:
            self._add_item(subscription, line, trial_end)
        if not subscription["items"]["data"]:
            del self._store.objects["subscription"][subscription["id"]]
            raise StripeRefusal("Missing required param: items.", "items", "parameter_missing")
        subscription["currency"] = subscription["items"]["data"][0]["price"]["currency"]
        subscription["_coupons"] = [
            self._store.find("coupon", one["coupon"], "discounts") for one in wanted.get("discounts") or [] if one.get("coupon")
        ]
        return subscription

    def _add_item(self, subscription: Object, line: Object, trial_end: int | None) -> None:
        price = self._store.find("price", line.get("price"), "items[0][price]")
        if price["type"] != "recurring":
            raise StripeRefusal(
                "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.", "items[0][price]"
            )
        now, anchor = self._store.second, subscription["billing_cycle_anchor"]
        recurring = price["recurring"]
        end = trial_end or period_end(now, anchor, recurring["interval"], recurring["interval_count"])
        item = self._store.make(
            "subscription_item",
            stripe.SubscriptionItem,
            current_period_start=now,
            current_period_end=end,
            price=price,
            plan=_plan(price),
            quantity=line.get("quantity", 1),
            subscription=subscription["id"],
        )
        subscription["items"]["data"].append(item)

    def _trial_end(self, wanted: Object) -> int | None:
        end, trial_days = wanted.get("trial_end"), wanted.get("trial_period_days")
        if end is not None and trial_days is not None:
            raise StripeRefusal("You may only specify one of these parameters: trial_end, trial_period_days.", "trial_end")
        if trial_days is not None:
            if not 1 <= trial_days <= 730:
                raise StripeRefusal("trial_period_days must be between 1 and 730.", "trial_period_days")
            return self._store.second + days(trial_days)
        if end in (None, "now"):
            return None
        return self._future_trial_end(end)

    def _future_trial_end(self, end: Any) -> int:
        if end <= self._store.second:
            raise StripeRefusal("Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end", "parameter_invalid_integer")
        if end > self._store.second + days(730):
            raise StripeRefusal("The maximum number of trial period days is 730 (2 years).", "trial_end")
        return int(end)

    def _begin_paying(self, subscription: Object, customer: Object, method: Object | None, behaviour: str, on_session: bool) -> None:
        start, end = self._period_of(subscription)
        card = method or self._payments.default_of(customer, subscription)
        lines = self._lines(subscription, start, end)
        if card is None and behaviour != "default_incomplete" and sum(line["amount"] for line in lines) > 0 and not subscription["_coupons"]:
            self._forget(subscription)
            raise StripeRefusal(NO_CARD, None, "resource_missing")
        if behaviour == "error_if_incomplete" and card is not None:
            self._must_pay(subscription, card, on_session)
        invoice = self._first_invoice(subscription, customer, lines)
        if invoice["status"] == "open" and behaviour != "default_incomplete":
            self._invoices.pay_by(invoice, card, on_session=on_session)

    def _must_pay(self, subscription: Object, card: Object, on_session: bool) -> None:
        """Refuse before anything is made, where a subscription is only wanted if its first payment succeeds."""
        from local.stripe_sim.cards import card as behaviour_of

        behaviour = behaviour_of(card["_card"])
        if behaviour and (behaviour.decline or (behaviour.secure and not on_session)):
            self._forget(subscription)
            raise declined("Your card was declined.", behaviour.decline or "authentication_required")

    def _forget(self, subscription: Object) -> None:
        del self._store.objects["subscription"][subscription["id"]]

    def _first_invoice(self, subscription: Object, customer: Object, lines: list[Object]) -> Object:
        start, end = self._period_of(subscription)
        invoice = self._invoices.make(customer, "subscription_create", lines, subscription, start, end, subscription["currency"])
        subscription["latest_invoice"] = invoice["id"]
        self._invoices.finalize(invoice)
        return invoice

    # What their clock does

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

    def _end_trial(self, subscription: Object) -> None:
        customer = self._store.find("customer", subscription["customer"])
        behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if self._payments.default_of(customer, subscription) is None and behavior != "create_invoice":
            if behavior == "cancel":
                self._end(subscription, "canceled", None)
                return
            with self._store.changing(subscription, UPDATED) if self._store.settings["every_event"] else self._store.quietly(subscription):
                subscription["status"] = "paused"
                paused = stripe.Subscription.StatusDetails.Paused
                subscription["status_details"] = {
                    "paused": blank(
                        paused,
                        type="subscription",
                        transitioned_at=self._store.second,
                        subscription=blank(paused.Subscription, type="trial_end_without_payment_method"),
                    )
                }
            self._store.tell("customer.subscription.paused", subscription)
            return
        self._renew(subscription)

    def _renew(self, subscription: Object) -> None:
        """Begin the next period, and bill it."""
        customer = self._store.find("customer", subscription["customer"])
        with self._store.changing(subscription, UPDATED):
            start = self._period_of(subscription)[1]
            self._begin_period(subscription, start)
            if subscription["status"] == "trialing":
                subscription["status"] = "active"
            start, end = self._period_of(subscription)
            invoice = self._invoices.make(
                customer, "subscription_cycle", self._lines(subscription, start, end), subscription, start, end, subscription["currency"]
            )
            subscription["latest_invoice"] = invoice["id"]
            if subscription["pause_collection"]:
                self._do_not_collect(invoice, subscription["pause_collection"]["behavior"])
            elif subscription["status"] != "unpaid":
                self._bill(invoice)

    def _bill(self, invoice: Object) -> None:
        wait = self._store.settings["invoice_draft_seconds"]
        if wait:
            invoice["automatically_finalizes_at"] = invoice["_finalize_at"] = self._store.second + wait
            return
        self._invoices.finalize(invoice)
        if invoice["status"] == "open":
            self._invoices.attempt(invoice)

    def _do_not_collect(self, invoice: Object, behavior: str) -> None:
        invoice["auto_advance"] = False
        if behavior == "keep_as_draft":
            return
        self._invoices.finalize(invoice)
        if invoice["status"] == "open":
            self._invoices.void(invoice) if behavior == "void" else self._invoices.give_up(invoice)

    def bill_draft(self, invoice: Object) -> None:
        """Finalize a renewal's draft whose hour is over, and try to have it paid."""
        self._invoices.finalize(invoice)
        if invoice["status"] == "open":
            self._invoices.attempt(invoice)

    def retry(self, invoice: Object) -> None:
        """Try again to have an invoice paid."""
        subscription = self._invoices.subscription_of(invoice)
        if subscription is None or subscription["status"] in FINAL or subscription["pause_collection"]:
            invoice["next_payment_attempt"] = None
            return
        self._invoices.attempt(invoice, retry=True)

    def _expire(self, subscription: Object) -> None:
        for invoice in self._invoices.open_of(subscription):
            self._invoices.void(invoice)
        with self._store.changing(subscription, UPDATED):
            subscription["status"], subscription["canceled_at"], subscription["ended_at"] = (
                "incomplete_expired",
                self._store.second,
                self._store.second,
            )

    def _cancel_as_planned(self, subscription: Object) -> None:
        self._end(subscription, "canceled", subscription["cancellation_details"]["reason"])

    def _collect_again(self, subscription: Object) -> None:
        with self._store.changing(subscription, UPDATED):
            subscription["pause_collection"] = None

    def _end(self, subscription: Object, status: str, reason: str | None) -> None:
        subscription["status"], subscription["ended_at"] = status, self._store.second
        subscription["canceled_at"] = subscription["canceled_at"] or self._store.second
        subscription["cancellation_details"]["reason"] = reason
        for invoice in self._invoices.open_of(subscription):
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
        subscription["_ended"] = True
        self._store.tell("customer.subscription.deleted", subscription)

    # What payments make of them

    def _settled(self, invoice: Object, what: str) -> None:
        subscription = self._invoices.subscription_of(invoice)
        if subscription is None or subscription["status"] in FINAL:
            return
        if subscription["latest_invoice"] != invoice["id"] and what == "paid" and self._latest_owes(subscription):
            return
        if what == "failed":
            self._payment_failed(subscription, invoice)
        else:
            self._payment_arrived(subscription, invoice)

    def _latest_owes(self, subscription: Object) -> bool:
        latest = self._store.objects["invoice"].get(subscription["latest_invoice"])
        return bool(latest and latest["status"] == "open")

    def _payment_arrived(self, subscription: Object, invoice: Object) -> None:
        resumes = subscription["status"] == "paused" and invoice.get("_resumes")
        if subscription["status"] in {"past_due", "unpaid", "incomplete"} or resumes:
            with self._store.changing(subscription, UPDATED):
                subscription["status"] = "active"
                if resumes:
                    subscription["billing_cycle_anchor"] = (
                        self._store.second if invoice["_resumes"] == "now" else subscription["billing_cycle_anchor"]
                    )
                    self._begin_period(subscription, self._store.second)
                    subscription["status_details"] = None
        if resumes:
            self._store.tell("customer.subscription.resumed", subscription)

    def _payment_failed(self, subscription: Object, invoice: Object) -> None:
        if subscription["status"] in {"active", "trialing"} and invoice["billing_reason"] != "subscription_update":
            with self._store.changing(subscription, UPDATED):
                subscription["status"] = "past_due"
        last = invoice["next_payment_attempt"] is None and invoice["attempt_count"] > self._store.settings["retries"]
        if subscription["status"] != "past_due" or not last:
            return
        after = self._store.settings["after_retries"]
        if after == "canceled":
            self._end(subscription, "canceled", "payment_failed")
        elif after == "unpaid":
            with self._store.changing(subscription, UPDATED):
                subscription["status"] = "unpaid"

    # How they are changed

    def resume(self, subscription: Object, anchor: str) -> None:
        """Bill a paused subscription; it runs again once that is paid."""
        if subscription["status"] != "paused":
            raise StripeRefusal("Only subscriptions with a status of `paused` can be resumed.", "subscription")
        customer = self._store.find("customer", subscription["customer"])
        with self._store.changing(subscription, UPDATED):
            now = self._store.second
            recurring = subscription["items"]["data"][0]["price"]["recurring"]
            end = period_end(
                now, now if anchor == "now" else subscription["billing_cycle_anchor"], recurring["interval"], recurring["interval_count"]
            )
            invoice = self._invoices.make(
                customer, "subscription_cycle", self._lines(subscription, now, end), subscription, now, end, subscription["currency"]
            )
            invoice["_resumes"], invoice["_attempt_at"], invoice["_void_at"] = anchor, now + 3600, now + INCOMPLETE_SECONDS
            subscription["latest_invoice"] = invoice["id"]
            self._invoices.finalize(invoice)

    def cancel(self, subscription: Object) -> None:
        """End it now."""
        if subscription["status"] in FINAL:
            raise StripeRefusal(f"No such subscription: '{subscription['id']}'", "id", "resource_missing", 404)
        self._end(subscription, "canceled", "cancellation_requested")

    def plan_cancel(self, subscription: Object, at: int | None, at_period_end: bool) -> None:
        """Cancel later: at a moment, or at the end of the period; neither takes a planned cancellation back."""
        subscription["cancel_at_period_end"] = at_period_end
        subscription["cancel_at"] = self._period_of(subscription)[1] if at_period_end else at
        planned = subscription["cancel_at"] is not None
        subscription["canceled_at"] = self._store.second if planned else None
        subscription["cancellation_details"]["reason"] = "cancellation_requested" if planned else None

    def update(self, subscription: Object, wanted: Object) -> None:
        """Change it as the parameters of `POST /v1/subscriptions/{id}` say. Raises StripeRefusal."""
        if subscription["status"] in FINAL and set(wanted) - {"metadata", "cancellation_details"}:
            raise StripeRefusal("A canceled subscription can only update its cancellation_details and metadata.", "id")
        if wanted.get("default_payment_method"):
            self._store.find("payment_method", wanted["default_payment_method"], "default_payment_method")
        with self._store.changing(subscription, UPDATED):
            self._update_plainly(subscription, wanted)
            if "cancel_at_period_end" in wanted and (
                wanted["cancel_at_period_end"] or subscription["cancel_at_period_end"] or subscription["cancel_at"] is None
            ):
                self.plan_cancel(subscription, None, wanted["cancel_at_period_end"])
            if "cancel_at" in wanted:
                self.plan_cancel(subscription, self._cancel_moment(subscription, wanted["cancel_at"]), False)
            if wanted.get("items"):
                self._change_items(subscription, wanted)
            if "trial_end" in wanted:
                self._move_trial(subscription, wanted["trial_end"])

    def _update_plainly(self, subscription: Object, wanted: Object) -> None:
        for name in ("default_payment_method", "description", "collection_method"):
            if name in wanted:
                subscription[name] = wanted[name] or None
        if "metadata" in wanted:
            merged = {**subscription["metadata"], **(wanted["metadata"] or {})} if wanted["metadata"] != "" else {}
            subscription["metadata"] = {name: value for name, value in merged.items() if value != ""}
        if "trial_settings" in wanted:
            subscription["trial_settings"]["end_behavior"] |= wanted["trial_settings"]["end_behavior"]
        if "pause_collection" in wanted:
            pause = wanted["pause_collection"]
            subscription["pause_collection"] = blank(stripe.Subscription.PauseCollection, **pause) if pause else None
        if "discounts" in wanted:
            subscription["_coupons"] = [self._store.find("coupon", one["coupon"], "discounts") for one in wanted["discounts"] or []]

    def _cancel_moment(self, subscription: Object, value: Any) -> int | None:
        if value == "":
            return None
        if value in ("min_period_end", "max_period_end"):
            return self._period_of(subscription)[1]
        if value <= self._store.second:
            raise StripeRefusal("Invalid timestamp: must be in the future.", "cancel_at", "parameter_invalid_integer")
        return int(value)

    def _change_items(self, subscription: Object, wanted: Object) -> None:
        before = {item["id"]: dict(item) for item in subscription["items"]["data"]}
        for line in wanted["items"]:
            self._change_item(subscription, line)
        after = subscription["items"]["data"]
        if subscription["status"] in {"trialing", "incomplete", "paused"}:
            return
        behavior = wanted.get("proration_behavior", "create_prorations")
        renewed = {_interval(item["price"]) for item in before.values()} != {_interval(item["price"]) for item in after}
        if behavior != "none":
            prorate(self._store, subscription, list(before.values()), after, whole_period=not renewed)
        if renewed:
            subscription["billing_cycle_anchor"] = self._store.second
            self._begin_period(subscription, self._store.second)
        if renewed or behavior == "always_invoice":
            self._bill_update(subscription, renewed)

    def _change_item(self, subscription: Object, line: Object) -> None:
        items = subscription["items"]["data"]
        if "id" not in line:
            self._add_item(subscription, line, subscription["trial_end"] if subscription["status"] == "trialing" else None)
            return
        item = next((one for one in items if one["id"] == line["id"]), None)
        if item is None:
            raise StripeRefusal(f"No such subscription item: '{line['id']}'", "items[0][id]", "resource_missing")
        if line.get("deleted"):
            items.remove(item)
            return
        if "price" in line:
            item["price"] = self._store.find("price", line["price"], "items[0][price]")
            item["plan"] = _plan(item["price"])
        item["quantity"] = line.get("quantity", item["quantity"])

    def _bill_update(self, subscription: Object, renewed: bool) -> None:
        customer = self._store.find("customer", subscription["customer"])
        start, end = self._period_of(subscription)
        lines = self._lines(subscription, start, end) if renewed else []
        invoice = self._invoices.make(customer, "subscription_update", lines, subscription, start, end, subscription["currency"])
        subscription["latest_invoice"] = invoice["id"]
        self._invoices.finalize(invoice)
        if invoice["status"] == "open":
            self._invoices.attempt(invoice)

    def _move_trial(self, subscription: Object, end: Any) -> None:
        if end == "now" and subscription["status"] != "trialing":
            return
        if end == "now":
            if not subscription.get("_noticed"):
                self._give_notice(subscription)
            self._end_trial_early(subscription)
            return
        subscription["trial_end"] = subscription["billing_cycle_anchor"] = self._future_trial_end(end)
        subscription["trial_start"] = subscription["trial_start"] or self._store.second
        subscription["status"] = "trialing" if subscription["status"] in {"trialing", "active"} else subscription["status"]
        subscription["_noticed"] = False
        for item in subscription["items"]["data"]:
            item["current_period_end"] = end
        if end - self._store.second <= NOTICE_SECONDS:
            self._give_notice(subscription)

    def _end_trial_early(self, subscription: Object) -> None:
        subscription["trial_end"] = subscription["billing_cycle_anchor"] = self._store.second
        for item in subscription["items"]["data"]:
            item["current_period_end"] = self._store.second
        self._end_trial(subscription)

    # Periods

    def _period_of(self, subscription: Object) -> tuple[int, int]:
        items = subscription["items"]["data"]
        return min(item["current_period_start"] for item in items), min(item["current_period_end"] for item in items)

    def _begin_period(self, subscription: Object, start: int) -> None:
        for item in subscription["items"]["data"]:
            recurring = item["price"]["recurring"]
            item["current_period_start"] = start
            item["current_period_end"] = period_end(start, subscription["billing_cycle_anchor"], recurring["interval"], recurring["interval_count"])

    def _lines(self, subscription: Object, start: int, end: int) -> list[Object]:
        return self._invoices.lines_of(subscription, start, end, lambda item: (item["price"]["unit_amount"] or 0) * (item["quantity"] or 1))


def _interval(price: Object) -> tuple[str, int]:
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def _plan(price: Object) -> Object:
    """The old form of a price, which items still carry."""
    recurring = price["recurring"]
    return blank(
        stripe.Plan,
        id=price["id"],
        active=price["active"],
        amount=price["unit_amount"],
        billing_scheme="per_unit",
        created=price["created"],
        currency=price["currency"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        product=price["product"],
        usage_type="licensed",
    )
