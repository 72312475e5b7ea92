"""python -m ops mail broadcast as a typed command: the number first, and nothing without a
confirmation.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.mail.send_claims import SendClaims
from chalicelib.domain.account.facts import AddressProved, ConsentGiven
from chalicelib.domain.account.messages import Broadcast
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.messaging.email_message import SendClaim
from chalicelib.domain.schedule.versions import next_version
from tests.adapters.aws.conftest import TABLE
from tests.fakes.services import QUIET
from tests.tooling.ops.conftest import Deployed, Said

NOW = datetime.now(UTC).replace(microsecond=0)
Ops = Callable[..., Said]
WELCOME = ("mail", "broadcast", "--stage", "dev", "--message", "welcome", "--name", "spring")


def comes(deployed: Deployed, id: str, days_ago: float, *facts: Any) -> Account:
    """Somebody who signed up so long ago and proved the address; the trial of fourteen days may be
    over.
    """
    began = NOW - timedelta(days=days_ago)
    new = deployed.signs_up(id, f"{id}@example.com", began)
    for at in (began + timedelta(hours=1), began + timedelta(days=14)):
        if at <= NOW:
            updated = apply(new, AddressProved(at))
            for fact in facts:
                updated = apply(updated, fact)
            after = next_version(new, updated, QUIET, at)
            deployed.accounts.save(new, after)
            new = after
    return new


@pytest.fixture
def people(deployed: Deployed) -> Deployed:
    """Three on trial, two lost lately, one lost long ago, and some who cannot be written to."""
    for number in range(3):
        comes(deployed, f"trial_{number}", 3)
    comes(deployed, "lost_1", 30)
    comes(deployed, "lost_2", 40)
    comes(deployed, "lost_long_ago", 200)
    comes(deployed, "lost_left", 30, ConsentGiven("lifecycle", False, NOW - timedelta(days=20)))
    deployed.signs_up("trial_unproved", "trial_unproved@example.com", NOW - timedelta(days=1))
    return deployed


def wanted_of(deployed: Deployed, name: str = "spring") -> list[str]:
    ids = [
        item["pk"]["S"].partition("#")[2]
        for item in deployed.items()
        if item["sk"]["S"] == "ACCOUNT"
    ]
    return [id for id in ids if name in (deployed.accounts.load(id) or Account(id)).broadcasts]


def types(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
    return asked


def test_a_dry_run_tells_the_number_and_the_first_and_writes_nothing(
    people: Deployed, ops: Ops
) -> None:
    before = people.items()
    said = ops(*WELCOME, "--to", "lost", "--since", "90d", "--dry-run")
    assert said.status == 0
    assert "2 accounts get it, the first of them:" in said.out
    assert "lost_1  lost_1@example.com  (Ada Byron)" in said.out
    assert "1  have unsubscribed" in said.out
    assert "lost_long_ago" not in said.out
    assert said.out.endswith("Nothing was written.\n")
    assert people.items() == before


def test_everybody_by_mistake_is_nobody_without_the_number(
    people: Deployed, ops: Ops, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = people.items()
    for answer in ("", "y", "yes", "5", "60", "everyone"):
        asked = types(monkeypatch, answer)
        said = ops(*WELCOME, "--to", "everyone")
        assert (said.status, said.err) == (
            1,
            "This is another number: nothing was done.\n",
        )
        assert "6 accounts get it" in said.out
        assert "6" not in asked[0], "to be typed, not repeated"
    assert ops(*WELCOME, "--to", "everyone", "--confirm", "7").status == 1
    assert people.items() == before


def test_with_the_number_each_of_them_is_to_get_it(
    people: Deployed, ops: Ops, monkeypatch: pytest.MonkeyPatch
) -> None:
    types(monkeypatch, "2")
    said = ops(*WELCOME, "--to", "lost", "--since", "90d")
    assert said.status == 0, said.err
    assert "2  will get it" in said.out
    assert wanted_of(people) == ["lost_1", "lost_2"]
    account = people.accounts.load("lost_1")
    assert account
    assert (account.broadcasts["spring"].message, account.broadcasts["spring"].to) == (
        "welcome",
        "lost",
    )
    assert account.due_at, "the clockwork has it"


def test_run_again_it_goes_on_and_nobody_gets_a_name_twice(people: Deployed, ops: Ops) -> None:
    assert ops(*WELCOME, "--to", "lost", "--confirm", "3").status == 0
    again = ops(*WELCOME, "--to", "lost", "--confirm", "3")
    assert "0 accounts get it." in again.out
    assert "3  have had it, or it is on its way to them" in again.out
    assert again.out.endswith("There are no recipients left.\n")
    others = ops(*WELCOME, "--to", "everyone", "--confirm", "3")
    assert "3  will get it" in others.out


def test_interrupted_it_is_run_again_for_those_that_are_left(
    people: Deployed, ops: Ops, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.aws.accounts import Accounts

    save, saves = Accounts.save, []

    def dies(self: Accounts, old: Account, new: Account) -> None:
        if len(saves) == 2:
            raise KeyboardInterrupt
        saves.append(new.id)
        save(self, old, new)

    with monkeypatch.context() as patch:
        patch.setattr(Accounts, "save", dies)
        with pytest.raises(KeyboardInterrupt):
            ops(*WELCOME, "--to", "everyone", "--confirm", "6")
    assert sorted(wanted_of(people)) == sorted(saves)
    said = ops(*WELCOME, "--to", "everyone", "--confirm", "4")
    assert (said.status, len(wanted_of(people))) == (0, 6)
    assert len(set(wanted_of(people))) == 6


def versions_of(deployed: Deployed, *ids: str) -> list[int]:
    return [account.version for id in ids if (account := deployed.accounts.load(id))]


def test_two_runs_at_once_want_it_once(
    people: Deployed, ops: Ops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run has listed and asks; a second one does all of it before the answer."""
    before = versions_of(people, "lost_1", "lost_2")
    monkeypatch.setattr(
        "builtins.input",
        lambda question: "3" if ops(*WELCOME, "--to", "lost", "--confirm", "3").status == 0 else "",
    )
    said = ops(*WELCOME, "--to", "lost")
    assert said.status == 0
    assert "3  had it already: another run was faster" in said.out
    assert versions_of(people, "lost_1", "lost_2") == [version + 1 for version in before]


