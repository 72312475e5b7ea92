"""Which account a new customer gets, decided by what its metadata names and proves."""

import pytest

from chalicelib.domain.account.joins import NamedAccount, chosen, may_join

ADA = "ada@example.com"
CLAIMED, PROVED = NamedAccount("acc_a"), NamedAccount("acc_b", proved=True)


def test_a_proved_account_goes_before_every_claim_and_else_the_first_counts() -> None:
    assert chosen([CLAIMED, PROVED]) == PROVED
    assert chosen([CLAIMED, NamedAccount("acc_c")]) == CLAIMED
    assert chosen([PROVED, NamedAccount("acc_c", proved=True)]) == PROVED
    assert chosen([]) is None


@pytest.mark.parametrize("address", [None, "eve@example.com", ADA])
@pytest.mark.parametrize("proved_address", [None, ADA])
def test_a_proof_joins_whatever_the_addresses_are(
    address: str | None, proved_address: str | None
) -> None:
    assert may_join(PROVED, address, proved_address)


@pytest.mark.parametrize(
    ("address", "proved_address", "joins"),
    [
        (ADA, ADA, True),
        (" Ada@Example.com", ADA, True),
        ("eve@example.com", ADA, False),
        (ADA, None, False),
        (None, None, False),
        ("", "", False),
        (None, ADA, False),
    ],
)
def test_a_claim_joins_only_at_the_address_that_the_account_has_proved(
    address: str | None, proved_address: str | None, joins: bool
) -> None:
    assert may_join(CLAIMED, address, proved_address) is joins
