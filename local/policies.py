"""Which billing.toml the local system runs with, and what runs beside it for that."""

import os
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from chalicelib.domain.policy.people import INTERCOM
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import Step
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.intercom.server import IntercomServer
from local.product.process import ExampleProduct

LOOPBACK = ("127.0.0.1", "localhost", "::1")

INVITE_TIPS = Step(
    id="invite_tips",
    sequence="in_product",
    anchor="trial_started",
    offset=timedelta(days=1),
    message="",
    stream="lifecycle",
    tolerance=timedelta(days=3),
    at_any_hour=True,
    only_if=("milestone:connected_data",),
    unless=("milestone:invited_team",),
    via=INTERCOM,
)
"""The step that is handed over to Intercom beside the example product: tips for who works alone."""


def use_policy(path: Path) -> IntercomServer | None:
    """Run with the policy in this file, in place of the shipped billing.toml. Its Intercom is a
    stand-in, as Stripe is, unless PEOPLE_TOKEN opens the one that it names or that is on this
    machine. Raises PolicyMistakes; InvalidInput for a file that cannot be read.
    """
    from ops.stage.policy import read_checked

    policy, intercom = read_checked(path), None
    people = policy.people
    if people and people.to == INTERCOM and _needs_stand_in(people.base_url):
        intercom = IntercomServer(clock.now)
        policy = replace(policy, people=replace(people, base_url=intercom.base))
    _use(policy)
    return intercom


def use_example() -> tuple[ExampleProduct, IntercomServer]:
    """Run with the shipped billing.toml, the example product as its `[instance]`, and an Intercom
    as its `[people]`, to which a step is handed over. Neither is started.
    """
    product, intercom = ExampleProduct(), IntercomServer(clock.now)
    shipped = wiring.policy()
    _use(
        replace(
            shipped,
            instance=product.policy,
            people=intercom.policy,
            steps=(*shipped.steps, INVITE_TIPS),
        )
    )
    return product, intercom


def _needs_stand_in(base_url: str) -> bool:
    return not os.environ.get("PEOPLE_TOKEN") and urlsplit(base_url).hostname not in LOOPBACK


def _use(policy: Policy) -> None:
    wiring.policy = cache(lambda: policy)
