"""The actions on a customer: forms of the dashboard do what the API's calls do."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.audit import ACTIONS as AUDITED
from chalicelib.domain.policy.policy import TeamPolicy
from chalicelib.entry.admin.actions import ACTIONS
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.http.pages.admin.conftest import OWN, TEAM, Dashboard
from tests.http.pages.admin.test_customers import signed_up


@pytest.fixture
def ada(desk: Dashboard) -> str:
    """A customer on trial with a card on file."""
    id = signed_up(desk, "ada@example.com", "Ada Byron")
    desk.front.works()
    (customer,) = account(id).customers
    desk.front.stripe.gives(customer, "tok_visa")
    return id


def account(id: str) -> Account:
    found = wiring.accounts().load(id)
    assert found
    return found


def acts(desk: Dashboard, id: str, call: str, sure: str = "yes", **fields: Any) -> tuple[int, str]:
    """Presses the button of an action's form, with its box checked unless told otherwise."""
    path = f"/admin/customers/{id}"
    confirmed = {"pressed": "yes"} | ({"sure": sure} if sure else {})
    answer = desk.sends(f"{path}/{call}", fields | confirmed, path)
    return answer.status, answer.path if answer.status == 303 else answer.text


def test_a_grant_until_a_day_ends_with_that_day_in_the_products_zone(
    desk: Dashboard, ada: str
) -> None:
    day = (clock.now() + timedelta(days=40)).date()
    done = acts(desk.signed_in_by_key(), ada, "grants", until=day, plan="scale", note="A favour")
    assert done == (303, f"/admin/customers/{ada}?notice=grants")
    (grant,) = account(ada).grants
    mail = wiring.policy().mail
    assert mail
    assert mail.timezone == "Europe/London"
    assert abs(grant.until - datetime(day.year, day.month, day.day, tzinfo=UTC)) <= timedelta(
        hours=25
    )
    assert (grant.plan, grant.note) == ("scale", "A favour")


def test_a_grant_takes_a_moment_too(desk: Dashboard, ada: str) -> None:
    moment = (clock.now() + timedelta(days=3)).replace(microsecond=0)
    acts(desk.signed_in_by_key(), ada, "grants", until=moment.isoformat(), note="A favour")
    assert account(ada).grants[0].until == moment


def test_trial_discount_plan_cancel_and_reactivate_do_what_the_api_does(
    desk: Dashboard, ada: str
) -> None:
    admin = desk.signed_in_by_key()
    end = (clock.now() + timedelta(days=30)).replace(microsecond=0)
    assert acts(admin, ada, "trial", ends_at=end.isoformat())[0] == 303
    (subscription,) = (known.value for known in account(ada).subscriptions.values())
    assert subscription.trial_end == end
    assert acts(admin, ada, "plan", plan="scale", interval="", quantity="")[0] == 303
    assert acts(admin, ada, "cancel", when="period_end", reason="")[0] == 303
    assert account(ada).standing.reason in {"canceling", "trialing"}  # type: ignore[union-attr]
    assert acts(admin, ada, "reactivate")[0] == 303
    (subscription,) = (known.value for known in account(ada).subscriptions.values())
    assert not subscription.cancellation_scheduled
    assert acts(admin, ada, "sign-out")[0] == 303
    assert account(ada).links_void_before is not None


def test_a_charge_is_made_once_however_often_the_form_is_sent(desk: Dashboard, ada: str) -> None:
    admin, path = desk.signed_in_by_key(), f"/admin/customers/{ada}"
    once = re.findall(r'name="once" value="([^"]+charges)"', admin.opens(path).text)[0]
    fields = {"amount": "1500", "currency": "usd", "description": "Import", "once": once}
    for _ in range(2):
        assert acts(admin, ada, "charges", **fields) == (303, f"{path}?notice=charges")
    items = desk.front.stripe.engine.store.all("invoiceitem")
    assert [item["amount"] for item in items] == [1500]


