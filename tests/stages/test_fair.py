"""Does `fair`, which computes only the rates that change, equal filling in full, and does its twin serve as a check of
a run?"""

import json
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave import fabric
from chipweave.chain import Layout, Link
from chipweave.errors import BadInput
from chipweave.plain.fair import filled

HERE = Path(__file__).parent
CSRC = HERE.parents[1] / "csrc"


@pytest.mark.slow
def test_5000_random_systems_equal_filling_in_full_arrivals_and_link_bins(tmp_path):
    """Ties with remainders, shares of 0, capacities of 1 B/s to 2^61, zero latencies and sizes, merging bins."""
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path / "random_fair"
    sources = [
        HERE / "random_fair.c",
        HERE / "fair_full.c",
        *(CSRC / "stages/fair").glob("*.c"),
        CSRC / "stages/network_bins.c",
        CSRC / "stages/routes.c",
    ]
    for flags, systems in (
        (["-O2"], 5_000),
        (["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"], 300),
    ):
        built = subprocess.run(
            [compiler, "-std=c11", *flags, f"-I{CSRC}", *map(str, sources), "-o", str(program)],
            capture_output=True,
            text=True,
        )
        if built.returncode and "sanitize" in built.stderr:
            pytest.skip("the compiler has no sanitizers")
        assert built.returncode == 0, built.stderr
        run = subprocess.run([str(program), str(systems)], capture_output=True, text=True, timeout=300)
        assert (run.returncode, run.stdout) == (0, "ok\n"), run.stdout + run.stderr


def test_a_tie_with_a_remainder_goes_to_the_lower_number_and_the_other_link_gets_what_is_left():
    """Two consistent answers exist for link 1 (11 B/s, 3 messages): 3 if it acts before link 0 has fixed one at 3, else
    4."""
    assert filled([3, 11], {(0, 1): 1, (1,): 2}) == {(0, 1): 3, (1,): 4}
    assert filled([11, 3], {(0, 1): 1, (0,): 2}) == {(0, 1): 3, (0,): 3}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=4, max_size=4),
    st.dictionaries(
        st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True).map(tuple), st.integers(1, 4), max_size=6
    ),
)
def test_rates_are_max_min_fair(capacity, users):
    """No link carries more than it can (but for the byte per second that every message gets), and every route is held
    by a full link at which no message is faster: less than one byte per second a message is left of it."""
    rates = filled(capacity, users)
    assert rates.keys() == users.keys()
    for route, rate in rates.items():
        held = False
        for link in route:
            there = [r for r in users if link in r]
            load = sum(rates[r] * users[r] for r in there)
            if min(rates[r] for r in there) > 1:
                assert load <= capacity[link]
            fastest = max(rates[r] for r in there)
            held |= rate == 1 or (capacity[link] - load < sum(users[r] for r in there) and rate == fastest)
        assert held


@pytest.mark.slow
def test_the_plain_engine_checks_a_run_on_the_wafer_under_fair(tmp_path):
    """A prefill of all layers, on two engines: one result."""
    results = set()
    for engine in ("kernel", "plain"):
        out = tmp_path / f"{engine}.json"
        words = "--topology wafer_5x5 --model qwen3-30b-a3b --batch 2 --steps 1 --strategies base --preset paper"
        command = [
            sys.executable,
            "-m",
            "chipweave",
            "compare",
            *words.split(),
            "--link-model",
            "fair",
            "--engine",
            engine,
        ]
        assert subprocess.run([*command, "--json", str(out)], capture_output=True, timeout=300).returncode == 0
        results.add(json.loads(out.read_text())["result_sha256"])
    assert len(results) == 1


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_link_beyond_2_to_the_62_bytes_per_second_is_refused(engine):
    made = Layout()
    net = made.network("net", "fair", 2, [Link("0->1", 0, 1, 0, Fraction(2**62))], lambda a, b: [0] if a < b else [])
    made.chain("c", ["a", "b", "size"]).send("s", net, "a", "b", "size")
    with pytest.raises(BadInput, match="network net: link 0->1 of 4.61e\\+18 bytes per second"):
        fabric.build(made, engine=engine)
