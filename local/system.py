"""The whole system in one process, with the AWS emulator in another."""

import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chalicelib.domain.outgoing.signature import as_secret
from chalicelib.outreach.check import check_messages
from local.aws.emulator import Emulator
from local.aws.progress import Progress
from local.aws.resources import Resources, create, verify_senders
from local.aws.template import REGION
from local.aws.triggers import Function, Trigger
from local.http_server import Answer, Request, Server, error_answer
from local.intercom.server import IntercomServer
from local.policies import use_example, use_policy
from local.product.process import ExampleProduct
from local.shutdown import Stopped
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.lifecycle.catalogue import catalogue
from ops.stage.signing_keys import new_signing_keys

if TYPE_CHECKING:
    from local.control_room.mailbox import Mailbox
    from local.control_room.sent_requests import Outgoing

LONGEST_PAUSE_SECONDS = 0.01
"""How long a function waits at most where it would wait longer on AWS: for Stripe's rate limit,
which the simulated Stripe does not have, or for other writers.
"""

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
        webhook_secrets = (
            os.environ.get("STRIPE_WEBHOOK_SECRET") or f"whsec_{secrets.token_hex(16)}"
        )
        self.webhook_secret = webhook_secrets.split()[0]
        if not self.stripe_base:
            self._begin("simulated Stripe")
            self._start_simulator()
        parameters = {
            "stripe-api-key": os.environ.get("STRIPE_API_KEY") or "sk_test_local",
            "stripe-webhook-secrets": webhook_secrets,
            "hash-key": secrets.token_hex(32),
            "link-keys": secrets.token_hex(32),
            "signing-keys": new_signing_keys(),
        }
        if slack := os.environ.get("SLACK_WEBHOOK_URL"):
            parameters["slack-webhook-url"] = slack
        parameters |= self._people_parameters()
        made = os.environ.get("INSTANCE_SECRET") or as_secret(secrets.token_bytes(32))
        parameters["instance-secret"] = made
        self._begin("table, queues and secrets")
        resources = create(self._emulator.endpoint, parameters)
        self._begin("functions and control room")
        _set_environment(self._emulator.endpoint, resources, self.stripe_base, self.base)
        self._assemble(resources)
        if self._product:
            self._start_product(self._product, made)
        self._begin("HTTP server")
        self._server.start()

    def _people_parameters(self) -> dict[str, str]:
        """The secrets of the people system: of the stand-in, where it runs."""
        intercom, given = self._intercom, os.environ.get("PEOPLE_WEBHOOK_SECRET", "")
        token = intercom.token if intercom else os.environ.get("PEOPLE_TOKEN", "")
        told = " ".join(filter(None, (given, intercom.webhook_secret if intercom else "")))
        found = {"people-token": token, "people-webhook-secrets": told}
        return {name: value for name, value in found.items() if value}

    def _start_product(self, product: ExampleProduct, secret: str) -> None:
        from chalicelib.runtime import wiring
        from chalicelib.runtime.clock import clock
        from chalicelib.usecases.accounts.api_keys import create_key

        key = create_key(wiring.api_keys(), "write", "example-product", clock.now())
        product.start(self.base, key, secret, clock)

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
        from local.aws.partner_bus import PartnerBus
        from local.aws.queue_drain import Rest
        from local.clock_control import Clockwork
        from local.control_room.control import Control, Facts, Parts
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
        _watch_services(resources, progress, simulator is not None)
        self.api_key, self.admin_key = _build_services(mailbox, outgoing)
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
        self.clockwork = Clockwork(
            self.rest,
            triggers.sweep,
            progress,
            simulator,
            triggers.watch,
            triggers.schedules,
            lambda: triggers.stream.accounts_changed if triggers.stream.is_on else None,
        )
        gateway = ApiGateway(app, policy.signup.sites if policy.signup else ())
        self._app_error = gateway.own_error
        api, webhooks = calls.by("APIHandler", gateway), calls.by("WebhookHandler", gateway)
        self._app = lambda request: (webhooks if _is_webhook(request) else api)(request)
        self._control = Control(
            Facts(
                self.api_key,
                self.webhook_secret,
                self.stripe_base,
                endpoint,
                simulator is not None,
                self.admin_key,
                self.product_url,
            ),
            Parts(
                self.rest,
                self.clockwork,
                triggers.stream,
                mailbox,
                outgoing,
                calls,
                Customers(self.rest, policy),
                PartnerBus(wiring.events_queue()),
                self._app,
                self._intercom,
            ),
        )
        for trigger in triggers.all():
            trigger.start()
            self._triggers.append(trigger)

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


