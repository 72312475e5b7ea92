"""The clients in clients/ are those of the API as it is, and the Python one speaks to it."""

import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest

from local.client import Client
from tests.fakes.services import ROOT

CLIENTS = ROOT / "clients"


def loaded(path: str) -> Any:
    """A module of the folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"clients_{path[:5]}", CLIENTS / path)
    assert spec
    assert spec.loader
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


BUILD = loaded("build.py")


def test_both_clients_are_written_from_the_api_as_it_is() -> None:
    """Another text here is a change of the API: run `make clients`, and look at the difference."""
    told = BUILD.description()
    assert (CLIENTS / "python" / "billhook.py").read_text() == BUILD.python_client(told)
    assert (CLIENTS / "typescript" / "billhook.ts").read_text() == BUILD.typescript_client(told)


def test_every_call_that_takes_a_key_has_a_name_of_its_own() -> None:
    told = BUILD.description()
    named = [one.name for one in BUILD.operations(told)]
    assert sorted(named) == sorted(BUILD.NAMES.values())
    assert len(named) == len(set(named))
    told["paths"]["/accounts/new"] = {"post": {"security": [{"key": ["write"]}]}}
    with pytest.raises(KeyError):
        list(BUILD.operations(told))


def test_a_product_uses_the_python_client_from_signup_to_webhooks(system: Client) -> None:
    module = loaded("python/billhook.py")
    billhook = module.Billhook(system.base, system.api_key)
    account = billhook.sign_up({"email": "clients@example.com", "name": "Ada"})["account_id"]
    system.settle()
    assert billhook.get_access(account)["access"] == "full"
    assert billhook.get_account(account)["email"] == "clients@example.com"
    assert billhook.report_milestone(account, {"name": "connected_data"}) is None
    assert billhook.find_accounts(email="clients@example.com")["accounts"]
    page = billhook.list_events(account_id=account, types="account.created")
    assert [event["sequence"] for event in page["events"]] == [1]
    system.settle()
    (reached,) = billhook.list_events(account_id=account, types="milestone.reached")["events"]
    assert reached["data"]["milestone"] == "connected_data"
    assert reached["data"]["reported_by"] == "product"
    assert (
        billhook.list_events(cursor=page["cursor"], account_id=account, types="account.created")[
            "events"
        ]
        == []
    )
    endpoint = billhook.create_endpoint({"url": "http://127.0.0.1:9009/hooks"})
    assert endpoint["secret"].startswith("whsec_")
    assert billhook.delete_endpoint(endpoint["id"]) is None
    until = {"until": "2099-01-01T00:00:00Z", "note": "a friend"}
    given = [billhook.give_grant(account, until, idempotency_key="clients-1") for _ in range(2)]
    assert given[0] == given[1]


def test_the_python_client_names_what_was_refused(system: Client) -> None:
    module = loaded("python/billhook.py")
    with pytest.raises(module.BillhookError) as refused:
        module.Billhook(system.base, system.api_key).get_account("acc_nobody")
    assert (refused.value.status, refused.value.code) == (404, "account_not_found")
    with pytest.raises(module.BillhookError) as refused:
        module.Billhook(system.base, "bh_wrong").list_events()
    assert refused.value.status == 401
    with pytest.raises(module.BillhookError) as refused:
        module.Billhook("http://127.0.0.1:1").get_account("acc_1")
    assert (refused.value.status, refused.value.code) == (0, "no_answer")
    with pytest.raises(ValueError, match="https"):
        module.Billhook("file:///etc")
