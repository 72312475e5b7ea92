"""Fixtures for all tests."""

import gc
import os
from collections.abc import Callable, Iterator

import boto3
import pytest
from hypothesis import Phase, settings

from local.aws.emulator import Emulator
from local.aws.template import REGION
from tests.adapters.aws.on_moto import mocked_aws
from tests.adapters.aws.service_models import read_once
from tests.fakes import faults
from tests.fakes.grids import GRID
from tests.fakes.packages import Package, built_once
from tests.fakes.services import FakeServices

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

TAKE_LONG = ("tests/system/", "tests/tooling/")
"""Where the tests are that start processes and wait for them. They run first: started last,
they would leave the other workers idle.
"""

# A run with many workers reports a failure at once: shrinking an example takes minutes. The failing
# test alone shrinks it, since failing examples are kept and run first.
PHASES = [
    phase
    for phase in Phase
    if not (IS_WORKER and GRID != "full" and phase in (Phase.shrink, Phase.explain))
]

# The same examples each time where a run decides whether a change is accepted; new ones everywhere
# else. No deadline: the time of an example depends on how busy the machine is.
settings.register_profile("anywhere", deadline=None, phases=PHASES)
settings.register_profile("ci", deadline=None, phases=PHASES, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "anywhere")

read_once()

# A system that a test starts has no example product, but for those that are about it: each signup
# would have an instance made.
os.environ["PRODUCT"] = "none"

# A full garbage collection took a quarter of the time of a test on moto, and frees little.
gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first, each part in the order in which it was found."""
    items.sort(key=lambda item: not item.nodeid.startswith(TAKE_LONG))


def pytest_collection_finish() -> None:
    """Freeze what is loaded by now, so that the garbage collector skips it."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def place() -> FakeServices:
    """All services in memory."""
    return FakeServices()


@pytest.fixture
def outside_calls() -> faults.OutsideCalls:
    """Counts the outside calls of services that it watches: `ingest(…,
    outside_calls.watch(place.services))`.
    """
    return faults.OutsideCalls()


@pytest.fixture
def crashing_after() -> Callable[..., faults.OutsideCalls]:
    """Ends a use case after its n-th outside call: `crashing_after(3,
    reply_lost=True).watch(place.services)`.
    """
    return faults.crashing_after


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package that would be deployed."""
    own = tmp_path_factory.getbasetemp()
    return built_once(own.parent if IS_WORKER else own)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS simulated by moto: fast, in this process."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # One session for all: creating one takes longer than most calls.
    monkeypatch.setattr("boto3.session.Session", boto3._get_default_session)
    with mocked_aws({"core": {"reset_boto3_session": False}}):
        yield


@pytest.fixture(scope="module")
def emulated() -> Iterator[str]:
    """An emulator for this process's AWS clients and all that runs in it; its address. The
    shell's own AWS and Stripe settings are hidden.
    """
    before = dict(os.environ)
    with Emulator() as running:
        for name in [name for name in os.environ if name.startswith(("AWS_", "STRIPE_"))]:
            del os.environ[name]
        os.environ |= {
            "AWS_ENDPOINT_URL": running.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        yield running.endpoint
    os.environ.clear()
    os.environ |= before
