"""Customers whose lives are drawn by a seed, with Stripe simulated beside them and Intercom behind:
they sign up, pay, fail to, change, leave and come back, are erased or joined, while Intercom is
limited, down or cut short.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

from chalicelib.domain.account.facts import AddressProved, ConsentGiven, GrantGiven
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.changes.channels import PEOPLE
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import contact
from chalicelib.domain.people.deliveries import CONTACT_CHANGED
from chalicelib.domain.people.intercom import contact_body
from chalicelib.domain.policy.people import FIELDS
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.domain.security.signup import SignupRequest
from chalicelib.usecases.fan_out import forget_person, join_person
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.messages import Deliver
from chalicelib.usecases.webhooks.people.deliver import deliver_to_people
from chalicelib.usecases.webhooks.people.intercom import Intercom
from chalicelib.usecases.webhooks.people.write import People
from local.intercom.stand_in import IntercomStandIn
from tests.fakes.population import Population
from tests.fakes.services import POLICY

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HANDED_OVER = replace(
    POLICY,
    steps=tuple(
        replace(step, via="intercom", message="") if number % 2 else step
        for number, step in enumerate(POLICY.steps)
    ),
    hash="over",
    people=PeoplePolicy("intercom", "https://api.intercom.io", (), frozenset(FIELDS)),
)
CARDS = ("tok_visa", "tok_visa", "tok_chargeCustomerFail", "tok_threeDSecure2Required")
LIFE = 75 * DAY
"""How long the customers are watched."""


class PeopleLives(Population):
    """`live` so many customers' lives; `wrong` says then what differs at Intercom, and `recorded`
    has every call with its body and answer.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(HANDED_OVER)
        self.random = Random(seed)
        self.intercom = IntercomStandIn(lambda: self.now)
        self.recorded: list[tuple[str, str, Any, CallAnswer]] = []
        self.trouble = ""
        self.left: dict[str, str] = {}
        self.system = Intercom(self._call, True)

    # --- Intercom ---

    def _call(self, method: str, path: str, body: Any) -> CallAnswer:
        if self.trouble == "down":
            return CallAnswer(503)
        if self.trouble == "storm" and self.random.random() < 0.5:
            return CallAnswer(429)
        answer = self.intercom(method, path, json.loads(json.dumps(body)))
        self.recorded.append((method, path, body, answer))
        if self.trouble == "cut" and self.random.random() < 0.3:
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        return answer

    def _pause(self, seconds: float) -> None:
        self.place.now.at += timedelta(seconds=seconds)

    def play(self, moment: datetime) -> None:
        """See Population; then what waits for Intercom, as the sweep wakes it."""
        super().play(moment)
        self.place.deliveries_queue.waiting.clear()
        people = People(
            self.system,
            self.place.persons,
            lambda email: self.suppressed.holds(email, "lifecycle"),
            self._pause,
            lambda: True,
        )
        deliver_to_people(Deliver(PEOPLE), self.place.services, people)

    # --- lives ---

    def live(self, customers: int) -> None:
        """The customers come within three weeks; each has about eight things happen to it."""
        acts: list[tuple[datetime, int, str]] = []
        for number in range(customers):
            came = self.now + self.random.random() * 21 * DAY
            acts.append((came, number, "signs up"))
            for _ in range(self.random.randint(2, 14)):
                at = came + self.random.random() ** 1.5 * 50 * DAY
                acts.append((at, number, self.random.choice(ACTS)))
        for _ in range(6):
            at = self.now + self.random.random() * LIFE * 0.9
            acts += [(at, -1, self.random.choice(TROUBLES)), (at + 7 * HOUR, -1, "")]
        self.ids_of: dict[int, str] = {}
        end = self.now + LIFE
        for at, number, what in sorted(acts):
            self.advance(max(at, self.now))
            if number < 0:
                self.trouble = what
            elif what == "signs up":
                self._signs_up(number)
            else:
                self._does(number, what)
        self.trouble = ""
        self.advance(max(end, self.now))
        for minutes in (5, 20, 60, 120):  # what was put off for the moment
            self.play(self.now + timedelta(minutes=minutes))

    def _signs_up(self, number: int) -> None:
        name = self.random.choice([None, f"Ada {number}"])
        # Some type an address that another one typed before.
        owner = number if self.random.random() < 0.9 else self.random.randrange(number + 1)
        wish = SignupRequest(f"n{owner}@example.com", "pro", "month", name)
        before = {account.id for account in self.all_accounts()}
        self.signs_up(wish)
        made = {account.id for account in self.all_accounts()} - before
        self.ids_of.update(dict.fromkeys([number], next(iter(made), "")))
        self.play(self.now)

    def _does(self, number: int, what: str) -> None:
        account = self.accounts.load(self.ids_of.get(number, ""))
        if account is None:
            return
        if what in self.of_ours:
            self.of_ours[what](account)
        else:
            self._does_at_stripe(account, number, what)
        self.play(self.now)

    @property
    def of_ours(self) -> Mapping[str, Callable[[Account], None]]:
        """What happens to an account here, by its name in ACTS."""
        return {
            "renamed": lambda account: self._learns(
                account,
                ProfileChanged({"name": f"Ada {self.random.randrange(99)}"}, self.now, "api"),
            ),
            "proves": lambda account: self._learns(account, AddressProved(self.now)),
            "consent": lambda account: self._learns(
                account, ConsentGiven("lifecycle", self.random.random() < 0.5, self.now)
            ),
            "grant": lambda account: self._learns(
                account,
                GrantGiven(Grant(self.now + self.random.randint(1, 30) * DAY, "scale", "sorry")),
            ),
            "erased": lambda account: self._leaves(account, "erased"),
            "joined": lambda account: self._leaves(account, "joined"),
        }

    def _does_at_stripe(self, account: Account, number: int, what: str) -> None:
        customers = [id for id, known in account.customers.items() if not known.value.deleted]
        for id in customers[-1:]:
            if what == "card":
                self.stage.gives(id, self.random.choice(CARDS))
            elif what == "moves":
                email = f"n{number}.{self.random.randrange(9)}@example.com"
                self.by_hand("POST", f"/v1/customers/{id}", email=email)
            elif what == "customer deleted":
                self.by_hand("DELETE", f"/v1/customers/{id}")
        for one in self.at_stripe("subscription", account):
            if one["status"] not in ("canceled", "incomplete_expired"):
                self._changes(one, what)

    def _changes(self, subscription: Any, what: str) -> None:
        path = f"/v1/subscriptions/{subscription['id']}"
        item = {"id": subscription["items"]["data"][0]["id"]}
        changes: dict[str, dict[str, Any]] = {
            "cancels later": {"cancel_at_period_end": True},
            "pauses": {"pause_collection": {"behavior": "void"}},
            "seats": {"items": [item | {"quantity": self.random.randint(1, 9)}]},
            "plan": {"items": [item | {"price": self.stage.price("scale_monthly")}]},
        }
        if what == "cancels":
            self.by_hand("DELETE", path)
        elif what in changes:
            self.by_hand("POST", path, **changes[what])

    def _leaves(self, account: Account, how: str) -> None:
        if self.random.random() < 0.5:  # half of them think better of it
            return
        person = self.place.persons.load(account.id)
        self.left[account.id] = f"{how} {person.id if person else ''}"
        if how == "erased":
            forget_person(account, self.place.services)
        else:
            join_person(account, "acc_other", self.place.services)
        self.accounts.erase(account, self.now)

    def _learns(self, account: Account, fact: Any) -> None:
        services = self.place.services
        self.tries(lambda: apply_facts(account, [fact], services, StripeFetcher(services)))

    # --- what is to be seen ---

    def wrong(self) -> list[str]:
        """What differs between the accounts and Intercom, in words."""
        return [*self._wrong_contacts(), *self._wrong_events()]

    def _wrong_contacts(self) -> list[str]:
        found = []
        held = {one.get("external_id"): one for one in self.intercom.contacts.values()}
        for account in self.all_accounts():
            suppressed = bool(account.email) and self.suppressed.holds(account.email or "", "")
            known = contact(account, self.place.policy, False, self.now, suppressed)
            one, person = held.pop(account.id, None), self.place.persons.load(account.id)
            if one is None:
                if not known.is_gone:
                    found.append(f"{account.id} is missing")
                continue
            if one["archived"] is not known.is_gone:
                found.append(f"{account.id} is archived: {one['archived']}")
            if known.is_gone:
                continue
            without = bool(person and person.without_email)
            wanted = contact_body(known, not without)
            theirs = {name: one.get(name) for name in wanted}
            found += [
                f"{account.id} {name}: {theirs[name]}, and not {value}"
                for name, value in wanted.items()
                if theirs[name] != value
            ]
            if without and self._owner_of(known.email or "") in (None, account.id):
                found.append(f"{account.id} is without its address, which nobody has")
        for id, one in held.items():
            how = self.left.get(str(id), "")
            if not (how.startswith("joined") and one["archived"]):
                found.append(f"{id} is still there: {how}")
        return found

    def _owner_of(self, email: str) -> str | None:
        owners = [
            one["external_id"]
            for one in self.intercom.contacts.values()
            if str(one.get("email", "")).lower() == email.lower()
        ]
        return owners[0] if owners else None

    def _wrong_events(self) -> list[str]:
        held = {account.id for account in self.all_accounts()}
        told = Counter(event["metadata"]["event_id"] for event in self.intercom.events)
        doubled = [f"{id} was told {times} times" for id, times in told.items() if times > 1]
        waiting = [
            f"{one.type} of {one.account_id} waits"
            for one in self.place.deliveries.kept.values()
            if one.key.endpoint_id == PEOPLE and one.next_at and one.next_at <= self.now
        ]
        lost = [
            f"{one.type} of {one.account_id}: {one.attempts[-1].error}"
            for one in self.place.deliveries.kept.values()
            if one.attempts and one.attempts[-1].error and one.account_id in held
        ]
        never = [
            f"{event.id} was never told"
            for event in self.place.published
            if event.type != CONTACT_CHANGED
            and event.id not in told
            and event.id.split(".")[0] in held
        ]
        return doubled + waiting + lost + never


ACTS = (
    "card", "card", "card", "cancels", "cancels later", "seats", "plan", "pauses", "moves",
    "renamed", "proves", "consent", "grant", "customer deleted", "erased", "joined",
)  # fmt: skip
TROUBLES = ("down", "storm", "cut")


def lived(seed: int, customers: int) -> PeopleLives:
    """The customers, after their lives."""
    lives = PeopleLives(seed)
    with patch("time.sleep"):
        lives.live(customers)
    return lives
