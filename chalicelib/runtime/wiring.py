"""The adapters and the services of the use cases, each built once, when it is first needed."""

import json
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from chalicelib.aws.accounts import Accounts
    from chalicelib.aws.directory import Directory
    from chalicelib.aws.events.audit import AuditLog
    from chalicelib.aws.events.timeline import Timelines
    from chalicelib.aws.keys.api_keys import ApiKeys
    from chalicelib.aws.keys.secrets import Secrets
    from chalicelib.aws.keys.sessions import OperatorSessions
    from chalicelib.aws.mail.send_claims import SendClaims
    from chalicelib.aws.mail.suppressions import SesSuppressionList, Suppressions
    from chalicelib.aws.stage.metrics import StageMetrics
    from chalicelib.aws.stage.queue_states import QueueStates
    from chalicelib.domain.changes.dead_letters import DeadLetter
    from chalicelib.domain.policy.policy import Policy
    from chalicelib.outgoing.transport import Transport
    from chalicelib.runtime.access_tokens import AccessTokens
    from chalicelib.runtime.links import Links
    from chalicelib.stripe_api.transport import StripeTransport
    from chalicelib.usecases.accounts.api_keys import KeyRing
    from chalicelib.usecases.instances.call import Provisioner
    from chalicelib.usecases.operators.audit import Act
    from chalicelib.usecases.operators.dead_letters.handling import DeadLetters, Senders
    from chalicelib.usecases.ports.figures import ExportFiles
    from chalicelib.usecases.ports.outgoing import Bus, Caller, MethodCaller, StateMachines
    from chalicelib.usecases.ports.queues import MessageQueue
    from chalicelib.usecases.ports.security import Captcha
    from chalicelib.usecases.ports.stripe import Stripe
    from chalicelib.usecases.services import MailServices, Services, SignupGuard
    from chalicelib.usecases.webhooks.people.system import PeopleSystem


@cache
def policy() -> "Policy":
    """The owner's policy, from billing.toml in the package. Raises PolicyMistakes."""
    from chalicelib.domain.policy.read import read_policy

    return read_policy((Path(__file__).parent.parent / "billing.toml").read_text())


@cache
def secrets() -> "Secrets":
    """The secrets of this stage."""
    from chalicelib.aws.keys.secrets import Secrets

    return Secrets(settings().parameters_path)


def links() -> "Links":
    """This stage's URLs. The base URL is this stage's setting, else the one in billing.toml."""
    from chalicelib.runtime.links import Links

    return Links(settings().base_url or policy().base_url, lambda: secrets().link_keys)


def access_tokens() -> "AccessTokens":
    """This stage's access tokens."""
    from chalicelib.runtime.access_tokens import AccessTokens

    return AccessTokens(links().base_url, lambda: secrets().signing_keys)


@cache
def accounts() -> "Accounts":
    """The accounts in the table."""
    from chalicelib.aws.accounts import Accounts

    return Accounts(settings().table_name, lambda: secrets().hash_key)


@cache
def timelines() -> "Timelines":
    """The timelines in the table."""
    from chalicelib.aws.events.timeline import Timelines

    return Timelines(settings().table_name)


@cache
def api_keys() -> "ApiKeys":
    """The API keys in the table."""
    from chalicelib.aws.keys.api_keys import ApiKeys

    return ApiKeys(settings().table_name)


@cache
def operator_sessions() -> "OperatorSessions":
    """The sessions of the dashboard in the table."""
    from chalicelib.aws.keys.sessions import OperatorSessions

    return OperatorSessions(settings().table_name)


@cache
def directory() -> "Directory":
    """The lists of accounts in the table."""
    from chalicelib.aws.directory import Directory

    return Directory(settings().table_name)


@cache
def key_ring() -> "KeyRing":
    """The API keys, with this function's cache of them."""
    from chalicelib.usecases.accounts.api_keys import KeyRing

    return KeyRing(api_keys())


@cache
def audit_log() -> "AuditLog":
    """The audit log in the table."""
    from chalicelib.aws.events.audit import AuditLog

    return AuditLog(settings().table_name)


@contextmanager
def audited(act: "Act") -> "Iterator[None]":
    """Within it, what an operator or a key does goes into the audit log before the first write to
    the table or to Stripe. What writes nothing leaves no entry. Where that write was of no account,
    the same entry is completed before the first that is.
    """
    from chalicelib.aws.write_hook import before_first_write
    from chalicelib.usecases.operators.audit import entry, entry_id

    id, at = entry_id(act), clock.now()
    with before_first_write(
        lambda before, after: audit_log().put(entry(act, before, after, policy(), at, id)),
        and_of_account=act.account_id is not None,
    ):
        yield


def note(act: "Act") -> None:
    """Put into the audit log what an assistant reads, or what is done outside of the table."""
    from chalicelib.usecases.operators.audit import entry

    audit_log().put(entry(act, None, None, policy(), clock.now()))


@cache
def events_queue() -> "MessageQueue":
    """The queue of Stripe's events that wait to be ingested."""
    from chalicelib.aws.queues import Queue

    return Queue(settings().events_queue_url)


