"""Answers of Stripe's that the simulated Stripe does not give: refusals, debits that take days,
payments that the bank wants confirmed, schedules. They are laid over its own answers.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.stripe_sim.api.api import ApiRequest
from tests.fakes.stripe.sim import SimStage

Reply = tuple[int, Any]
Next = Callable[[ApiRequest], Reply]
Rule = Callable[[ApiRequest, Next], Reply | None]


def refusal(
    message: str, code: str | None = None, type: str = "invalid_request_error", **more: Any
) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"type": type, "message": message} | ({"code": code} if code else {}) | more}


MANAGED = refusal(
    "The subscription is managed by the subscription schedule `sub_sched_1`, and updating any"
    " cancelation behavior directly is not allowed. Please update the schedule instead."
)
"""What Stripe says to a cancellation of a subscription that has a schedule."""


@dataclass
class StripeAnswers:
    """Lays answers over those of a simulated Stripe. The last rule that answers wins."""

    stage: SimStage
    rules: list[Rule] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        original = self.stage.api.answer

        def answer(request: ApiRequest) -> Reply:
            self.asked.append((request.method, request.path, dict(request.pairs)))
            for rule in reversed(self.rules):
                reply = rule(request, original)
                if reply is not None:
                    return reply
            return original(request)

        self.stage.api.answer = answer  # type: ignore[method-assign]

    def reply(self, method: str, path: str, status: int, body: Any, times: int = 99) -> None:
        """Answer calls whose path matches with this status and body, so many times."""
        left = [times]

        def rule(request: ApiRequest, following: Next) -> Reply | None:
            if request.method != method or not re.fullmatch(path, request.path) or not left[0]:
                return None
            left[0] -= 1
            return status, body

        self.rules.append(rule)

    def change(self, method: str, path: str, changed: Callable[[Any, ApiRequest], Any]) -> None:
        """Change successful answers to calls whose path matches."""

        def rule(request: ApiRequest, following: Next) -> Reply | None:
            if request.method != method or not re.fullmatch(path, request.path):
                return None
            status, body = following(request)
            return status, changed(body, request) if status == 200 else body

        self.rules.append(rule)

    def paths(self, method: str) -> list[str]:
        """The paths of all calls with this method."""
        return [path for one, path, _ in self.asked if one == method]


@dataclass
class Debits:
    """Every payment of an invoice is a bank debit, or waits for the bank: `status` is that of its
    payment intent until it is settled.
    """

    answers: StripeAnswers
    status: str = "processing"
    intents: dict[str, str] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.answers.rules += [self._pays, self._reads, self._lists, self._payments]

    def settle(self, status: str) -> None:
        """All payments succeed, or fail with this status of their intents."""
        for invoice in self.intents:
            self.intents[invoice] = status
        if status == "succeeded":
            self.paid |= self.intents.keys()

    def _pays(self, request: ApiRequest, following: Next) -> Reply | None:
        found = re.fullmatch(r"/v1/invoices/(\w+)/pay", request.path)
        if request.method != "POST" or found is None:
            return None
        self.intents.setdefault(found[1], self.status)
        if self.status == "requires_action":
            return 402, refusal(
                "This payment requires additional user action before it can be completed.",
                "invoice_payment_intent_requires_action",
                "card_error",
            )
        _, invoice = following(ApiRequest("GET", f"/v1/invoices/{found[1]}", []))
        return 200, self._overlaid(invoice)

    def _reads(self, request: ApiRequest, following: Next) -> Reply | None:
        if request.method != "GET" or not re.fullmatch(r"/v1/invoices/in_\w+", request.path):
            return None
        status, invoice = following(request)
        return status, self._overlaid(invoice)

    def _lists(self, request: ApiRequest, following: Next) -> Reply | None:
        if (request.method, request.path) != ("GET", "/v1/invoices"):
            return None
        status, page = following(request)
        return status, page | {"data": [self._overlaid(one) for one in page["data"]]}

    def _payments(self, request: ApiRequest, following: Next) -> Reply | None:
        if (request.method, request.path) != ("GET", "/v1/invoice_payments"):
            return None
        invoice = dict(request.pairs).get("invoice", "")
        if invoice not in self.intents:
            return None
        intent = {"id": "pi_1", "object": "payment_intent", "status": self.intents[invoice]}
        payment = {"type": "payment_intent", "payment_intent": intent}
        one = {"id": "inpay_1", "invoice": invoice, "payment": payment, "status": "open"}
        return 200, {"object": "list", "has_more": False, "data": [one]}

    def _overlaid(self, invoice: Any) -> Any:
        if invoice.get("id") not in self.intents or invoice["status"] == "void":
            return invoice
        invoice = {name: value for name, value in invoice.items() if name != "payments"}
        tried = {"attempted": True, "attempt_count": 1}
        if invoice["id"] in self.paid:
            return invoice | tried | {"status": "paid", "amount_paid": invoice["amount_due"]}
        return invoice | tried | {"status": "open"}


@dataclass
class Confirmation:
    """The bank wants the change of a subscription confirmed. Stripe keeps it, with an open invoice
    on whose page that can be done, until `status` of the invoice is another.
    """

    answers: StripeAnswers
    url: str = "https://invoice.stripe.com/i/confirm"
    status: str = "open"
    asks: bool = True

    def __post_init__(self) -> None:
        self.answers.rules.append(self._rule)

    def _rule(self, request: ApiRequest, following: Next) -> Reply | None:
        invoice = {
            "id": "in_confirm",
            "object": "invoice",
            "status": self.status,
            "hosted_invoice_url": self.url,
        }
        wanted = dict(request.pairs)
        if wanted.get("payment_behavior") == "error_if_incomplete" and self.asks:
            code = "subscription_payment_intent_requires_action"
            return 402, refusal("This payment requires additional action.", code, "card_error")
        if wanted.get("payment_behavior") == "pending_if_incomplete":
            status, body = following(ApiRequest("GET", request.path, []))
            return status, body | {"latest_invoice": invoice, "pending_update": {"expires_at": 1}}
        if request.path == "/v1/invoices/in_confirm":
            return 200, invoice
        if wanted.get("invoice") != "in_confirm":
            return None
        intent = {"id": "pi_confirm", "status": "requires_action"}
        payment = {"type": "payment_intent", "payment_intent": intent}
        one = {"id": "inpay_2", "payment": payment}
        return 200, {"object": "list", "has_more": False, "data": [one]}


@dataclass
class Schedule:
    """A schedule that manages the only subscription, until it is released. Until `seen` a
    subscription does not tell of it.
    """

    answers: StripeAnswers
    seen: bool = True
    active: bool = True
    ends_at: int | None = None
    refuses: tuple[str, ...] = ("cancel_at_period_end", "cancel_at")

    def __post_init__(self) -> None:
        self.answers.rules.append(self._rule)

    def _rule(self, request: ApiRequest, following: Next) -> Reply | None:
        if request.path == "/v1/subscription_schedules/sub_sched_1/release":
            if not self.active:
                return 400, refusal("This schedule is already released.")
            self.active = False
            return 200, {"id": "sub_sched_1", "object": "subscription_schedule"}
        if not re.fullmatch(r"/v1/subscriptions/sub_\w+", request.path) or not self.active:
            return None
        if request.method == "POST" and {name.partition("[")[0] for name, _ in request.pairs} & set(
            self.refuses
        ):
            self.seen = True
            return 400, MANAGED
        status, body = following(request)
        if status == 200 and self.seen:
            body = body | {"schedule": "sub_sched_1"}
            body |= {"cancel_at": self.ends_at} if self.ends_at else {}
        return status, body
