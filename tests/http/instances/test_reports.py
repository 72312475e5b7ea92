"""PUT /accounts/{id}/instance: what the provisioner reports."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.policy.policy import InstancePolicy
from chalicelib.runtime import wiring
from chalicelib.values import replace
from tests.http.signups.test_signups import Front, Page, front, refused  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import office  # noqa: F401 - the fixture

INSTANCES = InstancePolicy(
    "https://app.acme.example/instances",
    ("acme.app",),
    timedelta(hours=24),
    timedelta(days=90),
    timedelta(minutes=60),
)
URL = "https://a-1.acme.app/start"

Put = Callable[..., Page]


@pytest.fixture
def account(front: Front, monkeypatch: pytest.MonkeyPatch) -> str:
    """The account of a signup, with an instance under way."""
    changed = replace(wiring.policy(), instance=INSTANCES)
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    wiring.services.cache_clear()
    return str(front.signs_up().json["account_id"])


def puts(front: Front, account: str, scope: str = "write", **body: Any) -> Page:
    key = {"Authorization": f"Bearer {front.office.stage.key(scope)}"}
    sent = json.dumps(body).encode()
    path = f"/accounts/{account}/instance"
    return front.call("PUT", path, sent, Content_Type="application/json", **key)


def shown(front: Front, account: str) -> dict[str, Any]:
    key = {"Authorization": f"Bearer {front.office.stage.key('read')}"}
    found: dict[str, Any] = front.call("GET", f"/accounts/{account}", b"", **key).json["instance"]
    return found


def test_a_signup_has_an_instance_under_way(front: Front, account: str) -> None:
    found = shown(front, account)
    assert (found["status"], found["url"], found["wanted"]) == ("creating", None, "ready")
    assert found["request_id"].startswith(f"{account}.0.")
    assert found["deadline"] > found["since"]


def test_what_is_reported_ready_is_shown_with_its_url(front: Front, account: str) -> None:
    asked = shown(front, account)["request_id"]
    page = puts(front, account, status="ready", url=URL)
    assert page.status == 204
    found = shown(front, account)
    assert (found["status"], found["url"], found["wanted"]) == ("ready", URL, "ready")
    assert (found["request_id"], found["deadline"]) == (asked, None)


def test_the_same_report_again_changes_nothing(front: Front, account: str) -> None:
    asked = shown(front, account)["request_id"]
    puts(front, account, status="ready", url=URL, request_id=asked)
    before = wiring.accounts().load(account)
    assert puts(front, account, status="ready", url=URL, request_id=asked).status == 204
    assert wiring.accounts().load(account) == before


def test_a_report_of_an_older_request_is_refused(front: Front, account: str) -> None:
    page = puts(front, account, status="ready", url=URL, request_id=f"{account}.0.0.create")
    refused(page, 409, "request_id")
    assert page.json["error"]["code"] == "not_possible"
    assert shown(front, account)["status"] == "creating"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://notacme.app/",
        "https://acme.app@evil.example/",
        "http://acme.app/",
        "javascript:alert(1)",
        "http://127.0.0.1/",
        7,
        "",
    ],
)
def test_a_url_that_is_not_on_the_hosts_is_refused(front: Front, account: str, url: Any) -> None:
    refused(puts(front, account, status="ready", url=url), 400, "url")
    assert shown(front, account)["status"] == "creating"


def test_what_is_ready_has_a_url(front: Front, account: str) -> None:
    refused(puts(front, account, status="ready"), 400, "url")
    puts(front, account, status="creating", url=None)
    assert shown(front, account)["status"] == "creating"


@pytest.mark.parametrize("status", ["stalled", "suspending", "", None, 1])
def test_only_what_a_provisioner_can_know_is_reported(
    front: Front, account: str, status: Any
) -> None:
    refused(puts(front, account, status=status, url=URL), 400, "status")


def test_a_failure_is_shown_and_a_later_success_too(front: Front, account: str) -> None:
    assert puts(front, account, status="failed").status == 204
    assert shown(front, account)["status"] == "failed"
    puts(front, account, status="ready", url=URL)
    assert shown(front, account)["status"] == "ready"


def test_only_a_write_key_reports(front: Front, account: str) -> None:
    assert puts(front, account, "read", status="ready", url=URL).status == 403


def test_nobody_reports_for_an_account_that_there_is_not(front: Front, account: str) -> None:
    refused(puts(front, "acc_nobody", status="ready", url=URL), 404, "account_id")


def test_without_the_policy_there_are_no_instances(front: Front) -> None:
    account = str(front.signs_up().json["account_id"])
    page = puts(front, account, status="ready", url=URL)
    assert (page.status, page.json["error"]["code"]) == (409, "not_possible")
    key = {"Authorization": f"Bearer {front.office.stage.key('read')}"}
    assert front.call("GET", f"/accounts/{account}", b"", **key).json["instance"] is None


def orders(front: Front, account: str, order: str, scope: str = "admin") -> Page:
    key = {"Authorization": f"Bearer {front.office.stage.key(scope)}"}
    return front.call("POST", f"/accounts/{account}/instance/{order}", b"", **key)


def test_an_operator_orders_what_is_then_asked_for(front: Front, account: str) -> None:
    puts(front, account, status="ready", url=URL)
    assert orders(front, account, "suspend").status == 202
    found = shown(front, account)
    assert (found["status"], found["wanted"]) == ("suspending", "suspended")
    assert orders(front, account, "resume").status == 202
    assert shown(front, account)["wanted"] == "ready"


def test_an_order_that_cannot_be_carried_out_says_why(front: Front, account: str) -> None:
    puts(front, account, status="ready", url=URL)
    for order in ("delete", "retry"):
        page = orders(front, account, order)
        assert (page.status, page.json["error"]["code"]) == (409, "not_possible")
    assert orders(front, "acc_nobody", "suspend").status == 404
    assert orders(front, account, "suspend", "write").status == 403
