"""What the recorded histories promise to every test that plays them."""

import json
import re
from pathlib import Path

import pytest

from local.recordings import Recording

PATHS = sorted((Path(__file__).parents[2] / "recordings").glob("*.json"))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def recording(request: pytest.FixtureRequest) -> Recording:
    return Recording.load(request.param)


def test_the_truth_after_a_checkpoints_events_is_what_the_checkpoint_says(
    recording: Recording,
) -> None:
    for checkpoint in recording.checkpoints:
        truth = recording.truth(recording.events_until(checkpoint))
        assert {s["id"]: s for s in checkpoint["subscriptions"]} == truth.subscriptions


def test_a_renamed_history_shares_nothing_but_prices_and_products(recording: Recording) -> None:
    def names(one: Recording) -> set[str]:
        return set(
            re.findall(
                r"[a-z_]+_[A-Za-z0-9]{14,}|acct_demo[A-Za-z0-9_-]*|[a-z0-9-]+@example\.com",
                json.dumps([one.events, one.checkpoints]),
            )
        )

    first, second = names(recording.renamed("a1")), names(recording.renamed("b2"))
    shared = first & second
    assert all(name.startswith(("price_", "prod_")) for name in shared), sorted(shared)
    assert len(first) == len(names(recording)), "no two names became one"
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", recording.renamed("z" * 40).account_id or "")
    assert recording.renamed("a1").renamed("b2").account_id == "acct_demo_a1_b2"


def test_a_renamed_history_is_still_whole(recording: Recording) -> None:
    renamed = recording.renamed("a1")
    for checkpoint in renamed.checkpoints:
        assert {s["id"] for s in checkpoint["subscriptions"]} == set(
            renamed.truth(renamed.events_until(checkpoint)).subscriptions
        )
    truth = renamed.truth()
    (customer_id,) = truth.customers
    assert {s["id"] for s in truth.subscriptions_of(customer_id)} == set(truth.subscriptions)
    assert {i["id"] for i in truth.invoices_of(customer_id)} == set(truth.invoices)
    for invoice in truth.invoices_of(customer_id):
        assert invoice["hosted_invoice_url"] == f"https://pay.stripe.com/invoice/{invoice['id']}/"
    assert "ada@example.com" in json.dumps(recording.renamed("a1", keep_email=True).events)


def test_a_moved_history_keeps_every_distance(recording: Recording) -> None:
    moved = recording.moved_to(1_900_000_000)
    assert [e["created"] - moved.start for e in moved.events] == [
        e["created"] - recording.start for e in recording.events
    ]
    assert moved.start == 1_900_000_000
    assert moved.moved_to(recording.start) == recording
    assert re.findall(r"\b17[78]\d{7}\b", json.dumps([moved.events, moved.checkpoints])) == []


def test_the_newest_comes_first_and_the_truth_stops_where_told() -> None:
    recording = Recording.load(PATHS[0].parent / "trial_converts.json")
    (customer_id,) = recording.truth().customers
    created = [invoice["created"] for invoice in recording.truth().invoices_of(customer_id)]
    assert created == sorted(created, reverse=True)
    assert len(created) == 3 + 1
    early = recording.truth(4)
    assert early.subscriptions == {}
    assert early.customer(customer_id) is not None
    assert recording.truth(0).customer(customer_id) is None


def test_a_deleted_customer_is_what_stripe_answers() -> None:
    recording = Recording.load(PATHS[0])
    gone = {"id": "cus_00000000000000", "object": "customer", "metadata": {}}
    event = {
        "id": "evt_00000000000000",
        "type": "customer.deleted",
        "created": recording.start,
        "data": {"object": gone},
    }
    deleted = Recording("gone", "", [event], [], {})
    assert deleted.truth().customer(gone["id"]) == {
        "id": gone["id"],
        "object": "customer",
        "deleted": True,
    }


def test_a_suffix_that_would_break_an_id_is_refused() -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        Recording.load(PATHS[0]).renamed("a b")
