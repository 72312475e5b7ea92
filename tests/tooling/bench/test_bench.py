"""The measurements are run by hand; that they still run is seen here, by a round that is too short
to mean anything.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
A_SHORT_ROUND = (
    "from bench import ingest; ingest.ROUNDS = ingest.PASSES = 1; ingest.SAMPLE_MS = 0;"
    " ingest.main()"
)


def test_the_cost_of_ingestion_can_be_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-c", A_SHORT_ROUND], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "webhook received, answered" in done.stdout
    assert "one at a time, one account" in done.stdout