def test_erasing_leaves_a_page_that_says_so(desk: Dashboard, ada: str) -> None:
    admin = desk.signed_in_by_key()
    status, path = acts(admin, ada, "erase", stripe="true")
    assert (status, path) == (303, f"/admin/customers/{ada}?notice=erase")
    assert wiring.accounts().load(ada) is None
    assert "The customer was erased" in admin.opens(path).text
    assert admin.opens(f"/admin/customers/{ada}").status == 404


def test_what_is_wrong_is_shown_at_its_field_and_keeps_what_was_typed(
    desk: Dashboard, ada: str
) -> None:
    admin = desk.signed_in_by_key()
    status, text = acts(admin, ada, "grants", until="never", note="<b>kept</b>")
    assert status == 400
    assert 'id="grants-until-error"' in text
    assert "&lt;b&gt;kept&lt;/b&gt;" in text
    assert account(ada).grants == ()
    status, text = acts(admin, ada, "charges", amount="-5", currency="usd", description="x")
    assert status == 400
    assert 'id="charges-amount-error"' in text
    assert acts(admin, ada, "discount", coupon="NONE")[0] in {400, 422}
    assert acts(admin, ada, "nothing")[0] == 400
    assert acts(admin, "acc_none", "reactivate")[0] == 404


CONFIRMED = sorted(call for call, action in ACTIONS.items() if action.is_confirmed)


@pytest.mark.parametrize("sure", ["", "no"])
@pytest.mark.parametrize("call", CONFIRMED)
def test_an_action_of_consequence_is_refused_until_its_box_is_checked(
    desk: Dashboard, ada: str, call: str, sure: str
) -> None:
    admin, before = desk.signed_in_by_key(), account(ada)
    noted = audit(desk, ada)
    fields = FIELDS.get(call, {}) | {"why": "Ticket <42>"}
    status, text = acts(admin, ada, call, sure, **fields)
    assert status == 400
    assert "Check the box to confirm it." in text
    assert account(ada) == before
    assert audit(desk, ada) == noted
    if f'id="do-{call}"' in text:  # orders have a form only where there is an instance
        assert re.search(f'id="do-{call}"[^>]* open>', text)
        assert f'aria-describedby="{call}-sure-error"' in text
        assert 'value="Ticket &lt;42&gt;"' in text


@pytest.mark.parametrize("call", ["cancel", "reactivate", "sign-out", "erase"])
def test_a_script_that_posts_the_fields_of_the_api_has_no_box_to_check(
    desk: Dashboard, ada: str, call: str
) -> None:
    path, script, fields = f"/admin/customers/{ada}", desk.with_key(), FIELDS.get(call, {})
    assert script.sends(f"{path}/{call}", fields | {"sure": "no"}, path).status == 400
    answer = script.sends(f"{path}/{call}", fields, path)
    assert (answer.status, answer.path) == (303, f"{path}?notice={call}")


def test_each_button_of_an_action_says_that_it_was_pressed(desk: Dashboard, ada: str) -> None:
    text = desk.signed_in_by_key().opens(f"/admin/customers/{ada}").text
    forms = re.findall(rf'action="/admin/customers/{ada}/[a-z-]+".*?</form>', text, re.DOTALL)
    assert len(forms) > 5
    for form in forms:
        assert re.findall("<button[^>]*>", form) == ['<button name="pressed" value="yes">']


def test_the_forms_with_a_box_are_those_that_are_refused_without(desk: Dashboard, ada: str) -> None:
    text = desk.signed_in_by_key().opens(f"/admin/customers/{ada}").text
    forms = set(re.findall(r'id="do-([a-z-]+)"', text))
    assert set(re.findall(r'id="([a-z-]+)-sure"', text)) == forms & set(CONFIRMED)
    assert {"erase", "charges", "cancel", "plan"} <= forms


