"""Is a run that was killed at any barrier and taken up again the run that was not, statistics and accounts too?"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.run import beside, checkpoint, simulate
from chipweave.run.compare import VOLATILE
from chipweave.run.spec import RunSpec

pytestmark = pytest.mark.slow

ROUTER = "d2d.router."
GENERAL = ("vc_allocator=islip(2)", "sw_allocator=wavefront", "routing_delay=1", "priority=local_age", "vcs=4")
GENERAL = tuple(ROUTER + each for each in GENERAL)
MATRIX = (ROUTER + "vc_allocator=separable_input_first(matrix)", ROUTER + "internal_speedup=1.5")
SPREAD = ("d2d.routing=shortest", "d2d.spread=packet", "d2d.allow_deadlock=true")
RUNS = {
    "circuit": {"link_model": "circuit"},
    "early booking": {"link_model": "circuit", "admission": "early_booking"},
    "fair": {"link_model": "fair", "sets": ("d2d.beside=none",)},
    "fair with a sample beside it": {"link_model": "fair"},
    "flit": {"link_model": "flit"},
    "fine flit": {"link_model": "flit", "sets": ("d2d.grain=16",)},
    "general router": {"link_model": "flit", "sets": GENERAL},
    "matrix arbiters": {"link_model": "flit", "sets": MATRIX},
    "spread": {"link_model": "flit", "sets": SPREAD},
    "adaptive": {"link_model": "flit", "sets": ("d2d.routing=min_adapt",)},
    "copies": {"link_model": "flit", "strategy": "allo+pred"},
}


class Killed(BaseException):
    pass


@pytest.fixture
def spec(small_model, tmp_path):
    model = small_model(tmp_path / "mini.yaml", experts=64, top_k=4)
    return RunSpec(model=str(model), batch=24, steps=3, preset="physical")


def run(spec, keep=None, after=None):
    """The Outcome; killed in the midst of the layer-step behind `after`."""
    ended = []

    def on_layer(job):
        if job is not None:
            ended.append(job)
            if after is not None and len(ended) > after:
                raise Killed

    return beside.simulate(spec, on_layer, keep=keep)


def facts(outcome):
    """All that a run leaves, but what depends on the machine."""
    row = {name: value for name, value in outcome.row.items() if name not in VOLATILE}
    links = [
        (n, names, *(a.tolist() for a in (s.bytes, s.busy_ps, s.stalled_ps, s.bins))) for n, names, s in outcome.links
    ]
    return row, outcome.table.tolist(), outcome.statistics, links, outcome.breakdown, outcome.facts


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_killed_and_taken_up_at_every_barrier_in_turn(spec, tmp_path, name):
    spec = replace(spec, **RUNS[name])
    whole = run(spec)
    keep = checkpoint.Keep(tmp_path / "c.npz", {"label": "x"}, 0.0)
    barriers = len(whole.table)
    assert barriers == 6
    for after in range(1, barriers):
        with pytest.raises(Killed):
            run(spec, keep, after)
        assert keep.path.exists()
    assert facts(run(spec, keep)) == facts(whole)
    assert keep.path.stat().st_size < 1 << 20


def test_a_run_that_is_not_killed_is_as_without_checkpoints(spec, tmp_path):
    assert facts(run(spec, checkpoint.Keep(tmp_path / "c.npz", {}, 0.0))) == facts(run(spec))


def test_what_has_been_done_is_not_done_again(spec, tmp_path, monkeypatch, capsys):
    keep = checkpoint.Keep(tmp_path / "c.npz", {"label": "mine"}, 0.0)
    with pytest.raises(Killed):
        run(spec, keep, 4)
    issued = []
    engine = simulate.assemble.__globals__["build"]

    def counted(*arguments, **options):
        made = engine(*arguments, **options)
        issue = made.core.issue
        made.core.issue = lambda *given: issued.append(given) or issue(*given)
        return made

    monkeypatch.setitem(simulate.assemble.__globals__, "build", counted)
    run(replace(spec), keep)
    assert 0 < len(issued) < 6
    assert "mine goes on after layer-step 4" in capsys.readouterr().err


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-400] + bytes(400), lambda b: b"no zip"])
def test_a_damaged_file_is_not_used(spec, tmp_path, capsys, damage):
    keep = checkpoint.Keep(tmp_path / "c.npz", {}, 0.0)
    with pytest.raises(Killed):
        run(spec, keep, 3)
    keep.path.write_bytes(damage(keep.path.read_bytes()))
    assert facts(run(spec, keep)) == facts(run(spec))
    assert "damaged and not used" in capsys.readouterr().err


def test_a_file_of_another_run_is_not_used(spec, tmp_path, capsys):
    keep = checkpoint.Keep(tmp_path / "c.npz", {"program_sha256": "1"}, 0.0)
    with pytest.raises(Killed):
        run(spec, keep, 3)
    assert facts(run(spec, replace(keep, identity={"program_sha256": "2"}))) == facts(run(spec))
    assert "another state of chipweave: not used" in capsys.readouterr().err


def test_an_image_of_another_layout_is_refused(spec, tmp_path):
    keep = checkpoint.Keep(tmp_path / "c.npz", {}, 0.0)
    with pytest.raises(Killed):
        run(spec, keep, 3)
    _, arrays = checkpoint.read(keep.path, {"code": {}})
    image = checkpoint.unpacked(arrays["image"], [len(arrays["image"])])
    engines = []
    with pytest.raises(Killed):
        beside.serving.simulate(spec, around=lambda fabric, work: engines.append(fabric) or stop(), account=False)
    for wrong in (image[:-1], image + b"0", b"\0" * len(image)):
        with pytest.raises(BadInput, match="image of an engine is damaged"):
            engines[0].restore(wrong)


def stop():
    raise Killed


POLICY = """\
import numpy as np
from chipweave.policy import AllocationPolicy, Plan


