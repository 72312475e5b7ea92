"""Who is a customer? Neither an answer tells, nor what is done before it: the same calls, in the
same order, so that no time tells either.

tests/system/security/test_every_route.py holds it for the product's calls: a key of too small a
scope gets the same answer for every id.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest

from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.runtime import wiring
from local.aws.sdk_calls import passing_through
from tests.fakes.simulated_lifecycles import SimTransport
from tests.http.signups.test_signups import ADA, Front, Page, under
from tests.system.security.test_claimed_ids import (
    by_python,
    signing,  # noqa: F401 - the fixture
)


@pytest.fixture
def outside(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[], Page]], tuple[Page, list[str]]]]:
    """A call, and by name and order what it had AWS and Stripe do before it was answered."""
    made: list[str] = []

    def aws(_: str, operation: str, parameters: Any, call: Callable[[str, Any], Any]) -> Any:
        made.append(
            operation
            + (f" {parameters['QueueUrl'].rpartition('/')[2]}" if "QueueUrl" in parameters else "")
        )
        return call(operation, parameters)

    stripe = SimTransport._call

    def asked(transport: SimTransport, *arguments: Any, **named: Any) -> Any:
        made.append("Stripe")
        return stripe(transport, *arguments, **named)

    monkeypatch.setattr(SimTransport, "_call", asked)

    def listening(call: Callable[[], Page]) -> tuple[Page, list[str]]:
        made.clear()
        page = call()
        return page, list(made)

    with passing_through(aws):
        yield listening


def answered(page: Page) -> tuple[int, str, dict[str, str]]:
    return (
        page.status,
        page.text,
        {name: value for name, value in page.headers.items() if name != "Date"},
    )


Calls = Callable[[Callable[[], Page]], tuple[Page, list[str]]]


def visitors(front: Front) -> Iterator[dict[str, str]]:
    """Known and on trial, known and signing up again and again, known by the product's id alone,
    and not known.
    """
    front.signs_up({**ADA, "claim": by_python("u1", None)})
    front.works()
    yield from (
        {"email": "ada@example.com"},
        {"email": "ADA+again@example.com"},
        {"email": "new@example.com", "claim": by_python("u1", None)},
    )
    yield from (
        {"email": "eve@example.com"},
        {"email": "bob@example.com", "claim": by_python("u2", None)},
    )


@pytest.mark.usefixtures("signing")
@pytest.mark.parametrize("form", [False, True], ids=["script", "form"])
def test_with_the_same_answer_for_all_a_signup_does_the_same_for_all(
    front: Front, outside: Calls, monkeypatch: pytest.MonkeyPatch, form: bool
) -> None:
    under(SignupPolicy("pro", "month", answer="same"), monkeypatch)
    some = list(visitors(front))
    front.signs_up({"email": "warm@example.com"})  # clients and secrets are read once
    made = [
        outside(lambda fields=fields: front.posts_form(fields) if form else front.signs_up(fields))
        for fields in some
    ]  # type: ignore[misc]
    first, calls = answered(made[0][0]), made[0][1]
    assert [(answered(page), done) for page, done in made] == [(first, calls)] * len(some)
    assert calls == ["UpdateItem", "UpdateItem", "UpdateItem", "SendMessage act"], (
        "it is counted, and handed in; nobody is looked for"
    )
    front.works()
    assert len(wiring.accounts().with_email("eve@example.com")) == 1
    assert wiring.accounts().with_email("new@example.com") == []
    assert len(front.accounts()) == 1
    assert sorted(mail.subject for mail in front.office.inbox if "sign-in" in mail.subject) == [
        "Your sign-in link for Acme"
    ]


def test_who_asks_to_sign_in_learns_nothing(front: Front, outside: Calls) -> None:
    front.signs_up()
    front.posts_form({"email": "warm@example.com"}, "/sign-in")
    known, unknown = (
        outside(partial(front.posts_form, {"email": email}, "/sign-in"))
        for email in ("ada@example.com", "eve@example.com")
    )
    assert answered(known[0]) == answered(unknown[0])
    assert known[1] == unknown[1] == ["UpdateItem", "SendMessage act"]
    front.works()
    assert [
        mail.destinations["ToAddresses"] for mail in front.office.inbox if "sign-in" in mail.subject
    ] == [["ada@example.com"]]


def test_a_signup_that_comes_twice_out_of_the_queue_is_one_and_no_second_mail(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", answer="same"), monkeypatch)
    front.signs_up({**ADA, "attributes": {"team": "Tide"}, "timezone": "Europe/Vienna"})
    (message,) = front.office.stage.messages(front.office.act_queue)
    for _ in range(2):
        front.office.stage.sqs.send_message(
            QueueUrl=front.office.act_queue, MessageBody=message["Body"]
        )
        front.works()
    (account,) = front.accounts()
    assert dict(account.profile.attributes) == {"team": "Tide"}
    assert account.profile.timezone == "Europe/Vienna"
    assert len(front.stripe.engine.store.all("subscription")) == 1
    assert [mail.subject for mail in front.office.inbox] == ["Your Acme trial has begun"]


def test_what_cannot_be_handed_in_is_no_success(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(SignupPolicy("pro", "month", answer="same"), monkeypatch)
    boto3.client("sqs").delete_queue(QueueUrl=front.office.act_queue)
    assert front.signs_up().status == 503
    assert front.posts_form({"email": "ada@example.com"}, "/sign-in").status == 503
