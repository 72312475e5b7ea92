"""Endpoints are created, rotated, disabled and enabled, and the operators hear of it once."""

from dataclasses import replace

import pytest

from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.errors import (
    ConcurrentUpdate,
    EndpointNotFound,
    InvalidInput,
    NotPossible,
    TooMany,
    Unavailable,
)
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.endpoint import MOST, Endpoints
from chalicelib.usecases.webhooks.endpoints import (
    NewEndpoint,
    add_endpoint,
    enable_endpoint,
    remove_endpoint,
    rotate_secret,
    send_test,
)
from tests.fakes.services import POLICY
from tests.unit.usecases.webhooks.owner import HASH_KEY, Owner

URL = "https://one.example/"


@pytest.fixture
def owner() -> Owner:
    return Owner()


def test_what_is_stored_of_an_endpoint_has_no_secret(owner: Owner) -> None:
    _, secret = owner.endpoint(URL)
    assert secret.removeprefix("whsec_") not in owner.place.endpoints.kept
    assert "whsec" not in owner.place.endpoints.kept


def test_every_endpoint_and_every_rotation_has_another_secret(owner: Owner) -> None:
    endpoint, first = owner.endpoint(URL)
    secrets = {first, owner.endpoint(URL)[1]}
    secrets |= {rotate_secret(endpoint.id, HASH_KEY, owner.place.services) for _ in range(3)}
    assert len(secrets) == 5
    assert len(owner.find(endpoint).secrets) == 2


def test_a_private_url_and_an_unknown_type_are_refused(owner: Owner) -> None:
    for wanted in (
        NewEndpoint("http://one.example/", (), None, True),
        NewEndpoint("https://10.0.0.1/", (), None, True),
        NewEndpoint("http://127.0.0.1:3000/", (), None, True),
        NewEndpoint(URL, ("trial.begun",), None, True),
    ):
        with pytest.raises(InvalidInput):
            add_endpoint(wanted, CATALOGUE, HASH_KEY, owner.place.services)
    local = NewEndpoint("http://127.0.0.1:3000/", (), None, True, loopback=True)
    add_endpoint(local, CATALOGUE, HASH_KEY, owner.place.services)
    assert [one.url for one in owner.place.endpoints.load().all] == ["http://127.0.0.1:3000/"]


def test_a_stage_that_delivers_nothing_makes_no_endpoint(owner: Owner) -> None:
    with pytest.raises(NotPossible, match="Webhooks=true"):
        add_endpoint(NewEndpoint(URL, (), None, False), CATALOGUE, HASH_KEY, owner.place.services)
    assert owner.place.endpoints.load().all == ()


def test_there_are_twenty_at_most_and_a_deleted_one_makes_room(owner: Owner) -> None:
    endpoints = [owner.endpoint(URL)[0] for _ in range(MOST)]
    with pytest.raises(TooMany):
        owner.endpoint(URL)
    remove_endpoint(endpoints[3].id, owner.place.services)
    owner.endpoint(URL)


def test_an_endpoint_that_there_is_not_is_named_as_such(owner: Owner) -> None:
    services = owner.place.services
    for call in (
        lambda: remove_endpoint("we_1", services),
        lambda: rotate_secret("we_1", HASH_KEY, services),
        lambda: enable_endpoint("we_1", services),
        lambda: send_test("we_1", services),
    ):
        with pytest.raises(EndpointNotFound):
            call()


def test_two_writers_at_once_both_get_what_they_want(owner: Owner) -> None:
    save, lost = owner.place.endpoints.save, iter([True, True, False])

    def races(old: Endpoints, new: Endpoints) -> None:
        if next(lost, False):
            raise ConcurrentUpdate("another was faster")
        save(old, new)

    owner.place.endpoints.save = races  # type: ignore[method-assign]
    owner.endpoint(URL)
    assert len(owner.place.endpoints.load().all) == 1


def test_who_loses_every_race_is_told_to_try_again(owner: Owner) -> None:
    def loses(old: Endpoints, new: Endpoints) -> None:
        raise ConcurrentUpdate("another was faster")

    owner.place.endpoints.save = loses  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        owner.endpoint(URL)


def with_team(owner: Owner) -> Owner:
    from chalicelib.domain.policy.policy import TeamPolicy

    owner.place.policy = replace(
        POLICY, team=TeamPolicy(("team@example.com",), frozenset(), digest=False)
    )
    return owner


def test_the_operators_are_told_once_that_an_endpoint_was_disabled(owner: Owner) -> None:
    with_team(owner)
    endpoint, _ = owner.endpoint(URL)
    owner.answers(URL, CallAnswer(410))
    owner.publish(owner.happens(), owner.happens("trial.expired"))
    owner.settle()
    owner.passes(days=2)
    (notice,) = owner.place.mail_queue.waiting
    assert notice["endpoint_id"] == endpoint.id
    assert owner.place.metrics["EndpointsDisabled"] == 1


def test_a_notice_that_a_crash_left_is_queued_by_the_sweep(owner: Owner) -> None:
    with_team(owner)
    endpoint, _ = owner.endpoint(URL)
    send, sent = owner.place.mail_queue.send, iter([Unavailable("The queue is away.")])

    def fails_once(work: object) -> None:
        for failure in sent:
            raise failure
        send(work)  # type: ignore[arg-type]

    owner.place.mail_queue.send = fails_once  # type: ignore[method-assign,assignment]
    owner.answers(URL, CallAnswer(410))
    owner.publish(owner.happens())
    with pytest.raises(Unavailable):
        owner.settle()
    assert owner.find(endpoint).notice_due
    owner.place.deliveries_queue.waiting.clear()
    owner.sweep()
    owner.sweep()
    assert len(owner.place.mail_queue.waiting) == 1
