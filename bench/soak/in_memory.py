"""All of Billhook in memory: the functions as Lambda calls them, adapters that need no service, and
one simulated Stripe.
"""

import heapq
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import Message as Headers
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

from bench.soak.acts import FORM
from bench.soak.crashes import Kills
from bench.soak.mail import CheckedMailer
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.domain.security.api_keys import ApiKey
from chalicelib.runtime import settings, telemetry, wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.wiring import stripe_over
from chalicelib.stripe_api.reader import StripeReader
from chalicelib.usecases.accounts.api_keys import KeyRing, create_key
from chalicelib.usecases.services import MailServices, SignupGuard
from local.aws.api_gateway import ApiGateway
from local.aws.lambda_context import LambdaContext
from local.aws.progress import Progress
from local.aws.schedules import ScheduleTrigger
from local.aws.ses_bus import BusTrigger
from local.client import signature
from local.clock_control import stride_end
from local.control_room.mailbox import Mailbox
from local.http_server import Request
from local.stripe_sim.lifecycle.catalogue import catalogue
from local.stripe_sim.webhooks.delivery_faults import DeliveryFaults, Shares
from tests.fakes.lifecycles import MemoryClaims
from tests.fakes.memory.accounts import MemoryAccounts
from tests.fakes.services import SHIPPED as POLICY
from tests.fakes.services import FakeServices, at
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.sim import START, SimStage

SECRET = "whsec_soak"
BATCHES = {"events": 100, "act": 10, "mail": 1}
"""How many messages each function takes at once, as its decorator says."""

HOUR = timedelta(hours=1)
ROUNDS = 12
"""How often one stop sweeps: work may leave something that is due at once, and work that was killed
is still due.
"""

ENVIRONMENT = {
    "STAGE": "soak",
    "LIVEMODE": "false",
    "TABLE_NAME": "memory",
    "PARAMETERS_PATH": "/soak",
    "EVENTS_QUEUE_URL": "memory",
    "DEAD_LETTERS_QUEUE_URL": "memory",
    "ACT_QUEUE_URL": "memory",
    "MAIL_QUEUE_URL": "memory",
    "DELIVERIES_QUEUE_URL": "memory",
    "WEBHOOKS": "false",
}


@dataclass
class MemoryKeys:
    kept: dict[str, ApiKey] = field(default_factory=dict)

    def load(self, id: str) -> ApiKey | None:
        return self.kept.get(id)

    def add(self, key: ApiKey) -> None:
        self.kept[key.id] = key


