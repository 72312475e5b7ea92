"""The mail that strangers cause: counted when it is sent, by mailbox, over accounts and kinds."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.account.links import signup_behind
from chalicelib.domain.account.profile import AddressChange, AddressChangeRequested
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.messaging.mailbox_limits import Mailbox
from chalicelib.domain.security.links import LIFECYCLE, Link
from chalicelib.domain.security.signup import SignupRequest, identity
from chalicelib.usecases.accounts.links import end_links, open_link
from chalicelib.usecases.accounts.record import record_proof, record_sign_in
from chalicelib.usecases.accounts.sign_up import ask_to_sign_in, sign_up
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.messaging import mailboxes
from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.sweep import sweep
from chalicelib.usecases.services import MailServices
from tests.fakes.grids import examples
from tests.fakes.lifecycles import DAY, START, MemoryClaims, MemoryMailer, Sent
from tests.fakes.services import POLICY, FakeServices

ADA = "ada@example.com"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class NoStripe:
    """Stripe is down: trials run all the same, and nothing here is about Stripe."""

    def __getattr__(self, name: str) -> "NoStripe":
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise Unavailable("Stripe gave no answer.")


@dataclass
class Inbox:
    """The mailbox ada@example.com, with the accounts that lead mail to it."""

    place: FakeServices = field(
        default_factory=lambda: FakeServices(policy=POLICY, stripe=NoStripe())
    )

    def __post_init__(self) -> None:
        self.place.now.at = START
        self.mailer, self.claims = MemoryMailer(self), MemoryClaims()
        self.links: dict[str, list[Link]] = {}
        self.office = MailServices(
            self.mailer,
            self.claims,
            lambda *_: False,
            self._handed_out,
            lambda email: email,
            sign_in_form="https://b.example/sign-in",
        )

    def addressee(self, account_id: str) -> Account:
        found: Account | None = self.place.accounts.load(account_id)
        assert found
        return found

    def _handed_out(self, link: Link) -> str:
        self.links.setdefault(link.purpose, []).append(link)
        return f"https://b.example/{link.purpose}"

    @property
    def mails(self) -> list[Sent]:
        """What came, in any way to write the address."""
        return [one for one in self.mailer.sent if identity(one.letter.recipient) == ADA]

    def signs_up(self, email: str = ADA) -> "Inbox":
        sign_up(SignupRequest(email, "pro", "month"), False, self.place.services)
        return self.works()

    def asks(self, email: str = ADA) -> "Inbox":
        ask_to_sign_in(email, self.place.services)
        return self.works()

    def types_as_new_address(self, account_id: str, email: str = ADA) -> "Inbox":
        account = self.addressee(account_id)
        change = AddressChange(email, account.email or "", self.place.now.at)
        return self.learns(account_id, AddressChangeRequested(change)).works()

    def learns(self, account_id: str, *facts: Any) -> "Inbox":
        account = self.place.accounts.load(account_id) or Account(account_id)
        apply_facts(account, facts, self.place.services, None)
        return self

    def works(self) -> "Inbox":
        for _ in range(2):
            sweep(self.place.services)
            while self.place.act_queue.waiting:
                work = self.place.act_queue.waiting.pop(0)
                process_due_account(work["account_id"], self.place.services)
            waiting, self.place.mail_queue.waiting[:] = list(self.place.mail_queue.waiting), []
            for work in waiting:
                self.sends(work)
        return self

    def sends(self, work: dict[str, str]) -> str:
        return send_message(work["account_id"], work["key"], self.place.services, self.office)

    def later(self, time: timedelta) -> "Inbox":
        self.place.now.at += time
        return self

    def presses(self, link: Link) -> "Inbox":
        account = open_link(link, self.place.accounts)
        number = signup_behind(link, account)
        assert number
        record = record_sign_in if link.purpose == "sign-in" else record_proof
        record(account, link, number, self.place.services)
        return self.later(timedelta(seconds=2))

    def opens(self, link: Link) -> bool:
        """Whether a link opens something now."""
        if link.expires_at and link.expires_at <= self.place.now.at:
            return False
        try:
            open_link(link, self.place.accounts)
        except Exception:
            return False
        return True

    def working(self) -> list[Link]:
        """The links that let the owner in now."""
        handed_out = [*self.links.get("billing", []), *self.links.get("sign-in", [])]
        return [link for link in handed_out if self.opens(link)]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def of_step(inbox: Inbox, step: str) -> list[Sent]:
    return [one for one in inbox.mails if one.step == step]


def test_a_welcome_and_sign_in_links_count_together_and_the_last_one_says_so(inbox: Inbox) -> None:
    inbox.signs_up()
    for _ in range(20):
        inbox.later(HOUR).asks()
    assert [one.step for one in inbox.mails] == ["welcome", "sign_in", "sign_in"]
    until = START + DAY
    texts = [" ".join(one.letter.text.split()) for one in inbox.mails]
    assert [text.count("This is the last mail with such a link until") for text in texts] == [
        0,
        0,
        1,
    ]
    assert "It works once, for 15 minutes" in texts[1]
    assert "It works once, until Tuesday, 3 March 2026 at 09:00" in texts[2]
    assert inbox.links["sign-in"][-1].expires_at == until


def test_asking_costs_nobody_anything_for_what_is_not_sent_does_not_count(inbox: Inbox) -> None:
    inbox.signs_up().later(HOUR)
    for _ in range(50):
        ask_to_sign_in(ADA, inbox.place.services)
    inbox.works()
    assert len(inbox.place.mailboxes.load(ADA).sent) == 2


def test_a_press_lets_the_next_link_out_at_once(inbox: Inbox) -> None:
    inbox.signs_up()
    for _ in range(10):
        inbox.later(MINUTE).asks()
        inbox.presses(inbox.links["sign-in"][-1])
    assert len(of_step(inbox, "sign_in")) == 10


def test_all_ways_to_write_a_mailbox_and_all_its_accounts_count_together(inbox: Inbox) -> None:
    """Three accounts that Stripe made, and one that a stranger types the address into."""
    inbox.signs_up("eve@example.com")
    (eve,) = inbox.place.accounts.items
    for number in range(4):
        inbox.learns(eve, AddressProved(START)).types_as_new_address(
            eve, f"Ada+{number}@example.com"
        )
        inbox.later(MINUTE)
    assert [one.step for one in inbox.mails] == ["confirm_email"] * 2
    inbox.signs_up()
    assert [one.step for one in inbox.mails[2:]] == ["welcome"], "the last place lets the owner in"
    assert inbox.later(HOUR).asks().mails[3:] == []


def test_who_types_somebodys_address_as_new_leaves_the_owner_one_link_always(inbox: Inbox) -> None:
    inbox.signs_up("eve@example.com").signs_up()
    eve = next(id for id in inbox.place.accounts.items if inbox.addressee(id).email != ADA)
    for number in range(60):
        inbox.later(5 * HOUR).types_as_new_address(eve, f"ada+{number}@example.com").asks()
        assert inbox.working(), number
    assert 6 <= len(inbox.mails) <= 8


def test_the_bills_go_on_whatever_strangers_have_caused(inbox: Inbox) -> None:
    inbox.signs_up()
    for _ in range(20):
        inbox.later(HOUR).asks()
    (id,) = inbox.place.accounts.items
    account = inbox.addressee(id)
    inbox.place.accounts.save(
        account,
        replace(account, version=account.version + 1, withdrawn_at=inbox.place.now.at),
    )
    inbox.later(timedelta(seconds=1)).learns(id, AddressProved(inbox.place.now.at)).works()
    assert inbox.mails[-1].step == "withdrawn"


def test_a_message_that_is_delivered_twice_counts_once(inbox: Inbox) -> None:
    sign_up(SignupRequest(ADA, "pro", "month"), False, inbox.place.services)
    sweep(inbox.place.services)
    for work in inbox.place.act_queue.waiting:
        process_due_account(work["account_id"], inbox.place.services)
    (work,) = inbox.place.mail_queue.waiting
    for _ in range(3):
        inbox.sends(work)
    assert (len(inbox.mails), len(inbox.place.mailboxes.load(ADA).sent)) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "counted"),
    [("throttled", 0), ("rejected", 0), ("lost before", 1), ("lost after", 1)],
)
def test_what_ses_did_not_take_does_not_count_and_what_it_may_have_does(
    inbox: Inbox, fault: str, counted: int
) -> None:
    sign_up(SignupRequest(ADA, "pro", "month"), False, inbox.place.services)
    sweep(inbox.place.services)
    for work in inbox.place.act_queue.waiting:
        process_due_account(work["account_id"], inbox.place.services)
    (work,) = inbox.place.mail_queue.waiting
    inbox.mailer.faults = [fault]
    if fault == "throttled":
        with pytest.raises(Unavailable):
            inbox.sends(work)
    else:
        inbox.sends(work)
    assert len(inbox.place.mailboxes.load(ADA).sent) == counted


def test_a_link_whose_message_was_held_back_voids_none_that_was_sent(inbox: Inbox) -> None:
    """Room for it was there when it was asked for, and taken when it was sent."""
    inbox.signs_up().later(HOUR).asks().later(20 * MINUTE)
    ask_to_sign_in(ADA, inbox.place.services)
    found = inbox.place.mailboxes.load(ADA)
    full = mailboxes.with_mail(found, "of another account", False, inbox.place.now.at)
    assert full
    inbox.place.mailboxes.save(
        ADA, found, replace(full, version=found.version + 1), inbox.place.now.at
    )
    inbox.works()
    (id,) = inbox.place.accounts.items
    assert [one.outcome for one in inbox.addressee(id).mails.values()].count("over_limit") == 1
    assert len(of_step(inbox, "sign_in")) == 1
    before = replace(inbox.links["sign-in"][0], expires_at=None)
    assert inbox.opens(before)


def test_whoever_ended_all_links_gets_another_one(inbox: Inbox) -> None:
    inbox.signs_up()
    for _ in range(3):
        inbox.later(HOUR).asks()
    (id,) = inbox.place.accounts.items
    end_links(id, "customer", inbox.place.services)
    assert inbox.later(2 * MINUTE).working() == []
    inbox.asks()
    assert inbox.working()


def test_a_link_that_was_found_ends_the_count_once_and_no_more(inbox: Inbox) -> None:
    inbox.signs_up()
    (found,) = inbox.links["billing"][:1]
    inbox.presses(found)
    for _ in range(40):
        inbox.later(20 * MINUTE).presses(found).asks()
    assert len(of_step(inbox, "sign_in")) == 6


def test_a_mailbox_that_others_count_in_at_the_same_time_is_tried_again(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, raced = inbox.place.mailboxes.save, []

    def racing(whose: str, old: Mailbox, new: Mailbox, now: Any) -> None:
        if len(raced) < 3:
            raced.append(1)
            raise ConcurrentUpdate("another counts")
        save(whose, old, new, now)

    monkeypatch.setattr(inbox.place.mailboxes, "save", racing)
    inbox.signs_up()
    assert [one.step for one in inbox.mails] == ["welcome"]
    monkeypatch.setattr(mailboxes, "TRIES", 0)
    with pytest.raises(Unavailable):
        mailboxes.note_ended_links(ADA, inbox.place.services)


WAYS = ["ada@example.com", "Ada@Example.com", "ada+1@example.com", "ADA+spam@example.com"]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 30 * 60),
            st.sampled_from(["sign up", "ask", "ask", "new address", "press"]),
            st.sampled_from(WAYS),
        ),
        max_size=40,
    )
)
@examples(40)
def test_whatever_strangers_do_a_mailbox_gets_no_more_than_the_bound_and_one_link_works(
    story: list[tuple[int, str, str]],
) -> None:
    inbox = Inbox().signs_up("eve@example.com")
    (eve,) = inbox.place.accounts.items
    pressed, since = False, 0
    for minutes, what, email in story:
        inbox.later(minutes * MINUTE)
        match what:
            case "sign up":
                inbox.signs_up(email)
            case "ask":
                inbox.asks(email)
            case "new address":
                change = AddressChange(email, "eve@example.com", inbox.place.now.at)
                known = inbox.addressee(eve)
                inbox.place.accounts.save(
                    known,
                    replace(known, version=known.version + 1, address_changes=()),
                )
                inbox.learns(eve, AddressChangeRequested(change)).works()
            case "press" if inbox.working():
                inbox.presses(inbox.working()[-1])
                pressed, since = True, len(inbox.mails)
        counted = [one.at for one in inbox.mails[since:]]
        for at in counted:
            a_day = sum(at - DAY < other <= at for other in counted)
            assert a_day <= (6 if pressed else 3)
            assert pressed or sum(at - 7 * DAY < other <= at for other in counted) <= 6
        if not pressed:
            assert all(after - before >= 7 * DAY for before, after in pairwise(counted[5:]))
        if of_step(inbox, "welcome"):
            inbox.asks().later(MINUTE)
            assert inbox.working(), "the owner can ask for a link, or has one"


def test_only_the_welcome_and_bills_have_a_link_that_opens_the_page_for_a_month() -> None:
    inbox = Inbox().signs_up()
    inbox.presses(inbox.links["billing"][-1])
    inbox.links.clear()
    while inbox.place.now.at < START + 60 * DAY:
        inbox.works().later(6 * HOUR)
    streams = [one.letter.tags["stream"] for one in inbox.mails if one.step != "welcome"]
    assert "lifecycle" in streams
    about = {link.about for link in inbox.links["billing"]}
    assert about <= {LIFECYCLE, ""}
    lifecycle = [link for link in inbox.links["billing"] if link.about == LIFECYCLE]
    assert len(lifecycle) == 2 * streams.count("lifecycle"), "a mail makes two of its links"
    (welcome, *_) = Inbox().signs_up().links["billing"]
    assert welcome.about == ""
