"""A stranger signs up with the product's id of somebody else, so that the product takes the
stranger's account for theirs, and the real user gets none. The id needs a proof.
"""

import json
import re
import shutil
import subprocess
from typing import Any

import boto3
import pytest

from chalicelib.runtime import wiring
from tests.fakes.services import ROOT
from tests.http.signups.test_signups import ADA, Front, Page

KEY = "a-key-of-the-product-that-is-long-enough"
EVE = "eve@example.com"
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs/snippet.md").read_text(), re.DOTALL))
"""The examples of docs/snippet.md by language."""


def by_python(external_id: str, email: str | None) -> str:
    names: dict[str, Any] = {}
    exec(BLOCKS["python"], names)
    return str(names["claim"](KEY, external_id, email))


def by_node(external_id: str, email: str | None) -> str:
    asked = f"{BLOCKS['js']}\nconsole.log(claim(...{json.dumps([KEY, external_id, email])}))"
    run = subprocess.run(["node", "-e", asked], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def by_php(external_id: str, email: str | None) -> str:
    asked = f"{BLOCKS['php']}\necho claim(...json_decode(stream_get_contents(STDIN)));"
    given = json.dumps([KEY, external_id, email])
    run = subprocess.run(
        ["php", "-r", asked], input=given, capture_output=True, text=True, check=True
    )
    return run.stdout


EXAMPLES = [
    by_python,
    *([by_node] if shutil.which("node") else []),
    *([by_php] if shutil.which("php") else []),
]
"""Those that can run here."""


@pytest.fixture
def signing(front: Front) -> None:
    """The product signs claims."""
    boto3.client("ssm").put_parameter(
        Name="/billhook/claim-keys", Value=f"{'n' * 32} {KEY}", Type="SecureString"
    )
    wiring.secrets.cache_clear()


def account_of(external_id: str) -> str | None:
    account = wiring.accounts().with_external_id(external_id)
    return account.email if account else None


def refused(page: Page, status: int, field: str) -> None:
    assert page.status == status, page.text
    assert page.json["error"]["field"] == field


def test_the_public_form_refuses_the_products_id_by_name(front: Front) -> None:
    refused(front.signs_up({"email": EVE, "external_id": "user-311"}), 400, "external_id")
    page = front.posts_form({"email": EVE, "external_id": "user-311"})
    assert (page.status, account_of("user-311")) == (400, None)
    assert wiring.accounts().with_email(EVE) == []


@pytest.mark.parametrize("scope", ["access", "read"])
def test_a_lesser_key_and_a_wrong_one_sign_nobody_up(front: Front, scope: str) -> None:
    fields = {"email": EVE, "external_id": "user-311"}
    lesser = f"Bearer {front.office.stage.key(scope)}"
    refused(front.signs_up(fields, Authorization=lesser), 403, "Authorization")
    refused(front.signs_up(fields, Authorization="Bearer bh_x"), 401, "Authorization")
    assert account_of("user-311") is None


@pytest.mark.usefixtures("signing")
@pytest.mark.parametrize(
    ("token", "field"),
    [
        (lambda: "x", "claim"),
        (lambda: "e30.e30", "claim"),
        (lambda: by_python("user-311", EVE) + "x", "claim"),
        (lambda: by_python("user-311", "ada@example.com"), "claim"),
        (lambda: by_python("", EVE), "external_id"),
        (lambda: by_python("x" * 129, EVE), "external_id"),
    ],
    ids=["none", "forged", "changed", "of another address", "of no id", "of too long an id"],
)
def test_a_claim_that_is_not_theirs_signs_nobody_up(front: Front, token: Any, field: str) -> None:
    refused(front.signs_up({"email": EVE, "claim": token()}), 400, field)
    assert wiring.accounts().with_email(EVE) == []


def test_where_no_product_signs_claims_they_are_refused_and_not_an_outage(front: Front) -> None:
    refused(front.signs_up({"email": EVE, "claim": by_python("user-311", EVE)}), 400, "claim")


@pytest.mark.usefixtures("signing")
@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("is_form", [False, True], ids=["script", "form"])
def test_a_claim_made_as_the_docs_show_gives_the_id(
    front: Front, example: Any, is_form: bool
) -> None:
    fields = {**ADA, "claim": example("user-311", "Ada@example.com")}
    page = front.posts_form(fields) if is_form else front.signs_up(fields)
    assert page.status == (303 if is_form else 201), page.text
    assert account_of("user-311") == "ada@example.com"


@pytest.mark.usefixtures("signing")
def test_a_claim_names_the_address_as_the_visitor_typed_it(front: Front) -> None:
    typed = "Ada@Müller.example"
    page = front.signs_up({"email": typed, "claim": by_python("user-311", typed)})
    assert (page.status, account_of("user-311")) == (201, "Ada@xn--mller-kva.example")


@pytest.mark.usefixtures("signing")
def test_a_claim_and_an_id_beside_it_must_agree(front: Front) -> None:
    key = f"Bearer {front.office.stage.key('write')}"
    fields = {**ADA, "claim": by_python("user-311", None)}
    refused(front.signs_up({**fields, "external_id": "u2"}, Authorization=key), 400, "claim")
    assert front.signs_up({**fields, "external_id": "user-311"}, Authorization=key).status == 201


def test_the_products_server_signs_its_users_up_and_is_no_crowd(front: Front) -> None:
    key = f"Bearer {front.office.stage.key('write')}"
    for number in range(7):
        user = {"email": f"ada+{number}@example.com", "external_id": f"user-{number}"}
        assert front.signs_up(user, Authorization=key).status == (202 if number else 201)
    assert account_of("user-0") == "ada+0@example.com"


def test_everything_else_stays_in_the_public_form(front: Front) -> None:
    page = front.signs_up({**ADA, "attributes": {"team": "Tide"}, "source": "front"})
    (account,) = front.accounts()
    assert (page.status, dict(account.profile.attributes)) == (201, {"team": "Tide"})
