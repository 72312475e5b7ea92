"""The values of the page with the customer's details."""

from typing import Any
from zoneinfo import available_timezones

from chalicelib.domain.account.queries import zone_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.domain.policy.policy import Policy


def details_view(account: Account, policy: Policy) -> dict[str, Any]:
    """The values of the page with name, language, time zone and address."""
    default = policy.mail.language if policy.mail else next(iter(LANGUAGES))
    language = account.language if account.language in LANGUAGES else default
    return {
        "name": account.name or "",
        "email": account.email or "",
        "languages": [{"code": code, "is_current": code == language} for code in sorted(LANGUAGES)],
        "zones": sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"),
        "zone": zone_of(account, policy.mail).key,
        "may_change_email": policy.signup is not None,
    }
