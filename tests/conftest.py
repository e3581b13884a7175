"""Settings for all tests: hypothesis judges answers, not speed, and draws the same examples on every machine."""

import csv
import time

import pytest
import yaml
from hypothesis import settings

settings.register_profile("chipweave", deadline=None, derandomize=True)
settings.register_profile(
    "random", deadline=None, derandomize=False
)  # pytest --hypothesis-profile=random: other examples in every run
settings.load_profile("chipweave")

MINI = {
    "schema": "chipweave.model/1",
    "name": "mini",
    "title": "mini",
    "layers": 3,
    "moe_layers": {"first": 1, "last": 2, "every": 1},
    "experts": 7,
    "top_k": 2,
    "groups": 1,
    "groups_used": 1,
    "shared_experts": 0,
    "hidden": 1024,
    "intermediate": 512,
    "weight_bytes": 2,
    "hbm_efficiency": 0.9,
    "utilisation": [{"tokens": "any", "share": 0.7}],
}
QUIET_LOOP_S = 0.03  # a million turns of an empty loop on a quiet 2.5 GHz core


@pytest.fixture
def slowness():
    """How many times slower than a quiet core this machine is just now, at least 1: shared machines vary by four."""
    begun = time.process_time()
    for _ in range(10**6):
        pass
    return max(1.0, 2 * (time.process_time() - begun) / QUIET_LOOP_S)


@pytest.fixture(scope="session")
def small_model():
    """(path, what is other than in MINI) -> the path, with a model file written there."""

    def write(path, **changes):
        path.write_text(yaml.safe_dump({**MINI, **changes}))
        return path

    return write


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
