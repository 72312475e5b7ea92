"""Customers' lives in memory with a simulated Stripe beside them: signing up, paying, and the
events that come of it, as badly as one likes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.links import Link
from chalicelib.domain.security.signup import SignupRequest
from chalicelib.runtime.wiring import stripe_over
from chalicelib.stripe_api.transport import RETRIES, Raw, StripeTransport, translated_error
from chalicelib.usecases.accounts.sign_up import SignupOutcome, sign_up
from chalicelib.usecases.billing.checkout import finish_checkout, open_checkout
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.services import Services
from local.stripe_sim.api.api import Fault, Silence
from local.stripe_sim.api.object_shapes import copied
from tests.fakes.faults import Crash, OutsideCalls
from tests.fakes.services import QUIET, FakeServices
from tests.fakes.stripe.sim import START, SimStage

DAY = timedelta(days=1)
BEGIN = datetime.fromtimestamp(START, UTC)
WISH = SignupRequest("ada@example.com", "pro", "month", "Ada Byron")


def returns(link: Link) -> tuple[str, str]:
    """Pages whose addresses hold a time, as links do."""
    assert link.expires_at
    page = f"https://b.example/return/{link.account_id}/{link.expires_at.timestamp()}"
    return f"{page}?session_id={{CHECKOUT_SESSION_ID}}", "https://b.example/billing"


AGAIN = frozenset({409})
"""What the SDK repeats beside 5xx (stripe 16.1.0, _http_client.py): a 429 it does not."""


class SimTransport(StripeTransport):
    """Calls the simulated Stripe without a network, with the SDK's one repetition."""

    def __init__(self, stage: SimStage, before_change: Callable[[], None] = lambda: None) -> None:
        super().__init__(lambda: "sk_test", None, before_change)
        self._stage = stage

    def _call(self, method: str, path: str, parameters: dict[str, Any]) -> Raw | None:
        key = parameters.pop("idempotency_key", None)
        error: Any = None
        for _ in range(1 + RETRIES):
            try:
                status, body = self._stage.call(method.upper(), path, parameters, key)
            except Silence:
                error = stripe.APIConnectionError("no answer")  # type: ignore[no-untyped-call]
                continue
            if status == 200:
                found: Raw = copied(body)
                return found
            if status == 404 and method != "post":
                return None
            error = stripe.StripeError(body["error"]["message"], http_status=status, json_body=body)
            if status < 500 and status not in AGAIN:
                break
        raise translated_error(error, method == "post")


@dataclass
class SimLife:
    """One customer of one product. `sign_up`, then let time pass, give cards, go to Checkout;
    `standing` is what is left of it.
    """

    policy: Policy = QUIET
    calls: OutsideCalls = field(default_factory=OutsideCalls)
    order: Callable[[list[Any]], list[Any]] = list
    account_id: str = ""

    def __post_init__(self) -> None:
        self.stage = SimStage()
        self.place = FakeServices(
            policy=self.policy,
            stripe=stripe_over(SimTransport(self.stage)),
        )
        self.place.now.at = BEGIN
        self.heard = 0

    @property
    def services(self) -> Services:
        return self.calls.watch(
            self.place.services,
            "accounts",
            "timeline",
            "stripe",
            "responses",
            "act_queue",
            "mail_queue",
        )

    @property
    def account(self) -> Account:
        account: Account | None = self.place.accounts.load(self.account_id)
        assert account
        return account

    @property
    def standing(self) -> Standing:
        return standing(self.account, self.policy, self.place.now.at)

    def stands(self) -> tuple[str, str]:
        return self.standing.access, self.standing.reason

    def objects(self, kind: str) -> list[Any]:
        return self.stage.engine.store.all(kind)

    def only(self, kind: str) -> Any:
        (one,) = self.objects(kind)
        return one

    def fault(self, how: str, times: int = 1, path: str = "", method: str = "POST") -> "SimLife":
        self.stage.api.faults.append(Fault(how, times, path, method))
        return self

    def sign_up(self, wish: SignupRequest = WISH, confirm: bool = False) -> SignupOutcome:
        outcome = sign_up(wish, confirm, self.services)
        self.account_id = outcome.account.id if outcome.account else self.account_id
        return outcome

    def hear(self) -> None:
        """Stripe's events arrive, in `order`."""
        fresh = self.stage.engine.store.events[self.heard :]
        self.heard += len(fresh)
        for event in self.order(list(fresh)):
            (outcome,) = ingest([Message(event["id"], json.dumps(event))], self.place.services)
            assert outcome.effect != "dead_lettered", outcome

    def advance(self, to: datetime, deaf: bool = False) -> "SimLife":
        """Let time pass: what falls due here and at Stripe happens at its moment. `deaf`: no event
        arrives.
        """
        for _ in range(3000):
            ours = (
                self.account.due_at
                if self.account_id and self.place.accounts.load(self.account_id)
                else None
            )
            theirs = self.stage.engine.next_due()
            dues = [
                at
                for at in (ours, datetime.fromtimestamp(theirs, UTC) if theirs else None)
                if at and at <= to
            ]
            if not dues:
                break
            self._stop_at(min(dues), deaf)
            if ours and self.account.due_at == ours and ours <= self.place.now.at:
                self._stop_at(self.place.now.at + timedelta(minutes=1), deaf)
        else:
            raise AssertionError("something is due for ever")
        self._stop_at(max(to, self.place.now.at), deaf)
        return self

    def days(self, number: float, deaf: bool = False) -> "SimLife":
        return self.advance(BEGIN + number * DAY, deaf)

    def minutes(self, number: float) -> "SimLife":
        return self.advance(self.place.now.at + timedelta(minutes=number))

    def _stop_at(self, moment: datetime, deaf: bool) -> None:
        self.place.now.at = max(self.place.now.at, moment)
        self.stage.advance(int(self.place.now.at.timestamp()))
        if not deaf:
            self.hear()
        if self.account_id:
            process_due_account(self.account_id, self.place.services)

    def gives_card(self, card: str = "tok_visa") -> "SimLife":
        """In Stripe's portal."""
        self.stage.gives(self.only("customer")["id"], card)
        self.hear()
        return self

    def opens(self, plan: str | None = None, interval: str | None = None) -> str:
        """Checkout; gives the session's id."""
        return open_checkout(
            self.account_id, PurchaseRequest(plan, interval), returns, self.services
        ).rpartition("/")[2]

    def completes(self, session: str, card: str = "tok_visa") -> "SimLife":
        self.stage.completes(session, card)
        return self

    def returns(self, session: str) -> str:
        return finish_checkout(self.account_id, session, self.services)


def crashes(step: Callable[[], Any]) -> bool:
    """Whether the process ended in it."""
    try:
        step()
    except Crash:
        return True
    return False


def with_end(behavior: str, days: int = 14) -> Policy:
    """The policy with another end of trials."""
    return replace(QUIET, trial=replace(QUIET.trial, without_card=behavior, days=days))