@cache
def services() -> "Services":
    """The services of the use cases."""
    from chalicelib.aws.due_index import DueIndex
    from chalicelib.aws.events.feed import EventFeed
    from chalicelib.aws.events.persons import Persons
    from chalicelib.aws.events.webhooks import Deliveries, EndpointList
    from chalicelib.aws.figures import Figures
    from chalicelib.aws.idempotency import StoredResponses
    from chalicelib.aws.jobs.job_states import JobStates
    from chalicelib.aws.jobs.replan_state import ReplanStates
    from chalicelib.aws.mail.mail_counts import MailCounts
    from chalicelib.aws.partition import Partition
    from chalicelib.aws.queues import GroupedQueue, Queue, WorkQueue
    from chalicelib.aws.rate_counters import Mailboxes
    from chalicelib.aws.reconciliation import ReconciliationState
    from chalicelib.aws.write_hook import about_to_write
    from chalicelib.runtime.telemetry import count, log_published, measure
    from chalicelib.stripe_api.transport import StripeTransport
    from chalicelib.usecases.services import Clock, Metrics, Queues, Services, Stores

    transport = StripeTransport(
        lambda: secrets().stripe_api_key, settings().stripe_api_base, about_to_write
    )
    table = settings().table_name
    return Services(
        stores=Stores(
            accounts=accounts(),
            timeline=timelines(),
            responses=StoredResponses(table),
            due_index=DueIndex(table),
            job_states=JobStates(table),
            replan_states=ReplanStates(table),
            reconciliation=ReconciliationState(table),
            mailboxes=Mailboxes(table, lambda: secrets().hash_key),
            partitions=Partition(table),
            feed=EventFeed(table),
            endpoints=EndpointList(table),
            deliveries=Deliveries(table),
            figures=Figures(table, lambda: secrets().hash_key),
            persons=Persons(table),
            mail_counts=MailCounts(table),
        ),
        queues=Queues(
            events=events_queue(),
            act=WorkQueue(settings().act_queue_url),
            mail=WorkQueue(settings().mail_queue_url),
            deliveries=GroupedQueue(settings().deliveries_queue_url),
            dead_letters=Queue(settings().dead_letters_queue_url),
        ),
        stripe=stripe_over(transport),
        clock=Clock(now=clock.now, pause=time.sleep),
        metrics=Metrics(count=count, measure=measure),
        policy=policy(),
        proof_of=proof_of,
        log_published=log_published,
        livemode=settings().livemode,
    )


@cache
def caller() -> "Caller":
    """What calls the URLs of endpoints: of this machine in the local system alone."""
    return _transport()


def _transport(most_read: int | None = None) -> "Transport":
    from chalicelib.outgoing.transport import MOST_READ, Transport

    is_local = settings().stage == "local"
    return Transport(delivery_seconds(), loopback=is_local, most_read=most_read or MOST_READ)


def delivery_seconds() -> float:
    """How long a delivery to an endpoint may take."""
    return float(settings().delivery_seconds or 20)


@cache
def event_bus() -> "Bus":
    """The event buses that events are put onto."""
    from chalicelib.aws.events.bus import EventBus

    return EventBus()


@cache
def slack_caller() -> "Caller":
    """What calls Slack: the same as `caller`, which the local system shows apart."""
    return _transport()


@cache
def people_caller() -> "MethodCaller":
    """What calls the people system: the same as `caller`, which the local system shows apart."""
    return _transport(most_read=4 * 1024 * 1024)  # a page of 50 contacts


def people_system() -> "PeopleSystem":
    """The people system that the policy names."""
    from chalicelib.usecases.webhooks.people.connect import connected

    people = policy().people
    assert people
    return connected(people, people_caller(), secrets().people_token, clock.now)


@cache
def instance_caller() -> "Caller":
    """What calls the provisioner: the same as `caller`, which the local system shows apart."""
    return _transport()


@cache
def state_machines() -> "StateMachines":
    """The owner's state machines."""
    from chalicelib.aws.events.state_machines import Executions

    return Executions()


def provisioner() -> "Provisioner":
    """What billing.toml names to make instances. Raises NotPossible if it names none."""
    from chalicelib.domain.policy.instance import DEFAULT_BUS, EVENTBRIDGE, machine_of
    from chalicelib.usecases.instances.report import instance_policy
    from chalicelib.usecases.instances.targets import BusTarget, EndpointTarget, MachineTarget

    made_by = instance_policy(services())
    target = made_by.target
    if target == EVENTBRIDGE:
        return BusTarget(policy().bus.name or DEFAULT_BUS, event_bus())
    if machine := machine_of(made_by):
        return MachineTarget(machine, state_machines())
    return EndpointTarget(target, instance_caller(), lambda: secrets().instance_secret.split())


def proof_of(account_id: str) -> str:
    """The proof of an account in Stripe's metadata."""
    from chalicelib.domain.security.account_proof import account_proof

    return account_proof(account_id, secrets().hash_key)


