"""Is what was counted of a trace the same when it is read back, and never taken for another trace's?"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chipweave.run import simulate, tallies
from chipweave.run.spec import RunSpec
from chipweave.trace import library, models
from chipweave.trace.store import Trace

TIMES = ("cpu_s", "wall_s", "peak_rss_bytes")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tallies, "WORTH", 0)
    return tmp_path / "cache" / "traces"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "made.parquet"
    library.write_generated(path, models.load("llama4-maverick"), 6, 3, 1)
    return path


@pytest.fixture
def made(generated, tmp_path, cache):
    return Path(shutil.copy(generated, tmp_path))


def run(made, strategy, steps=3, batch=6):
    spec = RunSpec(
        preset="artifact", model="llama4-maverick", trace=str(made), strategy=strategy, batch=batch, steps=steps
    )
    outcome = simulate.simulate(spec)
    row = {name: value for name, value in outcome.row.items() if name not in TIMES}
    return row, outcome.table


def kept(cache):
    return sorted(cache.glob("tallies-*.npy"))


STRATEGIES, BATCHES = ("base", "allo", "keep", "allo+pred"), (4, 6, 9, 12)
ONE_OF_EACH = set(zip(STRATEGIES, BATCHES, strict=True))


@pytest.mark.parametrize(
    "strategy, batch",
    [pytest.param(s, b, marks=() if (s, b) in ONE_OF_EACH else pytest.mark.slow) for s in STRATEGIES for b in BATCHES],
)
def test_a_run_on_known_counts_is_the_run_that_counted(made, cache, strategy, batch):
    first, table = run(made, strategy, batch=batch)
    assert len(kept(cache)) == 1
    second, again = run(made, strategy, batch=batch)
    assert second == first and np.array_equal(table, again)


def test_a_trace_whose_counts_are_known_is_not_read_unless_a_policy_looks_at_its_ids(made, cache, monkeypatch):
    first, _ = run(made, "base")
    monkeypatch.setattr(Trace, "read", lambda *_: pytest.fail("the trace is read"))
    assert run(made, "base")[0] == first
    with pytest.raises(pytest.fail.Exception):
        run(made, "pred")


def test_counts_of_fewer_steps_do_not_serve_more_and_more_serve_fewer(made, cache):
    short, _ = run(made, "ep", steps=2)
    whole, _ = run(made, "ep", steps=3)
    assert np.load(kept(cache)[0]).shape[0] == 3 and run(made, "ep", steps=2)[0] == short != whole


@pytest.mark.slow
def test_counts_are_of_one_file_and_one_batch(made, cache, tmp_path):
    run(made, "ep"), run(made, "ep", batch=5), run(made, "ep", batch=12)
    assert len(kept(cache)) == 3
    before = run(made, "ep")[0]
    library.write_generated(made, models.load("llama4-maverick"), 6, 3, 2)
    os.utime(made, ns=(1, 1))
    assert run(made, "ep")[0] != before


def test_what_is_damaged_is_counted_again(made, cache):
    first, _ = run(made, "ep")
    for content in (b"", b"\x93NUMPY", kept(cache)[0].read_bytes()[:-4]):
        kept(cache)[0].write_bytes(content)
        assert run(made, "ep")[0] == first
    assert np.load(kept(cache)[0]).shape[0] == 3


def test_a_cache_that_cannot_be_written_stops_no_run(made, cache):
    cache.parent.write_text("a file where the cache's folder should be")
    assert run(made, "ep")[0]["decode_time_ns"] > 0


def test_where_tokens_move_the_trace_is_read_although_counts_are_known(made, cache):
    """Dispatch and combine need to know which request chose what."""
    spec = RunSpec(topology="dgx_h100", model="llama4-maverick", trace=str(made), strategy="ep", batch=6, steps=3)
    spec = replace(spec, preset="physical", sets=("cp.tokens=moved", "cp.capacity=reported"))
    first, second = (simulate.simulate(spec) for _ in range(2))
    assert len(kept(cache)) == 1 and np.array_equal(first.table, second.table)
    still = simulate.simulate(replace(spec, sets=("cp.tokens=off", "cp.capacity=reported")))
    assert still.row["decode_time_ns"] < first.row["decode_time_ns"]
