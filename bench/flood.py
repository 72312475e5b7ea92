"""Floods of signups in the local system: what the limits of billing.toml let through, and whether
everybody else is served meanwhile.

    python -m bench.flood [--signups 10000] [--write]

Counts, no times: API Gateway's own limits of each route come before all this on AWS.
"""

import argparse
import hashlib
import hmac
import json
import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from pathlib import Path
from urllib.parse import urlencode

from chalicelib.runtime import telemetry, wiring
from chalicelib.runtime.clock import clock
from local.http_server import Answer, Request
from local.system import System

PAGE = Path(__file__).parents[1] / "docs" / "floods.md"
SIGNUPS, EVERY, AT_ONCE = 10_000, 100, 8
"""Signups of a flood, those between two looks at everybody else, and those in progress at once."""

HOME, ADA = "198.51.100.9", "ada@example.com"
"""A customer who was there before."""

Answering = Callable[[Request], Answer]

FLOODS: dict[str, Callable[[int], str]] = {
    "one IPv4 address": lambda number: "203.0.113.7",
    "one IPv6 network (/64)": lambda number: f"2001:db8:1:1::{number:x}",
    "a network for each signup": lambda number: (
        f"2001:db8:{number:x}::1"
        if number % 2
        else f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}"
    ),
}
"""The network address that each signup of a flood comes from, by its number."""

LET_IN, TO_CONFIRM, REFUSED = 201, 202, 429
OTHERS = (
    "signups from other networks",
    "sign-ins from the flood's own network",
    "webhooks of Stripe",
    "access calls of the product",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """How often each status was answered: to the flood, and to each of OTHERS."""

    flood: Mapping[int, int]
    others: Mapping[str, Mapping[int, int]]


def flood(
    answer: Answering,
    addresses: Sequence[str],
    secret: str,
    key: str,
    every: int = EVERY,
    at_once: int = AT_ONCE,
) -> Seen:
    """Sign up from each of these addresses, a new mailbox each time, and after every so many of
    them do what OTHERS name, once each. `secret` signs the webhooks, `key` may ask for access.

    Not all at once, so that the counts are the same in each run.
    """
    account = json.loads(answer(signup(ADA, HOME)).body)["account_id"]
    crowd, others = Counter[int](), {name: Counter[int]() for name in OTHERS}
    with ThreadPoolExecutor(at_once) as threads:
        for first in range(0, len(addresses), every):
            part = addresses[first : first + every]
            requests = [
                signup(f"crowd-{first + number}@example.com", address)
                for number, address in enumerate(part)
            ]
            crowd.update(reply.status for reply in threads.map(answer, requests))
            number = first // every
            asked = (
                signup(f"other-{number}@example.com", f"192.0.2.{number % 256}"),
                sign_in(part[-1]),
                webhook(f"evt_{number}", secret),
                access(account, key),
            )
            for name, request in zip(OTHERS, asked, strict=True):
                others[name][answer(request).status] += 1
    return Seen(crowd, others)


def request_of(
    method: str, path: str, body: bytes = b"", address: str = HOME, **headers: str
) -> Request:
    """A request as API Gateway passes it on."""
    sent = Message()
    for name, value in headers.items():
        sent[name.replace("_", "-")] = value
    return Request(method, path, [], sent, body, address)


def signup(email: str, address: str) -> Request:
    """A signup by script."""
    body = json.dumps({"email": email}).encode()
    return request_of("POST", "/signups", body, address, Content_Type="application/json")


def sign_in(address: str) -> Request:
    """The customer's request for a sign-in link, from a network that is not theirs."""
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    return request_of("POST", "/sign-in", urlencode({"email": ADA}).encode(), address, **form)


def webhook(id: str, secret: str) -> Request:
    """An event that concerns no account, signed as Stripe signs it."""
    stamp = int(clock.now().timestamp())
    plan = {"id": "price_other", "object": "plan"}
    event = {"id": id, "object": "event", "type": "plan.created", "livemode": False}
    body = json.dumps(event | {"created": stamp, "data": {"object": plan}}).encode()
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Stripe_Signature": f"t={stamp},v1={signed}", "Content_Type": "application/json"}
    return request_of("POST", "/webhooks/stripe", body, "192.0.2.1", **headers)


def access(account: str, key: str) -> Request:
    """The product asks what the customer may use."""
    return request_of("GET", f"/accounts/{account}/access", Authorization=f"Bearer {key}")


def run(name: str, signups: int) -> Seen:
    """One flood in a local system of its own, on a day that has just begun: limits count by hours
    and days.
    """
    for logger in (telemetry.logger, logging.getLogger("billhook.local")):
        logger.setLevel("CRITICAL")
    os.environ["PRODUCT"] = "none"  # What is measured is Billhook, without its neighbours.
    day = clock.now().replace(hour=0, minute=0, second=1, microsecond=0) + timedelta(days=1)
    clock.move_to(day)
    with System(0) as system:
        addresses = [FLOODS[name](number) for number in range(signups)]
        return flood(system.answer, addresses, system.webhook_secret, system.api_key)


def page(seen: Mapping[str, Seen], signups: int) -> str:
    """docs/floods.md."""
    policy = wiring.policy().signup
    assert policy
    heads = ["flood", "on trial at once", "must confirm the address first", "refused (429)"]
    rows = [
        [name, *(f"{of.flood.get(status, 0):,}" for status in (LET_IN, TO_CONFIRM, REFUSED))]
        for name, of in seen.items()
    ]
    served = [[name, *(_served(of.others[name]) for of in seen.values())] for name in OTHERS]
    return "\n".join(
        [
            "# Floods of signups",
            "",
            "Written by `python -m bench.flood --write`: nothing here is written by hand. The local"
            " system",
            f"gets {signups:,} signups, each with a new mailbox. It runs with billing.toml as it is"
            " shipped:",
            f"`an_hour = {policy.an_hour}` for each network, `a_day = {policy.a_day}` for all.",
            "",
            "## What the limits let through",
            "",
            *_table(heads, rows),
            "",
            "A signup that must confirm its address gets one mail, and no trial before its button"
            " is pressed.",
            "",
            "## Everybody else meanwhile",
            "",
            f"Once after each {EVERY} signups of the flood: how many were answered, and how.",
            "",
            *_table(["what", *seen], served),
            "",
            "The limits of each route in API Gateway, which come before all this on AWS, are not in"
            " the local",
            "system ([security.md](security.md)).",
            "",
        ]
    )


def _served(statuses: Mapping[int, int]) -> str:
    return ", ".join(f"{number:,} × {status}" for status, number in sorted(statuses.items()))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def main() -> None:
    """Run all floods, each in a process of its own, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m bench.flood", description=__doc__)
    parser.add_argument("--signups", type=int, default=SIGNUPS)
    parser.add_argument("--write", action="store_true", help="write docs/floods.md too")
    asked = parser.parse_args()
    seen = {}
    for name in FLOODS:
        context = multiprocessing.get_context("spawn")  # a process has one system at most
        with ProcessPoolExecutor(1, mp_context=context) as process:
            seen[name] = process.submit(run, name, asked.signups).result()
    text = page(seen, asked.signups)
    print(text)
    if asked.write:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
