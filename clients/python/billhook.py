"""A client of Billhook's API, in one file, for Python 3.11 and newer, with nothing to install.

Written by `make clients` from the OpenAPI description; do not edit. Copy it into your product.
Use one client for each base address and key; it may be shared by threads.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Literal, NotRequired, TypedDict


class BillhookError(Exception):
    """The API refused a call. `status` is 0 where it gave no answer."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes to the address that was given, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _part(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _error(status: int, content: bytes) -> BillhookError:
    try:
        told = json.loads(content)["error"]
        return BillhookError(status, told["code"], told["message"], told.get("field"))
    except (ValueError, KeyError, TypeError):
        return BillhookError(status, "unreadable", f"The API answers {status}.")


class Access(TypedDict):
    account_id: str
    access: Literal["none", "limited", "full"]
    reason: Literal[
        "unconfirmed",
        "trial_starting",
        "trialing",
        "first_payment",
        "trial_expired",
        "after_trial",
        "active",
        "canceling",
        "canceled",
        "stale",
        "past_due_grace",
        "past_due",
        "payment_processing",
        "uncollectible",
        "payment_incomplete",
        "incomplete_expired",
        "unpaid",
        "paused",
        "collection_paused",
        "customer_deleted",
        "granted",
        "no_subscription",
        "charged_back",
    ]
    plan: str | None
    features: list[str]
    quantity: int | None
    until: str | None


