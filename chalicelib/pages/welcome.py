"""The values of the welcome page: the trial, and how far the customer's instance is.

They contain nothing private, because anyone who types an address into the signup form sees the page
until somebody proves the address.
"""

from datetime import datetime
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.profile import masked
from chalicelib.domain.account.queries import zone_of
from chalicelib.domain.account.standing import ON_TRIAL
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.shown import ShownInstance, shown_instance
from chalicelib.domain.policy.languages import DEFAULT, text_in
from chalicelib.domain.policy.policy import Policy
from chalicelib.localization.dates import spoken_day
from chalicelib.pages.texts import text

LEADS_TO_BILLING = frozenset({"suspended", "deleted"})
"""The phases of an instance that end by paying."""


def welcome_view(
    account: Account, policy: Policy, now: datetime, language: str, is_stopped: bool = False
) -> dict[str, Any]:
    """The values of the welcome page at a time, in a language. `is_stopped`: the reader does not
    want it to look again by itself.
    """
    signup, default = account.signup, policy.mail.language if policy.mail else DEFAULT
    state = "over"
    if signup and signup.confirm:
        state = "confirm"
    elif standing(account, policy, now).reason in ON_TRIAL:
        state = "runs"
    ends_at = signup.trial_ends_at if signup else None
    shown = shown_instance(account, policy, now)
    return {
        "state": state,
        "plan": policy.plan_name(signup.plan if signup else None),
        "until": spoken_day(ends_at, zone_of(account, policy.mail), language) if ends_at else "",
        "written_to": masked(account.email or ""),
        "first_steps": [
            told for step in policy.pages.first_steps if (told := text_in(language, step, default))
        ],
        "app_url": (shown and shown.url) or (policy.mail.app_url if policy.mail else ""),
        "trial_days": signup.days if signup else policy.trial.days,
        "instance": _instance_notice(shown, account, policy, language, is_stopped),
    }


def _instance_notice(
    shown: ShownInstance | None, account: Account, policy: Policy, language: str, is_stopped: bool
) -> dict[str, Any] | None:
    """The words about an instance that cannot be opened now; None for one that can."""
    if shown is None or shown.phase == "ready":
        return None
    told = "late" if shown.is_delayed else shown.phase
    seconds = round(shown.look_after.total_seconds()) if shown.look_after else 0
    is_still = is_stopped and seconds > 0
    return {
        "heading": text(f"welcome.instance.{told}_heading", language),
        "detail": text("welcome.stopped" if is_still else f"welcome.instance.{told}", language),
        "looks_again": 0 if is_still else seconds,
        "is_stopped": is_still,
        "steps": _steps(shown, account, language) if shown.phase == "making" else [],
        "leads_to_billing": shown.phase in LEADS_TO_BILLING,
        "billing": "/sign-in" if policy.signup else "/billing",
    }


def _steps(shown: ShownInstance, account: Account, language: str) -> list[dict[str, Any]]:
    """What has been done for a new instance: each step is done, under way, or neither."""
    done = {
        "account": True,
        "trial": bool(account.subscriptions),
        "asked": shown.is_asked,
        "made": False,
    }
    current = next(name for name, is_done in done.items() if not is_done)
    return [
        {
            "name": name,
            "text": text(f"welcome.step.{name}", language),
            "done": is_done,
            "current": name == current,
        }
        for name, is_done in done.items()
    ]
