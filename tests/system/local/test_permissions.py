"""Each function may do what it does and no more: the calls that a busy stage makes, held against
.chalice/permissions.yaml.
"""

import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from local.aws.emulator import free_port
from local.client import Client
from local.recordings import Recording
from local.replay import Player
from tests.adapters.outgoing.receivers import answer, receiving
from tests.fakes.grids import few

ROOT = Path(__file__).parents[3]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Busy:
    """A stage on which everything happens once that makes a function call AWS."""

    def __init__(self, system: Client) -> None:
        self.system = system
        self.state = system.state()
        self.stripe = Client(self.state["stripe_base"], "sk_test_1")

    def lives(self, receiver: str) -> dict[str, set[tuple[str, str]]]:
        """All of it; then what each function has asked of AWS. `receiver` is the URL of one that
        takes events.
        """
        self.has_endpoints(receiver)
        self.histories()
        account = self.signs_up()
        self.pays(account)
        self.reads_mail(account)
        self.is_asked(account)
        self.moves_to_another_address()
        self.gets_another_address(account)
        self.hears_nothing()
        self.is_told_nonsense()
        self.is_mended()
        assert self.system.post("/_local/clock", {"advance": "40d"})[0] == 200
        status, calls = self.system.call("GET", "/_local/calls")
        assert status == 200
        return {function: {(action, on) for action, on in made} for function, made in calls.items()}

    def has_endpoints(self, receiver: str) -> None:
        """One takes what it gets; at the other's port nobody listens."""
        for url in (receiver, f"http://127.0.0.1:{free_port()}/"):
            status, endpoint = self.system.post("/webhooks/endpoints", {"url": url})
            assert status == 201, endpoint
        assert self.system.post(f"/webhooks/endpoints/{endpoint['id']}/test", {})[0] == 202

    def histories(self) -> None:
        for path in few(sorted((ROOT / "tests" / "recordings").glob("*.json")), 2):
            player = Player(self.system, Recording.load(path))
            player.tell_stripe()
            for event in player.recording.events:
                player.deliver(event)
            player.compare(player.recording.checkpoints[-1])

    def signs_up(self) -> str:
        email = f"ada-{secrets.token_hex(4)}@example.com"
        status, body = self.system.post(
            "/signups", {"email": email, "external_id": secrets.token_hex(4)}
        )
        assert status == 201, body
        assert Client(self.system.base).post("/signups", {"email": email})[0] == 202
        self.system.settle()
        welcome = body["welcome_url"].removeprefix(self.system.base)
        assert self.system.call("GET", welcome)[0] in (200, 302, 303)
        assert self.system.call("GET", f"/accounts?email={email}")[0] == 200
        return str(body["account_id"])

    def pays(self, account: str) -> None:
        status, body = self.system.post(f"/accounts/{account}/checkout", {})
        assert status == 200, body
        assert (
            self.stripe.post(
                f"/_test/checkout/{body['url'].rpartition('/')[2]}", {"card": "tok_visa"}
            )[0]
            == 200
        )
        self.system.settle()
        assert self.system.post(f"/accounts/{account}/portal", {})[0] == 200

    def reads_mail(self, account: str) -> None:
        mails = self.system.mail(account)
        link = re.search(
            r"http://[^\s\"]+(/sign-in/[^\s\"]+)",
            next(mail["text"] for mail in mails if mail["step"] == "sign_in"),
        )
        assert link
        assert self.system.call("POST", link[1], b"", FORM)[0] == 303
        leave = re.search(
            r"(/unsubscribe/[^\s\">]+)",
            next(
                mail["headers"]["List-Unsubscribe"] for mail in mails if mail["step"] == "welcome"
            ),
        )
        assert leave
        assert self.system.call("POST", leave[1], b"List-Unsubscribe=One-Click", FORM)[0] == 200
        assert self.system.post(f"/_local/mail/{mails[0]['number']}/bounce")[0] == 200

    def is_asked(self, account: str) -> None:
        for path in ("", "/access", "/timeline"):
            assert self.system.call("GET", f"/accounts/{account}{path}")[0] == 200
        assert self.system.post(f"/accounts/{account}/access/token", {})[0] == 200
        for report in ("revenue", "trials", "retention", "leaving", "messages"):
            assert self.system.call("GET", f"/reports/{report}")[0] == 200
        operator = {"Authorization": f"Bearer {self.state['admin_key']}"}
        for path in ("/admin", "/admin/health", f"/admin/customers/{account}"):
            assert self.system.call("GET", path, headers=operator)[0] == 200
        assert (
            self.system.post(f"/accounts/{account}/milestones", {"name": "connected_data"})[0]
            == 204
        )

    def gets_another_address(self, account: str) -> None:
        """The product changes an address, and lifts the suppression of another."""
        email = f"new-{secrets.token_hex(4)}@example.com"
        assert (
            self.system.call(
                "PATCH", f"/accounts/{account}", json.dumps({"email": email}).encode(), JSON
            )[0]
            == 200
        )
        mail = self.system.mail(account)[0]["to"]
        assert self.system.call("DELETE", f"/suppressions/{mail}")[0] == 204

    def moves_to_another_address(self) -> None:
        """A customer that came from Stripe is written to where Stripe says."""
        player = Player(
            self.system, Recording.load(ROOT / "tests" / "recordings" / "trial_converts.json")
        )
        event = next(
            event for event in player.recording.events if event["type"] == "customer.created"
        )
        player.deliver(event)
        for subscribed in (
            event
            for event in player.recording.events
            if event["type"] == "customer.subscription.created"
        ):
            player.deliver(subscribed)
        self.system.settle()
        moved = event["data"]["object"] | {"email": f"new-{secrets.token_hex(4)}@example.com"}
        later = {
            "id": f"{event['id']}_later",
            "type": "customer.updated",
            "created": self.system.now() + 60,
            "data": {"object": moved},
        }
        player.deliver(event | later)
        self.system.settle()
        for email in (moved["email"], f"nobody-{secrets.token_hex(4)}@example.com"):
            assert self.system.call(
                "POST", "/sign-in", f"email={email.replace('@', '%40')}".encode(), FORM
            )[0] in (302, 303)
        self.system.settle()

    def hears_nothing(self) -> None:
        """Two customers buy at Stripe: one event after another gets lost, or cannot
        be delivered."""
        _, prices = self.stripe.call("GET", "/v1/prices?lookup_keys[0]=pro_monthly")
        for losses in ({"lost": 1.0}, {"undelivered": 1.0}):
            assert self.stripe.post("/_test/webhooks", losses)[0] == 200
            _, customer = self.stripe.call(
                "POST",
                "/v1/customers",
                f"email=new-{secrets.token_hex(4)}%40example.com".encode(),
                FORM,
            )
            assert (
                self.stripe.post(f"/_test/customers/{customer['id']}/card", {"card": "tok_visa"})[0]
                == 200
            )
            body = f"customer={customer['id']}&items[0][price]={prices['data'][0]['id']}".encode()
            assert self.stripe.call("POST", "/v1/subscriptions", body, FORM)[0] == 200
        assert self.stripe.post("/_test/webhooks", {})[0] == 200

    def is_told_nonsense(self) -> None:
        """An event that no release can read goes to the dead letters."""
        event = {
            "id": "evt_1",
            "object": "event",
            "type": "invoice.paid",
            "livemode": False,
            "created": self.system.now(),
            "data": 5,
        }
        assert (
            self.system.send_event(event, self.state["webhook_secret"], self.system.now())[0] == 200
        )
        self.system.settle()

    def is_mended(self) -> None:
        """An operator sends the dead letter back."""
        operator = {"Authorization": f"Bearer {self.state['admin_key']}"}
        _, page = self.system.call("GET", "/admin/health", headers=operator)
        csrf = re.search(r'name="csrf" value="([^"]+)"', str(page))
        assert csrf
        form = f"origin=events&sure=yes&csrf={csrf[1]}".encode()
        assert self.system.call("POST", "/admin/health/replay", form, FORM | operator)[0] == 303
        self.system.settle()