class AccessGrantedEvent(TypedDict):
    id: str
    type: Literal["access.granted"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class AccessLimitedEvent(TypedDict):
    id: str
    type: Literal["access.limited"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class AccessRevokedEvent(TypedDict):
    id: str
    type: Literal["access.revoked"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class AccessToken(TypedDict):
    token: str
    expires_at: str


class Account(TypedDict):
    account_id: str
    email: str | None
    email_proved: bool
    name: str | None
    external_id: str | None
    timezone: str | None
    language: str | None
    attributes: dict[str, Any]
    customers: list[str]
    stripe_metadata: dict[str, Any]
    standing: Standing
    subscriptions: list[Subscription]
    openings: list[LinkOpening]
    others: list[SubscriptionToAnotherProduct]
    instance: dict[str, Any] | None


class AccountCreatedEvent(TypedDict):
    id: str
    type: Literal["account.created"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class AccountUpdatedEvent(TypedDict):
    id: str
    type: Literal["account.updated"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class Accounts(TypedDict):
    accounts: list[Account]


AuditEntry = TypedDict(
    "AuditEntry",
    {
        "id": str,
        "at": str,
        "actor": str,
        "action": Literal[
            "profile.changed",
            "external_id.set",
            "account.erased",
            "accounts.exported",
            "accounts.imported",
            "accounts.joined",
            "account.revived",
            "account.signed_up",
            "milestone.reported",
            "checkout.opened",
            "portal.opened",
            "links.ended",
            "instance.reported",
            "instance.retried",
            "instance.suspended",
            "instance.resumed",
            "instance.deleted",
            "subscription.canceled",
            "subscription.reactivated",
            "subscription.plan_changed",
            "trial.changed",
            "discount.given",
            "grants.given",
            "figures.recounted",
            "charge.made",
            "suppression.lifted",
            "webhooks.endpoint_made",
            "webhooks.endpoint_deleted",
            "webhooks.secret_rotated",
            "webhooks.test_sent",
            "webhooks.endpoint_enabled",
            "webhooks.events_replayed",
            "key.made",
            "key.revoked",
            "signing_keys.rotated",
            "secrets.set",
            "stage.deployed",
            "stripe.applied",
            "stage.restored",
            "dead_letters.handled",
            "events.replayed",
            "broadcast.sent",
            "people.synced",
            "revenue.recounted",
            "mcp.read",
            "admin.signed_in",
            "admin.signed_out",
        ],
        "account_id": NotRequired[str],
        "detail": dict[str, Any],
        "from": str | None,
    },
)


class AuditLog(TypedDict):
    entries: list[AuditEntry]
    cursor: str | None


class Charge(TypedDict):
    charge_id: str
    amount: int
    currency: str
    description: str
    bill: Literal["next_invoice", "now"]
    status: Literal["pending", "paid", "processing", "requires_action"]
    invoice: NotRequired[str]
    url: NotRequired[str]


class CheckYourInbox(TypedDict):
    status: Literal["check_your_inbox"]


class ContractWithdrawnEvent(TypedDict):
    id: str
    type: Literal["contract.withdrawn"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class ConversionsWithin(TypedDict):
    days: int | None
    converted: int


class CurrencyRevenue(TypedDict):
    annualised: int
    days: list[RevenueDay]


class CustomersKept(TypedDict):
    months: int
    customers: int | None


class Error(TypedDict):
    error: dict[str, Any]


class Event(TypedDict):
    id: str
    type: Literal[
        "account.created",
        "account.updated",
        "trial.started",
        "trial.extended",
        "trial.shortened",
        "trial.converted",
        "trial.expired",
        "access.granted",
        "access.limited",
        "access.revoked",
        "plan.changed",
        "quantity.changed",
        "subscription.canceling",
        "subscription.uncanceled",
        "subscription.canceled",
        "subscription.duplicated",
        "subscription.paused",
        "subscription.resumed",
        "payment.failed",
        "payment.disputed",
        "payment.charged_back",
        "payment.succeeded",
        "invoice.finalization_failed",
        "contract.withdrawn",
        "grant.given",
        "milestone.reached",
        "notice.complained",
        "feedback.given",
        "instance.ready",
        "instance.suspended",
        "instance.resumed",
        "instance.deleted",
        "instance.url_changed",
        "instance.stalled",
    ]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class Events(TypedDict):
    events: list[Event]
    cursor: str


class FeedbackGivenEvent(TypedDict):
    id: str
    type: Literal["feedback.given"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class GrantGivenEvent(TypedDict):
    id: str
    type: Literal["grant.given"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class Health(TypedDict):
    status: Literal["ok"]


class Heard(TypedDict):
    received: Literal[True]
    taken: bool
    reason: NotRequired[
        Literal[
            "not_followed",
            "no_milestone",
            "no_account",
            "other_mode",
            "same",
            "older",
            "switched_off",
            "unsubscribed_here",
        ]
    ]


class InstanceDeletedEvent(TypedDict):
    id: str
    type: Literal["instance.deleted"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class InstanceReadyEvent(TypedDict):
    id: str
    type: Literal["instance.ready"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class InstanceResumedEvent(TypedDict):
    id: str
    type: Literal["instance.resumed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class InstanceStalledEvent(TypedDict):
    id: str
    type: Literal["instance.stalled"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class InstanceSuspendedEvent(TypedDict):
    id: str
    type: Literal["instance.suspended"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class InstanceUrlChangedEvent(TypedDict):
    id: str
    type: Literal["instance.url_changed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class InvoiceFinalizationFailedEvent(TypedDict):
    id: str
    type: Literal["invoice.finalization_failed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class KeySet(TypedDict):
    keys: list[dict[str, Any]]


class Leaving(TypedDict):
    reasons: list[LeavingReason]


class LeavingReason(TypedDict):
    reason: Literal[
        "too_expensive",
        "missing_features",
        "switched_service",
        "unused",
        "customer_service",
        "too_complex",
        "low_quality",
        "other",
        "cancellation_requested",
        "payment_failed",
        "payment_disputed",
    ]
    customers: int
    trials: int


class LinkOpening(TypedDict):
    at: str
    link: str
    browser: str
    ended: bool


class MessageEffect(TypedDict):
    step: str
    sequence: str | None
    sent: int
    converted: int
    held_out: int
    held_out_converted: int
    difference: float | None
    low: float | None
    high: float | None


class Messages(TypedDict):
    steps: list[MessageEffect]


class MilestoneCount(TypedDict):
    name: str
    reached: int


class MilestoneReachedEvent(TypedDict):
    id: str
    type: Literal["milestone.reached"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class NewWebhookEndpoint(TypedDict):
    id: str
    url: str
    events: list[str]
    description: str | None
    status: Literal["enabled", "disabled"]
    disabled_reason: Literal["failing", "gone", None]
    created_at: str
    secret: str


class NoticeComplainedEvent(TypedDict):
    id: str
    type: Literal["notice.complained"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class Page(TypedDict):
    url: str


class PaymentChargedBackEvent(TypedDict):
    id: str
    type: Literal["payment.charged_back"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class PaymentDisputedEvent(TypedDict):
    id: str
    type: Literal["payment.disputed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class PaymentFailedEvent(TypedDict):
    id: str
    type: Literal["payment.failed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class PaymentSucceededEvent(TypedDict):
    id: str
    type: Literal["payment.succeeded"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class PlanChangedEvent(TypedDict):
    id: str
    type: Literal["plan.changed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class QuantityChangedEvent(TypedDict):
    id: str
    type: Literal["quantity.changed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class Reactivated(TypedDict):
    action: Literal["uncanceled", "resumed", "checkout"]
    url: NotRequired[str]


class Received(TypedDict):
    received: Literal[True]
    taken: NotRequired[bool]


class Replayed(TypedDict):
    count: int


class Retention(TypedDict):
    weeks: list[RetentionWeek]


class RetentionWeek(TypedDict):
    week: str
    customers: int
    kept: list[CustomersKept]


class Revenue(TypedDict):
    currencies: dict[str, Any]


class RevenueDay(TypedDict):
    date: str
    mrr: int
    new: int
    reactivation: int
    expansion: int
    contraction: int
    churn: int


class SignedUp(TypedDict):
    account_id: str
    status: str
    trial_ends_at: str | None
    welcome_url: str


class Standing(TypedDict):
    status: str
    access: Literal["none", "limited", "full"]
    reason: Literal[
        "unconfirmed",
        "trial_starting",
        "trialing",
        "first_payment",
        "trial_expired",
        "after_trial",
        "active",
        "canceling",
        "canceled",
        "stale",
        "past_due_grace",
        "past_due",
        "payment_processing",
        "uncollectible",
        "payment_incomplete",
        "incomplete_expired",
        "unpaid",
        "paused",
        "collection_paused",
        "customer_deleted",
        "granted",
        "no_subscription",
        "charged_back",
    ]
    plan: str | None
    features: list[str]
    quantity: int | None
    until: str | None


class Subscription(TypedDict):
    id: str
    customer: str
    status: str
    plan: str | None
    quantity: int | None
    items: list[SubscriptionItem]
    created: str
    trial_end: str | None
    period_end: str | None
    cancels_at: str | None
    ended_at: str | None
    schedule: str | None
    pending_change: dict[str, Any] | None


class SubscriptionCanceledEvent(TypedDict):
    id: str
    type: Literal["subscription.canceled"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class SubscriptionCancelingEvent(TypedDict):
    id: str
    type: Literal["subscription.canceling"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class SubscriptionDuplicatedEvent(TypedDict):
    id: str
    type: Literal["subscription.duplicated"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class SubscriptionItem(TypedDict):
    price: str
    lookup_key: str | None
    quantity: int | None
    amount: int | None
    currency: str | None
    interval: str | None


class SubscriptionPausedEvent(TypedDict):
    id: str
    type: Literal["subscription.paused"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class SubscriptionResumedEvent(TypedDict):
    id: str
    type: Literal["subscription.resumed"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class SubscriptionToAnotherProduct(TypedDict):
    id: str
    customer: str
    status: str


class SubscriptionUncanceledEvent(TypedDict):
    id: str
    type: Literal["subscription.uncanceled"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class Timeline(TypedDict):
    entries: list[TimelineEntry]
    cursor: str | None


class TimelineEntry(TypedDict):
    at: str
    kind: str
    id: str
    type: str
    data: dict[str, Any]


class TrialConvertedEvent(TypedDict):
    id: str
    type: Literal["trial.converted"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class TrialExpiredEvent(TypedDict):
    id: str
    type: Literal["trial.expired"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class TrialExtendedEvent(TypedDict):
    id: str
    type: Literal["trial.extended"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class TrialShortenedEvent(TypedDict):
    id: str
    type: Literal["trial.shortened"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class TrialStartedEvent(TypedDict):
    id: str
    type: Literal["trial.started"]
    timestamp: str
    sequence: int
    data: dict[str, Any]


class TrialWeek(TypedDict):
    week: str
    started: int
    converted: int
    expired: int
    running: int
    activated: int
    milestones: list[MilestoneCount]
    median_days: int | None
    conversions: list[ConversionsWithin]


class Trials(TypedDict):
    weeks: list[TrialWeek]


class Waiting(TypedDict):
    status: Literal["processing", "requires_action"]
    invoice: str
    url: NotRequired[str]


class WebhookDeliveries(TypedDict):
    deliveries: list[WebhookDelivery]
    cursor: str | None


class WebhookDelivery(TypedDict):
    id: str
    event_id: str
    type: str
    at: str
    attempt: int
    status: Literal["succeeded", "failed", "pending"]
    code: NotRequired[int]
    error: NotRequired[str]


class WebhookEndpoint(TypedDict):
    id: str
    url: str
    events: list[str]
    description: str | None
    status: Literal["enabled", "disabled"]
    disabled_reason: Literal["failing", "gone", None]
    created_at: str


class WebhookEndpoints(TypedDict):
    endpoints: list[WebhookEndpoint]


class WebhookSecret(TypedDict):
    secret: str


class UpdateAccountBody(TypedDict):
    email: NotRequired[str | None]
    name: NotRequired[str | None]
    timezone: NotRequired[str | None]
    language: NotRequired[str | None]


class CreateEndpointBody(TypedDict):
    url: str
    events: NotRequired[list[str] | None]
    description: NotRequired[str | None]


class SignUpBody(TypedDict):
    email: str
    name: NotRequired[str | None]
    plan: NotRequired[str | None]
    interval: NotRequired[str | None]
    currency: NotRequired[str | None]
    external_id: NotRequired[str | None]
    claim: NotRequired[str | None]
    timezone: NotRequired[str | None]
    language: NotRequired[str | None]
    source: NotRequired[str | None]
    attributes: NotRequired[dict[str, Any] | None]


class CancelBody(TypedDict):
    when: Literal["period_end", "now"]
    reason: NotRequired[
        Literal[
            "too_expensive",
            "missing_features",
            "switched_service",
            "unused",
            "customer_service",
            "too_complex",
            "low_quality",
            "other",
            None,
        ]
    ]
    comment: NotRequired[str | None]
    subscription: NotRequired[str | None]


class ChargeBody(TypedDict):
    amount: int
    currency: str
    description: str
    bill: NotRequired[Literal["next_invoice", "now", None]]


class CreateCheckoutBody(TypedDict):
    plan: NotRequired[str | None]
    interval: NotRequired[str | None]
    quantity: NotRequired[int | None]
    currency: NotRequired[str | None]


class ApplyDiscountBody(TypedDict):
    coupon: str


class GiveGrantBody(TypedDict):
    until: str
    plan: NotRequired[str | None]
    note: str


class EndLinksBody(TypedDict):
    link: NotRequired[str | None]


class ReportMilestoneBody(TypedDict):
    name: str
    at: NotRequired[str | None]


class ChangePlanBody(TypedDict):
    plan: str
    interval: NotRequired[str | None]
    quantity: NotRequired[int | None]
    prorate: NotRequired[Literal["now", "next_invoice", "none", None]]


class MoveTrialBody(TypedDict):
    ends_at: str


class ReplayEventsBody(TypedDict):
    since: str
    until: NotRequired[str | None]
    types: NotRequired[list[str] | None]


class SetExternalIdBody(TypedDict):
    external_id: str


class ReportInstanceBody(TypedDict):
    status: Literal["creating", "ready", "suspended", "deleted", "failed"]
    url: NotRequired[str | None]
    request_id: NotRequired[str | None]


class Billhook:
    """The calls of the API. Each raises BillhookError. A call that may be repeated takes an
    `idempotency_key`: repeat it with the same key until there is an answer.
    """

    def __init__(self, base: str, key: str = "", timeout: float = 10) -> None:
        if not base.startswith(("https://", "http://")):
            raise ValueError("The base is the address of your billing system, with https://.")
        self._base, self._key, self._timeout = base.rstrip("/"), key, timeout

    def _call(
        self,
        method: str,
        path: str,
        body: Any,
        query: dict[str, Any],
        idempotency_key: str | None,
    ) -> Any:
        asked = {name: value for name, value in query.items() if value is not None}
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        data = None
        if body is not None or method in ("POST", "PUT", "PATCH"):
            data = json.dumps(body or {}).encode()
            headers["Content-Type"] = "application/json"
        url = self._base + path + (f"?{urllib.parse.urlencode(asked)}" if asked else "")
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with _OPENER.open(request, timeout=self._timeout) as response:
                content = response.read()
        except urllib.error.HTTPError as refused:
            raise _error(refused.code, refused.read()) from None
        except OSError as failure:
            raise BillhookError(0, "no_answer", f"{self._base} gives no answer.") from failure
        return json.loads(content) if content else None

    def erase_account(
        self, account_id: str, *, stripe: Literal["true", "false"] | None = None
    ) -> None:
        """Erase the account, and its customer at Stripe, which ends subscriptions at once. The
        same again goes on where an erasure was interrupted.
        """
        self._call("DELETE", f"/accounts/{_part(account_id)}", {}, {"stripe": stripe}, None)

    def get_account(self, account_id: str) -> Account:
        """The account with its standing and subscriptions."""
        answer: Account = self._call("GET", f"/accounts/{_part(account_id)}", None, {}, None)
        return answer

    def update_account(self, account_id: str, body: UpdateAccountBody | None = None) -> Account:
        """Change the customer's address, name, time zone or language. What is left out stays."""
        answer: Account = self._call("PATCH", f"/accounts/{_part(account_id)}", body, {}, None)
        return answer

    def lift_suppression(self, email: str) -> None:
        """Write again to an address that bounced or complained: once the mailbox works, or its
        owner asks for it.
        """
        self._call("DELETE", f"/suppressions/{_part(email)}", {}, {}, None)

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Delete an endpoint. What is on its way to it is dropped."""
        self._call("DELETE", f"/webhooks/endpoints/{_part(endpoint_id)}", {}, {}, None)

    def find_accounts(
        self, *, email: str | None = None, external_id: str | None = None
    ) -> Accounts:
        """Find accounts by e-mail address or by external id."""
        answer: Accounts = self._call(
            "GET", "/accounts", None, {"email": email, "external_id": external_id}, None
        )
        return answer

    def get_access(self, account_id: str) -> Access:
        """What the account may use now."""
        answer: Access = self._call("GET", f"/accounts/{_part(account_id)}/access", None, {}, None)
        return answer

    def get_timeline(self, account_id: str, *, cursor: str | None = None) -> Timeline:
        """The account's history, newest first."""
        answer: Timeline = self._call(
            "GET", f"/accounts/{_part(account_id)}/timeline", None, {"cursor": cursor}, None
        )
        return answer

    def list_audit(self, *, cursor: str | None = None, account_id: str | None = None) -> AuditLog:
        """Who changed what in the last 400 days, the newest first: 50 entries and the cursor of
        the next page.
        """
        answer: AuditLog = self._call(
            "GET", "/audit", None, {"cursor": cursor, "account_id": account_id}, None
        )
        return answer

    def list_events(
        self,
        *,
        cursor: str | None = None,
        types: str | None = None,
        account_id: str | None = None,
        limit: int | None = None,
    ) -> Events:
        """What happened to accounts in the last 30 days, the oldest first. Keep the cursor and
        ask again with it: as long as it changes there may be more.
        """
        answer: Events = self._call(
            "GET",
            "/events",
            None,
            {"cursor": cursor, "types": types, "account_id": account_id, "limit": limit},
            None,
        )
        return answer

    def get_leaving(self, *, from_: str | None = None, to: str | None = None) -> Leaving:
        """Why customers left, and why trials did not become customers, the most frequent first."""
        answer: Leaving = self._call(
            "GET", "/reports/leaving", None, {"from": from_, "to": to}, None
        )
        return answer

    def get_message_effects(self, *, from_: str | None = None, to: str | None = None) -> Messages:
        """What followed each message with a holdout, among those that got it and those held out."""
        answer: Messages = self._call(
            "GET", "/reports/messages", None, {"from": from_, "to": to}, None
        )
        return answer

    def get_retention(self, *, from_: str | None = None, to: str | None = None) -> Retention:
        """Customers by the week in which they first brought in anything, and how many still do."""
        answer: Retention = self._call(
            "GET", "/reports/retention", None, {"from": from_, "to": to}, None
        )
        return answer

    def get_revenue(self, *, from_: str | None = None, to: str | None = None) -> Revenue:
        """Monthly recurring revenue by currency: a row for each day, with what moved it."""
        answer: Revenue = self._call(
            "GET", "/reports/revenue", None, {"from": from_, "to": to}, None
        )
        return answer

    def get_trials(self, *, from_: str | None = None, to: str | None = None) -> Trials:
        """Trials by the week in which they started, the oldest first, and what became of them."""
        answer: Trials = self._call("GET", "/reports/trials", None, {"from": from_, "to": to}, None)
        return answer

    def list_endpoints(self) -> WebhookEndpoints:
        """All webhook endpoints, without their secrets."""
        answer: WebhookEndpoints = self._call("GET", "/webhooks/endpoints", None, {}, None)
        return answer

    def create_endpoint(self, body: CreateEndpointBody) -> NewWebhookEndpoint:
        """Deliver events to a URL from now on, signed by Standard Webhooks. At most 20
        endpoints.
        """
        answer: NewWebhookEndpoint = self._call("POST", "/webhooks/endpoints", body, {}, None)
        return answer

    def list_deliveries(self, endpoint_id: str, *, cursor: str | None = None) -> WebhookDeliveries:
        """What came of the deliveries to an endpoint, the newest events first: a row for each
        attempt, and one for what waits. Kept for 30 days.
        """
        answer: WebhookDeliveries = self._call(
            "GET",
            f"/webhooks/endpoints/{_part(endpoint_id)}/deliveries",
            None,
            {"cursor": cursor},
            None,
        )
        return answer

    def sign_up(self, body: SignUpBody) -> SignedUp | CheckYourInbox:
        """Sign up for a free trial from one of the sites in billing.toml: by script, or by a
        plain form, which is answered with pages. Your own server may sign a user up too, with
        a write key in Authorization.
        """
        answer: SignedUp | CheckYourInbox = self._call("POST", "/signups", body, {}, None)
        return answer

    def create_access_token(self, account_id: str) -> AccessToken:
        """A signed token of the account's access, which your product verifies without a call."""
        answer: AccessToken = self._call(
            "POST", f"/accounts/{_part(account_id)}/access/token", {}, {}, None
        )
        return answer

    def cancel(
        self, account_id: str, body: CancelBody, *, idempotency_key: str | None = None
    ) -> Standing:
        """Cancel the subscription."""
        answer: Standing = self._call(
            "POST", f"/accounts/{_part(account_id)}/cancel", body, {}, idempotency_key
        )
        return answer

    def charge(
        self, account_id: str, body: ChargeBody, *, idempotency_key: str | None = None
    ) -> Charge:
        """Charge an exact amount in addition to the subscription. Coupons do not apply. If the
        card is declined, a charge billed now is canceled. While a bank debit is under way, or
        the bank wants the payment confirmed, the answer is 202; the same call later tells
        what has become of it.
        """
        answer: Charge = self._call(
            "POST", f"/accounts/{_part(account_id)}/charges", body, {}, idempotency_key
        )
        return answer

    def create_checkout(self, account_id: str, body: CreateCheckoutBody | None = None) -> Page:
        """Create a Stripe Checkout page: to save a card while a subscription runs, else to buy."""
        answer: Page = self._call("POST", f"/accounts/{_part(account_id)}/checkout", body, {}, None)
        return answer

    def apply_discount(
        self, account_id: str, body: ApplyDiscountBody, *, idempotency_key: str | None = None
    ) -> Standing:
        """Add a coupon's discount to the subscription, in addition to others. Adding one again
        changes nothing.
        """
        answer: Standing = self._call(
            "POST", f"/accounts/{_part(account_id)}/discount", body, {}, idempotency_key
        )
        return answer

    def give_grant(
        self, account_id: str, body: GiveGrantBody, *, idempotency_key: str | None = None
    ) -> Standing:
        """Give access by hand, without Stripe."""
        answer: Standing = self._call(
            "POST", f"/accounts/{_part(account_id)}/grants", body, {}, idempotency_key
        )
        return answer

    def delete_instance(self, account_id: str) -> None:
        """Delete it now. Only without access."""
        self._call("POST", f"/accounts/{_part(account_id)}/instance/delete", {}, {}, None)

    def resume_instance(self, account_id: str) -> None:
        """Leave it to the access again, and ask once more for what has stalled."""
        self._call("POST", f"/accounts/{_part(account_id)}/instance/resume", {}, {}, None)

    def retry_instance(self, account_id: str) -> None:
        """Ask once more for what stalled or failed, or now for what waits its turn."""
        self._call("POST", f"/accounts/{_part(account_id)}/instance/retry", {}, {}, None)

    def suspend_instance(self, account_id: str) -> None:
        """Suspend it, whatever the access, until the next order."""
        self._call("POST", f"/accounts/{_part(account_id)}/instance/suspend", {}, {}, None)

    def end_links(self, account_id: str, body: EndLinksBody | None = None) -> None:
        """End every link that was mailed to the customer, and every session on the billing page:
        for a mailbox or a link that somebody else has. Links to unsubscribe go on working,
        and the customer can sign in again by a new link. With `link`, end only that one, and
        the sessions that it began.
        """
        self._call("POST", f"/accounts/{_part(account_id)}/links/end", body, {}, None)

    def report_milestone(self, account_id: str, body: ReportMilestoneBody) -> None:
        """Record that the user reached a milestone in the product."""
        self._call("POST", f"/accounts/{_part(account_id)}/milestones", body, {}, None)

    def change_plan(
        self, account_id: str, body: ChangePlanBody, *, idempotency_key: str | None = None
    ) -> Standing | Waiting:
        """Change plan, interval or quantity. If the card is declined, nothing changes. If the
        bank wants the payment confirmed, the change is made once the customer has confirmed
        it.
        """
        answer: Standing | Waiting = self._call(
            "POST", f"/accounts/{_part(account_id)}/plan", body, {}, idempotency_key
        )
        return answer

    def create_portal(self, account_id: str) -> Page:
        """Create a URL of Stripe's customer portal. It is valid for a short time."""
        answer: Page = self._call("POST", f"/accounts/{_part(account_id)}/portal", {}, {}, None)
        return answer

    def reactivate(
        self, account_id: str, *, idempotency_key: str | None = None
    ) -> Reactivated | Waiting:
        """Reactivate the subscription: undo a scheduled cancellation, or end a pause and pay
        what is open. Otherwise returns the URL of a Stripe Checkout page.
        """
        answer: Reactivated | Waiting = self._call(
            "POST", f"/accounts/{_part(account_id)}/reactivate", {}, {}, idempotency_key
        )
        return answer

    def move_trial(
        self, account_id: str, body: MoveTrialBody, *, idempotency_key: str | None = None
    ) -> Standing:
        """Move the end of a running trial."""
        answer: Standing = self._call(
            "POST", f"/accounts/{_part(account_id)}/trial", body, {}, idempotency_key
        )
        return answer

    def enable_endpoint(self, endpoint_id: str) -> WebhookEndpoint:
        """Deliver to a disabled endpoint again. What waits for it goes on; replay what was
        published meanwhile.
        """
        answer: WebhookEndpoint = self._call(
            "POST", f"/webhooks/endpoints/{_part(endpoint_id)}/enable", {}, {}, None
        )
        return answer

    def replay_events(self, endpoint_id: str, body: ReplayEventsBody) -> Replayed:
        """Deliver events of a time again, with their ids and bodies, whether the endpoint had
        them or not: those of its types, by their timestamps, both ends included.
        """
        answer: Replayed = self._call(
            "POST", f"/webhooks/endpoints/{_part(endpoint_id)}/replay", body, {}, None
        )
        return answer

    def rotate_secret(self, endpoint_id: str) -> WebhookSecret:
        """Give the endpoint a new secret. The one before signs too for 24 hours."""
        answer: WebhookSecret = self._call(
            "POST", f"/webhooks/endpoints/{_part(endpoint_id)}/rotate", {}, {}, None
        )
        return answer

    def send_test(self, endpoint_id: str) -> None:
        """Deliver an event of the type billhook.test now, once."""
        self._call("POST", f"/webhooks/endpoints/{_part(endpoint_id)}/test", {}, {}, None)

    def set_external_id(self, account_id: str, body: SetExternalIdBody) -> Account:
        """Give the account your product's id of the customer, in place of another one. The same
        id again changes nothing.
        """
        answer: Account = self._call(
            "PUT", f"/accounts/{_part(account_id)}/external_id", body, {}, None
        )
        return answer

    def report_instance(self, account_id: str, body: ReportInstanceBody) -> None:
        """Report what the account's instance is, such as ready once it is made. The same again
        changes nothing.
        """
        self._call("PUT", f"/accounts/{_part(account_id)}/instance", body, {}, None)
