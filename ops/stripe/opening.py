"""Finds the Stripe account of a stage, and what it must have."""

import os
from typing import TYPE_CHECKING

import boto3

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.policy import Policy
from ops.deploy.release import endpoint
from ops.stage.parameters import Parameters
from ops.stage.policy import EVENT_SOURCE
from ops.stage.stages import Stage, stage_variables
from ops.stripe.desired_state import Wanted, WantedBus, wanted
from ops.stripe.mode import check_mode

if TYPE_CHECKING:
    from chalicelib.stripe_api.transport import StripeTransport

API_KEY = "stripe-api-key"


def transport_for(key: str) -> "StripeTransport":
    """Stripe, or the server that STRIPE_API_BASE names."""
    from chalicelib.stripe_api.transport import StripeTransport

    return StripeTransport(lambda: key, os.environ.get("STRIPE_API_BASE") or None)


def operators_key(parameters: Parameters) -> str:
    """$STRIPE_API_KEY, else the key that the stage itself uses. Raises InvalidInput if there is
    neither, Unavailable.
    """
    if key := os.environ.get("STRIPE_API_KEY", "").strip():
        return key
    found = parameters.get(API_KEY)
    if found is None:
        raise InvalidInput(
            f"There is no Stripe key: set STRIPE_API_KEY, or put {parameters.name(API_KEY)} into"
            " the Parameter Store.",
            "key",
        )
    return found.value.strip()


def checked_key(parameters: Parameters, stage: Stage, live_asked: bool) -> str:
    """The key, if it may be used on this stage. Raises InvalidInput, Unavailable."""
    key = operators_key(parameters)
    check_mode(key, live_asked, stage.name, stage_variables(stage.name)["LIVEMODE"] == "true")
    return key


def base_url(policy: Policy, stage: str) -> str:
    """The URL by which customers know a stage: its own, or that of billing.toml."""
    return (stage_variables(stage).get("BASE_URL") or policy.base_url).rstrip("/")


def bus_of(stage: Stage, session: boto3.Session, asked: bool = False) -> WantedBus | None:
    """The event bus of a stage; None if it takes no events by EventBridge, unless that is `asked`
    for. Raises InvalidInput if the region is not known.
    """
    source = stage.parameters.get(EVENT_SOURCE, "")
    if not source and not asked:
        return None
    if not session.region_name:
        raise InvalidInput(
            "Which region? Set AWS_DEFAULT_REGION, or the region of your AWS profile.", "region"
        )
    account = str(session.client("sts").get_caller_identity()["Account"])
    return WantedBus(stage.stack, account, session.region_name, source)


def wanted_of(policy: Policy, stage: Stage, bus: WantedBus | None = None) -> Wanted:
    """What Stripe must have for a stage."""
    import stripe

    return wanted(
        policy, base_url(policy, stage.name), endpoint(stage.outputs), stripe.api_version, bus
    )
