"""What a due account becomes: its messages, its failures and its standing, decided without I/O."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.due_messages import QUEUED_PATIENCE
from chalicelib.domain.schedule.processing import Processed, after_processing
from chalicelib.domain.stripe_objects.objects import Customer
from tests.fakes.lifecycles import DAY, START, TRIAL
from tests.fakes.services import POLICY

WELCOME = "welcome@sub_1"
ASK = FetchRequest("customer", "cus_1")


def on_trial(**more: object) -> Account:
    known = {
        "customers": {"cus_1": Tracked(Customer("cus_1", "ada@example.com"), START)},
        "subscriptions": {"sub_1": Tracked(TRIAL, START)},
        "version": 3,
    }
    return replace(Account("acc_1"), **(known | more))


def processed(account: Account, now: datetime, fetched: Account | None = None) -> Processed:
    return after_processing(account, fetched or account, POLICY, now)


def test_a_message_that_is_due_is_recorded_as_queued_and_is_to_be_sent() -> None:
    done = processed(on_trial(), START)
    assert (done.to_send, done.missed) == ((WELCOME,), ())
    assert done.account.mails[WELCOME] == MessageRecord("queued", START, "lifecycle")


def test_a_message_whose_time_is_over_is_recorded_as_passed_and_not_sent() -> None:
    now = START + 13 * DAY + timedelta(hours=1)
    done = processed(on_trial(), now)
    note = f"note@{(START + 14 * DAY).timestamp():.0f}"
    assert note not in done.to_send
    assert note in [one.key for one in done.missed]
    assert done.account.mails[note] == MessageRecord("passed", now, "lifecycle")


def test_a_message_that_was_queued_long_ago_is_handed_out_again_under_its_own_stream() -> None:
    queued = MessageRecord("queued", START, "billing")
    account = on_trial(mails={"notice@1": queued})
    early = processed(account, START + QUEUED_PATIENCE - timedelta(seconds=1))
    assert "notice@1" not in early.to_send
    assert early.account.mails["notice@1"] == queued
    now = START + QUEUED_PATIENCE
    late = processed(account, now)
    assert late.to_send[0] == "notice@1"
    assert late.account.mails["notice@1"] == MessageRecord("queued", now, "billing")


def test_after_an_act_that_worked_no_failure_is_remembered() -> None:
    account = on_trial(failures=4, resting_until=START + DAY)
    done = processed(account, START)
    assert (done.account.failures, done.account.resting_until) == (0, None)


def test_questions_asked_in_vain_are_counted_until_stripe_answers_one_of_them() -> None:
    account = on_trial(asks=(ASK,), asked_in_vain=2)
    assert processed(account, START).account.asked_in_vain == 3
    answered = replace(account, asks=())
    assert processed(account, START, answered).account.asked_in_vain == 0
    other = replace(account, asks=(FetchRequest("invoices", "cus_1"),))
    assert processed(account, START, other).account.asked_in_vain == 0


def test_the_account_to_save_is_the_next_version_with_the_standing_of_now() -> None:
    after = processed(on_trial(), START + 20 * DAY).account
    assert after.version == 4
    assert after.standing
    assert (after.standing.access, after.standing.reason) == ("none", "trial_expired")
    assert after.written_at == START + 20 * DAY
