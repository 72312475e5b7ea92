"""An operator's endpoints, by the command line."""

import re
from datetime import timedelta

import pytest

from chalicelib.aws.events.webhooks import Deliveries, EndpointList
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.delivery import after_attempt
from chalicelib.domain.webhooks.endpoint import Endpoint, after_failure
from ops.__main__ import main
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import Deployed, T

URL = "https://app.example.com/hooks"


def stored(deployed: Deployed) -> list[Endpoint]:
    return list(EndpointList(TABLE, deployed.dynamodb).load().all)


def added(deployed: Deployed, *more: str) -> Endpoint:
    assert main(["webhooks", "add", URL, "--stage", "dev", *more]) == 0
    return stored(deployed)[-1]


def test_an_endpoint_is_added_listed_and_removed(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = added(deployed, "--events", "trial.started", "--description", "the product")
    assert re.search(r"^whsec_[A-Za-z0-9+/]{43}=$", capsys.readouterr().out, re.MULTILINE)
    assert main(["webhooks", "list", "--stage", "dev"]) == 0
    listed = capsys.readouterr().out
    assert endpoint.id in listed
    assert "only trial.started" in listed
    assert "whsec_" not in listed
    assert main(["webhooks", "remove", endpoint.id, "--stage", "dev"]) == 0
    assert stored(deployed) == []


def test_a_wrong_url_and_an_unknown_endpoint_are_refused(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["webhooks", "add", "http://127.0.0.1:3000/", "--stage", "dev"]) == 1
    assert "must begin with https://" in capsys.readouterr().err
    assert main(["webhooks", "test", "we_1", "--stage", "dev"]) == 1
    assert "no webhook endpoint" in capsys.readouterr().err


def test_a_rotation_shows_another_secret(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = added(deployed)
    first = re.search(r"whsec_\S+", capsys.readouterr().out)
    assert main(["webhooks", "rotate", endpoint.id, "--stage", "dev"]) == 0
    second = re.search(r"whsec_\S+", capsys.readouterr().out)
    assert first
    assert second
    assert first[0] != second[0]


def test_a_disabled_endpoint_is_shown_and_enabled(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = added(deployed)
    store = EndpointList(TABLE, deployed.dynamodb)
    all = store.load()
    store.save(all, all.with_changed(after_failure(endpoint, "e1", 410, T)))
    main(["webhooks", "list", "--stage", "dev"])
    assert "disabled (gone)" in capsys.readouterr().out
    assert main(["webhooks", "enable", endpoint.id, "--stage", "dev"]) == 0
    assert stored(deployed)[0].is_enabled


def test_a_test_event_and_what_came_of_it_are_shown(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = added(deployed)
    assert main(["webhooks", "test", endpoint.id, "--stage", "dev"]) == 0
    deliveries = Deliveries(TABLE, deployed.dynamodb)
    ((delivery,), _) = deliveries.page(endpoint.id, None, endpoint.created_at)
    failed = after_attempt(delivery, CallAnswer(500, head="oops"), delivery.created_at)
    deliveries.save(delivery, failed)
    capsys.readouterr()
    assert main(["webhooks", "deliveries", endpoint.id, "--stage", "dev"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert re.search(r"failed +1  500  test_\w+  The answer was 500: oops$", line)


def test_a_replay_says_how_many_events_go_out(
    deployed: Deployed, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = added(deployed)
    capsys.readouterr()
    since = f"{endpoint.created_at - timedelta(days=1):%Y-%m-%d}"
    call = ["webhooks", "replay", endpoint.id, "--since", since, "--stage", "dev"]
    assert main(call) == 0
    assert capsys.readouterr().out == f"0 events are delivered to {endpoint.id} again.\n"
    assert main([*call, "--until", "yesterday"]) == 1
    assert "until must be a time" in capsys.readouterr().err
    assert main([*call, "--types", "trial.begun"]) == 1
    assert "no type trial.begun" in capsys.readouterr().err
