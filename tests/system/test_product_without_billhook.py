"""A product with the example middleware goes on while the billing system is stopped: it checks
tokens by itself until they end.
"""

import time
from collections.abc import Callable
from typing import Any

from tests.system.conftest import systems
from tests.tooling.examples.conftest import asgi_product, modules  # noqa: F401 - the fixture


def test_a_product_serves_its_customers_with_the_billing_system_stopped_until_their_tokens_end(
    modules: Callable[[str], Any],
) -> None:
    passed = [0.0]
    with systems() as start:
        system = start()
        status, body = system.post("/signups", {"email": "ada@example.com"})
        assert status == 201, body
        account = body["account_id"]
        checker = modules("billhook_access").AccessChecker(
            system.base, system.api_key, lambda: time.time() + passed[-1]
        )
        get = asgi_product(modules("fastapi_access"), checker)
        signed_in = get(account, None)
        assert signed_in.told == {"level": "full", "plan": "pro"}
        assert signed_in.cookie
    for seconds in (0.0, 600.0, 880.0):
        passed.append(seconds)
        page = get(account, signed_in.cookie)
        assert (page.status, page.told) == (200, {"level": "full", "plan": "pro"})
    assert get(account, None).status == 503, "who has no token yet is not let in"
    passed.append(901.0)
    assert get(account, signed_in.cookie).status == 503


def test_the_last_token_of_a_trial_ends_with_it(modules: Callable[[str], Any]) -> None:
    """However long the billing system is stopped, nobody stays in who did not pay."""
    with systems() as start:
        system = start()
        _, body = system.post("/signups", {"email": "eve@example.com"})
        account = body["account_id"]
        _, access = system.call("GET", f"/accounts/{account}/access")
        assert access["reason"] in ("trial_starting", "trialing")
        system.settle()
        _, access = system.call("GET", f"/accounts/{account}/access")
        assert system.post("/_local/clock", {"advance": "13d"})[0] == 200
        assert system.post("/_local/clock", {"advance": "1430m"})[0] == 200
        status, told = system.post(f"/accounts/{account}/access/token", {})
        assert (status, told["expires_at"]) == (200, access["until"])
