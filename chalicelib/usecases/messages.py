"""The messages of the act, mail and deliveries queues, and how each is written and read.

A message is one flat JSON object of texts. Its keys are stored: messages wait in the queues while a
release goes out, so a new release reads what the old one wrote.
"""

import json
from dataclasses import asdict
from datetime import datetime

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.security.signup import SignupRequest
from chalicelib.domain.webhooks.delivery import DeliveryKey
from chalicelib.values import frozen


@frozen
class ProcessAccount:
    """Process an account that is due."""

    account_id: str

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        return {"account_id": self.account_id}


@frozen
class SignUp:
    """Sign a visitor up under this account id; with `confirm` the trial waits for a mailed link."""

    account_id: str
    request: SignupRequest
    confirm: bool

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        request = asdict(self.request)
        if self.request.language is None:
            # A message that the previous release can read too, unless it says more than that knew.
            del request["language"]
        text = json.dumps({"id": self.account_id, "confirm": self.confirm, "wish": request})
        return {"sign_up": text}


@frozen
class SignIn:
    """Mail a sign-in link to this address, if an account has it."""

    email: str

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        return {"sign_in": self.email}


@frozen
class SignInOperator:
    """Mail a link to the dashboard to this address, if it is an operator's. It was asked for at
    this second.
    """

    email: str
    asked_at: str

    def dump(self) -> dict[str, str]:
        """The message as it is queued, in the act queue and then in the mail queue."""
        return {"operator_sign_in": self.email, "asked_at": self.asked_at}


@frozen
class SendMessage:
    """Send one message, `step@occasion`, to the customer."""

    account_id: str
    key: str

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        return {"account_id": self.account_id, "key": self.key}


@frozen
class SendNotice:
    """Send the team a notice of a domain event."""

    account_id: str
    event: DomainEvent

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        one = self.event
        text = json.dumps(
            {"id": one.id, "type": one.type, "at": one.at.isoformat(), "data": one.data}
        )
        return {"account_id": self.account_id, "happening": text}


@frozen
class SendDigest:
    """Send the team the digest of a day, `2026-03-02`."""

    day: str

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        return {"digest": self.day}


@frozen
class SendEndpointNotice:
    """Tell the team that an endpoint of outgoing webhooks was disabled at a time."""

    endpoint_id: str
    disabled_at: str

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        return {"endpoint_id": self.endpoint_id, "disabled_at": self.disabled_at}


@frozen
class Deliver:
    """Deliver what is due to an endpoint, these deliveries first. `sent` tells apart messages that
    say the same.
    """

    endpoint_id: str
    keys: tuple[DeliveryKey, ...] = ()
    sent: str = ""

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        keys = json.dumps([[key.at.isoformat(), key.event_id] for key in self.keys])
        sent = {"sent": self.sent} if self.sent else {}
        return {"endpoint_id": self.endpoint_id, "deliveries": keys, **sent}


@frozen
class CallProvisioner:
    """Make the call that is due for an account's instance. `about` tells apart messages that ask
    for another call, or a minute later.
    """

    account_id: str
    about: str = ""

    def dump(self) -> dict[str, str]:
        """The message as it is queued."""
        about = {"about": self.about} if self.about else {}
        return {"instance_of": self.account_id, **about}


ActMessage = ProcessAccount | SignUp | SignIn | SignInOperator
MailMessage = SendMessage | SendNotice | SendDigest | SendEndpointNotice | SignInOperator


def read_act_message(body: str) -> ActMessage | None:
    """A message of the act queue; None if nothing of ours wrote it.

    Raises KeyError, TypeError or ValueError for a signup that cannot be read.
    """
    texts = _texts(body)
    if "account_id" in texts:
        return ProcessAccount(texts["account_id"])
    if "sign_in" in texts:
        return SignIn(texts["sign_in"])
    if texts.keys() == {"operator_sign_in", "asked_at"}:
        return SignInOperator(texts["operator_sign_in"], texts["asked_at"])
    if "sign_up" in texts:
        raw = json.loads(texts["sign_up"])
        return SignUp(raw["id"], SignupRequest(**raw["wish"]), raw["confirm"])
    return None


def read_mail_message(body: str) -> MailMessage | None:
    """A message of the mail queue; None if nothing of ours wrote it.

    Raises KeyError, TypeError or ValueError for a domain event that cannot be read.
    """
    texts = _texts(body)
    if texts.keys() == {"digest"}:
        return SendDigest(texts["digest"])
    if texts.keys() == {"endpoint_id", "disabled_at"}:
        return SendEndpointNotice(texts["endpoint_id"], texts["disabled_at"])
    if texts.keys() == {"operator_sign_in", "asked_at"}:
        return SignInOperator(texts["operator_sign_in"], texts["asked_at"])
    if texts.keys() == {"account_id", "key"}:
        return SendMessage(texts["account_id"], texts["key"])
    if texts.keys() == {"account_id", "happening"}:
        raw = json.loads(texts["happening"])
        at = datetime.fromisoformat(raw["at"])
        return SendNotice(texts["account_id"], DomainEvent(raw["id"], raw["type"], at, raw["data"]))
    return None


def read_instance_message(body: str) -> CallProvisioner | None:
    """A message of the deliveries queue about an instance; None if it is none."""
    texts = _texts(body)
    if "instance_of" not in texts:
        return None
    return CallProvisioner(texts["instance_of"], texts.get("about", ""))


def read_deliver_message(body: str) -> Deliver | None:
    """A message of the deliveries queue; None if nothing of ours wrote it.

    Raises KeyError, TypeError or ValueError for keys that cannot be read.
    """
    texts = _texts(body)
    if "endpoint_id" not in texts:
        return None
    id = texts["endpoint_id"]
    keys = tuple(
        DeliveryKey(id, datetime.fromisoformat(at), event_id)
        for at, event_id in json.loads(texts["deliveries"])
    )
    return Deliver(id, keys, texts.get("sent", ""))


def _texts(body: str) -> dict[str, str]:
    """The object in a message; empty unless all its values are texts that are not empty."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(raw, dict) or not all(isinstance(one, str) and one for one in raw.values()):
        return {}
    return raw
