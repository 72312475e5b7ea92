"""What each page of the dashboard reads on a stage with customers: of every status, with a year of
figures, and entries in the audit log.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle

from bench.costs.stories import Used, arrive, of_recordings, used_by
from bench.customers import invented_entries
from chalicelib.aws.dynamo import client, put_many
from chalicelib.aws.items import Item, account_item
from chalicelib.domain.account.pointers import pointers
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.closing import day_text
from chalicelib.domain.figures.contributions import REVENUE, FigureKey
from chalicelib.domain.figures.movements import DayTotals
from chalicelib.pages.admin.rendering import SECTIONS
from chalicelib.runtime import wiring
from chalicelib.usecases.figures.close import close_figures
from chalicelib.values import replace
from tests.adapters.aws.conftest import TABLE
from tests.fakes.services import RECORDINGS

CUSTOMERS = 570
"""So many that there are more of each of STANDINGS than a list reads: a stage with more pays the
same for a page, but for those of a plan.
"""

DAY = timedelta(days=1)
STANDINGS = (
    *(Standing("active", "full", "active", "pro"),) * 6,
    *(Standing("trialing", "full", "trialing", "scale"),) * 2,
    Standing("past_due", "limited", "past_due", "pro"),
    Standing("canceled", "none", "canceled", "scale"),
    Standing("paused", "none", "trial_expired", "pro"),
)
"""The shares of customers, as of a product that has run for a year."""

LIFE = RECORDINGS["trial_converts"]
NAMES = ("Ada Byron", "Grace Hopper", "Alan Turing", "Edsger Dijkstra")
ONE = "acc_7"
PAGES = {
    **{name: f"/admin{path}" for path, name in SECTIONS},
    "Customers of a status": "/admin/customers?status=active",
    "Customers of a plan": "/admin/customers?plan=scale",
    "Customers by a name": "/admin/customers?q=ada",
    "Customers by an address": "/admin/customers?q=ada7@example.com",
    "A customer": f"/admin/customers/{ONE}",
    "Audit log of a customer": f"/admin/audit?account_id={ONE}",
}
"""Name → path: what the navigation leads to, and what these pages lead to."""


def dashboard_stories(number: int = CUSTOMERS) -> list[Used]:
    """Each page, opened once with a key that is remembered."""
    found = []
    with of_recordings() as (stage, stripe):
        arrive(stage, stripe, LIFE, len(LIFE.events))
        lived = wiring.accounts().load("acct_demo")
        assert lived
        put_many(client(), TABLE, _like(lived, number - 1))
        _figures(stage.now.at)
        _audit(stage.now.at)
        bearer = f"Bearer {stage.key('admin')}"
        stage.call("GET", "/admin", Authorization=bearer)
        for name, path in PAGES.items():
            stage.meter.by_function, stage.meter.calls = {}, {}
            stage.call("GET", path, Authorization=bearer)
            found.append(used_by(name, stage))
    return found


def _like(lived: Account, number: int) -> Iterator[Item]:
    """Accounts as long as one that has lived, and the places of their names."""
    for one, standing, name in zip(range(number), cycle(STANDINGS), cycle(NAMES), strict=False):
        account = replace(
            lived,
            id=f"acc_{one}",
            profile=Profile(f"ada{one}@example.com", f"{name} {one}"),
            standing=standing,
        )
        yield account_item(account)
        yield from _names(account)


def _names(account: Account) -> Iterator[Item]:
    for pointer in pointers(account):
        if place := pointer.sorted_in:
            key = {"pk": {"S": place[0]}, "sk": {"S": f"{place[1]}#{account.id}"}}
            yield {**key, "account_id": {"S": account.id}}


def _figures(now: datetime) -> None:
    """A customer more a day, for a year: in rows, and in what is not summed up yet."""
    figures, today = wiring.services().stores.figures, now.date()
    days = [today - number * DAY for number in range(365, 0, -1)]
    rows = {
        day: day_text(DayTotals(day, {"usd": {"new": 4900}}, {"usd": number * 4900}))
        for number, day in enumerate(days, 1)
    }
    figures.put_rows(REVENUE, rows)
    close_figures(wiring.services())
    for number, day in enumerate(days[-3:]):
        figures.put(FigureKey(REVENUE, day), f"acc_{number}", '{"usd":{"new":4900}}', 1)


def _audit(now: datetime) -> None:
    """More entries of this month than a page shows, some of one customer."""
    for entry in invented_entries(lambda place: f"acc_{place}" if place % 4 else ONE, now):
        wiring.audit_log().put(entry)
