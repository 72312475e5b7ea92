"""The whole system in one process, with the AWS emulator in another."""

import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chalicelib.domain.outgoing.signature import as_secret
from local.aws.emulator import Emulator
from local.aws.progress import Progress
from local.aws.resources import Resources, create, verify_senders
from local.aws.triggers import Function, Trigger
from local.function_environment import set_environment
from local.function_services import build_services, new_key, watch_services
from local.http_server import Answer, Request, Server, error_answer
from local.intercom.server import IntercomServer
from local.policies import use_example, use_policy
from local.product.process import ExampleProduct
from local.shutdown import Stopped
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.lifecycle.catalogue import catalogue
from ops.stage.signing_keys import new_signing_keys

if TYPE_CHECKING:
    from local.aws.iam_recorder import Calls
    from local.aws.table_stream import StreamTrigger
    from local.control_room.control import Control
    from local.control_room.mailbox import Mailbox
    from local.control_room.overview import Customers
    from local.control_room.sent_requests import Outgoing

WINDOW_SECONDS = 1
"""How long a batch of Stripe's events is gathered at most, as on AWS."""

LAST_BATCHES_SECONDS = 1.5
"""How long the end waits for the functions that run: a little longer than a poll of a queue."""


class System:
    """Billhook at `http://127.0.0.1:{port}`: app, emulator, triggers, control room, and a simulated
    Stripe unless STRIPE_API_BASE names a Stripe. The variable POLICY names the file of another
    policy; without it, the example product and a stand-in for Intercom run too, unless the variable
    PRODUCT is `none`. Setting `stopping` from any thread makes work in progress stop. `tell`
    receives the name of each step of the start as it begins.

    A process has one clock and one environment, so it can have one System. `around` wraps each
    function that is no route, given its logical id. Raises OSError, before anything is started, if
    the port is taken.
    """

    def __init__(
        self,
        port: int,
        around: Callable[[str, Function], Function] = lambda id, function: function,
        stopping: threading.Event | None = None,
        tell: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._around = around
        self._control = self._app = _not_yet
        self._app_error: Callable[[Answer], Answer] = lambda answer: answer
        self._server = Server(port, self.answer, self._own_error)
        self._emulator = Emulator()
        self.simulator: StripeSimulator | None = None
        self._product: ExampleProduct | None = None
        self._intercom: IntercomServer | None = None
        self._stopping = stopping or threading.Event()
        self._tell = tell
        self._triggers: list[Trigger] = []
        self.port, self.base = self._server.port, self._server.base
        self.api_key = self.admin_key = self.webhook_secret = self.stripe_base = ""

    @property
    def emulator_endpoint(self) -> str:
        return self._emulator.endpoint

    @property
    def emulator_pid(self) -> int:
        """The emulator's process."""
        return self._emulator.pid

    @property
    def has_simulator(self) -> bool:
        return self.simulator is not None

    @property
    def product_url(self) -> str | None:
        """The example product's address; None where it does not run."""
        return self._product.base if self._product else None

    @property
    def has_intercom(self) -> bool:
        """Whether a stand-in for Intercom runs, which /_local/intercom shows."""
        return self._intercom is not None

    def start(self) -> Self:
        """Start everything; requests are answered when this returns. Raises Stopped if `stopping`
        is set meanwhile.
        """
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        if path := os.environ.get("POLICY"):
            self._intercom = use_policy(Path(path))
        elif os.environ.get("PRODUCT") != "none":
            self._product, self._intercom = use_example()
        if self._intercom:
            self._intercom.start()
        self._begin("AWS emulator")
        self._emulator.start()
        self.stripe_base = os.environ.get("STRIPE_API_BASE", "")
        webhook_secrets = os.environ.get("STRIPE_WEBHOOK_SECRET") or _random_webhook_secret()
        self.webhook_secret = webhook_secrets.split()[0]
        if not self.stripe_base:
            self._begin("simulated Stripe")
            self._start_simulator()
        instance_secret = os.environ.get("INSTANCE_SECRET") or as_secret(secrets.token_bytes(32))
        self._begin("table, queues and secrets")
        resources = create(
            self._emulator.endpoint, self._parameters(webhook_secrets, instance_secret)
        )
        self._begin("functions and control room")
        set_environment(self._emulator.endpoint, resources, self.stripe_base, self.base)
        self._assemble(resources)
        if self._product:
            self._start_product(self._product, instance_secret)
        self._begin("HTTP server")
        self._server.start()

    def _parameters(self, webhook_secrets: str, instance_secret: str) -> dict[str, str]:
        """The stage's secrets: those of the environment, else random ones; those of the people
        system are the stand-in's, where it runs.
        """
        intercom, given = self._intercom, os.environ.get("PEOPLE_WEBHOOK_SECRET", "")
        known = (given, intercom.webhook_secret if intercom else "")
        found = {
            "stripe-api-key": os.environ.get("STRIPE_API_KEY") or "sk_test_local",
            "stripe-webhook-secrets": webhook_secrets,
            "hash-key": secrets.token_hex(32),
            "link-keys": secrets.token_hex(32),
            "signing-keys": new_signing_keys(),
            "instance-secret": instance_secret,
            "slack-webhook-url": os.environ.get("SLACK_WEBHOOK_URL", ""),
            "people-token": intercom.token if intercom else os.environ.get("PEOPLE_TOKEN", ""),
            "people-webhook-secrets": " ".join(filter(None, known)),
        }
        return {name: value for name, value in found.items() if value}

    def _start_product(self, product: ExampleProduct, secret: str) -> None:
        from chalicelib.runtime.clock import clock

        product.start(self.base, new_key("write", "example-product"), secret, clock)

    def _begin(self, step: str) -> None:
        if self._stopping.is_set():
            raise Stopped
        self._tell(step)

    def _start_simulator(self) -> None:
        from chalicelib.runtime.clock import clock

        self.simulator = StripeSimulator(clock.now)
        self.simulator.start()
        self.simulator.listen(f"{self.base}/webhooks/stripe", self.webhook_secret)
        self.simulator.link_back_to(f"{self.base}/_local")
        self.stripe_base = self.simulator.base

    def _assemble(self, resources: Resources) -> None:
        """Load the app and the functions, which read the environment, and connect them to their
        triggers and to the control room.
        """
        from app import app
        from chalicelib.runtime import wiring
        from local.aws.api_gateway import ApiGateway
        from local.aws.function_triggers import function_triggers
        from local.aws.iam_recorder import Calls
        from local.aws.queue_drain import Rest
        from local.aws.sdk_calls import stamp_messages
        from local.clock_control import ClockControl
        from local.control_room.mailbox import Mailbox
        from local.control_room.overview import Customers
        from local.control_room.sent_requests import Outgoing

        endpoint, progress, policy = self._emulator.endpoint, Progress(), wiring.policy()
        verify_senders(endpoint, policy.mail.senders.values() if policy.mail else ())
        simulator, outgoing, calls = self.simulator, Outgoing(), Calls(resources)
        outgoing.watch_stripe()
        calls.watch()
        triggers = function_triggers(
            endpoint,
            resources,
            self._stopping,
            progress,
            lambda id, function: calls.by(id, self._around(id, function)),
            lambda: simulator.await_rest(WINDOW_SECONDS) if simulator else None,
        )
        mailbox = Mailbox(triggers.ses_bus, os.environ.get("CONFIGURATION_SET", ""))
        watch_services(resources, progress, simulator is not None)
        build_services(mailbox, outgoing)
        self.api_key, self.admin_key = new_key("write"), new_key("admin")
        if simulator:
            simulator.register(catalogue(policy))
        self.rest = Rest(
            endpoint,
            resources,
            triggers.stream,
            progress,
            triggers.ses_bus,
            simulator.at_rest if simulator else lambda: True,
        )
        self.clock_control = ClockControl(
            self.rest,
            triggers.sweep,
            progress,
            simulator,
            triggers.watch,
            triggers.schedules,
            lambda: triggers.stream.accounts_changed if triggers.stream.is_on else None,
        )
        stamp_messages(self.clock_control.by_own_clock)
        gateway = ApiGateway(app, policy.signup.sites if policy.signup else ())
        self._app_error = gateway.own_error
        api, webhooks = calls.by("APIHandler", gateway), calls.by("WebhookHandler", gateway)
        self._app = lambda request: (webhooks if _is_webhook(request) else api)(request)
        customers = Customers(self.rest, policy)
        self._control = self._control_room(triggers.stream, mailbox, outgoing, calls, customers)
        for trigger in triggers.all():
            trigger.start()
            self._triggers.append(trigger)

    def _control_room(
        self,
        stream: "StreamTrigger",
        mailbox: "Mailbox",
        outgoing: "Outgoing",
        calls: "Calls",
        customers: "Customers",
    ) -> "Control":
        """The pages and calls below /_local."""
        from chalicelib.runtime import wiring
        from local.aws.partner_bus import PartnerBus
        from local.control_room.control import Control, Facts, Parts

        facts = Facts(
            self.api_key,
            self.webhook_secret,
            self.stripe_base,
            self._emulator.endpoint,
            self.has_simulator,
            self.admin_key,
            self.product_url,
        )
        parts = Parts(
            self.rest,
            self.clock_control,
            stream,
            mailbox,
            outgoing,
            calls,
            customers,
            PartnerBus(wiring.events_queue()),
            self._app,
            self._intercom,
        )
        return Control(facts, parts)

    def answer(self, request: Request) -> Answer:
        """The answer to a request, from whatever network address it names as its own."""
        return self._control(request) if _is_local(request.path) else self._app(request)

    def _own_error(self, path: str, answer: Answer) -> Answer:
        return answer if _is_local(path) else self._app_error(answer)

    def close(self) -> None:
        """End everything: take no more requests, wait a moment for running functions, and stop the
        emulator.
        """
        self._stopping.set()
        self._server.close()
        end = time.monotonic() + LAST_BATCHES_SECONDS
        for trigger in self._triggers:
            trigger.join(max(0, end - time.monotonic()))
        if self.simulator:
            self.simulator.close()
        if self._product:
            self._product.stop()
        if self._intercom:
            self._intercom.close()
        self._emulator.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _random_webhook_secret() -> str:
    return f"whsec_{secrets.token_hex(16)}"


def _is_webhook(request: Request) -> bool:
    from ops.package.template import WEBHOOK_PATH

    return (request.method, request.path) == ("POST", WEBHOOK_PATH)


def _is_local(path: str) -> bool:
    return path == "/_local" or path.startswith("/_local/")


def _not_yet(request: Request) -> Answer:
    return error_answer(503, "starting", "Billhook is starting. Please try again in a moment.")
