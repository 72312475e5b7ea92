"""The proof beside an account's id in Stripe's metadata."""

from functools import partial

import pytest

from chalicelib.aws.items import keyed_hash
from chalicelib.domain.security.account_proof import account_proof, proves, stripe_metadata

KEY = "the key of the stage"
proof_of = partial(account_proof, key=KEY)


def test_the_proof_of_an_account_proves_it_and_no_other() -> None:
    assert proves(proof_of("acc_1"), "acc_1", proof_of)
    assert not proves(proof_of("acc_1"), "acc_2", proof_of)
    assert not proves(account_proof("acc_1", "another key"), "acc_1", proof_of)


@pytest.mark.parametrize("given", [None, "", "acc_1", "é", "\udcff", "0" * 64])
def test_nothing_else_proves_an_account(given: str | None) -> None:
    assert not proves(given, "acc_1", proof_of)


def test_no_hash_that_stands_in_a_key_of_the_table_is_a_proof() -> None:
    for hashed in ("acc_1", "account:acc_1", "customer:cus_1"):
        assert not proof_of("acc_1").startswith(keyed_hash(hashed, KEY))


def test_the_metadata_holds_the_id_and_its_proof() -> None:
    assert stripe_metadata("acc_1", "proof") == {"account_id": "acc_1", "account_proof": "proof"}
