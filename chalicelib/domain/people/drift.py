"""What differs between a contact at Intercom and the account that it stands for."""

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.people.contact import Contact
from chalicelib.domain.people.intercom import contact_body
from chalicelib.domain.people.state import Person

MISSING = "there is no contact"
UNKNOWN = "there is a contact, and no account"


def differences(contact: Contact, person: Person, row: Mapping[str, Any]) -> Iterator[str]:
    """What is not in a contact of Intercom's list as it would be written now, for people. Addresses
    differ by more than case. A contact that was made without its address does not differ by that.
    """
    wanted = contact_body(
        contact, not person.without_email, person.named, person.is_ours_to_subscribe
    )
    attributes = wanted.pop("custom_attributes")
    held = row.get("custom_attributes")
    held = held if isinstance(held, dict) else {}
    for name, value in {**wanted, **attributes}.items():
        theirs = held.get(name) if name in attributes else row.get(name)
        if _plain(name, theirs) != _plain(name, value):
            yield f"{name} is {_told(theirs)}, and must be {_told(value)}"


def is_ours(row: Mapping[str, Any], mode: str) -> bool:
    """Whether Billhook has written a contact of the list in this mode. Others are of the product's
    own users, or of another stage.
    """
    attributes = row.get("custom_attributes")
    return isinstance(attributes, dict) and attributes.get("billing_mode") == mode


def _plain(name: str, value: Any) -> Any:
    return value.lower() if name == "email" and isinstance(value, str) else value


def _told(value: Any) -> str:
    return "empty" if value is None else repr(value)