def test_who_had_it_long_ago_is_known_by_the_claim(people: Deployed, ops: Ops) -> None:
    SendClaims(TABLE, people.dynamodb).take(
        SendClaim("lost_1", "broadcast@spring", "sent", NOW - timedelta(days=300), 1, "ses-1"), None
    )
    said = ops(*WELCOME, "--to", "lost", "--since", "90d", "--dry-run")
    assert "1 account gets it, the first of them:\n  lost_2" in said.out
    assert "1  have had it" in said.out


def test_an_account_with_as_many_broadcasts_as_it_may_have_gets_no_more(
    people: Deployed, ops: Ops
) -> None:
    account = people.accounts.load("lost_1")
    assert account
    had = {
        f"news_{number}": Broadcast("welcome", "lost", NOW) for number in range(most("broadcasts"))
    }
    people.accounts.save(account, replace(account, version=account.version + 1, broadcasts=had))
    said = ops(*WELCOME, "--to", "lost", "--confirm", "3")
    assert said.status == 0, said.err
    assert "1  had as many broadcasts this month as they may" in said.out
    assert "2  will get it" in said.out
    kept = people.accounts.load("lost_1")
    assert kept
    assert kept.broadcasts == had


def test_an_account_that_cannot_be_written_is_said_and_keeps_nobody_waiting(
    people: Deployed, ops: Ops, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ops.mail.broadcast import sending

    apply_facts = sending.apply_facts

    def fails_once(account: Account, *rest: Any, **named: Any) -> Account:
        if account.id == "lost_1":
            raise Unavailable("DynamoDB gives no answer now.")
        return apply_facts(account, *rest, **named)

    monkeypatch.setattr(sending, "apply_facts", fails_once)
    said = ops(*WELCOME, "--to", "lost", "--since", "90d", "--confirm", "2")
    assert said.status == 1
    assert "1  could not be saved: run it again" in said.out
    assert wanted_of(people) == ["lost_2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "lost", "--message", "wellcome"), "There is no message 'wellcome'"),
        (
            ("--to", "lost", "--message", "welcome", "--name", "Spring news"),
            "--name must be made of",
        ),
        (
            ("--to", "lost", "--message", "welcome", "--since", "long"),
            "--since must be a length of time",
        ),
        (("--to", "lost", "--message", "new_features"), "billing.toml says nothing of that"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_read(
    deployed: Deployed, ops: Ops, arguments: tuple[str, ...], said: str
) -> None:
    answer = ops("mail", "broadcast", "--stage", "dev", *arguments)
    assert answer.status == 1
    assert said in answer.err
    assert "Reading" not in answer.out


def test_what_is_new_is_told_once_billing_toml_tells_it(
    people: Deployed, ops: Ops, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.runtime import wiring

    assert QUIET.mail
    told = replace(QUIET, mail=replace(QUIET.mail, news={"en": "Reports by mail."}))
    policy = wiring.policy
    policy.cache_clear()
    monkeypatch.setattr("chalicelib.domain.policy.read.read_policy", lambda text: told)
    try:
        said = ops(
            "mail",
            "broadcast",
            "--stage",
            "dev",
            "--message",
            "new_features",
            "--to",
            "lost",
            "--since",
            "90d",
            "--dry-run",
        )
    finally:
        policy.cache_clear()
    assert "2 accounts get it" in said.out, said.err
