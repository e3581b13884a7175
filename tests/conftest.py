"""Settings for all tests: hypothesis judges answers, not speed, and draws the same examples on every machine."""

import time

import pytest
from hypothesis import settings

settings.register_profile("chipweave", deadline=None, derandomize=True)
settings.load_profile("chipweave")

QUIET_LOOP_S = 0.03  # a million turns of an empty loop on a quiet 2.5 GHz core


@pytest.fixture
def slowness():
    """How many times slower than a quiet core this machine is just now, at least 1: shared machines vary by four."""
    begun = time.process_time()
    for _ in range(10**6):
        pass
    return max(1.0, 2 * (time.process_time() - begun) / QUIET_LOOP_S)
