"""The rules by which a call is tried again."""

import pytest
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from chalicelib.aws.json_protocol import retries
from chalicelib.aws.json_protocol.retries import Failure, RetryQuota, pause

THROTTLED = Failure("ThrottlingException", 400)
BROKEN = Failure("InternalServerError", 500)
UNANSWERED = Failure()


def test_the_codes_are_those_of_botocore() -> None:
    assert set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES) == retries.THROTTLED
    assert (
        set(TransientRetryableChecker._TRANSIENT_ERROR_CODES)
        <= retries.TRANSIENT | retries.THROTTLED
    )
    assert set(TransientRetryableChecker._TRANSIENT_STATUS_CODES) == retries.TRANSIENT_STATUSES


@pytest.mark.parametrize(
    ("failure", "passing", "throttled"),
    [
        (THROTTLED, True, True),
        (BROKEN, True, False),
        (UNANSWERED, True, False),
        (Failure("503", 503), True, False),
        (Failure("Anything", 429), True, True),
        (Failure("ReplicatedWriteConflictException", 400), True, False),
        (Failure("ConditionalCheckFailedException", 400), False, False),
        (Failure("TransactionConflictException", 400), False, False),
        (Failure("TransactionCanceledException", 400), False, False),
        (Failure("AccessDeniedException", 400), False, False),
        (Failure("501", 501), False, False),
    ],
)
def test_what_passes_by_itself_is_tried_again(
    failure: Failure, passing: bool, throttled: bool
) -> None:
    assert (failure.passing, failure.throttled) == (passing, throttled)


@pytest.mark.parametrize(
    ("failure", "attempt", "seconds"),
    [
        (BROKEN, 1, 0.025),
        (UNANSWERED, 2, 0.05),
        (THROTTLED, 1, 1.0),
        (THROTTLED, 2, 2.0),
        (THROTTLED, 9, 20.0),
    ],
)
def test_a_pause_is_a_random_part_of_a_longest_one_that_doubles(
    failure: Failure, attempt: int, seconds: float
) -> None:
    assert pause(failure, attempt, 0.025, chance=0.0) == 0
    assert pause(failure, attempt, 0.025, chance=0.5) == seconds / 2
    assert pause(failure, attempt, 0.025, chance=1.0) == seconds


def test_aws_may_ask_for_a_longer_pause_but_not_for_any() -> None:
    assert pause(Failure("x", 500, pause_ms=700), 1, 0.05, chance=0.0) == 0.7
    assert pause(Failure("x", 500, pause_ms=60_000), 1, 0.05, chance=0.0) == 5.0
    assert pause(Failure("x", 500, pause_ms=1), 1, 0.05, chance=1.0) == 0.05


def test_retries_are_paid_for_and_success_gives_the_last_payment_back() -> None:
    quota = RetryQuota()
    assert (quota.take(THROTTLED), quota.take(BROKEN)) == (5, 14)
    quota.give_back(14)
    assert [quota.take(UNANSWERED) for _ in range(35)] == [14] * 35
    assert quota.take(UNANSWERED) == 0, "5 are left"
    assert (quota.take(THROTTLED), quota.take(THROTTLED)) == (5, 0)


def test_calls_that_need_no_retry_fill_the_quota_up_and_not_beyond() -> None:
    quota = RetryQuota()
    quota.take(BROKEN)
    for _ in range(20):
        quota.give_back(1)
    assert [quota.take(THROTTLED) for _ in range(101)] == [5] * 100 + [0]
