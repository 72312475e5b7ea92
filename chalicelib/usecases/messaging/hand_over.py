"""A step that the people system sends: an event goes there in place of the mail."""

from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.people.deliveries import step
from chalicelib.usecases.fan_out import wake
from chalicelib.usecases.services import Services


def hand_over(account: Account, mail: DueMessage, services: Services) -> None:
    """Have the event of a step told. The same again tells none anew: its delivery has the time at
    which the message was queued. Raises Unavailable.
    """
    queued = account.mails[mail.key].at
    id = f"{account.id}.{mail.key}"
    told = step(account.id, mail.key, mail.step.sequence, id, queued)
    services.stores.deliveries.add(told)
    wake([told.key], services)
