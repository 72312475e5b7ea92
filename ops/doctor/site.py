"""What the checks read: a stage in the operator's AWS account, its Stripe account and billing.toml.
Each is read when it is first needed.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from chalicelib.domain.policy.policy import Policy
from ops.stage.parameters import Parameters
from ops.stage.policy import POLICY, read_checked
from ops.stage.secrets import setting_up_stripe
from ops.stage.stages import Stage, find_stage, stack_name, stage_variables
from ops.stripe.desired_state import Wanted
from ops.stripe.mode import check_mode
from ops.stripe.opening import bus_of, operators_key, transport_for, wanted_of

if TYPE_CHECKING:
    from chalicelib.stripe_api.transport import StripeTransport


@dataclass
class Site:
    """One stage. What cannot be read raises a BillhookError or a botocore error, and the next check
    reads it again.
    """

    name: str
    session: boto3.Session = field(default_factory=boto3.Session)
    policy_file: Path = POLICY

    @property
    def is_live(self) -> bool:
        """Whether the stage is for Stripe's live mode."""
        return self.variables["LIVEMODE"] == "true"

    @cached_property
    def variables(self) -> dict[str, str]:
        """The environment that .chalice/config.json gives to the functions of the stage."""
        return stage_variables(self.name)

    @cached_property
    def policy(self) -> Policy:
        """billing.toml."""
        return read_checked(self.policy_file)

    @cached_property
    def stage(self) -> Stage:
        """The stack."""
        return find_stage(self.name, self.session.client("cloudformation"))

    @cached_property
    def parameters(self) -> Parameters:
        """The stage's secrets. They may exist before the stack does."""
        return Parameters(f"/{stack_name(self.name)}", self.session.client("ssm"))

    @cached_property
    def ses(self) -> Any:
        return self.session.client("sesv2")

    @cached_property
    def transport(self) -> "StripeTransport":
        """Stripe in the stage's mode, with the operator's key."""
        key = operators_key(self.parameters)
        check_mode(key, self.is_live, self.name, self.is_live)
        return transport_for(key)

    @cached_property
    def wanted(self) -> Wanted:
        """What Stripe must have for the stage."""
        return wanted_of(self.policy, self.stage, bus_of(self.stage, self.session))

    @property
    def stripe_command(self) -> str:
        """The command that fixes Stripe's objects."""
        return setting_up_stripe(self.name, self.is_live)