@dataclass
class MemoryLimits:
    counted: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def count(self, kind: str, value: str, window: timedelta, now: datetime) -> int:
        key = kind, value, int(now.timestamp() // window.total_seconds())
        self.counted[key] += 1
        return self.counted[key]


@dataclass
class MemorySuppressions:
    held: set[str] = field(default_factory=set)

    def holds(self, email: str, stream: str) -> bool:
        return email.lower() in self.held

    def add(self, email: str, reason: str, at: datetime, *_: object) -> None:
        self.held.add(email.lower())

    def mark(self, email: str) -> str:
        return email.lower()


class MemorySes:
    """Accepts every message."""

    def __init__(self) -> None:
        self.taken = 0

    def send(self, message: EmailMessage) -> str:
        self.taken += 1
        return f"ses-{self.taken}"

    def wait_for_capacity(self) -> None:
        """There is always capacity."""


class StreamedAccounts(MemoryAccounts):
    """Accounts in memory with the table's stream: `streamed` are those that were written with
    something in their outbox.
    """

    def __init__(self) -> None:
        super().__init__()
        self.streamed: list[str] = []

    def save(self, old: Account, new: Account) -> None:
        super().save(old, new)
        if new.outbox:
            self.streamed.append(new.id)

    rewrite = save_listed = save


class InMemorySystem:
    """Billhook with its Stripe, and a clock that moves in steps of `stride`: what falls due within
    a step is done at its end.

    `seed` decides everything, ids too, and one thing is done at a time, so the same seed gives the
    same run. Use it inside `open`.
    """

    what = "in memory: the deployed functions, adapters without a service"

    def __init__(
        self, shares: Shares, kills: float, seed: int, stride: timedelta = timedelta(minutes=10)
    ) -> None:
        self.stage, self.stride = SimStage(), stride
        self.stage.engine.store.chance.seed(seed)
        self.engine, self.api = self.stage.engine, self.stage.api
        self.kills, self.faults = Kills(kills, seed), DeliveryFaults(shares, seed)
        self.now = self.looked = at(START)
        self.accounts_kept = StreamedAccounts()
        self.place = FakeServices(
            self.accounts_kept,
            stripe=stripe_over(SimTransport(self.stage)),
            policy=POLICY,
        )
        self.place.reconciliation.a_page = self.place.replan_states.a_page = 100
        self.metrics: Counter[str] = Counter()
        self._coming: list[tuple[int, int, Any, bool]] = []
        self._number = 0
        self._back: dict[str, list[Any]] = {}

    @contextmanager
    def open(self) -> Iterator["InMemorySystem"]:
        """Let the functions use this system."""
        with ExitStack() as stack:
            stack.enter_context(
                patch.dict(
                    os.environ,
                    ENVIRONMENT
                    | {name: os.environ.get(name, "x") for name in ("AWS_DEFAULT_REGION",)},
                )
            )
            settings.settings.cache_clear()
            stack.callback(settings.settings.cache_clear)
            stack.enter_context(patch.object(clock, "now", lambda: self.now))
            stack.enter_context(
                patch.object(
                    telemetry.metrics,
                    "add_metric",
                    lambda name, unit, value: self.metrics.update({name: value}),
                )
            )
            level = telemetry.logger.log_level
            telemetry.logger.setLevel("CRITICAL")
            stack.callback(lambda: telemetry.logger.setLevel(level))
            self._assemble(stack)
            yield self

    def _assemble(self, stack: ExitStack) -> None:
        from app import app
        from chalicelib.entry.triggers.act_queue import act_on_accounts
        from chalicelib.entry.triggers.events_queue import process_events
        from chalicelib.entry.triggers.mail_queue import send_mails
        from chalicelib.entry.triggers.schedules import compare_with_stripe, fetch_events, sweep_due
        from chalicelib.entry.triggers.ses_feedback import take_feedback
        from chalicelib.entry.triggers.table_stream import carry_out
        from chalicelib.runtime.wiring import links

        stopping = threading.Event()
        stopping.set()  # nothing here waits for the real clock
        self.ses_bus = BusTrigger(
            "feedback",
            stopping,
            self.kills.worker("feedback", take_feedback),
            "feedback",
            Progress(),
        )
        self.mailbox = Mailbox(self.ses_bus, "")
        keys, claims, suppressions = MemoryKeys(), MemoryClaims(), MemorySuppressions()
        self.claims = claims
        counted = self.place.services.metrics.count
        services = self.kills.watch(self.place.services)
        services = replace(services, clock=replace(services.clock, now=clock.now))
        self.mailer = CheckedMailer(MemorySes(), self.mailbox, self.accounts_kept.load, POLICY)
        office = MailServices(
            self.mailer,
            claims,
            suppressions.holds,
            links().url,
            suppressions.mark,
            f"{links().base_url}/sign-in",
        )
        post = self.kills.watch_parts(office, "mailer", "claims")
        secrets = SimpleNamespace(
            stripe_webhook_secrets=[SECRET], link_keys=["k" * 64], hash_key="h" * 64
        )
        guard, ring = SignupGuard(MemoryLimits(), None, counted), KeyRing(keys)
        made = {
            "accounts": self.accounts_kept,
            "claims": claims,
            "suppressions": suppressions,
            "secrets": secrets,
            "mail_services": post,
        }
        made |= {
            "services": services,
            "signup_guard": guard,
            "key_ring": ring,
            "events_queue": self.place.events_queue,
            "policy": POLICY,
        }
        for name, what in made.items():
            stack.enter_context(patch.object(wiring, name, lambda what=what: what))
        self.key = create_key(keys, "write", "soak", self.now)
        self._app = ApiGateway(app)
        workers = {
            "events": process_events,
            "act": act_on_accounts,
            "mail": send_mails,
            "stream": carry_out,
        }
        self._workers = {
            name: self.kills.worker(name, function) for name, function in workers.items()
        }
        schedules = {"sweep": sweep_due, "fetch": fetch_events, "compare": compare_with_stripe}
        self._schedules = {
            name: ScheduleTrigger(name, stopping, self.kills.worker(name, function), name)
            for name, function in schedules.items()
        }
        self.engine.register(catalogue(POLICY))
        self.engine.store.heard = self._hear

    # what the customers see

    def ours(self, method: str, path: str, content: Any = None, number: int = 0) -> tuple[int, Any]:
        parts, headers = urlsplit(path), Headers()
        headers["Authorization"] = f"Bearer {self.key}"
        if method == "POST":
            headers["Content-Type"] = FORM if content is None else "application/json"
        body = b"" if content is None else json.dumps(content).encode()
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return self._called(
            Request(method, parts.path, parse_qsl(parts.query), headers, body, address)
        )

    def _called(self, request: Request) -> tuple[int, Any]:
        answer = self._app(request)
        is_json = dict(answer.headers).get("Content-Type", "").startswith("application/json")
        return answer.status, json.loads(
            answer.body
        ) if is_json and answer.body else answer.body.decode()

    def mail_of(self, account_id: str) -> list[str]:
        return [one.letter.text for one in self.mailer.of(account_id)]

    # Stripe's webhooks

    def spoil(self, shares: Shares, seed: int) -> None:
        """From now on webhooks go wrong in these ways."""
        kept = self.faults.drawn
        self.faults = DeliveryFaults(shares, seed)
        self.faults.drawn = kept

    def _hear(self, event: Any) -> None:
        planned = self.faults.draw()
        event["pending_webhooks"] = int(planned.is_owed)
        for place, after in enumerate(planned.arrivals):
            self._number += 1
            heapq.heappush(
                self._coming,
                (self.stage.second + after, self._number, event, planned.is_owed and not place),
            )

    def _deliver(self) -> None:
        while self._coming and self._coming[0][0] <= self.stage.second:
            _, _, event, is_owed = heapq.heappop(self._coming)
            payload, headers = json.dumps(event).encode(), Headers()
            headers["Stripe-Signature"] = signature(payload, SECRET, int(self.now.timestamp()))
            status, body = self._called(
                Request("POST", "/webhooks/stripe", [], headers, payload, "192.0.2.1")
            )
            assert status == 200, (status, body)
            event["pending_webhooks"] -= is_owed

    # the clock

    def move_to(self, target: datetime) -> None:
        """Do everything that falls due until then."""
        while (coming := self._next()) < target:
            self._stop_at(coming)
        self._stop_at(target)

    def _next(self) -> datetime:
        seconds = [self.engine.next_due(), self._coming[0][0] if self._coming else None]
        dues = (
            [at(one) for one in seconds if one is not None]
            + [self.looked + HOUR]
            + [due for due, _ in self.due()[:1]]
        )
        return max(
            stride_end(min(dues), self.stride),
            stride_end(self.now + timedelta(microseconds=1), self.stride),
        )

    def _stop_at(self, moment: datetime) -> None:
        self.now = self.place.now.at = moment
        self.stage.advance(int(moment.timestamp()))
        for name, messages in self._back.items():
            self._queue(name).extend(messages)
        self._back = {}
        self.settle()
        if self.now >= self.looked + HOUR:
            self.looked = self.now
            self._scheduled("fetch")
            self._scheduled("compare")
            self.settle()

    def settle(self) -> None:
        """Work until nothing is left that can be done now."""
        for _ in range(ROUNDS):
            self._deliver()
            self._drain()
            if not [due for due, _ in self.due()[:1] if due <= self.now]:
                break
            self._scheduled("sweep")
            self._drain()

    def _scheduled(self, name: str) -> None:
        try:
            self._schedules[name].run()
        except Exception:
            self.metrics["ScheduleFailed"] += 1  # killed: it runs again at its next time

    def _drain(self) -> None:
        while True:
            self._stream()
            while self.ses_bus.pending:
                self.ses_bus.poll()
            name = next((name for name in BATCHES if self._queue(name)), None)
            if name is None and not self.accounts_kept.streamed and not self.ses_bus.pending:
                return
            if name:
                self._batch(name)

    def _batch(self, name: str) -> None:
        queue = self._queue(name)
        batch, queue[:] = queue[: BATCHES[name]], queue[BATCHES[name] :]
        bodies = [one[0] if name == "events" else json.dumps(one) for one in batch]
        records = [
            {"messageId": str(place), "receiptHandle": "r", "body": body}
            for place, body in enumerate(bodies)
        ]
        try:
            failed = {
                one["itemIdentifier"]
                for one in self._workers[name]({"Records": records}, LambdaContext(name, 60))[
                    "batchItemFailures"
                ]
            }
            back = [one for place, one in enumerate(batch) if str(place) in failed]
            self._back.setdefault(name, []).extend(back)  # returned: visible again at the next stop
        except Exception:
            queue[:0] = batch  # killed: visible again at once

    def _stream(self) -> None:
        while ids := self.accounts_kept.streamed:
            records = [
                {
                    "eventName": "MODIFY",
                    "dynamodb": {
                        "Keys": {"pk": {"S": f"ACCOUNT#{id}"}, "sk": {"S": "ACCOUNT"}},
                        "SequenceNumber": str(place),
                    },
                }
                for place, id in enumerate(ids[:100])
            ]
            before = len(records)
            try:
                answer = self._workers["stream"]({"Records": records}, LambdaContext("stream", 60))
            except Exception:
                continue  # killed: the same records again
            failed = [int(one["itemIdentifier"]) for one in answer["batchItemFailures"]]
            del ids[: min(failed, default=before)]

    def _queue(self, name: str) -> list[Any]:
        queues: dict[str, Callable[[], list[Any]]] = {
            "events": lambda: self.place.events_queue.messages,
            "act": lambda: self.place.act_queue.waiting,
            "mail": lambda: self.place.mail_queue.waiting,
        }
        return queues[name]()

    # what is left at the end

    def due(self) -> list[tuple[datetime, str]]:
        """Due work as (time, account), the soonest first."""
        found = sorted(
            (item["due_at"]["S"], id)
            for id, item in self.accounts_kept.items.items()
            if "due_at" in item
        )
        return [(datetime.fromisoformat(due_at), id) for due_at, id in found]

    def accounts(self) -> dict[str, Account]:
        """All accounts by id."""
        return {
            id: account
            for id in self.accounts_kept.items
            if (account := self.accounts_kept.load(id))
        }

    def queues(self) -> dict[str, int]:
        """How many messages are left, by queue."""
        left = {name: len(self._queue(name)) + len(self._back.get(name, [])) for name in BATCHES}
        return left | {
            "dead_letters": len(self.place.dead_letters.messages),
            "webhooks": len(self._coming),
        }

    def reader(self) -> StripeReader:
        """Reads from the simulated Stripe."""
        return StripeReader(SimTransport(self.stage))
