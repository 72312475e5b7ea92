"""What is told of accounts, in timelines and exports, and what protects forms and links, stays.

The files in `data` were written by the release that first had these tests, and are not generated
anew.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from chalicelib.aws.items import account_of
from chalicelib.aws.keys.secrets import Secrets
from chalicelib.domain.changes.domain_events import domain_events
from chalicelib.domain.policy.read import read_policy
from chalicelib.runtime.links import Links
from chalicelib.usecases.accounts.abuse_guard import admit
from ops.export.lines import line_of
from tests.fakes.services import ROOT
from tests.golden.additions import without_additions

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOKENS = json.loads((DATA / "published.json").read_text())["tokens"]
CHANGES = json.loads((DATA / "domain_events.json").read_text())
EXPORTED = json.loads((DATA / "exported.json").read_text())


def exported() -> list[list[Any]]:
    """The file and the line of each stored item."""
    items = [
        *json.loads((DATA / "accounts.json").read_text()),
        *json.loads((DATA / "table.json").read_text()),
    ]
    return [list(line_of(item)) for item in items]


@pytest.mark.parametrize("change", CHANGES, ids=[one["events"][0][1] for one in CHANGES])
def test_every_domain_event_keeps_its_id_and_fields(change: Any) -> None:
    """Two stored versions of an account tell the same. Together they tell every type."""
    old, new = account_of(change["old"]), account_of(change["new"])
    found = domain_events(old, new, NOW + timedelta(days=1))
    assert [[one.id, one.type, one.data] for one in found] == change["events"]


def test_an_export_keeps_its_files_and_fields() -> None:
    found = json.loads(json.dumps(exported()))
    assert without_additions(found, EXPORTED) == EXPORTED


def test_the_counters_of_signups_keep_their_names() -> None:
    signup: Any = read_policy((ROOT / "chalicelib" / "billing.toml").read_text()).signup
    door = MagicMock()
    door.limits.count.return_value = 1
    admit("A.da+x@Gmail.com", "2001:db8::1", "", signup, door, NOW)
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert [one.args for one in door.limits.count.call_args_list] == [
        ("signups-from", "2001:db8::/64", hour, NOW),
        ("signups-of", "ada@gmail.com 2001:db8::/64", hour, NOW),
        ("signups", "all", day, NOW),
    ]


def test_secrets_keep_their_names_in_the_parameter_store(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Secrets("/billhook/prod")
    ssm = MagicMock()
    ssm.get_parameter.return_value = {"Parameter": {"Value": "one two"}}
    monkeypatch.setattr(Secrets, "_ssm", ssm)
    read = (
        secrets.stripe_api_key,
        secrets.stripe_webhook_secrets,
        secrets.hash_key,
        secrets.link_keys,
        secrets.captcha_secret,
        secrets.claim_keys,
        secrets.signing_keys,
        secrets.slack_webhook_url,
    )
    both, each = "one two", ["one", "two"]
    assert read == (both, each, both, each, both, each, both, both)
    assert [one.kwargs["Name"] for one in ssm.get_parameter.call_args_list] == [
        "/billhook/prod/stripe-api-key",
        "/billhook/prod/stripe-webhook-secrets",
        "/billhook/prod/hash-key",
        "/billhook/prod/link-keys",
        "/billhook/prod/captcha-secret",
        "/billhook/prod/claim-keys",
        "/billhook/prod/signing-keys",
        "/billhook/prod/slack-webhook-url",
    ]


@pytest.mark.parametrize("purpose", TOKENS)
def test_a_link_keeps_its_address(purpose: str) -> None:
    links = Links("https://b.example", lambda: ["golden-link-key", "older"])
    token = TOKENS[purpose]["token"]
    path = "billing/return" if purpose == "return" else purpose
    assert links.url(links.read(token, purpose, NOW)) == f"https://b.example/{path}/{token}"


def test_the_hash_of_a_policy_stays() -> None:
    """Another hash has all accounts planned anew."""
    text = 'schema = 1\nbase_url = "https://b.example"\n[trial]\ndays = 14\n'
    text += '[plans.pro]\nname = "Pro"\nfeatures = []\n'
    assert read_policy(text).hash == "76e37a7e192c"
