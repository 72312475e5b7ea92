"""Tell the team's channel in Slack of the domain events that are due.

The deliveries queue has one group for Slack, so one run at a time speaks to the channel. It says a
few things one by one, and many in one message with their number.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from chalicelib.domain.changes.channels import SLACK
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.slack import (
    DROPPED_AFTER,
    REFUSALS,
    SlackState,
    after_failure,
    after_message,
    after_refusal,
    said_next,
)
from chalicelib.domain.webhooks.delivery import (
    Delivery,
    DeliveryKey,
    after_attempt,
    given_up,
    postponed,
)
from chalicelib.outreach.slack_messages import many_happenings, one_happening
from chalicelib.usecases.messages import Deliver, SendEndpointNotice
from chalicelib.usecases.ports.outgoing import Caller
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.documents import end, save, with_documents
from chalicelib.usecases.webhooks.endpoints import wake_endpoint
from chalicelib.values import frozen

STAYS_FOR = timedelta(seconds=10)
"""A run waits for the channel so long at most. For more, the sweep comes again when it is free."""

A_ROUND = 500
"""How many happenings one message counts at most."""


@frozen
class Channel:
    """What telling needs beside the services: the calls, the secret URL, where the customers'
    pages are, a wait of some seconds, and whether the run still has time for a call.
    """

    caller: Caller
    url: Callable[[], str]
    base_url: str
    pause: Callable[[float], None]
    has_time: Callable[[], bool]


@frozen
class Said:
    """One message, for the log of the function: about how many events, and its outcome."""

    about: int
    answer: CallAnswer


def deliver_to_slack(message: Deliver, services: Services, channel: Channel) -> list[Said]:
    """Tell what a message names and what else is due; returns the messages to Slack. Raises
    Unavailable; what was not written down is told once more then.
    """
    run = _Run(services, channel)
    if services.policy.slack is None:
        return run.said
    run.take(message.keys)
    while run.collect():
        if not run.is_free():
            return run.said
        if run.collect():  # those that came meanwhile
            run.tell()
    return run.said


@dataclass
class _Run:
    services: Services
    channel: Channel
    said: list[Said] = field(default_factory=list)
    done: set[DeliveryKey] = field(default_factory=set)
    waiting: dict[DeliveryKey, Delivery] = field(default_factory=dict)

    def take(self, keys: Iterable[DeliveryKey]) -> None:
        """Read those that are due and too young to be dropped."""
        now = self.services.clock.now()
        new = [key for key in keys if key not in self.done and key not in self.waiting]
        for one in self.services.stores.deliveries.load(new):
            if not one.is_due(now):
                self.done.add(one.key)
            elif now - one.created_at > DROPPED_AFTER:
                self.done.add(one.key)
                end(one, "Slack took no message for an hour.", self.services)
            else:
                self.waiting[one.key] = one

    def collect(self) -> bool:
        """Whether anything waits, with what has fallen due meanwhile."""
        now = self.services.clock.now()
        self.take(self.services.stores.deliveries.due(SLACK, now, A_ROUND))
        return bool(self.waiting)

    def is_free(self) -> bool:
        """Wait until the channel takes a message; or leave all for later."""
        left = (self._state().free_at or self.services.clock.now()) - self.services.clock.now()
        if left > STAYS_FOR:
            self._postpone()
            return False
        if not self.channel.has_time():
            wake_endpoint(SLACK, self.services)
            return False
        if left > timedelta(0):
            self.channel.pause(left.total_seconds())
        return True

    def tell(self) -> None:
        """Send the next message, and record its outcome."""
        about = said_next(sorted(self.waiting.values(), key=lambda one: one.key.at))
        text = self._text(about)
        if text is None:
            return
        body = json.dumps({"text": text, "unfurl_links": False, "unfurl_media": False})
        headers = {"Content-Type": "application/json"}
        answer = self.channel.caller.post(self.channel.url(), headers, body.encode())
        self.said.append(Said(len(about), answer))
        self._note(about, answer)

    def _text(self, about: Sequence[Delivery]) -> str | None:
        if len(about) > 1:
            return many_happenings((one.type for one in about), self.channel.base_url)
        (one,) = about
        (found,) = with_documents([one], self.services) or (None,)
        if found is None:  # it was erased, or is not there yet and stays due
            self._forget(one)
            return None
        account = self.services.stores.accounts.load(one.account_id)
        return one_happening(found[1], account, self.services.policy, self.channel.base_url)

    def _note(self, about: Sequence[Delivery], answer: CallAnswer) -> None:
        state, now = self._state(), self.services.clock.now()
        if answer.succeeded:
            self._save(state, after_message(state, len(about), now))
            for one in about:
                self._over(one, after_attempt(one, answer, now))
        elif answer.code in REFUSALS:
            if not state.told:
                self._tell_operators()
            self._save(state, after_refusal(state, now))
            for one in about:
                self._over(one, given_up(one, answer.error or "", now))
            self.services.metrics.count("DeliveriesGivenUp", len(about))
        else:
            self._save(state, after_failure(state, answer, now))
            self._postpone()

    def _postpone(self) -> None:
        """All that waits falls due when the channel is free: the sweep wakes it then."""
        free_at = self._state().free_at or self.services.clock.now()
        for one in list(self.waiting.values()):
            self._over(one, postponed(one, free_at))

    def _over(self, one: Delivery, after: Delivery) -> None:
        save(one, after, self.services)
        self._forget(one)

    def _forget(self, one: Delivery) -> None:
        self.waiting.pop(one.key, None)
        self.done.add(one.key)

    def _state(self) -> SlackState:
        return self.services.stores.job_states.load(SlackState) or SlackState()

    def _save(self, old: SlackState, new: SlackState) -> None:
        with suppress(ConcurrentUpdate):  # another run has spoken meanwhile, and knows as much
            self.services.stores.job_states.save(old, new)

    def _tell_operators(self) -> None:
        if self.services.policy.team and self.services.policy.mail:
            at = self.services.clock.now().isoformat()
            self.services.queues.mail.send(SendEndpointNotice(SLACK, at).dump())