@pytest.fixture(scope="module")
def calls(start_system: Callable[[], Client]) -> dict[str, set[tuple[str, str]]]:
    with receiving(answer(200)) as receiver:
        return Busy(start_system(NIGHTLY_EXPORT="true")).lives(receiver.url())


def allowed(rare: bool = True) -> dict[str, set[tuple[str, str]]]:
    """What permissions.yaml allows, with its rare rows or without."""
    return {
        function: {
            (action, name)
            for row in rows
            if rare or "rare" not in row
            for action in row["actions"]
            for name in row["resources"]
        }
        for function, rows in yaml.safe_load(
            (ROOT / ".chalice" / "permissions.yaml").read_text()
        ).items()
    }


def test_no_function_does_what_it_may_not(calls: dict[str, set[tuple[str, str]]]) -> None:
    may = allowed()
    assert {
        function: made - may[function] for function, made in calls.items() if made - may[function]
    } == {}


def test_no_function_may_do_what_it_never_does(calls: dict[str, set[tuple[str, str]]]) -> None:
    may = allowed(rare=False)
    assert {
        function: rows - calls.get(function, set())
        for function, rows in may.items()
        if rows - calls.get(function, set())
    } == {}


def test_every_row_says_why() -> None:
    for rows in yaml.safe_load((ROOT / ".chalice" / "permissions.yaml").read_text()).values():
        for row in rows:
            assert row.keys() - {"rare"} == {"actions", "resources", "why"}
            assert all(row.values())
