"""What a package refuses to be made of."""

import pytest

from chalicelib.domain.errors import InvalidInput
from ops.package.build import refuse_local


def test_a_stage_is_not_deployed_with_an_address_of_this_machine() -> None:
    refuse_local("https://billing.example.com")
    with pytest.raises(InvalidInput, match=r"http://127\.0\.0\.1:8000"):
        refuse_local("http://127.0.0.1:8000")
