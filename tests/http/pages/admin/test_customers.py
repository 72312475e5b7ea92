"""The lists of customers and the page of one: what is found, and by what."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.http.pages.admin.conftest import Dashboard

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def signed_up(desk: Dashboard, email: str, name: str | None = None) -> str:
    fields = {"email": email} | ({"name": name} if name else {})
    return str(desk.front.signs_up(fields).json["account_id"])


def ids(text: str) -> list[str]:
    return re.findall(r'href="/admin/customers/([^"?]+)"', text)


def found(desk: Dashboard, query: str) -> list[str]:
    page = desk.opens(f"/admin/customers?{query}")
    assert page.status == 200, page.text
    return ids(page.text)


def test_customers_are_found_by_address_ids_and_the_beginning_of_the_name(desk: Dashboard) -> None:
    script = desk.with_key()
    ada = signed_up(desk, "ada@example.com", "Ada Byron")
    grace = signed_up(desk, "grace@example.com", "Grace Hopper")
    desk.front.works()
    account = wiring.accounts().load(ada)
    assert account
    (customer,), (subscription,) = account.customers, account.subscriptions
    write = {"Authorization": f"Bearer {desk.front.office.stage.key('write')}"}
    desk.front.call(
        "PUT",
        f"/accounts/{ada}/external_id",
        b'{"external_id": "user-1"}',
        Content_Type="application/json",
        **write,
    )
    for query in ("ada@example.com", "ADA@example.com", ada, customer, subscription, "user-1"):
        assert found(script, f"q={query}") == [ada], query
    for query in ("ada", "Ada+By", "ADA+BYRON"):
        assert found(script, f"q={query}") == [ada], query
    assert found(script, "q=gra") == [grace]
    for query in ("nobody@example.com", "acc_none", "ad", "zzz", "byron"):
        assert found(script, f"q={query}") == [], query


def test_the_list_has_everyone_newest_first_fifty_a_page(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = desk.with_key()
    monkeypatch.setattr("chalicelib.usecases.operators.customers.PAGE", 3)
    made = []
    for number in range(7):
        monkeypatch.setattr(clock, "_ahead", clock._ahead + timedelta(seconds=2))
        made.append(signed_up(desk, f"u{number}@example{number}.com"))
    seen: list[str] = []
    path = "/admin/customers"
    for _ in range(3):
        page = script.opens(path)
        seen += ids(page.text)
        following = re.search(r'href="([^"]+)" rel="next"', page.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == made[::-1]
    assert path == ""


def test_filters_list_by_standing_and_plan(desk: Dashboard) -> None:
    script = desk.with_key()
    ada = signed_up(desk, "ada@example.com")
    desk.front.works()
    assert found(script, "status=trialing") == [ada]
    assert found(script, "status=trialing&plan=pro") == [ada]
    assert found(script, "plan=pro") == [ada]
    assert found(script, "plan=scale") == []
    assert found(script, "status=active") == []


def test_a_name_that_is_changed_is_found_by_the_new_one_only_and_an_erased_one_not_at_all(
    desk: Dashboard,
) -> None:
    script = desk.with_key()
    ada = signed_up(desk, "ada@example.com", "Ada Byron")
    desk.front.works()
    write = {"Authorization": f"Bearer {desk.front.office.stage.key('admin')}"}
    desk.front.call(
        "PATCH",
        f"/accounts/{ada}",
        b'{"name": "Countess Lovelace"}',
        Content_Type="application/json",
        **write,
    )
    assert found(script, "q=ada+byron") == []
    assert found(script, "q=countess") == [ada]
    desk.front.call("DELETE", f"/accounts/{ada}", **write)
    assert found(script, "q=countess") == []
    assert found(script, "") == []


def test_a_customers_page_says_the_standing_and_the_rule_that_made_it(desk: Dashboard) -> None:
    ada = signed_up(desk, "ada@example.com", "Ada Byron")
    desk.front.works()
    page = desk.with_key().opens(f"/admin/customers/{ada}")
    for words in (
        "Full access",
        "The free trial runs.",
        "ada@example.com",
        "not yet proved",
        "welcome",
    ):
        assert words in page.text, words


@pytest.mark.parametrize("path", ["", "/", "?notice=<b>x</b>"])
def test_hostile_names_are_text_and_nothing_else(desk: Dashboard, path: str) -> None:
    script = desk.with_key("admin")
    ada = signed_up(desk, "ada@example.com")
    desk.front.call(
        "PATCH",
        f"/accounts/{ada}",
        b'{"name": "<script>alert(1)</script>\\"\'&{{7*7}}"}',
        Content_Type="application/json",
        **script.headers,
    )
    for url in (
        f"/admin/customers/{ada}{path if path != '/' else ''}",
        "/admin/customers",
        "/admin",
    ):
        text = script.opens(url).text
        assert "<script" not in text
        assert "<b>x" not in text
        assert "{{7*7}}" in text, "not a template either"


def test_what_is_no_customer_is_not_found(desk: Dashboard) -> None:
    script = desk.with_key()
    for id in ("acc_none", "%00", "a.b", "x" * 200, "%3Cscript%3E"):
        page = script.opens(f"/admin/customers/{id}")
        assert page.status == 404, id
        assert "<script" not in page.text
    for query in ("cursor=%00", f"cursor={'x' * 500}", "status=<x>&plan=<y>", "q=" + "x" * 3000):
        assert script.opens(f"/admin/customers?{query}").status in {200, 400}, query


@pytest.mark.parametrize(
    ("person", "says"),
    [
        (None, "Not written yet."),
        (Person("c1", digest="d"), "<code>c1</code>. As it is here."),
        (
            Person("c1", refused="d", reason="The attribute <mrr> is wrong"),
            "<code>c1</code>. Refused: The attribute &lt;mrr&gt; is wrong",
        ),
        (Person("c1", archived=True), "Archived there"),
    ],
)
def test_what_the_people_system_refuses_is_on_the_page_of_the_customer(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch, person: Person | None, says: str
) -> None:
    script, ada = desk.with_key(), signed_up(desk, "ada@example.com")
    assert "At Intercom" not in script.opens(f"/admin/customers/{ada}").text
    people = PeoplePolicy("intercom", "https://api.intercom.io")
    policy = replace(wiring.policy(), people=people)
    monkeypatch.setattr(wiring, "policy", lambda: policy)
    if person:
        wiring.services().stores.persons.save(ada, Person(), replace(person, version=1))
    page = script.opens(f"/admin/customers/{ada}")
    assert page.status == 200
    assert "<dt>At Intercom</dt>" in page.text
    assert says in page.text


def test_a_cursor_that_no_page_gave_is_refused(desk: Dashboard) -> None:
    script = desk.with_key()
    far, letters = "zzz%23acc_1", "%F0%9F%98%80" * 101
    for path in (
        f"/admin/customers?q=mar&cursor={far}",
        "/admin/customers?q=mar&cursor=ma",
        f"/admin/customers?cursor={letters}",
        f"/admin/customers?q=mar&cursor=mar{letters}",
        f"/admin/payments?cursor={letters}",
        "/admin/payments?cursor=%1B",
    ):
        page = script.opens(path)
        assert page.status == 400, path
        assert "cursor must come from the previous page" in page.text
