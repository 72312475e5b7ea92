"""The billing.toml of this checkout, read and checked together with its messages."""

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput
from ops.stage.stages import stage_variables

if TYPE_CHECKING:
    from chalicelib.domain.policy.policy import Policy

EVENT_SOURCE = "StripeEventSource"
"""The setting of a stage that names Stripe's partner event source."""

POLICY = Path(__file__).parents[2] / "chalicelib" / "billing.toml"


def read_checked(file: Path) -> "Policy":
    """The policy in a file, with its messages checked for every kind of reader.

    Raises PolicyMistakes, BrokenMessage, UnknownMessage; InvalidInput for a file that cannot be
    read.
    """
    from chalicelib.domain.changes.channels import check_types
    from chalicelib.domain.policy.read import read_policy
    from chalicelib.outreach.check import check_messages
    from chalicelib.outreach.rendering import messages

    try:
        policy = read_policy(file.read_text(), messages())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", "file") from error
    check_messages(policy)
    check_types(policy)
    return policy


def bus_settings(policy: "Policy", stage: str) -> dict[str, str]:
    """The setting of the template that billing.toml gives for a stage: the partner event source of
    the stage's mode. Empty where billing.toml does not say: the stage keeps what it has.
    """
    from chalicelib.domain.policy.bus import source_for

    source = source_for(policy.bus, stage_variables(stage)["LIVEMODE"] == "true")
    return {} if source is None else {EVENT_SOURCE: source}
