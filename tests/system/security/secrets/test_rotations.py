"""Each secret is replaced while requests go on. Functions keep a secret for five minutes, so during
a rotation some have the old value and some the new one: both must do for what either has made.
"""

import hmac
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from chalicelib.aws.keys.secrets import Secrets
from chalicelib.captcha.turnstile import Turnstile
from chalicelib.domain.account.parts.instance import InstanceRequest
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.signature import as_secret, key_of, signed_headers
from chalicelib.domain.people.signature import SEGMENT_HEADER, check_people_signature
from chalicelib.domain.security.claims import read_claim
from chalicelib.domain.security.links import link_for, sign, verify
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.instances.targets import EndpointTarget
from local.http_server import Answer, Request, Server, json_answer
from ops.stage.parameters import Parameters
from ops.stage.secrets import SECRETS, rotate_link_keys
from tests.http.signups.test_signups import Front
from tests.system.security.test_claimed_ids import BLOCKS

PATH = "/billhook"
OLD, NEW = "o" * 32, "n" * 32
EVENT = {"object": "event", "type": "plan.created", "livemode": False}


ROTATED = {
    "link-keys",
    "stripe-webhook-secrets",
    "claim-keys",
    "captcha-secret",
    "signing-keys",  # tests/http/test_access_tokens.py: the next key is published a day before
    "slack-webhook-url",  # Slack takes messages by both until the old webhook is removed
    "instance-secret",
    "people-webhook-secrets",
    "people-token",  # Intercom takes the old token until it is revoked there
    "stripe-api-key",  # tests/adapters/stripe_api/test_reader.py: read anew for each call
}
NEVER = {"hash-key"}


def test_each_secret_has_its_rotation_here() -> None:
    assert {secret.name for secret in SECRETS} == ROTATED | NEVER


def put(name: str, value: str) -> None:
    """As `ops secrets set` does."""
    Parameters(PATH).put(name, value)


def anew() -> Secrets:
    """What a function reads that has nothing cached."""
    return Secrets(PATH)


def functions(name: str, *values: str) -> Iterator[tuple[Secrets, Secrets]]:
    """The functions with what they have cached, at each step of a rotation: one that read the value
    before, and one that read the value now.
    """
    read = []
    for value in values:
        put(name, value)
        one = anew()
        _ = getattr(one, name.replace("-", "_"))
        read.append(one)
    yield from pairwise(read)


def test_a_link_signed_by_any_function_opens_at_any_other_during_a_rotation(front: Front) -> None:
    put("link-keys", OLD)
    steps = [anew().link_keys]
    rotate_link_keys(
        Parameters(PATH), lambda seconds: steps.append(anew().link_keys), lambda line: None
    )
    steps.append(anew().link_keys)
    assert [len(keys) for keys in steps] == [1, 2, 2]
    assert steps[-1][0] != OLD
    link = link_for("billing", "acc_1", 0, clock.now().replace(microsecond=0))
    for before, after in pairwise(steps):
        for signs, verifies in ((before, after), (after, before), (after, after)):
            assert verify(sign(link, signs), "billing", verifies, clock.now()) == link
    assert verify(sign(link, steps[0]), "billing", steps[-1], clock.now()) == link, "old mail"


def test_stripes_webhooks_are_taken_while_their_secret_is_rolled(front: Front) -> None:
    """Stripe signs with both secrets until the old one expires, then with the new one alone."""
    stage, numbers = front.office.stage, iter(range(100))
    rolled = {"whsec_1": ("whsec_1",), "whsec_2 whsec_1": ("whsec_1", "whsec_2")}
    for value, signing in (rolled | {"whsec_2": ("whsec_2",)}).items():
        put("stripe-webhook-secrets", value)
        wiring.secrets.cache_clear()
        for secret in signing:
            event = EVENT | {"id": f"evt_{next(numbers)}"}
            assert stage.webhook(event, secret=secret).status == 200, (value, secret)
    refused = stage.webhook(EVENT | {"id": "evt_old"}, secret="whsec_1")
    assert refused.status == 400


def test_the_people_systems_webhooks_are_taken_while_their_secret_is_replaced(
    front: Front,
) -> None:
    """It signs with the new one once every function knows both, five minutes later."""
    steps = functions("people-webhook-secrets", OLD, f"{NEW} {OLD}", NEW)
    for key, held in zip((OLD, NEW), steps, strict=True):
        signed = hmac.new(key.encode(), b"{}", "sha1").hexdigest()
        for one in held:
            check_people_signature(b"{}", SEGMENT_HEADER, signed, one.people_webhook_secrets)


def test_claims_of_the_product_are_read_while_its_key_is_replaced(front: Front) -> None:
    """The product signs with the new key once every function knows it, five minutes later."""
    signing = (OLD, NEW)
    steps = functions("claim-keys", OLD, f"{NEW} {OLD}", NEW)
    for key, held in zip(signing, steps, strict=True):
        for one in held:
            assert read_claim(claimed(key), one.claim_keys, clock.now()).external_id == "u_1"


def claimed(key: str) -> str:
    """A claim as docs/snippet.md makes it."""
    names: dict[str, Any] = {}
    exec(BLOCKS["python"], names)
    return str(names["claim"](key, "u_1", None))


def test_visitors_solve_the_captcha_while_its_secret_is_replaced(front: Front) -> None:
    """Turnstile takes the old secret for two hours, so each function may send what it has."""
    sent = []

    def answer(request: Request) -> Answer:
        sent.extend(parse_qs(request.body.decode())["secret"])
        return json_answer({"success": True})

    server = Server(0, answer)
    server.start()
    for held in functions("captcha-secret", OLD, NEW):
        for one in held:
            assert Turnstile(partial(getattr, one, "captcha_secret"), server.base).solved("t", "x")
    server.close()
    assert sent == [OLD, NEW]


def test_the_product_goes_on_while_its_key_is_replaced(front: Front) -> None:
    stage = front.office.stage
    account = front.signs_up().json["account_id"]
    asked, old = f"/accounts/{account}/access", stage.key("access")
    assert stage.get(asked, old).status == 200
    new = stage.key("access")
    assert [stage.get(asked, key).status for key in (old, new)] == [200, 200]
    wiring.api_keys().revoke(old.split("_")[1], clock.now())
    wiring.key_ring.cache_clear()
    assert [stage.get(asked, key).status for key in (old, new)] == [401, 200]


def test_a_provisioner_takes_calls_while_their_secret_is_replaced(front: Front) -> None:
    """It takes either secret from the first step on, and the new one alone after the last."""
    old, new = as_secret(b"o" * 32), as_secret(b"n" * 32)
    now = clock.now()
    request = InstanceRequest("acc_1.0.1.create", "create", now, now)
    taken = ((old, new), (new,))
    for knows, held in zip(
        taken, functions("instance-secret", old, f"{new} {old}", new), strict=True
    ):
        for one in held:
            sent: list[str] = []

            def post(url: str, headers: Any, body: bytes, sent: list[str] = sent) -> CallAnswer:
                sent.extend(headers["webhook-signature"].split())
                return CallAnswer(202)

            signing = partial(lambda held: held.instance_secret.split(), one)
            caller: Any = SimpleNamespace(post=post)
            target = EndpointTarget("https://x.example", caller, signing)
            assert target.ask(request, b"{}", now).code == 202
            expected = signed_headers(request.id, b"{}", [key_of(key) for key in knows], now)
            assert set(sent) & set(expected["webhook-signature"].split())
