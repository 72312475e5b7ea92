"""Carry out what an operator orders for an account's instance."""

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.parts.instance import InstanceOrdered
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import NotPossible
from chalicelib.domain.instances.call_times import deadline_of
from chalicelib.usecases.fan_out import wake_instances
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.instances.report import instance_policy
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services


def order_instance(account_id: str, order: str, services: Services) -> Account:
    """The account with an order, one of ORDERS. What follows is asked of the provisioner at once.

    Raises AccountNotFound; NotPossible if the account has no instance, if there is nothing to
    retry, or if what has access would be deleted; Unavailable.
    """
    policy = instance_policy(services)
    account = require_account(account_id, services.stores.accounts)
    now = services.clock.now()

    def check(found: Account) -> None:
        instance = found.instance
        is_held = instance is not None and order == "resume" and instance.order == "suspended"
        if instance is None or not (instance.exists or instance.open_request or is_held):
            raise NotPossible("The account has no instance.")
        request = instance.open_request
        if order == "retry" and not (request and (request.trouble or request.turn)):
            raise NotPossible("Nothing has stalled or failed, so there is nothing to retry.")
        if order == "delete" and standing(found, services.policy, now).access != "none":
            raise NotPossible(
                "The account has access, so its instance is in use. Suspend it, or end the access"
                " first."
            )

    request = account.instance.open_request if account.instance else None
    deadline = deadline_of(request.action if request else order, policy, now)
    fact = InstanceOrdered(order, now, deadline)
    account = apply_facts(account, [fact], services, None, check=check)
    wake_instances([account], services)
    return account
