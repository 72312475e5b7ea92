"""An imported customer gets no mail about the past, and all mail about the future, as if
Billhook had always been there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import MessageRecorded
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.messaging.due_messages import DueMessage, due_messages
from chalicelib.domain.policy.sequences import Step
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.schedule.process_due import process_due_account
from ops.import_customers.import_run import listed, run_import
from ops.import_customers.survey import survey
from tests.fakes.grids import examples
from tests.fakes.services import POLICY
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife, SimTransport


def step(id: str, anchor: str, days: float, stream: str = "billing") -> Step:
    return Step(
        id,
        "more",
        anchor,
        timedelta(days=days),
        "trial_ended",
        stream,
        timedelta(days=2),
        at_any_hour=True,
    )


assert POLICY.mail
BUSY = replace(
    POLICY,
    steps=(
        *POLICY.steps,
        step("tip", "trial_started", 5),
        step("failed", "payment_failed", 0),
        step("failed_again", "payment_failed", 3),
        step("left", "access_ended", 1),
    ),
    # Without caps: what one was sent before the import would move what comes after it.
    mail=replace(POLICY.mail, a_day=99, a_week=99),
)
"""The policy with a sequence at every anchor."""

DECLINES = "4000000000000341"


@dataclass
class Mailing(SimLife):
    """A life of which every mail is noted as it is handed out, with the moments that it is about.
    Its sender takes each at once.
    """

    handed: list[tuple[datetime, DueMessage]] = field(default_factory=list)

    def _stop_at(self, moment: datetime, deaf: bool) -> None:
        self.place.now.at = max(self.place.now.at, moment)
        self.stage.advance(int(self.place.now.at.timestamp()))
        if not deaf:
            self.hear()
        account = self.place.accounts.load(self.account_id)
        if account is None:
            return
        planned = {mail.key: mail for mail in due_messages(account, self.policy, self.place.now.at)}
        process_due_account(self.account_id, self.place.services)
        for work in self.place.mail_queue.waiting:
            mail = planned.get(work["key"]) or self._planned_by_the_act(work["key"])
            self.handed.append((self.place.now.at, mail))
            sent = MessageRecorded(
                work["key"], MessageRecord("sent", self.place.now.at, mail.step.stream)
            )
            apply_facts(self.account, [sent], self.place.services, None)
        self.place.mail_queue.waiting.clear()

    def _planned_by_the_act(self, key: str) -> DueMessage:
        unqueued = replace(
            self.account,
            mails={other: mailed for other, mailed in self.account.mails.items() if other != key},
        )
        return next(
            mail
            for mail in due_messages(unqueued, self.policy, self.place.now.at)
            if mail.key == key
        )

    def begins(self, card: str | None, days: int, behavior: str) -> "Mailing":
        self.account_id = "acc_ada"
        customer = self.stage.post(
            "/v1/customers", email="ada@example.com", metadata={"account_id": "acc_ada"}
        )["id"]
        if card:
            self.stage.gives(customer, card)
        if days:
            self.stage.trial(customer, days, behavior)
        else:
            self.stage.post(
                "/v1/subscriptions",
                customer=customer,
                items=[{"price": self.stage.price("pro_monthly")}],
            )
        return self

    def is_imported(self) -> None:
        self.heard = len(self.stage.engine.store.events)  # they were never delivered
        transport = SimTransport(self.stage)
        found = survey(
            listed(transport, "/v1/customers", False),
            listed(transport, "/v1/subscriptions", False, status="all"),
            self.policy,
        )
        assert [outcome for _, outcome, _ in run_import(found.candidates, self.place.services)] == [
            "imported"
        ]


def from_then_on(
    handed: list[tuple[datetime, DueMessage]], moment: datetime
) -> dict[str, datetime]:
    """What was handed out from a moment on about moments that were then still to come, and when."""
    return {
        mail.key: at for at, mail in handed if at > moment and min(first_moments(mail)) > moment
    }


def first_moments(mail: DueMessage) -> Iterator[datetime]:
    yield mail.occasion.moment
    yield mail.occasion.moment + mail.step.offset


AGES = st.one_of(
    st.integers(0, 400 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(0, 40).map(lambda days: timedelta(days=days)),
)


@examples(60)
@given(
    AGES,
    st.sampled_from([None, "tok_visa", DECLINES]),
    st.sampled_from([0, 3, 14, 30]),
    st.sampled_from(["pause", "cancel", "create_invoice"]),
)
@example(timedelta(hours=1), None, 14, "pause")
@example(timedelta(days=16), None, 14, "pause")
@example(timedelta(days=15), DECLINES, 14, "pause")
def test_at_any_age_an_import_sends_nothing_about_the_past_and_everything_about_the_future(
    age: timedelta, card: str | None, days: int, behavior: str
) -> None:
    if not days and card != "tok_visa":
        days = 3
    imported, known = (
        Mailing(policy=BUSY).begins(card, days, behavior),
        Mailing(policy=BUSY).begins(card, days, behavior),
    )
    moment = BEGIN + age
    imported.place.now.at = moment
    imported.stage.advance(int(moment.timestamp()))
    imported.is_imported()
    planned = due_messages(imported.account, BUSY, moment)
    assert [mail.key for mail in planned if min(first_moments(mail)) < moment] == []
    known.advance(moment)
    for life in (imported, known):
        life.advance(moment + timedelta(days=45))
    about_the_past = [mail.key for _, mail in imported.handed if min(first_moments(mail)) < moment]
    assert about_the_past == []
    assert steps(from_then_on(imported.handed, moment)) == steps(from_then_on(known.handed, moment))


def steps(handed: dict[str, datetime]) -> list[tuple[datetime, str]]:
    """Without the occasion, in which another Stripe's ids are."""
    return sorted((at, key.partition("@")[0]) for key, at in handed.items())


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0, {"three_days", "one_day", "ended"}),
        (5, {"three_days", "one_day", "ended"}),
        (12, {"one_day", "ended"}),
        (13.5, {"ended"}),
        (14.5, set()),
        (300, set()),
    ],
)
def test_an_imported_trial_without_a_card_gets_what_is_still_to_come(
    age: float, expected: set[str]
) -> None:
    life = Mailing(policy=POLICY).begins(None, 14, "pause")
    life.place.now.at = BEGIN + timedelta(days=age)
    life.stage.advance(int(life.place.now.at.timestamp()))
    life.is_imported()
    life.advance(life.place.now.at + 30 * DAY)
    found = {mail.step.id for _, mail in life.handed}
    assert found - {"welcome", "note"} == expected
    assert ("welcome" in found) is (age == 0)


def adopted_by_its_event(age: timedelta) -> Any:
    life = Mailing(policy=POLICY).begins(None, 14, "pause")
    life.place.now.at = BEGIN + age
    life.stage.advance(int(life.place.now.at.timestamp()))
    life.hear()
    life.advance(life.place.now.at + timedelta(minutes=5))
    return {mail.step.id for _, mail in life.handed}


def test_an_adopted_customer_gets_mail_about_the_last_day_and_nothing_before() -> None:
    assert adopted_by_its_event(timedelta(minutes=1)) == {"welcome"}
    assert adopted_by_its_event(timedelta(hours=23)) == {"welcome"}
    assert adopted_by_its_event(timedelta(hours=25)) == set(), "though the welcome has two days"
    assert adopted_by_its_event(timedelta(days=14, hours=1)) == {"ended"}
    assert adopted_by_its_event(timedelta(days=16)) == set(), (
        "though the end of a trial has five days"
    )
