"""What a bounce and complaints stop."""

from datetime import UTC, datetime, timedelta

from chalicelib.domain.messaging.suppression import Suppression, after_bounce, after_complaint

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = T + timedelta(days=1)


def test_a_bounce_stops_all_mail() -> None:
    bounced = after_bounce(None, T)
    assert (bounced.stops("billing"), bounced.stops("lifecycle")) == (True, True)
    assert after_bounce(bounced, LATER) == bounced


def test_a_first_complaint_stops_lifecycle_mail_alone_whatever_it_is_about() -> None:
    for about_a_notice in (True, False):
        complained = after_complaint(None, T, "1", about_a_notice)
        assert (complained.stops("billing"), complained.stops("lifecycle")) == (False, True)
        assert after_complaint(complained, LATER, "1", about_a_notice=True) == complained


def test_a_second_complaint_stops_all_mail_if_it_is_about_a_notice() -> None:
    first = after_complaint(None, T, "1", about_a_notice=False)
    assert not after_complaint(first, LATER, "2", about_a_notice=False).stops("billing")
    assert after_complaint(first, LATER, "2", about_a_notice=True).stops("billing")


def test_a_bounce_after_a_complaint_and_one_before_stop_all_mail() -> None:
    complained = after_complaint(None, T, "1", about_a_notice=False)
    after = after_bounce(complained, LATER)
    assert after == Suppression("bounce", T, "all", ("1",))
    before = after_complaint(after_bounce(None, T), LATER, "1", about_a_notice=False)
    assert before.stops("billing")
