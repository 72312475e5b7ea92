"""Whatever customers, Stripe and the machines do, in whatever order: what must always hold holds,
and two quiet days later all is as Stripe has it.

BILLHOOK_MACHINE=examples×steps, such as 300x60, looks longer than CI does.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain.account.facts import AddressProved, ConsentGiven, MilestoneReached
from chalicelib.domain.account.payments import paid_since_trial
from chalicelib.domain.account.queries import current_subscription, has_card, zone_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.policy.sequences import EVERY_DAY, TRANSACTIONAL_STEPS, Step
from chalicelib.domain.schedule.due_work import due_work
from chalicelib.domain.security.signup import SignupRequest
from chalicelib.usecases.billing.checkout import finish_checkout, open_checkout
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from local.stripe_sim.api.errors import StripeRefusal
from tests.fakes.lifecycles import Sent
from tests.fakes.population import Population
from tests.fakes.services import POLICY
from tests.fakes.simulated_lifecycles import BEGIN, returns

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OF_OUR_OWN = (
    Step(
        "reminded_at_once",
        "reminders",
        "payment_failed",
        timedelta(0),
        "trial_ended",
        "billing",
        2 * DAY,
        at_any_hour=True,
    ),
    Step(
        "reminded_later", "reminders", "payment_failed", 3 * DAY, "trial_ended", "billing", 2 * DAY
    ),
    Step(
        "missed",
        "recovery",
        "access_ended",
        3 * DAY,
        "trial_ended",
        "lifecycle",
        5 * DAY,
        unless=("access",),
    ),
)
"""Steps for the anchors that matter most here, whatever the shipped policy has for them."""

POPULATION_POLICY = replace(POLICY, steps=(*POLICY.steps, *OF_OUR_OWN))
STEPS = {step.id: step for step in (*POPULATION_POLICY.steps, *TRANSACTIONAL_STEPS)}
FINAL = frozenset({"canceled", "incomplete_expired"})
GRACE = POPULATION_POLICY.access.renewal_grace + POPULATION_POLICY.trial.first_payment
"""How long access may go on after the last period that was paid for, at the very most."""

GOOD_CARD, BAD_CARD, ASKING_CARD = "tok_visa", "tok_chargeCustomerFail", "tok_threeDSecure2Required"
BROKEN = (
    "ActsFailed",
    "AccountsDead",
    "ComparisonsBroken",
    "AnswersUnreadable",
    "FeedbackUnreadable",
    "EventsDead",
)
"""Metrics that tell of defects: none may be counted."""

who = st.integers(0, 1)
cards = st.sampled_from([GOOD_CARD, GOOD_CARD, BAD_CARD, ASKING_CARD])


class BillhookMachine(RuleBasedStateMachine):
    """Two people at most, and all that can become of them."""

    def __init__(self) -> None:
        super().__init__()
        self.population = Population(POPULATION_POLICY)
        self.sessions: list[tuple[str, str]] = []
        self.writes = self.mails = 0
        self.population.watch = self.access_is_open_no_longer_than_it_says

    # --- people ---

    @initialize(
        come_to=st.sampled_from(["a trial", "a trial", "a paid period", "a payment that failed"])
    )
    def somebody_signs_up(self, come_to: str) -> None:
        self.sign_up(0, False)
        if come_to != "a trial":
            self.open_a_mailed_link(0)
            self.give_a_card_in_the_portal(0, GOOD_CARD if come_to == "a paid period" else BAD_CARD)
            self.wait(14 * DAY + 2 * HOUR)

    @rule(number=who, confirm=st.booleans())
    def sign_up(self, number: int, confirm: bool) -> None:
        self.population.signs_up(
            SignupRequest(f"n{number}@example.com", "pro", "month", f"Ada {number}"), confirm
        )
        self.population.play(self.population.now)

    @rule(number=who)
    def open_a_mailed_link(self, number: int) -> None:
        self._learns(number, AddressProved(self.population.now))

    @rule(number=who)
    def reach_a_milestone(self, number: int) -> None:
        self._learns(number, MilestoneReached("connected_data", self.population.now))

    @rule(number=who, wanted=st.booleans())
    def say_whether_mail_is_wanted(self, number: int, wanted: bool) -> None:
        self._learns(number, ConsentGiven("lifecycle", wanted, self.population.now))

    @rule(number=who, card=cards)
    def give_a_card_in_the_portal(self, number: int, card: str) -> None:
        for customer in self._customers(number)[-1:]:
            self.population.stage.gives(customer, card)

    @rule(number=who, plan=st.sampled_from([None, "pro", "scale"]))
    def go_to_checkout(self, number: int, plan: str | None) -> None:
        account = self._account(number)
        if account and not (account.signup and account.signup.confirm):
            url = self.population.tries(
                lambda: open_checkout(
                    account.id, PurchaseRequest(plan), returns, self.population.services
                )
            )
            if url:
                self.sessions.append((account.id, url.rpartition("/")[2]))

    @precondition(lambda self: self.sessions)
    @rule(back=st.integers(0, 3), card=cards, comes_back=st.booleans())
    def complete_a_checkout_page(self, back: int, card: str, comes_back: bool) -> None:
        account_id, session = self.sessions[-1 - back % len(self.sessions)]
        store = self.population.stage.engine.store
        if store.find("customer", store.find("checkout.session", session)["customer"]).get(
            "deleted"
        ):
            return  # of a deleted customer nothing can be completed
        try:
            self.population.stage.completes(session, card)
        except StripeRefusal:
            return
        if comes_back:
            self.population.tries(
                lambda: finish_checkout(account_id, session, self.population.services)
            )

    @rule(number=who)
    def pay_on_the_invoices_page(self, number: int) -> None:
        for invoice in self._of(number, "invoice"):
            if invoice["status"] == "open":
                try:
                    with self.population.stage.engine.lock:
                        self.population.stage.engine.checkout.authenticate(invoice)
                except StripeRefusal:
                    return

    @rule(number=who, how=st.sampled_from(["at the period's end", "at a moment", "now"]))
    def cancel(self, number: int, how: str) -> None:
        for id in self._living(number):
            if how == "now":
                self.population.by_hand("DELETE", f"/v1/subscriptions/{id}")
            elif how == "at a moment":
                self.population.by_hand(
                    "POST",
                    f"/v1/subscriptions/{id}",
                    cancel_at=int((self.population.now + 5 * DAY).timestamp()),
                )
            else:
                self.population.by_hand(
                    "POST", f"/v1/subscriptions/{id}", cancel_at_period_end=True
                )

    @rule(number=who)
    def change_ones_mind(self, number: int) -> None:
        for subscription in self._of(number, "subscription"):
            if subscription["status"] not in FINAL and subscription["cancel_at"]:
                self.population.stage.engine.checkout.portal_uncancel(subscription)

    @rule(number=who, lookup_key=st.sampled_from(["pro_monthly", "scale_monthly"]))
    def switch_the_plan(self, number: int, lookup_key: str) -> None:
        price = (
            self.population.stage.price(lookup_key)
            if not self.population.is_out("stripe")
            else None
        )
        for subscription in self._of(number, "subscription"):
            if price and subscription["status"] in {"active", "trialing"}:
                item = subscription["items"]["data"][0]["id"]
                self.population.by_hand(
                    "POST",
                    f"/v1/subscriptions/{subscription['id']}",
                    items=[{"id": item, "price": price}],
                )

    @rule(number=who, paused=st.booleans())
    def pause_collection(self, number: int, paused: bool) -> None:
        for id in self._living(number):
            pause = (
                {
                    "behavior": "void",
                    "resumes_at": int((self.population.now + 20 * DAY).timestamp()),
                }
                if paused
                else ""
            )
            self.population.by_hand("POST", f"/v1/subscriptions/{id}", pause_collection=pause)

    @rule(number=who)
    def delete_the_customer(self, number: int) -> None:
        for customer in self._customers(number)[-1:]:
            self.population.by_hand("DELETE", f"/v1/customers/{customer}")

    # --- what goes wrong ---

    @rule(
        fate=st.sampled_from(["lost", "undelivered", "doubled", "0.2", "3", "30"]),
        events=st.integers(1, 8),
    )
    def stripes_next_events(self, fate: str, events: int) -> None:
        self.population.fates += [fate] * events

    @rule(n=st.integers(1, 30), reply_lost=st.booleans())
    def something_ends_soon(self, n: int, reply_lost: bool) -> None:
        self.population.calls.crash_at, self.population.calls.reply_lost = (
            len(self.population.calls.made) + n,
            reply_lost,
        )

    @rule(
        what=st.sampled_from(Population.OUTAGES),
        hours=st.sampled_from([0.1, 1, 26]),
        stripe_says=st.sampled_from(
            ["429", "503", "500", "timeout_before", "timeout_after", "500_after"]
        ),
    )
    def something_is_out(self, what: str, hours: float, stripe_says: str) -> None:
        self.population.until[what] = self.population.now + hours * HOUR
        self.population.stripe_says = stripe_says
        self.population.play(self.population.now)

    @rule(how=st.sampled_from(["throttled", "lost before", "lost after"]))
    def ses_answers(self, how: str) -> None:
        self.population.mailer.faults.append(how)

    @rule(
        time=st.sampled_from(
            [timedelta(minutes=2), HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY, 20 * DAY]
        )
    )
    def wait(self, time: timedelta) -> None:
        self.population.advance(self.population.now + time)

    # --- what always holds ---

    @invariant()
    def all_holds(self) -> None:
        self.every_write_keeps_what_it_must()
        self.access_is_open_no_longer_than_it_says()
        self.nobody_is_sold_or_charged_anything_twice()
        self.mail_is_written_once_and_only_for_a_reason()
        self.nothing_is_broken()

    def every_write_keeps_what_it_must(self) -> None:
        for old, new, at in self.population.accounts.written[self.writes :]:
            assert_nothing_rises(old, new)
            assert_told(old, new)
            gone = outbox_of(old) - outbox_of(new)
            assert gone <= self.population.log.happenings.keys(), (
                "what leaves the outbox is on the timeline"
            )
            if waiting := due_work(new, POPULATION_POLICY, at):
                assert new.due_at, f"{waiting[0]} waits, and nothing is due"
                assert new.due_at <= max(waiting[0].at, new.resting_until or waiting[0].at)
        self.writes = len(self.population.accounts.written)

    def access_is_open_no_longer_than_it_says(self) -> None:
        now = self.population.now
        for account in self.population.all_accounts():
            stands, written = self.population.stands(account), account.standing
            assert stands.until is None or stands.until > now
            assert stands.access != "full" or stands.until, "nothing is open for ever"
            if written and written.until and written.until <= now:
                assert (stands.access, stands.reason, stands.until) != (
                    written.access,
                    written.reason,
                    written.until,
                )
            if stands.access == "full":
                assert now < paid_until(account, self.population) + GRACE
                if not self.population.at_stripe("payment_method", account):
                    assert now < paid_until(account, self.population), (
                        "without any card a trial closes at its second"
                    )

    def nobody_is_sold_or_charged_anything_twice(self) -> None:
        for account in self.population.all_accounts():
            current_subscription = [
                one["id"]
                for one in self._ours(account)
                if one["status"] not in {*FINAL, "incomplete"}
            ]
            assert len(current_subscription) <= 1, f"{account.id} has {current_subscription}"
            for subscription in self._ours(account):
                periods = sorted(
                    periods_paid(
                        [
                            one
                            for one in self.population.at_stripe("invoice", account)
                            if subscription_of(one) == subscription["id"]
                        ]
                    )
                )
                assert all(end <= start for (_, end), (start, _) in pairwise(periods)), (
                    f"paid twice: {periods}"
                )

    def mail_is_written_once_and_only_for_a_reason(self) -> None:
        sent = self.population.mailer.sent
        for number, one in enumerate(sent[self.mails :], self.mails):
            before = [other for other in sent[:number] if other.account.id == one.account.id]
            assert one.key not in {other.key for other in before}, f"{one.key} twice"
            assert_reason(one)
            if one.letter.tags["stream"] == "lifecycle":
                assert_within_hours_and_caps(
                    one, [other for other in before if other.letter.tags["stream"] == "lifecycle"]
                )
        self.mails = len(sent)

    def nothing_is_broken(self) -> None:
        assert {
            name: self.population.place.metrics[name]
            for name in BROKEN
            if self.population.place.metrics[name]
        } == {}
        assert self.population.place.dead_letters.messages == []

    # --- the end ---

    def teardown(self) -> None:
        """All is let through, and two days pass: what is left is what Stripe has."""
        population = self.population
        population.fates.clear()
        population.mailer.faults.clear()
        population.calls.crash_at = None
        population.until = dict.fromkeys(Population.OUTAGES, population.now)
        population.coming = [(population.now, body) for _, body in population.coming]
        population.advance(population.now + 2 * DAY)
        self.all_holds()
        left = population.at_work()
        assert left == [], left
        for account in population.all_accounts():
            truth = population.truth(account)
            assert values(account.subscriptions) == values(truth.subscriptions), (
                values(account.subscriptions),
                values(truth.subscriptions),
            )
            assert population.stands(account) == population.stands(truth), (
                population.stands(account),
                population.stands(truth),
            )
            assert all(self.population.stage.status(id) in FINAL for id in account.ended)
            told = [
                one
                for one in population.log.happenings.values()
                if one.account_id == account.id and one.type.startswith("access.")
            ]
            last = max(told, key=lambda one: int(one.id.split(".")[2]), default=None)
            assert (last.data["access"] if last else "none") == population.stands(account).access, (
                "the last that was told is what holds"
            )

    # --- whom it is about ---

    def _account(self, number: int) -> Account | None:
        accounts = self.population.all_accounts()
        return accounts[number % len(accounts)] if accounts else None

    def _customers(self, number: int) -> list[str]:
        account = self._account(number)
        return (
            sorted(id for id, known in account.customers.items() if not known.value.deleted)
            if account
            else []
        )

    def _of(self, number: int, kind: str) -> list[Any]:
        account = self._account(number)
        return self.population.at_stripe(kind, account) if account else []

    def _living(self, number: int) -> list[str]:
        return [one["id"] for one in self._of(number, "subscription") if one["status"] not in FINAL]

    def _ours(self, account: Account) -> list[Any]:
        return [
            one
            for one in self.population.stage.engine.store.all("subscription")
            if one["metadata"].get("account_id") == account.id
        ]

    def _learns(self, number: int, fact: Any) -> None:
        account = self._account(number)
        if account:
            self.population.tries(
                lambda: apply_facts(
                    account,
                    [fact],
                    self.population.services,
                    StripeFetcher(self.population.services),
                )
            )


def assert_nothing_rises(old: Account, new: Account) -> None:
    ended = {id for id, known in old.subscriptions.items() if known.value.final} | old.ended.keys()
    assert (
        ended
        <= {id for id, known in new.subscriptions.items() if known.value.final} | new.ended.keys()
    )


def outbox_of(account: Account) -> set[str]:
    return {one.id for one in (*account.outbox, *account.worker_outbox)}


def assert_told(old: Account, new: Account) -> None:
    was, is_ = (one.standing.access if one.standing else "none" for one in (old, new))
    told = [
        one
        for one in (*new.outbox, *new.worker_outbox)
        if one.type.startswith("access.") and one.id.split(".")[2] == str(new.version)
    ]
    assert [(one.data["access_before"] or "none", one.data["access"]) for one in told] == (
        [(was, is_)] if was != is_ else []
    )


def assert_reason(sent: Sent) -> None:
    """What the account was when the letter left gives the reason for it."""
    step, account, occasion = STEPS[sent.step], sent.account, sent.letter.tags["occasion"]
    current = current_subscription(account)
    card, access = has_card(account, current), sent.standing.access
    holds = {
        "card": card,
        "no_card": not card,
        "access": access == "full",
        "no_access": access == "none",
        "sent_invoices": current is not None and current.send_invoice,
    }
    lives = {  # a canceled subscription wants no payment any more
        id for id, tracked in account.subscriptions.items() if not tracked.value.final
    }
    holds["unpaid"] = any(
        invoice.status == "open" and invoice.attempt_count and invoice.subscription in lives
        for invoice in (tracked.value for tracked in account.invoices.values())
    )
    holds["milestone:connected_data"] = "connected_data" in account.milestones
    assert all(holds[one] for one in step.only_if), f"{sent.key}: {step.only_if}"
    assert not any(holds[one] for one in step.unless), f"{sent.key}: {step.unless}"
    assert step in TRANSACTIONAL_STEPS or step.stream not in account.unsubscribed
    if step.anchor == "payment_failed":
        assert account.invoices[occasion].value.status == "open", "no reminder of what is paid"
    elif step.anchor == "access_ended":
        assert access == "none"
    elif step.anchor.startswith("trial_"):
        assert not any(
            known.value.trial_end and paid_since_trial(account, known.value)
            for known in account.subscriptions.values()
        )


def assert_within_hours_and_caps(sent: Sent, before: Iterable[Sent]) -> None:
    step, mail = STEPS[sent.step], POPULATION_POLICY.mail
    assert mail
    zone = zone_of(sent.account, mail)
    local = sent.at.astimezone(zone)
    if not step.at_any_hour:
        assert mail.hours.first <= local.hour < mail.hours.last
        assert local.weekday() in (EVERY_DAY if step.on_any_day else mail.hours.days)
    # Queued in the last minutes of one day and sent in the first of the next, two may be of one
    # day: a retry does not change the day it counts for.
    assert sum(other.at.astimezone(zone).date() == local.date() for other in before) < mail.a_day
    assert sum(sent.at - 7 * DAY < other.at for other in before) < mail.a_week


def paid_until(account: Account, population: Population) -> datetime:
    """Until when, by what Stripe holds, there was a trial, or a period that is paid
    or was waived."""
    ends = [
        one["trial_end"]
        for one in population.at_stripe("subscription", account)
        if one["trial_end"]
    ]
    for invoice in population.at_stripe("invoice", account):
        if invoice["status"] not in {"draft", "open"}:
            ends += [line["period"]["end"] for line in invoice["lines"]["data"]]
    promised = account.signup.trial_ends_at if account.signup else BEGIN
    return max(promised, datetime.fromtimestamp(max(ends, default=0), BEGIN.tzinfo))


def periods_paid(invoices: Iterable[Any]) -> list[tuple[int, int]]:
    """The periods that were charged for, without what was only prorated."""
    return [
        (line["period"]["start"], line["period"]["end"])
        for invoice in invoices
        if invoice["status"] == "paid"
        and invoice["amount_paid"]
        and invoice["billing_reason"] != "subscription_update"
        for line in invoice["lines"]["data"]
        if not is_proration(line)
    ]


def is_proration(line: Any) -> bool:
    """Whether a line is for the rest of a period; the simulated Stripe says so in its description
    alone.
    """
    return str(line["description"]).startswith(("Unused time", "Remaining time"))


def subscription_of(invoice: Any) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def values(known: Any) -> dict[str, Any]:
    return {id: one.value for id, one in known.items()}


EXAMPLES, STEPS_EACH = map(int, os.environ.get("BILLHOOK_MACHINE", "12x20").split("x"))
TestBillhook = BillhookMachine.TestCase
TestBillhook.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS_EACH,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
