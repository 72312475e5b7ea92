"""An address that gets mail again is subscribed again at the people system."""

from dataclasses import replace

from chalicelib.usecases.messaging.lift_suppression import lift_suppression
from tests.unit.usecases.webhooks.people.scene import PeopleScene

ADA = "ada@example.com"


class Listed:
    """A list of suppressed addresses, which is that of the scene."""

    def __init__(self, addresses: set[str]) -> None:
        self.addresses = addresses

    def lift(self, email: str) -> bool:
        was_there = email in self.addresses
        self.addresses.discard(email)
        return was_there


def test_the_contact_of_a_lifted_address_is_subscribed_by_the_next_sweep() -> None:
    place = PeopleScene(suppressed={ADA})
    for number, email in enumerate((ADA, "bob@example.com")):
        place.signs_up(f"acc_{number}", email)
    place.settles()
    assert place.intercom.of("acc_0")["unsubscribed_from_emails"] is True
    calls = len(place.intercom.calls)
    ours, ses = Listed(place.suppressed), Listed(set())
    assert lift_suppression(ADA, ours, ses, place.services.services) is True
    place.sweeps()
    assert place.intercom.of("acc_0")["unsubscribed_from_emails"] is False
    assert {path for _, path in place.intercom.calls[calls:]} == {
        f"/contacts/{place.intercom.of('acc_0')['id']}"
    }, "nobody else's contact is written"
    assert place.waiting() == []


def test_without_a_people_system_lifting_looks_for_no_account() -> None:
    place = PeopleScene(suppressed={ADA})
    place.signs_up("acc_0", ADA)
    place.settles()
    place.services.policy = replace(place.services.policy, people=None)
    kept = len(place.services.deliveries.kept)
    ours, ses = Listed(place.suppressed), Listed(set())
    assert lift_suppression(ADA, ours, ses, place.services.services) is True
    assert len(place.services.deliveries.kept) == kept
