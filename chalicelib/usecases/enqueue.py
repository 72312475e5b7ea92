"""Queueing an account for processing when it is due."""

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import Unavailable
from chalicelib.usecases.messages import ProcessAccount
from chalicelib.usecases.services import Services


def enqueue_if_due(account: Account, services: Services) -> None:
    """Have what is due now done now rather than at the next sweep. Should it be lost, the sweep
    does it.
    """
    if account.due_at and account.due_at <= services.clock.now():
        try:
            services.queues.act.send(ProcessAccount(account.id).dump())
        except Unavailable:
            return
