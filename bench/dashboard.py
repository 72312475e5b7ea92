"""How long the pages of the dashboard and the reports take with many customers: in the local
system, asked over HTTP by a browser's session, with what each reads.
"""

import argparse
import http.client
import os
import platform
import re
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.costs.metering import Meter
from bench.cpu import cpu_seconds
from bench.customers import five_years, invented_customers, invented_entries, keep_figures
from bench.without_neighbours import leave_out_neighbours
from chalicelib.domain.account.state import Account
from chalicelib.pages.admin.rendering import SECTIONS
from chalicelib.usecases.figures.reports import LONGEST
from chalicelib.values import replace
from local.system import System

IDLE_SECONDS = 5
"""How long the system is watched while nobody asks it: its schedules and pollers take CPU too."""

OLD = "acc_old"
"""The customer of five years."""

TODAY = datetime.now(UTC).date()
TWO_YEARS = urlencode({"from": TODAY - timedelta(days=LONGEST - 1), "to": TODAY})

PAGES: Mapping[str, str] = {
    **{name: f"/admin{path}" for path, name in SECTIONS},
    "Customers of a status": "/admin/customers?status=active",
    "Customers of a plan": "/admin/customers?plan=scale",
    "Customers of both": "/admin/customers?status=active&plan=scale",
    "Customers by a name": "/admin/customers?q=ada",
    "Customers by an address": "/admin/customers?q=ada7@example.com",
    "A customer": "/admin/customers/acc_7",
    "A customer of five years": f"/admin/customers/{OLD}",
    "Revenue of two years": f"/admin/revenue?{TWO_YEARS}",
    "Trials of two years": f"/admin/trials?{TWO_YEARS}",
}
"""Name → path."""

REPORTS: Mapping[str, str] = {
    "/reports/revenue": "/reports/revenue",
    "/reports/revenue of two years": f"/reports/revenue?{TWO_YEARS}",
    "/reports/trials": "/reports/trials",
    "/reports/trials of two years": f"/reports/trials?{TWO_YEARS}",
    "/reports/retention": "/reports/retention",
    "/reports/leaving": "/reports/leaving",
    "/reports/messages": "/reports/messages",
}


@dataclass(frozen=True, slots=True)
class Looked:
    """What looking at one page took: wall time of each look, CPU of a look in the system and in
    the emulator, in milliseconds, without what both take when idle; bytes of the page; what one
    look called and read.
    """

    name: str
    times: list[float]
    cpu: tuple[float, float]
    size: int
    calls: int
    read_units: float

    def __str__(self) -> str:
        ninety_fifth = quantiles(self.times, n=20)[-1]
        own, emulator = self.cpu
        return (
            f"| {self.name} | {median(self.times):.0f} | {ninety_fifth:.0f} | {own:.0f}"
            f" | {emulator:.0f} | {self.size / 1000:.0f} | {self.calls} | {self.read_units:g} |"
        )


class Cpu:
    """The CPU that the system and its emulator use, beyond what they use when idle."""

    def __init__(self, system: System) -> None:
        """Watch both while nobody asks."""
        self._emulator = system.emulator_pid
        self._idle = (0.0, 0.0)
        self.begin()
        time.sleep(IDLE_SECONDS)
        own, emulator = self.used()
        self._idle = own / IDLE_SECONDS, emulator / IDLE_SECONDS

    def begin(self) -> None:
        """Count from now on."""
        self._since, self._before = time.monotonic(), self._now()

    def used(self) -> tuple[float, float]:
        """The seconds of both since then."""
        wall = time.monotonic() - self._since
        own, emulator = (
            max(0.0, now - before - idle * wall)
            for now, before, idle in zip(self._now(), self._before, self._idle, strict=True)
        )
        return own, emulator

    def _now(self) -> tuple[float, float]:
        return time.process_time(), cpu_seconds(self._emulator)


class Browser:
    """One connection to the system, and a session of the dashboard."""

    def __init__(self, base: str, admin_key: str, api_key: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=120)
        self._headers = {"Authorization": f"Bearer {api_key}"}
        form = urlencode({"key": admin_key})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/admin/sign-in", form, kind)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 303:
            raise RuntimeError(f"The sign-in was answered with {answer.status}.")
        self._cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]

    def open(self, path: str) -> bytes:
        """The page at that path. Raises RuntimeError if it is none."""
        by_key = path.startswith("/reports/")
        self._connection.request(
            "GET", path, headers=self._headers if by_key else {"Cookie": self._cookie}
        )
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}: {body[:300]!r}")
        return body


def main() -> None:
    """Print one line for each page."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--times", type=int, default=15, help="how often each page is asked for")
    parser.add_argument("--only", default="", help="pages whose name has this in it")
    asked = parser.parse_args()
    leave_out_neighbours()
    with System(0) as system:
        begun = time.monotonic()
        fill(asked.customers)
        print(f"{asked.customers} customers in {time.monotonic() - begun:.0f} s;", end=" ")
        print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
        print("| page | median ms | 95 % ms | CPU ms | emulator's | KB | calls | read units |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        browser, cpu = Browser(system.base, system.admin_key, system.api_key), Cpu(system)
        for name, path in paths(browser).items():
            if asked.only in name:
                print(look(cpu, browser, name, path, asked.times), flush=True)


def paths(browser: Browser) -> dict[str, str]:
    """Each page by its name: those above, and the second one of all customers."""
    found = re.search(r'href="([^"]+)" rel="next"', browser.open("/admin/customers").decode())
    assert found, "There are more customers than a page shows."
    second = {"Customers, the second page": found[1].replace("&amp;", "&")}
    return {**PAGES, **second, **REPORTS}


def look(cpu: Cpu, browser: Browser, name: str, path: str, times: int) -> Looked:
    """Ask for a page so often. What it calls is counted beside that: counting takes time."""
    body, meter = browser.open(path), Meter(lambda _: None)
    with meter.watching(_answers_requests), meter.function(name):
        browser.open(path)
    used: Mapping[str, Any] = meter.by_function.get(name, {})
    cpu.begin()
    waited = []
    for _ in range(times):
        begun = time.perf_counter()
        browser.open(path)
        waited.append(1000 * (time.perf_counter() - begun))
    own, emulator = cpu.used()
    return Looked(
        name,
        waited,
        (1000 * own / times, 1000 * emulator / times),
        len(body),
        used.get("aws_calls", 0),
        used.get("read_units", 0),
    )


def fill(number: int) -> None:
    """Write so many customers, one of them of five years, their figures and entries of the audit
    log, through the product's own stores.
    """
    from chalicelib.runtime import wiring

    services = wiring.services()
    now = services.clock.now()
    accounts = invented_customers(number, services.policy, now)
    one = next(one for one in accounts if one.standing and one.standing.status == "active")
    old, entries = five_years(replace(one, id=OLD), now)
    accounts[accounts.index(one)] = old
    for account in accounts:
        wiring.accounts().rewrite(Account(account.id), replace(account, version=1))
    wiring.timelines().put(entries)
    keep_figures(accounts, services)
    for entry in invented_entries(lambda place: f"acc_{place}", now):
        wiring.audit_log().put(entry)


def _answers_requests() -> bool:
    """Whether this thread is one of the HTTP server's: the triggers call AWS too."""
    return "process_request_thread" in threading.current_thread().name


if __name__ == "__main__":
    main()
