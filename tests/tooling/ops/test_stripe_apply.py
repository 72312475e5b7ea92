"""python -m ops stripe with the simulated Stripe: what it creates, that it creates it once, and
that it may stop anywhere.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.aws.keys.secrets import CACHED_SECONDS
from chalicelib.domain.errors import Refused, Unavailable
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.stripe_api.customers import StripeCustomers
from chalicelib.stripe_api.signature import check_signature
from local.http_server import Answer, Request, Server
from ops.stripe.account import WEBHOOK_SECRETS
from ops.stripe.current_state import mark
from ops.stripe.diff import compare
from tests.fakes import faults
from tests.fakes.grids import few, grid
from tests.fakes.services import POLICY
from tests.fakes.stripe.account import (
    BEGINNINGS,
    ENDPOINT,
    OLD_VERSION,
    URL,
    FakeStripeAccount,
    costing,
    drifted,
    empty,
    needed,
)


@pytest.fixture
def place() -> Iterator[FakeStripeAccount]:
    made = FakeStripeAccount()
    yield made
    made.close()


def one(things: list[Any]) -> Any:
    (thing,) = things
    return thing


def test_an_empty_stripe_gets_all_that_billing_toml_sells(place: FakeStripeAccount) -> None:
    assert place.account.apply(needed()) == []
    state = place.state()
    assert state["products"] == [("Acme Pro", True, None), ("Acme Scale", True, None)]
    assert state["prices"] == [
        ("Acme Pro 4900 month", "pro_monthly", True),
        ("Acme Pro 49000 year", "pro_yearly", True),
        ("Acme Scale 19900 month", "scale_monthly", True),
        ("Acme Scale 199000 year", "scale_yearly", True),
    ]
    active, return_url, offered, features = one(state["portals"])
    assert (active, return_url) == (True, "https://billing.example.com/billing")
    assert offered == [title for title, _, _ in state["prices"]]
    assert features["payment_method_update"]["enabled"]
    assert features["invoice_history"]["enabled"]
    assert (
        features["subscription_cancel"]["enabled"],
        features["subscription_cancel"]["mode"],
    ) == (True, "at_period_end")
    assert features["subscription_update"]["default_allowed_updates"] == ["price"]
    assert state["endpoints"] == [(URL, "enabled", needed().api_version, sorted(EVENT_TYPES), True)]
    assert place.paused == []


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_second_apply_finds_nothing_to_do(place: FakeStripeAccount, beginning: str) -> None:
    BEGINNINGS[beginning](place)
    place.account.apply(needed())
    state = place.state()
    place.said.clear()
    calls = len(place.simulator.api.calls)
    assert place.account.apply(needed()) == []
    assert place.said == []
    assert {call.method for call in place.simulator.api.calls[calls:]} == {"GET"}
    assert place.state() == state


def test_what_differs_is_listed_with_its_reason_and_corrected(place: FakeStripeAccount) -> None:
    drifted(place)
    told = "\n".join(place.plan())
    for reason in (
        "price pro_monthly: it is 3900 usd, not 4900 usd",
        "its default price is retired",
        "price pro_yearly: it is archived",
        'it is called "Misnamed", not "Acme Scale", it is archived',
        "price scale_monthly: it is 19900 eur, not 19900 usd",
        "price scale_yearly: there is none with this lookup key",
        "subscription_cancel.mode is immediately, not at_period_end",
        "payment_method_update.enabled is False, not True",
        "it leads back to nowhere, not to https://billing.example.com/billing",
        f"{OLD_VERSION} is its API version, not {needed().api_version}",
    ):
        assert reason in told
    assert place.account.apply(needed()) == []
    state = place.state()
    assert ("Pro plan (old) 3900 month", "", False) in state["prices"]
    assert ("Pro plan (old) 4900 month", "pro_monthly", True) in state["prices"]
    assert state["products"] == [
        ("Acme Scale", True, None),
        ("Pro plan (old)", True, "Pro plan (old) 4900 month"),
    ]
    assert [title for title, _, active in state["prices"] if active] == one(state["portals"])[2]
    assert [(status, version, held) for _, status, version, _, held in state["endpoints"]] == [
        ("disabled", OLD_VERSION, True),
        ("enabled", needed().api_version, True),
    ]
    assert state["secrets"] == 2


def test_a_new_amount_is_a_new_price_under_the_same_lookup_key(place: FakeStripeAccount) -> None:
    place.account.apply(needed())
    before = one(place.all("prices", lookup_keys=["pro_monthly"]))
    place.account.apply(needed(costing(5900)))
    after = one(place.all("prices", lookup_keys=["pro_monthly"]))
    assert (before["unit_amount"], after["unit_amount"]) == (4900, 5900)
    assert before["id"] != after["id"]
    assert after["product"] == before["product"]
    assert not one([price for price in place.all("prices") if price["id"] == before["id"]])[
        "active"
    ]
    assert "Acme Pro 4900 month" not in one(place.state()["portals"])[2]


class EndsAfterAPrice(faults.OutsideCalls):
    """Ends the process once a price was made."""

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        answer = super().call(name, function, *args, **kwargs)
        if args == ("/v1/prices",) and name == "transport.post":
            raise faults.Crash(name)
        return answer


def test_a_new_price_is_taxed_as_the_old_one_was(place: FakeStripeAccount) -> None:
    product = place.post("products", name="Pro")["id"]
    old = {
        "product": product,
        "currency": "usd",
        "unit_amount": 3900,
        "recurring": {"interval": "month"},
        "lookup_key": "pro_monthly",
    }
    place.post("prices", **old, tax_behavior="exclusive")
    place.account.apply(needed())
    assert one(place.all("prices", lookup_keys=["pro_monthly"]))["tax_behavior"] == "exclusive"


def test_an_amount_changed_again_and_again_with_a_crash_each_time_leaves_one_price_for_sale(
    place: FakeStripeAccount,
) -> None:
    place.account.apply(needed())
    for amount in (5900, 6900):
        with pytest.raises(faults.Crash):
            EndsAfterAPrice().watch_parts(place.account, "transport").apply(needed(costing(amount)))
    assert len([price for price in place.all("prices") if price["active"]]) == 6, (
        "two are still for sale that should not be"
    )
    place.account.apply(needed(costing(7900)))
    by_month = [
        price
        for price in place.all("prices", active=True)
        if price["recurring"]["interval"] == "month"
    ]
    assert sorted((price["lookup_key"], price["unit_amount"]) for price in by_month) == [
        ("pro_monthly", 7900),
        ("scale_monthly", 19900),
    ]


@pytest.mark.parametrize(("beginning", "reply_lost"), grid(BEGINNINGS, [True, False]))
def test_an_apply_that_stops_after_any_call_ends_the_same_when_run_again(
    beginning: str, reply_lost: bool, crashing_after: Callable[..., faults.OutsideCalls]
) -> None:
    whole = FakeStripeAccount()
    BEGINNINGS[beginning](whole)
    counted = faults.OutsideCalls()
    assert counted.watch_parts(whole.account, "transport", "parameters").apply(needed()) == []
    wanted_state, number = whole.state(), len(counted.made)
    whole.close()
    assert {"transport.post", "parameters.put"} <= set(counted.made)
    for n in few(range(1, number + 1), 8):
        place = FakeStripeAccount()
        try:
            BEGINNINGS[beginning](place)
            watch = crashing_after(n, reply_lost=reply_lost)
            with pytest.raises(faults.Crash):
                watch.watch_parts(place.account, "transport", "parameters").apply(needed())
            assert place.account.apply(needed()) == [], n
            assert place.state() == wanted_state, (n, watch.made[-1])
        finally:
            place.close()


@pytest.mark.parametrize(
    "path", ["/v1/products", "/v1/prices", "/v1/billing_portal", "/v1/webhook_endpoints"]
)
def test_a_lost_reply_that_stripes_sdk_repeats_makes_nothing_twice(
    place: FakeStripeAccount, path: str
) -> None:
    fresh = FakeStripeAccount()
    fresh.account.apply(needed())
    place.faults({"how": "timeout_after", "path": path, "method": "POST", "times": 1})
    assert place.account.apply(needed()) == []
    assert place.state() == fresh.state()
    fresh.close()


def test_an_endpoint_whose_secret_was_lost_is_replaced(place: FakeStripeAccount) -> None:
    place.account.apply(needed())
    lost = one(place.all("webhook_endpoints"))
    place.parameters.put(WEBHOOK_SECRETS, "whsec_of_something_else")
    assert "its secret is not known to be in the Parameter Store" in "\n".join(place.plan())
    place.account.apply(needed())
    assert one(place.all("webhook_endpoints"))["id"] != lost["id"]
    assert len(place.parameters.secrets) == 2


def test_the_old_endpoint_stays_until_every_function_knows_the_new_secret(
    place: FakeStripeAccount,
) -> None:
    place.endpoint_by_hand(api_version=OLD_VERSION)
    old = place.parameters.secrets[0]
    statuses: list[list[str]] = []
    account = replace(
        place.account,
        pause=lambda seconds: statuses.append(
            [one["status"] for one in place.all("webhook_endpoints")]
        ),
    )
    account.apply(needed())
    assert statuses == [["enabled", "enabled"]]
    new, *others = place.parameters.secrets
    assert others == [old]
    assert (
        mark(new)
        == one([one for one in place.all("webhook_endpoints") if one["status"] == "enabled"])[
            "metadata"
        ]["secret"]
    )


def test_secrets_of_endpoints_that_were_disabled_before_are_dropped_with_the_next_one(
    place: FakeStripeAccount,
) -> None:
    place.account.apply(needed())
    for version in ("2026-03-25.dahlia", "2026-05-27.dahlia"):
        place.account.apply(replace(needed(), api_version=version))
    assert len(place.parameters.secrets) == 2
    assert (
        one([one for one in place.all("webhook_endpoints") if one["status"] == "enabled"])[
            "api_version"
        ]
        == "2026-05-27.dahlia"
    )


def test_events_that_are_missing_and_an_endpoint_that_is_disabled_are_mended_in_place(
    place: FakeStripeAccount,
) -> None:
    place.account.apply(needed())
    endpoint = one(place.all("webhook_endpoints"))
    place.post(
        f"webhook_endpoints/{endpoint['id']}",
        enabled_events=["invoice.paid", "payout.paid"],
        disabled=True,
    )
    told = one(place.plan())
    assert "it does not tell of charge.dispute.closed" in told
    assert "it tells of payout.paid, which nobody wants" in told
    assert "it is disabled" in told
    place.account.apply(needed())
    mended = one(place.all("webhook_endpoints"))
    assert (mended["id"], mended["status"], set(mended["enabled_events"])) == (
        endpoint["id"],
        "enabled",
        set(EVENT_TYPES),
    )


def test_what_is_not_ours_is_left_alone(place: FakeStripeAccount) -> None:
    other = place.post(
        "webhook_endpoints", url="https://other.example.com/hook", enabled_events=["*"]
    )
    product = place.post("products", name="A thing of its own")
    portal = place.post(
        "billing_portal/configurations", features={"invoice_history": {"enabled": True}}
    )
    place.account.apply(needed())
    assert {"id": other["id"], "status": "enabled"}.items() <= one(
        [one for one in place.all("webhook_endpoints") if one["id"] == other["id"]]
    ).items()
    assert [one["name"] for one in place.all("products") if one["id"] == product["id"]] == [
        "A thing of its own"
    ]
    assert (
        one(
            [one for one in place.all("billing_portal/configurations") if one["id"] == portal["id"]]
        )["updated"]
        == portal["updated"]
    )


def test_a_price_without_an_amount_is_taken_as_it_is_and_missed_where_there_is_none(
    place: FakeStripeAccount,
) -> None:
    pro = POLICY.plans["pro"]
    silent = replace(POLICY, plans={"pro": replace(pro, amounts={})})
    product = place.post("products", name="Pro")["id"]
    place.post(
        "prices",
        product=product,
        currency="eur",
        unit_amount=1,
        recurring={"interval": "month"},
        lookup_key="pro_monthly",
    )
    left = [str(change) for change in place.account.apply(needed(silent))]
    assert "put plans.pro.amounts.year into billing.toml" in "\n".join(left)
    assert "price pro_monthly" not in "\n".join(left)


def test_a_key_that_may_not_write_is_told_with_what_it_was_needed_for(
    place: FakeStripeAccount,
) -> None:
    place.faults({"how": "403", "path": "/v1/products", "method": "POST"})
    with pytest.raises(Refused, match=r"product Acme Pro: Stripe refuses a call \(403\)"):
        place.account.apply(needed())


def test_stripe_down_is_told_and_the_same_again_goes_on(place: FakeStripeAccount) -> None:
    place.faults({"how": "503", "path": "/v1/billing_portal", "method": "POST", "times": 2})
    with pytest.raises(Unavailable):
        place.account.apply(needed())
    assert place.account.apply(needed()) == []


def test_more_lookup_keys_than_stripe_takes_in_one_call(place: FakeStripeAccount) -> None:
    plans = {
        f"p{n}": replace(
            POLICY.plans["pro"],
            id=f"p{n}",
            name=f"P{n}",
            lookup_keys={"month": f"p{n}_m", "year": f"p{n}_y"},
            amounts={"month": 1, "year": 2},
        )
        for n in range(8)
    }
    assert place.account.apply(needed(replace(POLICY, plans=plans))) == []
    assert len(place.all("prices")) == 16


def test_the_portal_is_opened_as_it_was_set_up(place: FakeStripeAccount) -> None:
    customers, customer = (
        StripeCustomers(place.transport),
        place.post("customers", email="ada@example.com")["id"],
    )

    def configuration() -> str:
        url = customers.open_portal(customer, "https://a.example")
        sessions = place.simulator.engine.store.all("billing_portal.session")
        return str(next(one for one in sessions if one["url"] == url)["configuration"])

    first = configuration()
    assert first == one(place.all("billing_portal/configurations"))["id"], "never the default one"
    place.account.apply(needed())
    assert configuration() == one(place.all("billing_portal/configurations"))["id"] == first


def test_no_portal_lets_whoever_has_a_billing_link_change_the_address(
    place: FakeStripeAccount,
) -> None:
    """The owner allowed it in the dashboard: sessions and `apply` both take it back, and leave the
    rest.
    """
    place.account.apply(needed())
    portal = one(place.all("billing_portal/configurations"))["id"]
    path = f"billing_portal/configurations/{portal}"
    updates = {"enabled": True, "allowed_updates": ["address", "email", "tax_id"]}
    closed = updates | {"allowed_updates": ["address", "tax_id"]}

    def allowed() -> dict[str, Any]:
        found = one(place.all("billing_portal/configurations"))["features"]["customer_update"]
        return {name: found[name] for name in updates}

    place.post(path, features={"customer_update": updates})
    (planned,) = compare(needed(), place.account.held(needed()))
    assert "can change the e-mail address" in str(planned)
    assert place.account.apply(needed()) == []
    assert allowed() == closed
    place.post(path, features={"customer_update": updates | {"allowed_updates": ["email"]}})
    assert place.account.apply(needed()) == []
    assert not allowed()["enabled"]
    place.post(path, features={"customer_update": updates})
    customer = place.post("customers", email="ada@example.com")["id"]
    StripeCustomers(place.transport).open_portal(customer, "https://a.example")
    assert allowed() == closed


def test_what_happens_at_stripe_arrives_at_the_endpoint_under_the_secret_that_was_stored(
    place: FakeStripeAccount,
) -> None:
    heard: list[str] = []

    def take(request: Request) -> Answer:
        check_signature(
            request.body,
            request.headers["Stripe-Signature"],
            place.parameters.secrets,
            datetime.now(UTC),
        )
        heard.append(request.body.decode())
        return Answer(200)

    stage = Server(0, take)
    stage.start()
    place.account.apply(replace(needed(), webhook_url=f"{stage.base}/webhooks/stripe"))
    place.post("customers", email="ada@example.com")
    end = time.monotonic() + 20
    while not place.simulator.at_rest() and time.monotonic() < end:
        time.sleep(0.01)
    stage.close()
    assert ["customer.created" in body for body in heard] == [True], (
        "and nothing of what it does not want"
    )


def test_the_wait_is_as_long_as_functions_remember_a_secret(place: FakeStripeAccount) -> None:
    place.endpoint_by_hand(api_version=OLD_VERSION)
    place.account.apply(needed())
    (seconds,) = place.paused
    assert 0 < seconds <= CACHED_SECONDS


def test_an_empty_stripe_is_planned_line_by_line(place: FakeStripeAccount) -> None:
    empty(place)
    assert place.plan() == [
        "make    product Acme Pro: plan pro has none",
        "make    price pro_monthly: there is none with this lookup key",
        "make    price pro_yearly: there is none with this lookup key",
        "make    product Acme Scale: plan scale has none",
        "make    price scale_monthly: there is none with this lookup key",
        "make    price scale_yearly: there is none with this lookup key",
        "make    portal: there is no configuration of ours",
        f"make    webhook {ENDPOINT}/webhooks/stripe: there is no endpoint at this address",
    ]
    assert place.all("products") == [], "a plan changes nothing"