@pytest.mark.parametrize("call", sorted(ACTIONS))
def test_no_action_without_the_sessions_own_field_or_from_elsewhere(
    desk: Dashboard, ada: str, call: str
) -> None:
    admin, other = desk.signed_in_by_key(), desk.signed_in_by_key()
    path, before = f"/admin/customers/{ada}/{call}", account(ada)
    fields = {"until": "2099-01-01", "note": "x", "when": "now", "stripe": "true"}
    assert admin.posts(path, fields).status == 403
    assert admin.posts(path, fields | {"csrf": "x"}).status == 403
    assert admin.posts(path, fields | {"csrf": other.csrf()}).status == 403
    own = fields | {"csrf": admin.csrf()}
    assert admin.posts(path, own, Origin="https://evil.example").status == 403
    assert admin.posts(path, own, Sec_Fetch_Site="same-site").status == 403
    assert admin.posts(path, own, Origin=OWN, Sec_Fetch_Site="cross-site").status == 403
    assert account(ada) == before


@pytest.mark.parametrize("call", sorted(ACTIONS))
def test_who_may_only_look_sees_no_form_and_does_nothing(
    desk: Dashboard, ada: str, call: str
) -> None:
    ben = desk.signed_in("ben@acme.example")
    before = account(ada)
    text = ben.opens(f"/admin/customers/{ada}").text
    assert "look only" in text
    assert f'action="/admin/customers/{ada}' not in text
    fields = {"until": "2099-01-01", "note": "x", "when": "now", "stripe": "true"}
    assert ben.sends(f"/admin/customers/{ada}/{call}", fields).status == 403
    assert account(ada) == before


def test_roles_are_by_address_whatever_its_case() -> None:
    team = TeamPolicy(("Ada@acme.example", "ben@acme.example"), frozenset(), roles=TEAM.roles)
    assert team.role_by_address() == {"ada@acme.example": "act", "ben@acme.example": "look"}


def audit(desk: Dashboard, id: str | None = None) -> list[dict[str, Any]]:
    """The entries of the audit log, newest first."""
    path = f"/audit?account_id={id}" if id else "/audit"
    page = desk.front.call("GET", path, **desk.with_key().headers)
    entries: list[dict[str, Any]] = page.json["entries"]
    return entries


FIELDS = {
    "grants": {"until": "2099-01-01", "note": "A favour"},
    "trial": {"ends_at": "2026-12-20"},
    "plan": {"plan": "scale"},
    "charges": {"amount": "1500", "currency": "usd", "description": "Import"},
    "cancel": {"when": "period_end"},
    "erase": {"stripe": "true"},
    "sign-out": {},
}
"""The fields of actions that need no more than a trial with a card."""


@pytest.mark.parametrize("call", sorted(FIELDS))
def test_an_action_is_in_the_audit_log_with_who_did_it_why_and_from_where(
    desk: Dashboard, ada: str, call: str
) -> None:
    admin = desk.signed_in("ada@acme.example")
    fields = dict(FIELDS[call])
    if call == "trial":
        fields["ends_at"] = (clock.now() + timedelta(days=25)).date().isoformat()
    assert acts(admin, ada, call, why="Ticket 42", **fields)[0] == 303
    entry = next(one for one in audit(desk, ada) if one["actor"] == "operator:ada@acme.example")
    assert entry["action"] == ACTIONS[call].name
    assert entry["account_id"] == ada
    if call != "erase":
        assert entry["detail"]["why"] == "Ticket 42"


def test_signing_in_and_out_is_in_the_audit_log(desk: Dashboard) -> None:
    desk.signed_in_by_key().sends("/admin/sign-out", {})
    actions = [(one["actor"], one["action"]) for one in audit(desk)]
    assert actions[:2] == [("key:test", "admin.signed_out"), ("key:test", "admin.signed_in")]


def test_what_was_refused_is_not_in_the_audit_log(desk: Dashboard, ada: str) -> None:
    before = audit(desk, ada)
    acts(desk.signed_in("ada@acme.example"), ada, "grants", until="never", note="x")
    assert audit(desk, ada) == before


def test_every_action_is_known_to_the_audit_log() -> None:
    assert {action.name for action in ACTIONS.values()} <= set(AUDITED)
