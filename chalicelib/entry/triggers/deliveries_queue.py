"""The deliveries queue: events for the owner's endpoints, event bus and channel in Slack, and calls
to the provisioner of instances.
"""

import time
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.changes import channels
from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.messages import Deliver, read_deliver_message, read_instance_message
from chalicelib.usecases.webhooks.deliver import Made, Outgoing, deliver

WRITES_NEED_SECONDS = 10
"""How much of the function's time is left when its last call ends."""

bp = Blueprint(__name__)


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=1,
    # One for each endpoint: none waits for another. Calls for instances take LANES of them at most.
    maximum_concurrency=20,
)
@entrypoint
def deliver_events(event: Any) -> dict[str, Any]:
    """Deliver events to the endpoint of a message. A message that fails is not repeated: it would
    keep its endpoint waiting for minutes, and the next sweep sends another one.
    """
    for record in event.to_dict()["Records"]:
        try:
            _deliver(record["body"], record["messageId"], event.context)
        except Unavailable as failure:
            fields = {"message_id": record["messageId"]}
            logger.warning("Deliveries wait", extra=fields | failure_of(failure))
    return {"batchItemFailures": []}


def _deliver(body: str, message_id: str, context: Any) -> None:
    needed = 1000 * (wiring.delivery_seconds() + WRITES_NEED_SECONDS)

    def has_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > needed)

    if about := read_instance_message(body):
        _call(about.account_id, has_time)
        return
    message = read_deliver_message(body)
    if message is None:
        logger.error("Unknown message in the deliveries queue", extra={"message_id": message_id})
        return
    match message.endpoint_id:
        case channels.BUS:
            _put(message, has_time)
        case channels.SLACK:
            _tell(message, has_time)
        case channels.PEOPLE:
            _tell_people(message, has_time)
        case _:
            outgoing = Outgoing(wiring.caller(), lambda: wiring.secrets().hash_key, has_time)
            _log(message.endpoint_id, deliver(message, wiring.services(), outgoing))


def _call(account_id: str, has_time: Callable[[], bool]) -> None:
    from chalicelib.usecases.instances.call import call_provisioner

    services, is_local = wiring.services(), settings().stage == "local"
    if services.policy.instance is None:  # the policy had instances when the message was sent
        return
    for made in call_provisioner(account_id, wiring.provisioner(), services, has_time, is_local):
        logger.info(
            "The provisioner was called",
            extra={
                "account_id": account_id,
                "request_id": made.request.id,
                "call": made.request.calls,
                "outcome": made.outcome,
                "answer": made.answer.code or "none",
            },
        )


def _put(message: Deliver, has_time: Callable[[], bool]) -> None:
    from chalicelib.usecases.webhooks.to_bus import deliver_to_bus

    for put in deliver_to_bus(message, wiring.services(), wiring.event_bus(), has_time):
        if not put.answer.succeeded:
            fields = {"happening_id": put.delivery.key.event_id, "error": put.answer.error}
            logger.warning("The event bus did not take an event", extra=fields)


def _tell(message: Deliver, has_time: Callable[[], bool]) -> None:
    from chalicelib.usecases.webhooks.to_slack import Channel, deliver_to_slack

    channel = Channel(
        wiring.slack_caller(),
        lambda: wiring.secrets().slack_webhook_url,
        wiring.links().base_url,
        time.sleep,
        has_time,
    )
    for said in deliver_to_slack(message, wiring.services(), channel):
        if not said.answer.succeeded:
            logger.warning("Slack did not take a message", extra={"error": said.answer.error})


def _tell_people(message: Deliver, has_time: Callable[[], bool]) -> None:
    from chalicelib.usecases.webhooks.people.deliver import deliver_to_people
    from chalicelib.usecases.webhooks.people.write import People

    services = wiring.services()
    if services.policy.people is None:  # the policy had one when the message was sent
        return
    people = People(
        wiring.people_system(),
        services.stores.persons,
        lambda email: wiring.suppressions().holds(email, "lifecycle"),
        time.sleep,
        has_time,
    )
    for told in deliver_to_people(message, services, people):
        if told.error:
            fields = {"account_id": told.account_id, "error": told.error}
            logger.warning("The people system did not take something", extra=fields)


def _log(endpoint_id: str, attempts: list[Made]) -> None:
    """One line for a run. Without the URL, which may hold a token, and the answers, which may hold
    anything.
    """
    if not attempts:
        return
    succeeded = sum(made.answer.succeeded for made in attempts)
    logger.info(
        "Events were delivered",
        extra={
            "endpoint_id": endpoint_id,
            "succeeded": succeeded,
            "failed": len(attempts) - succeeded,
            "events": [
                f"{made.delivery.key.event_id} attempt {len(made.delivery.attempts)}"
                f" {made.answer.code or 'no answer'}"
                for made in attempts
            ],
        },
    )