class Mine(AllocationPolicy):
    seen = 0

    def allocate(self, view):
        if not self.seen:
            self.random = np.random.default_rng({seed})
        self.seen += 1
        expert = np.flatnonzero(view.counts)
        die = (self.random.integers(view.dies, size=len(expert)) + self.seen) % view.dies
        return Plan(expert, die, view.counts[expert])
"""


@pytest.mark.parametrize("seed", ["7", ""])
def test_what_a_users_policy_remembers_is_exact_or_refused(spec, tmp_path, seed):
    (tmp_path / "mine.py").write_text(POLICY.format(seed=seed))
    own = {"placement": "contiguous", "allocation": "./mine.py:Mine", "prediction": "none", "replacement": "unbounded"}
    spec = replace(spec, strategy=tuple(own.items()), folder=str(tmp_path), allow_code=True)
    keep = checkpoint.Keep(tmp_path / "c.npz", {}, 0.0)
    with pytest.raises(Killed):
        run(spec, keep, 4)
    if seed:
        assert facts(run(spec, keep)) == facts(run(spec))
    else:
        with pytest.raises(
            BadInput, match="does not repeat what it did; allowed: .*random numbers with a seed.*--force"
        ):
            run(spec, keep)


def test_a_run_of_the_twin_says_that_it_has_none(spec, tmp_path, capsys):
    keep = checkpoint.Keep(tmp_path / "c.npz", {}, 0.0)
    run(replace(spec, engine="plain", steps=2, batch=1, link_model="circuit"), keep)
    assert not keep.path.exists()
    assert "no checkpoint of this run: an engine or link model that has no image" in capsys.readouterr().err


def command(folder, model, strategies, *more):
    given = ["--model", str(model), "--batch", "24", "--steps", "4", "--link-model", "flit", "--strategies", strategies]
    return ["compare", *given, "--out", str(folder), "--checkpoint-every", "0", *more]


@pytest.mark.slow
def test_kill_9_loses_no_row_and_no_layer_step(spec, tmp_path, capsys):
    """Rows that are complete are in the folder, the one under way has its checkpoint; the same command goes on."""
    given = command(tmp_path / "o", spec.model, "ep,base")
    beside_it = subprocess.Popen([sys.executable, "-m", "chipweave", *given], stderr=subprocess.DEVNULL)
    deadline, first = time.monotonic() + 120, set()
    while time.monotonic() < deadline and beside_it.poll() is None:
        there = set((tmp_path / "o").glob("checkpoint-*.npz"))
        if not (tmp_path / "o" / "result.json").exists():
            first |= there
        elif there - first:
            break  # the second row has one
        time.sleep(0.002)
    os.kill(beside_it.pid, signal.SIGKILL)
    assert beside_it.wait() == -signal.SIGKILL
    assert [row["strategy"] for row in json.loads((tmp_path / "o" / "result.json").read_text())["rows"]] == ["ep"]
    for folder in ("o", "whole"):
        with pytest.raises(SystemExit) as end:
            main(command(tmp_path / folder, spec.model, "ep,base"))
        assert end.value.code == 0
    err = capsys.readouterr().err
    assert "1 rows of" in err and "goes on after layer-step" in err
    hashes = [json.loads((tmp_path / f / "result.json").read_text())["result_sha256"] for f in ("o", "whole")]
    assert hashes[0] == hashes[1]
    assert not list((tmp_path / "o").glob("checkpoint-*"))
