"""The values of the welcome page: the trial, and how far the customer's instance is.

They contain nothing private, because anyone who types an address into the signup form sees the page
until somebody proves the address.
"""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.external.instance import Instance
from chalicelib.domain.account.profile import masked
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.lifecycle import has_access
from chalicelib.domain.instances.links import ready_link
from chalicelib.domain.policy.languages import DEFAULT, text_in
from chalicelib.domain.policy.policy import Policy
from chalicelib.localization.dates import spoken_day
from chalicelib.pages.customer import zone_of
from chalicelib.pages.texts import text

LOOKS_AGAIN = (
    (timedelta(seconds=20), 2),
    (timedelta(minutes=2), 5),
    (timedelta(minutes=10), 15),
)
"""How many seconds later the page looks again, by how long the customer has waited at most."""

SELDOM = 60
"""The same for who has waited longer."""

SHOWN_AS = {
    "creating": "making",
    "resuming": "opening",
    "failed": "late",
    "stalled": "stalled",
    "suspending": "suspended",
    "suspended": "suspended",
    "deleting": "deleted",
    "deleted": "deleted",
}
"""Status of an instance → the texts that tell it, below `welcome.instance`."""

LEADS_TO_BILLING = frozenset({"suspended", "deleted"})


def welcome_view(account: Account, policy: Policy, now: datetime, language: str) -> dict[str, Any]:
    """The values of the welcome page at a time, in a language."""
    signup, default = account.signup, policy.mail.language if policy.mail else DEFAULT
    state = "over"
    if signup and signup.confirm:
        state = "confirm"
    elif standing(account, policy, now).reason in ON_TRIAL:
        state = "runs"
    ends_at = signup.trial_ends_at if signup else None
    return {
        "state": state,
        "plan": policy.plan_name(signup.plan if signup else None),
        "until": spoken_day(ends_at, zone_of(account, policy), language) if ends_at else "",
        "written_to": masked(account.email or ""),
        "first_steps": [
            told for step in policy.pages.first_steps if (told := text_in(language, step, default))
        ],
        "app_url": ready_link(account, policy) or (policy.mail.app_url if policy.mail else ""),
        "trial_days": policy.trial.days,
        "instance": _instance(account, policy, now, language),
    }


def looks_again_in(waited: timedelta) -> int:
    """After how many seconds a page looks again whose reader has waited so long."""
    return next((seconds for most, seconds in LOOKS_AGAIN if waited < most), SELDOM)


def _instance(
    account: Account, policy: Policy, now: datetime, language: str
) -> dict[str, Any] | None:
    """What is told of an instance that cannot be opened now. None of one that can, and where there
    is none.
    """
    instance = account.instance
    if policy.instance is None or instance is None or instance.status not in SHOWN_AS:
        return None
    told = SHOWN_AS[instance.status]
    if instance.status in {"failed", "stalled"} and not has_access(account):
        told = "suspended" if instance.state == "suspended" else "deleted"
    begun_at = instance.request.begun_at if instance.request else instance.since
    waits = told not in LEADS_TO_BILLING
    return {
        "heading": text(f"welcome.instance.{told}_heading", language),
        "detail": text(f"welcome.instance.{told}", language),
        "looks_again": looks_again_in(now - begun_at) if waits else 0,
        "steps": _steps(account, instance, language) if told == "making" else [],
        "billing": "/sign-in" if policy.signup else "/billing",
        "leads_to_billing": not waits,
    }


def _steps(account: Account, instance: Instance, language: str) -> list[dict[str, Any]]:
    """What has been done for a new instance: each step is done, under way, or neither."""
    request = instance.request
    done = [
        ("account", True),
        ("trial", bool(account.subscriptions)),
        ("asked", request is not None and request.calls > 0),
        ("made", False),
    ]
    current = next(name for name, is_done in done if not is_done)
    return [
        {
            "name": name,
            "text": text(f"welcome.step.{name}", language),
            "done": is_done,
            "current": name == current,
        }
        for name, is_done in done
    ]
