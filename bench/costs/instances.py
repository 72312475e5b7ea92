"""What the life of a customer's instance uses: made with the signup, suspended a day after the
trial has run out, deleted a fortnight after that, which two mails announce.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from unittest.mock import patch

from bench.costs.stories import Used, signs_up
from chalicelib.domain.account.parts.instance import TARGETS
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.signature import as_secret
from chalicelib.domain.policy.policy import InstancePolicy
from chalicelib.runtime import wiring
from chalicelib.usecases.instances.targets import EndpointTarget
from chalicelib.values import replace

SECRETS = [as_secret(b"the secret of the provisioner's calls")]
INSTANCES = InstancePolicy(
    "https://app.acme.example/instances",
    ("acme.app",),
    suspend_after=timedelta(days=1),
    delete_after=timedelta(days=15),
    deadline=timedelta(hours=1),
)


class _Provisioner:
    """Does at once what it is asked. `actions` is what that was."""

    def __init__(self) -> None:
        self.actions: list[str] = []

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        action = json.loads(body)["action"]
        self.actions.append(action)
        told = {"status": TARGETS[action], "url": "https://acc-1.acme.app"}
        return CallAnswer(200, body=json.dumps(told).encode())


def life_of_an_instance() -> Used:
    """A signup whose trial runs out, as in `signs_up`, and its instance. Raises RuntimeError if the
    instance did not live its whole life.
    """
    provisioner = _Provisioner()
    policy = replace(wiring.policy(), instance=INSTANCES)
    used = signs_up(
        None,
        "the same with an instance",
        patch.object(wiring, "policy", lambda: policy),
        patch.object(
            wiring,
            "provisioner",
            lambda: EndpointTarget(INSTANCES.target, provisioner, lambda: SECRETS),
        ),
    )
    if provisioner.actions != ["create", "suspend", "delete"]:
        raise RuntimeError(f"The provisioner was asked to {provisioner.actions}.")
    return used
