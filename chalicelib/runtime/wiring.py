"""The adapters, each built once, when it is first needed."""

import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.policy import Policy
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings

if TYPE_CHECKING:
    from chalicelib.aws.accounts import Accounts
    from chalicelib.aws.api_keys import ApiKeys
    from chalicelib.aws.claims import Claims
    from chalicelib.aws.log import Log
    from chalicelib.aws.queues import Queue
    from chalicelib.aws.secrets import Secrets
    from chalicelib.aws.suppressions import Suppressions
    from chalicelib.stripe_api.transport import StripeTransport
    from chalicelib.usecases.doorkeeper import Captcha, Door
    from chalicelib.usecases.keys import KeyRing
    from chalicelib.usecases.ports import Stripe
    from chalicelib.usecases.post_office import PostOffice
    from chalicelib.usecases.world import World


@cache
def policy() -> Policy:
    """The owner's policy, out of billing.toml in the package. Raises PolicyMistakes."""
    from chalicelib.domain.policy_file import read_policy

    return read_policy((Path(__file__).parent.parent / "billing.toml").read_text())


@cache
def secrets() -> "Secrets":
    """The secrets of this stage."""
    from chalicelib.aws.secrets import Secrets

    return Secrets(settings().parameters_path)


@cache
def accounts() -> "Accounts":
    """The accounts in the table."""
    from chalicelib.aws.accounts import Accounts

    return Accounts(settings().table_name, lambda: secrets().hash_key)


@cache
def log() -> "Log":
    """The timelines in the table."""
    from chalicelib.aws.log import Log

    return Log(settings().table_name)


@cache
def api_keys() -> "ApiKeys":
    """The API keys in the table."""
    from chalicelib.aws.api_keys import ApiKeys

    return ApiKeys(settings().table_name)


@cache
def key_ring() -> "KeyRing":
    """The API keys, as this function remembers them."""
    from chalicelib.usecases.keys import KeyRing

    return KeyRing(api_keys())


@cache
def events_queue() -> "Queue":
    """Where webhooks wait to be taken in."""
    from chalicelib.aws.queues import Queue

    return Queue(settings().events_queue_url)


@cache
def world() -> "World":
    """All that the use cases act on."""
    from chalicelib.aws.calls import Calls
    from chalicelib.aws.comparisons import Comparisons
    from chalicelib.aws.due_index import DueIndex
    from chalicelib.aws.queues import Queue, WorkQueue
    from chalicelib.aws.rounds import Rounds
    from chalicelib.aws.walks import Walks
    from chalicelib.runtime.telemetry import count, measure
    from chalicelib.stripe_api.transport import StripeTransport
    from chalicelib.usecases.world import World

    transport = StripeTransport(lambda: secrets().stripe_api_key, settings().stripe_api_base, count)
    return World(
        accounts=accounts(),
        log=log(),
        dead_letters=Queue(settings().dead_letters_queue_url),
        events_queue=events_queue(),
        due_index=DueIndex(settings().table_name),
        walks=Walks(settings().table_name),
        rounds=Rounds(settings().table_name),
        comparisons=Comparisons(settings().table_name),
        act_queue=WorkQueue(settings().act_queue_url),
        mail_queue=WorkQueue(settings().mail_queue_url),
        stripe=stripe_over(transport),
        calls=Calls(settings().table_name),
        policy=policy(),
        now=clock.now,
        pause=time.sleep,
        count=count,
        measure=measure,
    )


def stripe_over(transport: "StripeTransport") -> "Stripe":
    """Stripe's API by resource, over one transport."""
    from chalicelib.stripe_api.checkout import StripeCheckout
    from chalicelib.stripe_api.customers import StripeCustomers
    from chalicelib.stripe_api.invoices import StripeInvoices
    from chalicelib.stripe_api.listing import StripeListing
    from chalicelib.stripe_api.reader import StripeReader
    from chalicelib.stripe_api.subscriptions import StripeSubscriptions
    from chalicelib.usecases.ports import Stripe

    return Stripe(
        reader=StripeReader(transport),
        listing=StripeListing(transport),
        customers=StripeCustomers(transport),
        checkout=StripeCheckout(transport),
        subscriptions=StripeSubscriptions(transport),
        invoices=StripeInvoices(transport),
    )


@cache
def claims() -> "Claims":
    """The claims of messages in the table."""
    from chalicelib.aws.claims import Claims

    return Claims(settings().table_name)


@cache
def suppressions() -> "Suppressions":
    """The addresses that must not be written to."""
    from chalicelib.aws.suppressions import Suppressions

    return Suppressions(settings().table_name, lambda: secrets().hash_key)


@cache
def post_office() -> "PostOffice":
    """All that sending acts on beside the world."""
    from chalicelib.aws.mailer import Mailer
    from chalicelib.runtime.links import url
    from chalicelib.usecases.post_office import PostOffice

    return PostOffice(Mailer(settings().configuration_set), claims(), suppressions().holds, url)


@cache
def door() -> "Door":
    """What stands between a signup and the world."""
    from chalicelib.aws.limits import Limits
    from chalicelib.runtime.telemetry import count
    from chalicelib.usecases.doorkeeper import Door

    return Door(Limits(settings().table_name, lambda: secrets().hash_key), _captcha(), count)


def _captcha() -> "Captcha | None":
    from chalicelib.captcha.turnstile import BASE, Turnstile

    signup = policy().signup
    return (
        Turnstile(lambda: secrets().captcha_secret, settings().captcha_base or BASE)
        if signup and signup.captcha == "turnstile"
        else None
    )