def stripe_over(transport: "StripeTransport") -> "Stripe":
    """Stripe's API, grouped by resource, over one transport."""
    from chalicelib.stripe_api.checkout import StripeCheckout
    from chalicelib.stripe_api.customers import StripeCustomers
    from chalicelib.stripe_api.invoices import StripeInvoices
    from chalicelib.stripe_api.listing import StripeListing
    from chalicelib.stripe_api.reader import StripeReader
    from chalicelib.stripe_api.subscriptions import StripeSubscriptions
    from chalicelib.usecases.ports.stripe import Stripe

    return Stripe(
        reader=StripeReader(transport),
        listing=StripeListing(transport),
        customers=StripeCustomers(transport),
        checkout=StripeCheckout(transport),
        subscriptions=StripeSubscriptions(transport),
        invoices=StripeInvoices(transport),
    )


@cache
def claims() -> "SendClaims":
    """The send claims in the table."""
    from chalicelib.aws.mail.send_claims import SendClaims

    return SendClaims(settings().table_name)


@cache
def suppressions() -> "Suppressions":
    """The suppressed addresses in the table."""
    from chalicelib.aws.mail.suppressions import Suppressions

    return Suppressions(settings().table_name, lambda: secrets().hash_key)


@cache
def mail_services() -> "MailServices":
    """The services that sending needs in addition to `services`."""
    from chalicelib.aws.mail.mailer import Mailer
    from chalicelib.usecases.services import MailServices

    held = suppressions()
    mailer = Mailer(settings().configuration_set)
    form = f"{links().base_url}/sign-in"
    return MailServices(mailer, claims(), held.holds, links().url, held.mark, form)


@cache
def ses_suppressions() -> "SesSuppressionList":
    """SES's own list of suppressed addresses."""
    from chalicelib.aws.mail.suppressions import SesSuppressionList

    return SesSuppressionList()


@cache
def stage_metrics() -> "StageMetrics":
    """How this stage does, as AWS counts it."""
    from chalicelib.aws.stage.metrics import StageMetrics

    queues = {
        "EventsWaitLong": settings().events_queue_url,
        "ActsWaitLong": settings().act_queue_url,
        "MailsWaitLong": settings().mail_queue_url,
    }
    functions = dict(pair.split("=", 1) for pair in settings().functions.split(",") if pair)
    return StageMetrics(
        settings().stack,
        functions,
        queues,
        settings().dead_letters_queue_url,
        cloudwatch(),
        event_source=settings().stripe_event_source,
    )


def cloudwatch() -> "Any":
    """CloudWatch, by boto3, which takes long to load: only what looks at the stage needs it."""
    import boto3

    return boto3.client("cloudwatch")


def queue_states() -> "QueueStates":
    """The queues of this stage, with how long messages wait by AWS's counts. The local system has
    none of these.
    """
    from chalicelib.aws.stage.queue_states import QueueStates

    one = settings()
    urls = {
        "events": one.events_queue_url,
        "act": one.act_queue_url,
        "mail": one.mail_queue_url,
        "deliveries": one.deliveries_queue_url,
        "dead_letters": one.dead_letters_queue_url,
    }
    return QueueStates(urls, lambda url, now: stage_metrics().oldest(url, now))


def dead_letters() -> "DeadLetters":
    """The dead letters, for one look: what it hides from others is there again in a minute."""
    from chalicelib.aws.stage.dead_letters import DeadLetterQueue
    from chalicelib.usecases.operators.dead_letters.reading import read_letter

    return DeadLetterQueue(settings().dead_letters_queue_url, read_letter, out_of_sight=60)


def dead_letter_senders() -> "Senders":
    """What sends a dead letter back. What SES reported is taken here at once."""
    from chalicelib.aws.queues import GroupedQueue, Queue
    from chalicelib.usecases.messaging.delivery_feedback import take_feedback
    from chalicelib.usecases.operators.dead_letters.handling import senders_to

    def take(told: "Mapping[str, Any]", letter: "DeadLetter") -> None:
        take_feedback(json.dumps(told), services(), claims(), suppressions())

    queues = {
        "events": Queue(settings().events_queue_url),
        "act": Queue(settings().act_queue_url),
        "mail": Queue(settings().mail_queue_url),
    }
    return senders_to(queues, GroupedQueue(settings().deliveries_queue_url), take)


@cache
def export_files(bucket: str) -> "ExportFiles":
    """The files of nightly exports."""
    from chalicelib.aws.jobs.export_files import BucketFiles

    return BucketFiles(bucket)


@cache
def signup_guard() -> "SignupGuard":
    """The services that limit signups: rate counters and the CAPTCHA, if the policy uses one."""
    from chalicelib.aws.rate_counters import RateCounters
    from chalicelib.runtime.telemetry import count
    from chalicelib.usecases.services import SignupGuard

    return SignupGuard(
        RateCounters(settings().table_name, lambda: secrets().hash_key), _captcha(), count
    )


def _captcha() -> "Captcha | None":
    from chalicelib.captcha.turnstile import BASE, Turnstile

    signup = policy().signup
    return (
        Turnstile(lambda: secrets().captcha_secret, settings().captcha_base or BASE)
        if signup and signup.captcha == "turnstile"
        else None
    )
