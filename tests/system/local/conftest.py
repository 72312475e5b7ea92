"""The recorded histories, each told to the system."""

import pytest

from local.recordings import Recording
from tests.fakes.grids import few
from tests.system.conftest import ROOT

RECORDINGS = ROOT / "tests" / "recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.json"))


@pytest.fixture(params=few(NAMES, 3))
def recording(request: pytest.FixtureRequest) -> Recording:
    """Each of the recorded histories; in a small run three, as all are told in memory too."""
    return Recording.load(RECORDINGS / f"{request.param}.json")
