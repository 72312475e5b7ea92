"""The texts of notices to the team, in English, with times in the policy's time zone."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.conversions import is_win_back
from chalicelib.domain.policy.policy import Policy
from chalicelib.localization.amounts import money
from chalicelib.localization.dates import spoken_moment
from chalicelib.localization.prices import spoken_price
from chalicelib.outreach.typed_words import broken_up

_Data = Mapping[str, Any]
_Lines = list[tuple[str, str]]

TYPED = "Typed by the visitor"
"""What stands before words that a stranger may have chosen."""

_TITLES = {
    "signup": "New trial",
    "conversion": "Converted",
    "failed_payment": "Payment failed",
    "finalization_failed": "Invoice cannot be finalized",
    "second_subscription": "Pays for two subscriptions",
    "cancellation": "Canceled",
    "complaint": "Reported a bill as spam",
    "feedback": "Answered why",
    "instance_stalled": "Instance has stalled",
}


def title_of(kind: str, account: Account, event: DomainEvent) -> str:
    """The subject of a notice. It has nothing that a stranger typed: it comes from the team's own
    address.
    """
    title = "Came back" if is_win_back(event.type, event.data) else _TITLES[kind]
    return f"{title}: {account.id}"


def typed_by_visitor(account: Account) -> str:
    """Name and address of an account, as a text in which nothing is a link; empty if there is
    neither.
    """
    address = f"<{account.email}>" if account.email else ""
    return broken_up(" ".join(word for word in (account.name, address) if word))


def facts_of(kind: str, account: Account, event: DomainEvent, policy: Policy) -> _Lines:
    """The lines (name, value) of a notice; unknown values are left out."""
    data: _Data = event.data
    plan = account.standing.plan if account.standing else None
    lines = [
        ("Account", account.id),
        (TYPED, typed_by_visitor(account)),
        ("Plan", policy.plan_name(plan)),
        ("Price", spoken_price(account, policy) if kind != "signup" else ""),
    ]
    if kind in _OF_KIND:
        lines += _OF_KIND[kind](account, data, policy)
    return [(name, value) for name, value in lines if value]


def _of_signup(account: Account, data: _Data, policy: Policy) -> _Lines:
    source = account.signup.source if account.signup else None
    return [
        ("Source", broken_up(source or "")),
        ("Trial until", _moment(data, "trial_end", policy)),
    ]


def _of_unfinished_invoice(account: Account, data: _Data, policy: Policy) -> _Lines:
    return [
        ("Invoice", str(data.get("invoice") or "")),
        ("Stripe says", str(data.get("error") or "")),
    ]


def _of_second_subscription(account: Account, data: _Data, policy: Policy) -> _Lines:
    return [
        ("Newest", str(data.get("subscription") or "")),
        ("Paid subscriptions", str(data.get("number") or "")),
        ("What to do", "Cancel the one that was not meant, and refund its payment."),
    ]


def _of_complaint(account: Account, data: _Data, policy: Policy) -> _Lines:
    return [
        ("Message", str(data.get("message") or "")),
        (
            "What follows",
            "Notices go on to this address. After another complaint about one, no mail goes"
            " there any more. A new address of the account ends that.",
        ),
    ]


def _of_feedback(account: Account, data: _Data, policy: Policy) -> _Lines:
    return [
        ("Answer", str(data.get("answer") or "")),
        ("In their words", str(data.get("comment") or "")),
    ]


def _of_stalled_instance(account: Account, data: _Data, policy: Policy) -> _Lines:
    request = account.instance.request if account.instance else None
    return [
        ("Asked", str(data.get("action") or "")),
        ("Request", str(data.get("request_id") or "")),
        ("Deadline", _moment(data, "deadline", policy)),
        ("Last answer", broken_up(request.error or "") if request else ""),
        ("What to do", "Mend the provisioner, then have it asked once more:"),
        ("Command", f"python -m ops instances retry {account.id}"),
    ]


def _of_failed_payment(account: Account, data: _Data, policy: Policy) -> _Lines:
    amount, currency = data.get("amount_due"), data.get("currency")
    known = account.invoices.get(str(data.get("invoice") or ""))
    if known and known.value.status == "open":  # what is left, as a part may be paid
        amount = known.value.left_to_pay
    return [
        ("Amount", money(int(amount), str(currency)) if amount and currency else ""),
        ("Tried again", _moment(data, "next_payment_attempt", policy) or "not by Stripe"),
    ]


def _of_cancellation(account: Account, data: _Data, policy: Policy) -> _Lines:
    tracked = account.subscriptions.get(str(data.get("subscription") or ""))
    details = tracked.value.cancellation_details if tracked else None
    reason = (details.feedback or details.reason) if details else None
    return [
        ("Ends", _moment(data, "cancels_at", policy) or "now"),
        ("Reason", reason or "none was given"),
        ("In their words", (details.comment or "") if details else ""),
    ]


def _moment(data: Mapping[str, Any], name: str, policy: Policy) -> str:
    """A time in the data of an event (ISO 8601), as text; empty if there is none."""
    if not data.get(name):
        return ""
    zone = ZoneInfo(policy.mail.timezone if policy.mail else "UTC")
    return spoken_moment(datetime.fromisoformat(data[name]), zone)


_OF_KIND: dict[str, Callable[[Account, _Data, Policy], _Lines]] = {
    "signup": _of_signup,
    "failed_payment": _of_failed_payment,
    "finalization_failed": _of_unfinished_invoice,
    "second_subscription": _of_second_subscription,
    "cancellation": _of_cancellation,
    "complaint": _of_complaint,
    "instance_stalled": _of_stalled_instance,
    "feedback": _of_feedback,
}
"""What a notice says besides who it is about. A conversion says nothing more."""
