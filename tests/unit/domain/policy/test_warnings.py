"""What the owner should know of a billing.toml that is otherwise fine."""

from dataclasses import replace

from chalicelib.domain.policy.policy import CancelPolicy
from chalicelib.domain.policy.warnings import warnings_of
from tests.fakes.services import SHIPPED


def test_a_pause_that_customers_take_is_named_beside_pauses_that_keep_access() -> None:
    (warning,) = warnings_of(SHIPPED)
    assert "cancel.alternatives.unused" in warning
    limited = replace(SHIPPED, access=replace(SHIPPED.access, collection_paused="limited"))
    assert warnings_of(limited) == []
    assert warnings_of(replace(SHIPPED, cancel=CancelPolicy())) == []
