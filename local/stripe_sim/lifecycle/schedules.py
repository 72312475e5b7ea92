"""Subscription schedules: phases that change a subscription when each begins, and what becomes of
it after the last (docs.stripe.com/billing/subscriptions/subscription-schedules).
"""

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.calendar import days
from local.stripe_sim.billing.periods import FINAL, UPDATED
from local.stripe_sim.lifecycle.phases import (
    built_phases,
    change_by,
    items_change,
    phase_of,
    phase_today,
    settings_of,
)
from local.stripe_sim.lifecycle.store import Store
from local.stripe_sim.lifecycle.subscriptions import Subscriptions

_Schedule = stripe.SubscriptionSchedule
EXPIRING_SECONDS = days(7)
OPEN = frozenset({"not_started", "active"})
MANAGED = ("cancel_at", "cancel_at_period_end")
"""Parameters of a subscription that belong to its schedule."""


class Schedules:
    """What is done with schedules."""

    def __init__(self, store: Store, subscriptions: Subscriptions) -> None:
        self._store, self._subscriptions = store, subscriptions
        subscriptions.ended = self._subscription_ended

    def create(self, wanted: Object) -> Object:
        """A schedule as the parameters of `POST /v1/subscription_schedules` say. Raises
        StripeRefusal.
        """
        if wanted.get("from_subscription"):
            schedule = self._from_subscription(wanted)
        else:
            schedule = self._from_phases(wanted)
        self._store.tell("subscription_schedule.created", schedule)
        if schedule["status"] == "not_started" and self._start_of(schedule) <= self._store.second:
            self._start(schedule)
        return schedule

    def _from_subscription(self, wanted: Object) -> Object:
        others = sorted({*wanted} - {"from_subscription", "customer", "expand"})
        if others:
            raise StripeRefusal(
                f"You cannot set `{others[0]}` if `from_subscription` is set.", others[0]
            )
        subscription = self._store.find(
            "subscription", wanted["from_subscription"], "from_subscription"
        )
        if subscription["schedule"]:
            raise StripeRefusal(
                "You cannot migrate a subscription that is already attached to a schedule:"
                f" {subscription['schedule']}.",
                "from_subscription",
            )
        if subscription["status"] in FINAL | {"incomplete"}:
            raise StripeRefusal(
                "You cannot migrate a subscription that is in the"
                f" `{subscription['status']}` status.",
                "from_subscription",
            )
        phase = phase_of(subscription)
        schedule = self._made(
            subscription["customer"],
            {"end_behavior": "cancel" if subscription["cancel_at"] else "release"},
            [phase],
        )
        schedule["status"], schedule["subscription"] = "active", subscription["id"]
        schedule["current_phase"] = _span(phase)
        self._attach(subscription, schedule)
        return schedule

    def _from_phases(self, wanted: Object) -> Object:
        customer = self._store.find("customer", wanted.get("customer"), "customer")
        if not wanted.get("phases"):
            raise StripeRefusal("Missing required param: phases.", "phases", "parameter_missing")
        start = wanted.get("start_date", "now")
        first = self._store.second if start == "now" else int(start)
        phases = built_phases(self._store, wanted["phases"], first, customer["currency"])
        return self._made(customer["id"], wanted, phases)

    def _made(self, customer: str, wanted: Object, phases: list[Object]) -> Object:
        return self._store.make(
            "subscription_schedule",
            _Schedule,
            billing_mode=blank(_Schedule.BillingMode, type="flexible"),
            customer=customer,
            default_settings=settings_of(wanted.get("default_settings") or {}),
            end_behavior=wanted.get("end_behavior", "release"),
            metadata=dict(wanted.get("metadata") or {}),
            phases=phases,
            status="not_started",
        )

    def update(self, schedule: Object, wanted: Object) -> None:
        """Change it as the parameters of `POST /v1/subscription_schedules/{id}` say. Raises
        StripeRefusal.
        """
        self._must_be_open(schedule, "update")
        with self._store.changing(schedule, "subscription_schedule.updated"):
            if "phases" in wanted:
                self._replace_phases(schedule, wanted)
            if "end_behavior" in wanted:
                schedule["end_behavior"] = wanted["end_behavior"]
            if "default_settings" in wanted:
                schedule["default_settings"] |= wanted["default_settings"]
            if "metadata" in wanted:
                schedule["metadata"] = {**schedule["metadata"], **(wanted["metadata"] or {})}
            self._plan_end(schedule)

    def _replace_phases(self, schedule: Object, wanted: Object) -> None:
        start, current = wanted["phases"][0].get("start_date"), schedule["current_phase"]
        if start is None:
            raise StripeRefusal(
                "The subscription schedule update is missing at least one phase with a"
                " `start_date` to anchor end dates to.",
                "phases",
            )
        start = self._store.second if start == "now" else int(start)
        if current and start != current["start_date"]:
            raise StripeRefusal(
                "You can not modify the start date of the current phase.", "phases[0][start_date]"
            )
        subscription = self._subscription_of(schedule)
        currency = subscription["currency"] if subscription else None
        phases = built_phases(self._store, wanted["phases"], start, currency)
        running = phase_today(phases, self._store.second) if current else None
        if current and running is None:
            raise StripeRefusal("The current phase must end in the future.", "phases")
        before = schedule["phases"]
        schedule["phases"] = [one for one in before if one["end_date"] <= start] + phases
        schedule["_told_of_end"] = False
        if subscription and running:
            behavior = wanted.get("proration_behavior", "create_prorations")
            self._enter(schedule, subscription, running, behavior)

    def release(self, schedule: Object, keep_cancel_date: bool) -> None:
        """Let the subscription go on as it is, without the schedule. Raises StripeRefusal."""
        self._must_be_open(schedule, "release")
        self._detach(schedule, keep_cancel_date)
        schedule["status"], schedule["released_at"] = "released", self._store.second
        schedule["released_subscription"], schedule["subscription"] = schedule["subscription"], None
        self._store.tell("subscription_schedule.released", schedule)

    def cancel(self, schedule: Object, invoice_now: bool, prorate: bool) -> None:
        """End it, and its subscription with it, at once. Raises StripeRefusal."""
        self._must_be_open(schedule, "cancel")
        subscription = self._subscription_of(schedule)
        self._close(schedule, "canceled")
        if subscription and subscription["status"] not in FINAL:
            self._subscriptions.cancel(subscription, invoice_now, prorate)
        self._store.tell("subscription_schedule.canceled", schedule)

    def must_not_manage(self, subscription: Object, wanted: Object) -> None:
        """Raises StripeRefusal for a change that belongs to the schedule of a subscription."""
        if not subscription["schedule"]:
            return
        by = (
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`"
        )
        if any(name in wanted for name in MANAGED):
            raise StripeRefusal(
                f"{by}, and updating any cancelation behavior directly is not allowed. Please"
                " update the schedule instead."
            )
        if "items" in wanted:
            raise StripeRefusal(
                f"{by}, and updating its items directly is not allowed. Please update the schedule"
                " instead."
            )

    def next_due(self, schedule: Object) -> int | None:
        """The next second at which something happens to it by itself."""
        if schedule["status"] == "not_started":
            return self._start_of(schedule)
        if schedule["status"] != "active":
            return None
        ends = [int(schedule["current_phase"]["end_date"])]
        if not schedule.get("_told_of_end"):
            ends.append(schedule["phases"][-1]["end_date"] - EXPIRING_SECONDS)
        return min(ends)

    def fall_due(self, schedule: Object) -> None:
        """Begin it, tell that it will end, begin the next phase, or end it after the last."""
        now = self._store.second
        if schedule["status"] == "not_started":
            self._start(schedule)
        elif schedule["current_phase"]["end_date"] > now:
            schedule["_told_of_end"] = True
            self._store.tell("subscription_schedule.expiring", schedule)
        else:
            self._next_phase(schedule)

    def _next_phase(self, schedule: Object) -> None:
        subscription = self._subscription_of(schedule)
        phase = phase_today(schedule["phases"], self._store.second)
        if subscription and phase:
            with self._store.changing(schedule, "subscription_schedule.updated"):
                self._enter(schedule, subscription, phase, phase["proration_behavior"])
        elif schedule["end_behavior"] == "cancel" and subscription:
            self._close(schedule, "completed")
            self._subscriptions.end_as_planned(subscription)
            self._store.tell("subscription_schedule.completed", schedule)
        else:
            self.release(schedule, keep_cancel_date=False)

    def _start(self, schedule: Object) -> None:
        """Begin the first phase: it makes the subscription."""
        phase = schedule["phases"][0]
        customer = self._store.find("customer", schedule["customer"])
        wanted = change_by(phase, schedule["default_settings"])
        trial = {"trial_end": phase["trial_end"]} if phase["trial_end"] else {}
        items = [{"price": one["price"], "quantity": one["quantity"]} for one in phase["items"]]
        with self._store.changing(schedule, "subscription_schedule.updated"):
            subscription = self._subscriptions.create(
                customer, wanted | trial | {"items": items, "currency": phase["currency"]}
            )
            schedule["status"], schedule["subscription"] = "active", subscription["id"]
            schedule["current_phase"] = _span(phase)
            self._attach(subscription, schedule)

    def _enter(self, schedule: Object, subscription: Object, phase: Object, behavior: str) -> None:
        """Let a phase change the subscription. At the end of a period nothing is left to prorate:
        the renewal that follows bills what the phase has.
        """
        schedule["current_phase"] = _span(phase)
        ends = min(one["current_period_end"] for one in subscription["items"]["data"])
        if ends <= self._store.second:
            behavior = "none"
        change = change_by(phase, schedule["default_settings"])
        items = items_change(subscription, phase)
        if items:
            change |= {"items": items, "proration_behavior": behavior}
        if phase["trial_end"] and phase["trial_end"] > self._store.second:
            change["trial_end"] = phase["trial_end"]
        self._subscriptions.update(subscription, change)

    def _attach(self, subscription: Object, schedule: Object) -> None:
        with self._store.changing(subscription, UPDATED, extra=True):
            subscription["schedule"] = schedule["id"]
        self._plan_end(schedule)

    def _plan_end(self, schedule: Object) -> None:
        subscription = self._subscription_of(schedule)
        if subscription is None:
            return
        cancels = schedule["end_behavior"] == "cancel"
        end = schedule["phases"][-1]["end_date"] if cancels else None
        with self._store.changing(subscription, UPDATED):
            if subscription["cancel_at"] != end:
                self._subscriptions.plan_cancel(subscription, end, False)

    def _detach(self, schedule: Object, keep_cancel_date: bool) -> None:
        subscription = self._subscription_of(schedule)
        schedule["current_phase"] = None
        if subscription is None:
            return
        with self._store.changing(subscription, UPDATED, extra=True):
            subscription["schedule"] = None
        if not keep_cancel_date and subscription["status"] not in FINAL:
            with self._store.changing(subscription, UPDATED):
                self._subscriptions.plan_cancel(subscription, None, False)

    def _close(self, schedule: Object, status: str) -> None:
        self._detach(schedule, keep_cancel_date=True)
        schedule["status"], schedule[f"{status}_at"] = status, self._store.second

    def _subscription_ended(self, subscription: Object) -> None:
        if subscription["schedule"]:
            schedule = self._store.find("subscription_schedule", subscription["schedule"])
            unpaid = subscription["cancellation_details"]["reason"] == "payment_failed"
            done = subscription["cancel_at"] == self._store.second
            self._close(schedule, "completed" if done else "canceled")
            what = "completed" if done else "aborted" if unpaid else "canceled"
            self._store.tell(f"subscription_schedule.{what}", schedule)

    def _subscription_of(self, schedule: Object) -> Object | None:
        found = self._store.objects.get("subscription", {})
        return found.get(schedule["subscription"]) if schedule["subscription"] else None

    def _start_of(self, schedule: Object) -> int:
        return int(schedule["phases"][0]["start_date"])

    def _must_be_open(self, schedule: Object, what: str) -> None:
        if schedule["status"] not in OPEN:
            raise StripeRefusal(
                f"You cannot {what} a subscription schedule that is currently in the"
                f" `{schedule['status']}` status. It must be in the `not_started` or `active`"
                " status."
            )


def _span(phase: Object) -> Object:
    return blank(_Schedule.CurrentPhase, start_date=phase["start_date"], end_date=phase["end_date"])
