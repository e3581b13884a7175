"""Does a run say how far it is when it is asked by a signal, and go on?"""

import os
import re
import signal
from dataclasses import replace

import pytest

from chipweave.io import status
from chipweave.io.progress import Counting
from chipweave.run import report, simulate
from chipweave.run.spec import RunSpec

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a system without SIGUSR1")
SMALL = RunSpec(topology="wafer_5x5", model="qwen3-30b-a3b", batch=4, steps=3, strategy="base", link_model="circuit")


@pytest.fixture(autouse=True)
def listening():
    before = signal.getsignal(signal.SIGUSR1)
    status.listen()
    yield
    signal.signal(signal.SIGUSR1, before)


def ask():
    os.kill(os.getpid(), signal.SIGUSR1)


def test_work_that_is_counted_says_how_much_is_done(capsys):
    with Counting(200, "rows") as counting:
        ask()
        counting.reached(50, "10 rows/s")
        ask()
    ask()
    first, second, last = capsys.readouterr().err.splitlines()
    assert first == "rows: 0 of 200 (0%)"
    assert re.fullmatch(r"rows: 50 of 200 \(25%\), 10 rows/s, about \S+ s left", second)
    assert last == "reading, checking or writing: no run is under way"


def test_a_run_says_step_layer_simulated_time_and_pace_and_is_the_same_run(capsys):
    shown, asked = report.progress(SMALL, 0, 2), []

    def on_layer(job):
        shown(job)
        if job and (job.step, job.layer) in ((0, 7), (2, 40)):
            ask()
            asked.append(job.end_ps)

    outcome = simulate.simulate(SMALL, on_layer, account=False)
    early, late = capsys.readouterr().err.splitlines()
    table = outcome.table[:, 2].cumsum().tolist()
    assert asked == [table[7], table[2 * 48 + 40]]
    assert f"base (1 of 2), steps: 0 of 3 (0%), layer 7, {table[7] / 1e9:,.3f} ms simulated" in early
    assert f"steps: 2 of 3 (67%), layer 40, {asked[1] / 1e9:,.3f} ms simulated" in late and "left" in late
    alone = simulate.simulate(replace(SMALL), account=False)
    assert (alone.table == outcome.table).all()
