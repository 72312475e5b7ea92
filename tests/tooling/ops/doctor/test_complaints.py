"""The doctor lists who reported a billing notice as spam."""

from dataclasses import replace

import boto3
import pytest

from chalicelib.aws.mail.suppressions import Suppressions
from chalicelib.domain.account.facts import NoticeComplained
from chalicelib.domain.account.messages import NoticeComplaint
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.suppression import Suppression
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.security.links import reader_mark
from ops.doctor.findings import Finding
from ops.doctor.mail import check_complaints, judge_complaints
from ops.doctor.site import Site
from tests.adapters.aws.conftest import TABLE
from tests.fakes.services import QUIET
from tests.tooling.ops.conftest import HASH_KEY, Deployed, T

ADA = "ada@example.com"


def complained(deployed: Deployed, id: str, email: str) -> Account:
    """An account whose reader reported a bill as spam."""
    old = deployed.signs_up(id, email)
    fact = NoticeComplained(NoticeComplaint("failed", T, reader_mark(email)))
    new = next_version(old, apply(old, fact), QUIET, T)
    deployed.accounts.save(old, new)
    suppressions(deployed).add(email, "complaint", T, "ses-1", about_a_notice=True)
    return new


def suppressions(deployed: Deployed) -> Suppressions:
    return Suppressions(TABLE, lambda: HASH_KEY, deployed.dynamodb)


def looked(deployed: Deployed) -> list[Finding]:
    site = Site("dev", boto3.Session())
    vars(site)["stage"] = deployed.stage
    return list(check_complaints(site))


def test_a_stage_without_complaints_about_bills_is_fine(deployed: Deployed) -> None:
    deployed.signs_up("acc_quiet", "quiet@example.com")
    deployed.signs_up("acc_annoyed", "annoyed@example.com")
    suppressions(deployed).add("annoyed@example.com", "complaint", T, "ses-7")
    (finding,) = looked(deployed)
    assert finding.state == "ok"


def test_who_reported_a_bill_as_spam_is_listed_until_lifted(deployed: Deployed) -> None:
    complained(deployed, "acc_ada", ADA)
    (finding,) = looked(deployed)
    assert (finding.state, finding.subject) == ("wrong", "complaint of acc_ada")
    assert "notices go on" in finding.says
    assert "suppressions lift EMAIL --stage dev" in finding.cure
    suppressions(deployed).lift(ADA)
    assert [one.state for one in looked(deployed)] == ["ok"]


def test_another_address_of_the_account_ends_it(deployed: Deployed) -> None:
    old = complained(deployed, "acc_ada", ADA)
    change = ProfileChanged({"email": "ada@new.example"}, T, "api")
    deployed.accounts.save(old, next_version(old, apply(old, change), QUIET, T))
    assert [one.state for one in looked(deployed)] == ["ok"]
    assert not suppressions(deployed).holds("ada@new.example", "lifecycle")


@pytest.mark.parametrize(
    ("reach", "says"), [("lifecycle", "notices go on"), ("all", "no mail goes there any more")]
)
def test_the_finding_says_what_follows(reach: str, says: str) -> None:
    found = Suppression("complaint", T, "lifecycle", ("1",))
    (finding,) = judge_complaints({"acc_ada": replace(found, reach=reach)}, "dev")
    assert says in finding.says
