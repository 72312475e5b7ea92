"""All checks, one after the other and independent of each other: a failed check never hides what
another finds.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import BillhookError, Refused
from ops.doctor import (
    deployment,
    event_bus,
    event_receivers,
    mail,
    nightly_export,
    people,
    secrets,
    stripe,
)
from ops.doctor.findings import Finding, unknown
from ops.doctor.site import Site

READER = (
    "export STRIPE_API_KEY=… with a key that may read products, prices, the customer portal,"
    " webhook endpoints and event destinations"
)


@dataclass(frozen=True, slots=True)
class Check:
    """The checks."""

    subject: str
    look: Callable[[Site], Iterable[Finding]]


CHECKS = (
    Check("region", deployment.check_region),
    Check("credentials", deployment.check_credentials),
    Check("billing.toml", deployment.check_policy),
    Check("stage", deployment.check_stage),
    Check("base_url", deployment.check_address),
    Check("conditions", deployment.check_conditions),
    Check("secrets", secrets.check_secrets),
    Check("SES", mail.check_account),
    Check("senders", mail.check_senders),
    Check("configuration set", mail.check_configuration_set),
    Check("complaints", mail.check_complaints),
    Check("Stripe key", stripe.check_key),
    Check("prices", stripe.check_prices),
    Check("portal", stripe.check_portal),
    Check("webhook", stripe.check_webhook),
    Check("EventBridge", event_bus.check_event_bus),
    Check("outgoing events", event_receivers.check_endpoints),
    Check("event bus", event_receivers.check_bus),
    Check("people system", people.check_people),
    Check("nightly export", nightly_export.check_nightly_export),
    Check("Stripe's own mails", stripe.check_stripes_own_mails),
)


def examine(site: Site, checks: Iterable[Check] = CHECKS) -> Iterator[Finding]:
    """The findings of all checks, in order."""
    for check in checks:
        yield from _looked(check, site)


def _looked(check: Check, site: Site) -> list[Finding]:
    try:
        return list(check.look(site))
    except Refused as error:
        # Only Stripe refuses. The stage's own key need not read what this looks at.
        return [unknown(check.subject, f"could not be looked at. {error.message}", READER)]
    except BillhookError as error:
        return [unknown(check.subject, f"could not be looked at. {error.message}")]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return [
            unknown(
                check.subject,
                f"AWS does not say: {code}",
                f"let your role call {error.operation_name}" if "Denied" in code else "",
            )
        ]
    except BotoCoreError as error:
        return [unknown(check.subject, f"AWS cannot be asked: {error}")]
    except Exception as error:
        return [
            unknown(
                check.subject,
                f"the check itself failed: {type(error).__name__}: {error}",
                "a fault of Billhook's: please report it",
            )
        ]
