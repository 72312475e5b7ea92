"""Over a bound a call is refused before anything is written, and the account goes on."""

import json
from typing import Any

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.runtime import wiring
from tests.http.signups.test_signups import ADA, Front, Page, front  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import office  # noqa: F401 - the fixture


class Product:
    """The owner's product, which calls the API about one account."""

    def __init__(self, front: Front) -> None:
        self.front, self.key = front, front.office.stage.key("write")
        self.account_id = front.signs_up().json["account_id"]

    @property
    def account(self) -> Account:
        found = wiring.accounts().load(self.account_id)
        assert found
        return found

    def posts(self, call: str, body: Any, **headers: str) -> Page:
        return self.front.call(
            "POST",
            f"/accounts/{self.account_id}/{call}",
            json.dumps(body).encode(),
            Authorization=f"Bearer {self.key}",
            Content_Type="application/json",
            **headers,
        )


@pytest.fixture
def product(front: Front) -> Product:
    return Product(front)


def test_a_product_gone_wrong_cannot_fill_an_account_with_grants(product: Product) -> None:
    def gives(number: int) -> Page:
        until = f"2099-01-01T00:{number // 60:02}:{number % 60:02}Z"
        return product.posts("grants", {"until": until, "note": "Sorry"})

    answers = [gives(number).status for number in range(most("grants"))]
    assert set(answers) == {200}
    before = product.account
    refused = gives(500)
    assert (refused.status, refused.json["error"]["code"]) == (409, "too_many")
    assert "50 grants" in refused.json["error"]["message"]
    assert product.account == before
    assert gives(0).status == 200, "the same grant again is no new one"


@pytest.mark.parametrize("number", [0, 1])
def test_a_field_of_the_longest_text_is_taken_and_of_one_more_refused(
    product: Product, number: int
) -> None:
    note = "𝒜" * (most("note") + number)
    page = product.posts("grants", {"until": "2099-01-01T00:00:00Z", "note": note})
    assert page.status == (400 if number else 200)
    if number:
        assert page.json["error"]["field"] == "note"


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({f"name_{number}": "x" * 500 for number in range(50)}, 201),
        ({f"name_{number}": "x" for number in range(51)}, 400),
        ({"name": "x" * 501}, 400),
        ({"name": "é" * 250}, 201),
        ({"name": "é" * 251}, 400),
    ],
)
def test_attributes_are_fifty_of_five_hundred_bytes(
    front: Front,
    attributes: dict[str, str],
    status: int,
) -> None:
    page = front.signs_up({**ADA, "attributes": attributes})
    assert page.status == status, page.text


def test_a_name_of_a_hundred_characters_is_taken_and_a_longer_one_refused(
    front: Front,
) -> None:
    assert front.signs_up({**ADA, "name": "é" * 101}).json["error"]["field"] == "name"
    assert front.signs_up({**ADA, "name": "é" * 100}).status == 201
