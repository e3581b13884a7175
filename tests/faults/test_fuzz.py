"""Do mutated inputs of all kinds end with 0 or 2, without a traceback, a hang, a signal or half a file? A fixed sample
of 500."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_mutated_inputs_end_as_inputs_of_a_user_do():
    command = [sys.executable, "-m", "benchmarks.fuzz", "500", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "500 inputs" in done.stdout and "0 wrong" in done.stdout


def test_the_sample_tries_what_is_right_and_what_is_wrong():
    """Seeds are the inputs: the same ones on every machine, a quarter of them command lines."""
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks import fuzz
    finally:
        sys.path.remove(str(ROOT))
    cases = [fuzz.case(seed) for seed in range(300)]
    assert cases[7] == fuzz.case(7)
    lines = [command for files, command in cases if not files]
    assert 40 < len(lines) < 110
    assert {name for files, _ in cases for name in files} == set(fuzz.COMMANDS)