def _watch_services(resources: Resources, progress: Progress, is_simulated: bool) -> None:
    """Tell the triggers of what the functions send. With the simulated Stripe, let functions pause
    for a moment only: otherwise minutes of a story are waits.
    """
    from chalicelib.runtime import wiring
    from local.aws.progress import WatchedGroupedQueue, WatchedQueue, WatchedWorkQueue

    services = wiring.services()
    queues, clock = services.queues, services.clock
    events = WatchedQueue(queues.events, resources.events_queue_url, progress)
    queues = replace(
        queues,
        events=events,
        act=WatchedWorkQueue(queues.act, resources.queue("ActQueue").ref, progress),
        mail=WatchedWorkQueue(queues.mail, resources.queue("MailQueue").ref, progress),
        deliveries=WatchedGroupedQueue(
            queues.deliveries, resources.queue("DeliveriesQueue").ref, progress
        ),
    )
    if is_simulated:
        clock = replace(
            clock, pause=lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE_SECONDS))
        )
    services = replace(services, queues=queues, clock=clock)
    wiring.services, wiring.events_queue = cache(lambda: services), cache(lambda: events)


def _build_services(mailbox: "Mailbox", outgoing: "Outgoing") -> tuple[str, str]:
    """Build what the functions share, with a mailer whose mail reaches the mailbox too; two new API
    keys, for the product and for its operators. A function on Lambda has one thread. Here many
    share what is otherwise built on first use, so it is built now, and nothing is counted.
    """
    from chalicelib.aws.events.bus import EventBus
    from chalicelib.aws.mail.mailer import client as ses_client
    from chalicelib.aws.mail.suppressions import SesSuppressionList
    from chalicelib.runtime import telemetry, wiring
    from chalicelib.runtime.clock import clock
    from chalicelib.usecases.accounts.api_keys import create_key
    from local.control_room.mailbox import WatchedMailer
    from local.control_room.sent_requests import (
        WatchedBus,
        WatchedCaller,
        WatchedMachines,
        WatchedPeople,
        WatchedSlack,
    )

    telemetry.metrics.add_metric = _uncounted  # type: ignore[method-assign]
    wiring.cloudwatch = NothingCounted
    wiring.services()
    wiring.events_queue()
    wiring.key_ring()
    wiring.suppressions()
    wiring.signup_guard()
    assert wiring.secrets().hash_key
    check_messages(wiring.policy())
    mail = wiring.mail_services()
    mail = replace(mail, mailer=WatchedMailer(mail.mailer, mailbox, outgoing))
    wiring.mail_services = cache(lambda: mail)
    caller = WatchedCaller(wiring.caller(), outgoing, "webhook")
    wiring.caller = cache(lambda: caller)
    slack, bus = WatchedSlack(wiring.slack_caller(), outgoing), WatchedBus(EventBus(), outgoing)
    wiring.slack_caller, wiring.event_bus = cache(lambda: slack), cache(lambda: bus)
    provisioner = WatchedCaller(wiring.instance_caller(), outgoing, "instance")
    machines = WatchedMachines(wiring.state_machines(), outgoing)
    wiring.instance_caller = cache(lambda: provisioner)
    people = WatchedPeople(wiring.people_caller(), outgoing)
    wiring.people_caller = cache(lambda: people)
    wiring.state_machines = cache(lambda: machines)
    listed = SesSuppressionList(mailbox.suppressed.attach(ses_client()))
    wiring.ses_suppressions = cache(lambda: listed)
    store, now = wiring.api_keys(), clock.now()
    return create_key(store, "write", "local", now), create_key(store, "admin", "local", now)


def _is_webhook(request: Request) -> bool:
    from ops.package.template import WEBHOOK_PATH

    return (request.method, request.path) == ("POST", WEBHOOK_PATH)


def _is_local(path: str) -> bool:
    return path == "/_local" or path.startswith("/_local/")


def _not_yet(request: Request) -> Answer:
    return error_answer(503, "starting", "Billhook is starting. Please try again in a moment.")


class NothingCounted:
    """CloudWatch of a system that nothing counts: no statistic has a value."""

    def get_metric_statistics(self, **_: object) -> dict[str, list[object]]:
        return {"Datapoints": []}


def _uncounted(*_: object, **__: object) -> None:
    """In place of a metric."""


def _set_environment(endpoint: str, resources: Resources, stripe_base: str, base: str) -> None:
    """Turn this process into the functions' environment: every AWS client of it goes to the
    emulator, whatever the machine's own settings say.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    own_hosts = "127.0.0.1,localhost"
    os.environ |= resources.environment() | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "STAGE": "local",
        "LIVEMODE": "false",
        "WEBHOOKS": "true",
        "EXPORT_BUCKET": _export_bucket(resources),
        "STRIPE_API_BASE": stripe_base,
        "BASE_URL": base,
        "POWERTOOLS_SERVICE_NAME": "billhook",
        "POWERTOOLS_METRICS_NAMESPACE": "Billhook",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "1",
        "LOG_LEVEL": "WARNING",
        "NO_PROXY": own_hosts,
        "no_proxy": own_hosts,
    }


def _export_bucket(resources: Resources) -> str:
    """Where nightly exports go; empty unless they are asked for, since each moved day makes one."""
    wanted = os.environ.get("NIGHTLY_EXPORT") == "true"
    return resources.made["ExportBucket"].ref if wanted else ""
