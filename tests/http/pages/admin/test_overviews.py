"""The pages of figures, payments, messages, webhooks and the audit log."""

import re
from datetime import timedelta

import pytest

from chalicelib.domain.figures.counts import StepEffect
from chalicelib.domain.figures.trials import week_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.webhooks.endpoints import NewEndpoint, add_endpoint, change_endpoint
from chalicelib.values import replace
from tests.http.pages.admin.conftest import Dashboard
from tests.http.pages.admin.test_actions import acts, audit
from tests.http.pages.admin.test_customers import ids, signed_up

PAGES = (
    "/admin",
    "/admin/customers",
    "/admin/revenue",
    "/admin/trials",
    "/admin/payments",
    "/admin/messages",
    "/admin/webhooks",
    "/admin/health",
    "/admin/audit",
)


@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_for_keys_and_both_roles_and_is_small(desk: Dashboard, path: str) -> None:
    signed_up(desk, "ada@example.com", "Ada Byron")
    desk.front.works()
    for visitor in (desk.with_key(), desk.signed_in("ben@acme.example"), desk.signed_in_by_key()):
        page = visitor.opens(path)
        assert page.status == 200, page.text
        assert len(page.text) < 100_000
        assert page.text.count("<h1>") == 1
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page.text)
    assert desk.opens(path).path == "/admin/sign-in"


def test_today_lists_the_trials_that_end_this_week(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = signed_up(desk, "ada@example.com", "Ada Byron")
    desk.front.works()
    script = desk.with_key()
    ends = script.opens("/admin").text.partition('id="ending"')[2].partition("</section>")[0]
    assert ids(ends) == ([] if wiring.policy().trial.days > 7 else [ada])
    monkeypatch.setattr("chalicelib.entry.admin.today.THIS_WEEK", timedelta(days=40))
    ends = script.opens("/admin").text.partition('id="ending"')[2].partition("</section>")[0]
    assert ids(ends) == [ada]


def test_the_chart_of_trials_has_a_title_a_text_and_a_table(desk: Dashboard) -> None:
    signed_up(desk, "ada@example.com")
    text = desk.with_key().opens("/admin/trials").text
    assert '<title id="trials-chart-title">Trials started each week</title>' in text
    assert "1 trial started" in text
    assert '<td class="number">1</td>' in text
    assert 'role="img" aria-labelledby="trials-chart-title trials-chart-text"' in text
    for empty in ("None was reached", "No trial has converted", "Nobody became", "Nobody left"):
        assert empty in text


def test_days_that_are_none_are_refused_in_words(desk: Dashboard) -> None:
    script = desk.with_key()
    for query in (
        "from=x",
        "from=2026-12-31&to=2026-01-01",
        "from=1000-01-01",
        "to=%00",
        "to=0001-01-01",
        "from=9999-12-20&to=9999-12-31",
        "to=20261231",
    ):
        for path in ("/admin/revenue", "/admin/trials", "/admin/messages"):
            assert script.opens(f"{path}?{query}").status == 400


def test_a_disabled_endpoint_is_enabled_and_a_test_sent(desk: Dashboard) -> None:
    wanted = NewEndpoint("https://hooks.example.com/a", (), "<b>ours</b>", is_sent=True)
    endpoint, _ = add_endpoint(wanted, (), "hash-key-secret", wiring.services())
    change_endpoint(
        endpoint.id, lambda one: replace(one, disabled_reason="gone"), wiring.services()
    )
    admin, path = desk.signed_in_by_key(), f"/admin/webhooks/{endpoint.id}"
    text = admin.opens("/admin/webhooks").text
    assert "&lt;b&gt;ours" in text
    assert "The receiver answered 410: it wants no more." in text
    done = admin.sends(f"{path}/enable", {})
    assert done.path == f"/admin/webhooks?endpoint={endpoint.id}&notice=enable"
    assert "The endpoint is enabled" in admin.opens(done.path).text
    (found,) = wiring.services().stores.endpoints.load().all
    assert found.is_enabled
    assert admin.sends(f"{path}/test", {}).status == 303
    assert "billhook.test" in admin.opens(f"/admin/webhooks?endpoint={endpoint.id}").text
    assert [entry["action"] for entry in audit(desk)[:2]] == [
        "webhooks.test_sent",
        "webhooks.endpoint_enabled",
    ]
    assert admin.sends(f"{path}/delete", {}).status == 400
    assert admin.posts(f"{path}/enable", {}).status == 403
    assert desk.signed_in("ben@acme.example").sends(f"{path}/test", {}).status == 403
    assert admin.opens("/admin/webhooks?endpoint=we_none").status == 404


def test_the_audit_log_is_a_page_with_a_filter(desk: Dashboard) -> None:
    ada = signed_up(desk, "ada@example.com")
    desk.front.works()
    admin = desk.signed_in_by_key()
    acts(admin, ada, "grants", until="2099-01-01", note="<i>hostile</i>")
    text = admin.opens("/admin/audit").text
    assert "grants.given" in text
    assert "admin.signed_in" in text
    assert "<i>hostile" not in text
    only = admin.opens(f"/admin/audit?account_id={ada}").text
    assert "admin.signed_in" not in only
    assert admin.opens("/admin/audit?account_id=<x>").status == 400
    assert admin.opens("/admin/audit?cursor=x").status == 400


def test_messages_have_what_ses_told_of_them_by_week(desk: Dashboard) -> None:
    counts, week = wiring.services().stores.mail_counts, week_of(clock.now())
    for name, number in (("sent", 4), ("delivered", 3), ("bounced", 1), ("complained", 1)):
        for _ in range(number):
            counts.count(week, "welcome", name)
    counts.count(week - timedelta(weeks=20), "welcome", "sent")
    counts.count(week, "broadcast@spring", "sent")
    script = desk.with_key()
    text = script.opens("/admin/messages").text
    assert numbers_of(text, "welcome") == ["4", "3 (75.0%)", "1 (25.0%)", "1 (25.0%)"]
    assert numbers_of(text, "broadcast@spring")[0] == "1"
    long_ago = (week - timedelta(weeks=20)).isoformat()
    text = script.opens(f"/admin/messages?from={long_ago}&to={long_ago}").text
    assert numbers_of(text, "welcome") == ["1", "0 (0.0%)", "0 (0.0%)", "0 (0.0%)"]
    assert script.opens("/admin/messages?from=x").status == 400


def numbers_of(text: str, message: str) -> list[str]:
    row = text.partition(f'<th scope="row">{message}')[2].partition("</tr>")[0]
    return re.findall(r'<td class="number">(.*?)</td>', row)


def test_the_effect_of_a_message_is_told_by_those_whom_it_was_held_out_from(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects = [StepEffect("welcome", 1000, 300, 1000, 200)]
    monkeypatch.setattr("chalicelib.entry.admin.figures.message_effects", lambda *_: effects)
    text = desk.with_key().opens("/admin/messages").text
    row = text.partition('<th scope="row">welcome')[2].partition("</tr>")[0]
    assert "More pay with it: +10.0 points (+6.2 to +13.7)" in row
    assert "300 (30.0%) of 1000 who got it, 200 (20.0%) of 1000 who did not" in row
