"""What goes out by exports, nights, audit log, reports and feed: nothing of a person who was
erased, while the sums stay, and nothing that a name does to who looks at it.
"""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.domain.schedule.due_work import OUTBOX_PATIENCE
from chalicelib.entry.triggers.schedules import export_nightly
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.values import replace
from local.aws.lambda_context import LambdaContext
from ops.export.cells import FORMATS
from ops.export.export import export
from ops.export.records import records
from ops.export.writing import write_records
from tests.adapters.aws.conftest import TABLE
from tests.http.actions.test_actions import Shop, shop
from tests.http.feeds.test_reports import REPORTS
from tests.http.operators.test_records import source_of_records
from tests.http.triggers.test_mail_queue import TICK
from tests.unit.domain.figures.exports.parquet_reading import read

__all__ = ["shop"]

BUCKET = "billhook-nights"
PERSON = ADDRESS, NAME, NOTE, WORDS = (
    "ada@example.com",
    "Ada Byron",
    "a friend of hers",
    "too slow for me",
)
"""What is known of her: address, name, an operator's note, her own words."""


class Owner:
    """Takes out all that there is, by every way."""

    def __init__(self, shop: Shop, folder: Path, reported: date) -> None:
        self.shop, self.folder, self.reported = shop, folder, reported
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.times = 0

    def takes_out(self) -> dict[str, str]:
        """The way → everything that came by it, as one text."""
        self.times += 1
        return {
            "every item": self.items(),
            **{format: self.records(format) for format in FORMATS},
            "tonight": json.dumps(self.night(), default=str),
            "audit log": self.asked("/audit"),
            "audit log of the account": self.asked(f"/audit?account_id={self.shop.account}"),
            "reports": json.dumps(self.reports()),
            "feed": self.asked("/events"),
        }

    def items(self) -> str:
        folder = self.folder / f"items-{self.times}"
        export(TABLE, folder, boto3.client("dynamodb"), lambda text: None, clock.now)
        return text_of(folder)

    def records(self, format: str) -> str:
        folder = self.folder / f"{format}-{self.times}"
        write_records(records(source_of_records()), folder, format)
        return text_of(folder)

    def night(self) -> dict[str, list[dict[str, Any]]]:
        """Table → its rows tonight, as the function writes them that Lambda calls."""
        export_nightly(TICK, LambdaContext("export_nightly", 300))
        night = clock.now().date().isoformat()
        keys = [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
        mine = [key for key in keys if f"dt={night}/" in key]
        assert sum(key.endswith("_SUCCESS") for key in mine) == 4
        return {
            table: read(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())[1]
            for key in mine
            for table, _, name in [key.partition("/")]
            if name.endswith("/part-00000.parquet")
        }

    def lines(self, path: str) -> list[str]:
        """Of a file that was taken out."""
        return (self.folder / path).read_text().splitlines()

    def asked(self, path: str) -> str:
        answer = self.shop.stage.get(path, self.shop.stage.key("admin"))
        assert answer.status == 200, answer.body
        return json.dumps(answer.body)

    def reports(self) -> Any:
        """Each report of the days up to the one on which the customer began to pay."""
        today = self.reported.isoformat()
        return {name: json.loads(self.asked(f"/reports/{name}?to={today}")) for name in REPORTS}


def text_of(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.iterdir()))


def found_in(taken: dict[str, str]) -> dict[str, list[str]]:
    """The way → what it says of the person."""
    return {way: [one for one in PERSON if one in text] for way, text in taken.items()}


@pytest.fixture
def owner(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Some days after the customer began to pay: a customer of one day is in no sum."""
    monkeypatch.setenv("EXPORT_BUCKET", BUCKET)
    settings.cache_clear()
    paid = clock.now().date()
    passes(timedelta(days=3), monkeypatch)
    return Owner(shop, tmp_path, paid)


def passes(time: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + time
    monkeypatch.setattr(clock, "now", lambda: later)
    wiring.services.cache_clear()  # they have the clock of before


HOSTILE = "=cmd|' /C calc'!A0;=1+1;\"><script>alert(1)</script>\x1b[2J\u202e"
"""A formula, one behind a separator, HTML, a command to a terminal, and one that turns a line."""


def test_a_hostile_name_does_nothing_in_any_file_that_goes_out(shop: Shop, owner: Owner) -> None:
    """Within Parquet and JSON it is what was typed: there no file is opened by looking at it. HTML
    is data in each of them, and text on the pages (tests/system/security/test_injection.py).
    """
    account = wiring.accounts().load(shop.account)
    assert account
    named = replace(account.profile, name=HOSTILE)
    wiring.accounts().save(account, replace(account, profile=named, version=account.version + 1))
    for way, text in owner.takes_out().items():
        assert text.replace("\n", "").isprintable(), way
    (customer,) = owner.lines("jsonl-1/customers.jsonl")
    assert json.loads(customer)["name"] == HOSTILE
    (exported,) = owner.lines("items-1/accounts.jsonl")
    assert json.loads(exported)["profile"]["name"] == HOSTILE
    (row,) = csv.DictReader(owner.lines("csv-1/customers.csv"))
    assert row["name"].startswith("'=cmd")
    assert "!A0;'=1+1;" in row["name"]
    assert [row["name"] for row in owner.night()["customers"]] == [HOSTILE]


def says_all_of_it(shop: Shop) -> None:
    until = {"plan": "pro", "until": "2030-06-01T00:00:00Z", "note": NOTE}
    assert shop.post("grants", until).status == 200
    changed = shop.stage.call(
        "PATCH",
        f"/accounts/{shop.account}",
        json.dumps({"name": NAME}).encode(),
        Authorization=f"Bearer {shop.key}",
        Content_Type="application/json",
    )
    assert changed.status == 200, changed.body
    body = {"when": "period_end", "reason": "other", "comment": WORDS}
    assert shop.post("cancel", body).status == 200
    process_due_account(shop.account, wiring.services())
    shop.stage.stream(shop.account)


def test_a_person_who_was_erased_is_nowhere_and_the_sums_are_what_they_were(
    shop: Shop, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    says_all_of_it(shop)
    before, sums = found_in(owner.takes_out()), owner.reports()
    assert before == {way: list(PERSON) for way in ("every item", "csv", "jsonl")} | {
        "tonight": [ADDRESS, NAME, NOTE],
        "audit log": [NAME, NOTE, WORDS],
        "audit log of the account": [NAME, NOTE, WORDS],
        "reports": [],
        "feed": [NOTE],
    }
    assert (
        shop.stage.call(
            "DELETE", f"/accounts/{shop.account}", Authorization=f"Bearer {shop.stage.key('admin')}"
        ).status
        == 202
    )
    assert owner.reports() == sums
    passes(timedelta(days=1) + OUTBOX_PATIENCE, monkeypatch)
    process_due_account(shop.account, wiring.services())
    after = owner.takes_out()
    assert found_in(after) == {way: [] for way in after}
    assert owner.reports()["revenue"] == sums["revenue"]
    assert any(row["mrr"] for row in sums["revenue"]["currencies"]["usd"]["days"])
    assert "account.erased" in after["audit log"]
