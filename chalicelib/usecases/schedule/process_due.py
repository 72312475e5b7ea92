"""Process an account that is due: do its due work, and set when it is due next."""

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.schedule.expected_updates import fetching_overdue
from chalicelib.domain.schedule.processing import after_processing
from chalicelib.domain.schedule.versions import failed
from chalicelib.usecases.billing.run_operation import run_operations
from chalicelib.usecases.fan_out import wake_instances
from chalicelib.usecases.ingestion.fetching import StripeFetcher, fetch_pending
from chalicelib.usecases.messages import SendMessage
from chalicelib.usecases.publishing import publish_worker_outbox, without_published
from chalicelib.usecases.schedule.forget import (
    clear_rest,
    erase_after_instance,
    has_instance_to_leave,
    is_to_be_erased,
    leave_instance,
)
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.services import Services
from chalicelib.values import frozen, replace


@frozen
class DueOutcome:
    """The result for a due account: `acted`, `nothing` (not due, or another writer was faster),
    `failed` (it rests) or `dead` (it is not tried again). `failure` is the exception, if there was
    one.
    """

    effect: str
    failure: Exception | None = None


def process_due_account(account_id: str, services: Services) -> DueOutcome:
    """Do what is due for an account, save it, and queue its messages.

    The save is the claim: of several workers one saves, and only that one queues messages. If it
    stops in between, the schedule queues the messages that are marked as queued once more. Raises
    Unavailable if the table or a queue cannot be reached; then, and after a crash, this is to be
    called again.
    """
    services = replace(services, comes_again=True)
    account = services.stores.accounts.load(account_id)
    if account is None:
        clear_rest(account_id, services)
        return DueOutcome("nothing")
    account = without_published(account, services)
    if account.due_at is None or account.due_at > services.clock.now():
        # It comes again after it was interrupted, or was called twice.
        publish_worker_outbox(account, services)
        return DueOutcome("nothing")
    try:
        _process(account, services)
    except ConcurrentUpdate:
        # Somebody applied facts meanwhile, and set when the account is due.
        return DueOutcome("nothing")
    except Unavailable:
        raise  # not the account's fault: it stays due
    except Exception as failure:
        return DueOutcome(_rest(account_id, failure, services), failure)
    return DueOutcome("acted")


def _process(account: Account, services: Services) -> None:
    if account.outbox:
        publish_outbox(account.id, services)
        account = services.stores.accounts.load(account.id) or account
    if is_to_be_erased(account, services):
        erase_after_instance(account, services)
        return
    if has_instance_to_leave(account, services):
        leave_instance(account, services)
        return
    account = run_operations(account, services)
    now = services.clock.now()
    to_fetch = fetching_overdue(account, now)
    services.metrics.count("OwedNewsAsked", int(to_fetch != account))
    fetched = fetch_pending(to_fetch, [], StripeFetcher(services))
    processed = after_processing(account, fetched, services.policy, now, by_worker=True)
    services.stores.timeline.put(_entry(account.id, message) for message in processed.missed)
    services.stores.accounts.save(account, processed.account)
    for key in processed.to_send:
        services.queues.mail.send(SendMessage(account.id, key).dump())
    if processed.account.worker_outbox:
        publish_worker_outbox(processed.account, services)
    else:
        wake_instances([processed.account], services)


def _rest(account_id: str, failure: Exception, services: Services) -> str:
    """Let an account rest after a failure, so that it does not delay the others. Returns the
    `effect` of DueOutcome.
    """
    account = services.stores.accounts.load(account_id)
    if account is None:
        return "nothing"
    rested = failed(without_published(account, services), services.clock.now())
    try:
        services.stores.accounts.save(account, rested)
    except ConcurrentUpdate:
        return "nothing"
    if rested.due_at:
        services.metrics.count("ActsFailed", 1)
        return "failed"
    services.metrics.count("AccountsDead", 1)
    services.stores.timeline.put(
        [
            Entry(
                account_id,
                services.clock.now(),
                "dead",
                f"{rested.version}",
                "account.dead",
                {"failure": type(failure).__name__},
            )
        ]
    )
    return "dead"


def _entry(account_id: str, message: DueMessage) -> Entry:
    return Entry(
        account_id,
        message.until,
        "mail",
        message.key,
        "mail.passed",
        {"message": message.step.message, "until": message.until},
    )
