"""Settings for all tests: hypothesis judges answers, not speed, and draws the same examples on every machine."""

import csv
import time

import pytest
from hypothesis import settings

settings.register_profile("chipweave", deadline=None, derandomize=True)
settings.register_profile(
    "random", deadline=None, derandomize=False
)  # pytest --hypothesis-profile=random: other examples in every run
settings.load_profile("chipweave")

QUIET_LOOP_S = 0.03  # a million turns of an empty loop on a quiet 2.5 GHz core


@pytest.fixture
def slowness():
    """How many times slower than a quiet core this machine is just now, at least 1: shared machines vary by four."""
    begun = time.process_time()
    for _ in range(10**6):
        pass
    return max(1.0, 2 * (time.process_time() - begun) / QUIET_LOOP_S)


@pytest.fixture
def poisoned(tmp_path):
    """The shipped H100 table with every value that is not calibration replaced: whoever peeks predicts something
    else."""
    from chipweave.validation.suites import h100 as suite_h100

    with suite_h100.REFERENCES.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["role"] != "calibration":
            row["value"] = "123456"
    path = tmp_path / "poisoned.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path
