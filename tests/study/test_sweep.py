"""Is every point of a sweep run once, whatever happens, on every executor?"""

import importlib.util
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chipweave.errors import BadInput
from chipweave.study import executors, run_sweep, sweep
from chipweave.study import point as points
from chipweave.study.sweep_file import load
from chipweave.trace import library

FILE = """
schema: chipweave.sweep/1
name: tiny
run: {topology: micro_2x2, model: llama4-maverick, batch: 16, steps: 3, preset: artifact}
vary:
  strategy: [base, ep]
  batch: [8, 16]
  die.hbm.bandwidth: [3 TB/s, 8 TB/s]
compare: {strategy: base}
plot: [{x: batch, y: speedup, colour: strategy, facet: die.hbm.bandwidth}]
"""
STUDIES = Path(__file__).parents[2] / "examples" / "studies"
VOLATILE = ("cpu_s", "wall_s", "peak_rss_bytes")


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_study_is_read_and_stands_in_the_index(path):
    assert load(path).points
    assert f"| {path.name} |" in (STUDIES / "README.md").read_text()


def written(tmp_path, text=FILE, name="s.yaml"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def rows(out):
    """The rows of a table without what depends on the machine, by key."""
    table = pq.read_table(out / "points.parquet").to_pylist()
    assert len({row["key"] for row in table}) == len(table)
    return {row["key"]: {k: v for k, v in row.items() if k not in VOLATILE} for row in table}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rows of a sweep that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    os.environ["CHIPWEAVE_CACHE"] = str(tmp_path_factory.getbasetemp() / "cache")
    sweep.run(load(written(folder)), folder / "out", None)
    return rows(folder / "out")


def test_points_are_the_product_in_the_order_written(tmp_path):
    found = load(written(tmp_path))
    assert len(found.points) == 8 and found.points[1].settings == {
        "strategy": "base",
        "batch": 8,
        "die.hbm.bandwidth": "8 TB/s",
    }
    assert found.points[1].spec.sets == ("die.hbm.bandwidth=8 TB/s",)


def test_speedup_is_against_the_point_that_differs_in_what_is_compared_alone(undisturbed):
    for row in undisturbed.values():
        same = [
            r
            for r in undisturbed.values()
            if (r["batch"], r["die.hbm.bandwidth"], r["strategy"]) == (row["batch"], row["die.hbm.bandwidth"], "base")
        ]
        assert row["speedup"] == same[0]["decode_time_ns"] / row["decode_time_ns"]
    assert {row["speedup"] == 1 for row in undisturbed.values() if row["strategy"] == "base"} == {True}


def test_a_point_done_is_not_run_again_and_a_failed_one_is(tmp_path, monkeypatch, undisturbed):
    found, ran, real = load(written(tmp_path)), [], points.run

    def failing(point):
        ran.append(point.settings)
        return {"failed": "no luck"} if len(ran) == 3 else real(point)

    monkeypatch.setattr(points, "run", failing)
    document = sweep.run(found, tmp_path / "out", None)
    assert (document["done"], len(document["failed"]), len(ran)) == (7, 1, 8)
    assert document["failed"][0] == {"settings": ran[2], "message": "no luck"}
    document = sweep.run(found, tmp_path / "out", None)
    assert (document["done"], document["failed"], ran[8:]) == (8, [], [ran[2]])
    assert rows(tmp_path / "out") == undisturbed


def test_a_point_that_cannot_run_is_listed_and_the_others_go_on(tmp_path):
    text = FILE.replace("[8, 16]", "[8]").replace("strategy: [base, ep]", "strategy: [base, ./none.yaml]")
    document = sweep.run(load(written(tmp_path, text)), tmp_path / "out", None)
    assert document["done"] == 2 and len(document["failed"]) == 2 and "none.yaml" in document["failed"][0]["message"]


def test_the_key_follows_what_a_point_runs_on(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "strategy: mine\nplacement: contiguous\nallocation: home\nprediction: none\nreplacement: unbounded\n"
    )
    text = FILE.replace("[base, ep]", "[mine.yaml]").replace("compare: {strategy: base}", "")
    first = [p.key() for p in load(written(tmp_path, text)).points]
    assert len(set(first)) == 4 and first == [p.key() for p in load(written(tmp_path, text)).points]
    (tmp_path / "mine.yaml").write_text((tmp_path / "mine.yaml").read_text().replace("unbounded", "lru_free_hbm"))
    assert not set(first) & {p.key() for p in load(written(tmp_path, text)).points}


def test_the_key_follows_files_that_files_name_and_folders_of_traces(tmp_path):
    (tmp_path / "lower.yaml").write_text("extends: micro_2x2\n")
    (tmp_path / "upper.yaml").write_text("extends: lower.yaml\nname: upper\n")
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "0.json").write_text("[]")
    (tmp_path / "mine.py").write_text("class Mine: pass\n")
    text = FILE.replace("topology: micro_2x2", "topology: upper.yaml, trace: traces")
    text = text.replace("strategy: [base, ep]", "strategy: [base, ep]\n  prediction: [{kind: './mine.py:Mine'}]")
    keys = [{p.key() for p in load(written(tmp_path, text)).points}]
    for name, change in (("lower.yaml", "about: more\n"), ("traces/0.json", " "), ("mine.py", "X = 1\n")):
        with open(tmp_path / name, "a") as file:
            file.write(change)
        keys.append({p.key() for p in load(written(tmp_path, text)).points})
        assert not keys[-1] & keys[-2], name


def test_a_large_trace_is_hashed_once_for_all_points(tmp_path, monkeypatch):
    (tmp_path / "t.jsonl").write_text("x")
    read = []
    monkeypatch.setattr(library, "file_sha256", lambda path: read.append(path) or "0" * 64)
    found = load(written(tmp_path, FILE.replace("topology: micro_2x2", "topology: micro_2x2, trace: t.jsonl")))
    assert len({p.key() for p in found.points}) == 8 and len(read) == 1


def test_a_table_of_an_earlier_sweep_does_not_pass_for_one_that_failed(tmp_path, monkeypatch):
    sweep.run(load(written(tmp_path, FILE.replace("[8, 16]", "[8]"))), tmp_path / "out", None)
    monkeypatch.setattr(points, "run", lambda point: {"failed": "no luck"})
    document = sweep.run(load(written(tmp_path, FILE.replace("[8, 16]", "[32]"))), tmp_path / "out", None)
    assert document["done"] == 0 and not (tmp_path / "out" / "points.parquet").exists()


def test_policies_and_their_parameters_vary(tmp_path):
    text = FILE.replace("die.hbm.bandwidth: [3 TB/s, 8 TB/s]", "prediction: [none, {kind: popularity, top_n: 10 %}]")
    text = text.replace("strategy: [base, ep]", "strategy: [allo]\n  allocation.block: [50, 512]")
    text = text.replace("facet: die.hbm.bandwidth", "facet: prediction").replace("compare: {strategy: base}", "")
    found = load(written(tmp_path, text))
    policies = dict(found.points[-1].spec.strategy)
    assert dict(policies["allocation"]) == {"kind": "placement_aware", "block": 512}
    assert dict(policies["prediction"]) == {"kind": "popularity", "top_n": "10 %"}
    assert sweep.run(found, tmp_path / "out", None)["failed"] == []


@pytest.mark.parametrize(
    "change, message",
    [
        (("vary:", "varies:"), "s.yaml:5:1: a sweep file has no key 'varies'.*nearest: vary"),
        (("chipweave.sweep/1", "chipweave.run/1"), "says its schema"),
        (("batch: [8, 16]", "bach: [8, 16]"), "nothing is called 'bach'.*nearest: batch"),
        (("batch: [8, 16]", "batch: [0]"), "batch is 0; allowed: at least 1"),
        (("batch: [8, 16]", "batch: 8"), "batch varies over"),
        (("x: batch", "z: batch"), "a plot has no 'z'"),
        (("x: batch", "kind: pie, x: batch"), "a plot cannot be 'pie'; allowed: auto, line, bar, scatter"),
        (("compare: {strategy: base}", "compare: {stratgy: base}"), "compare: 'stratgy' does not.*nearest: strategy"),
        (("compare: {strategy: base}", "compare: {strategy: allo}"), "s.yaml:9:.*compare: strategy is never allo"),
        (("compare:", "skip: [{batch: 9}]\ncompare:"), "skip: batch is never 9; allowed: 8, 16"),
        (("model: llama4", "modle: llama4"), "a run has no 'modle'.*nearest: model"),
        (("strategy: [base, ep]", "strategy: [base]\n  allocation: [home]\n  foo.: [1]"), "foo"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(change, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        found = load(written(tmp_path, FILE.replace(*change)))
        assert [p.spec.sets for p in found.points] and not any("foo" in str(p.spec.sets) for p in found.points), "foo"
        raise AssertionError("taken")


WRITTEN = (
    "{placement: contiguous, allocation: {kind: placement_aware, block: 50}, prediction: none, replacement: unbounded}"
)


def test_a_parameter_that_a_policy_needs_may_come_from_what_varies(tmp_path):
    (tmp_path / "mine.yaml").write_text(WRITTEN.replace("unbounded", "lru"))
    text = FILE.replace("strategy: [base, ep]", "replacement.capacity: [1 GiB, 2 GiB]").replace(
        "colour: strategy, ", ""
    )
    text = text.replace("steps: 3", "steps: 3, strategy: mine.yaml").replace("compare: {strategy: base}\n", "")
    policies = dict(load(written(tmp_path, text)).points[-1].spec.strategy)
    assert dict(policies["replacement"]) == {"kind": "lru", "capacity": "2 GiB"}


@pytest.mark.parametrize(
    "change", [("steps: 3", f"steps: 3, strategy: {WRITTEN}"), ("[base, ep]", f"[base, {WRITTEN}]")]
)
def test_a_strategy_written_out_in_the_file_runs(change, tmp_path):
    text = FILE.replace(*change).replace("batch: [8, 16]", "batch: [8]").replace("compare: {strategy: base}\n", "")
    if "steps" in change[0]:
        text = text.replace("  strategy: [base, ep]\n", "").replace(", colour: strategy", "")
    found = load(written(tmp_path, text))
    assert dict(dict(found.points[-1].spec.strategy)["allocation"]) == {"kind": "placement_aware", "block": 50}
    assert sweep.run(found, tmp_path / "out", None)["failed"] == []


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (
            "placement: contiguous\nallocation: home\nprediction: none\n",
            "mine.yaml:1.*needs a policy for 'replacement'",
        ),
        ("- placement\n", "mine.yaml:1.*a strategy is a mapping"),
        (None, "a strategy needs a policy for 'replacement'"),
    ],
)
def test_a_parameter_of_a_role_that_a_strategy_lacks_is_refused(strategy, message, tmp_path):
    (tmp_path / "mine.yaml").write_text(strategy or "")
    text = FILE.replace("strategy: [base, ep]", "replacement.capacity: [1 GiB, 2 GiB]")
    given = "mine.yaml" if strategy else "{placement: contiguous}"
    text = text.replace("steps: 3", f"steps: 3, strategy: {given}").replace("compare: {strategy: base}\n", "")
    with pytest.raises(BadInput, match=message):
        load(written(tmp_path, text.replace("colour: strategy", "colour: batch")))


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    with pytest.raises(BadInput, match="holds other files, such as thesis.tex"):
        sweep.run(load(written(tmp_path)), tmp_path / "out", None)


def _child(file, out, ready):
    ready.set()
    sweep.run(load(file), out, None)


@pytest.mark.slow
def test_killed_at_thirty_moments_each_point_is_there_once_and_as_undisturbed(tmp_path, undisturbed):
    file, fork = written(tmp_path), multiprocessing.get_context("fork")
    chance = random.Random(5)
    begun = time.monotonic()
    sweep.run(load(file), tmp_path / "whole", None)
    span = time.monotonic() - begun
    kills = 0
    for number in range(30):
        out, ready = tmp_path / f"out{number % 6}", fork.Event()
        child = fork.Process(target=_child, args=(file, out, ready))
        child.start()
        ready.wait()
        time.sleep(chance.random() * span * 0.8)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        kills += child.exitcode == -signal.SIGKILL
    assert kills >= 10
    for number in range(6):
        sweep.run(load(file), tmp_path / f"out{number}", None)
        assert rows(tmp_path / f"out{number}") == undisturbed


# ---- executors


@pytest.mark.slow
def test_two_processes_give_the_rows_of_one(tmp_path, undisturbed):
    with executors.load("local")(2, {}) as pool:
        sweep.run(load(written(tmp_path)), tmp_path / "out", pool)
    assert rows(tmp_path / "out") == undisturbed


@pytest.mark.slow
def test_dask_workers_give_the_same_rows(tmp_path, undisturbed):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        with executors.load("dask")(1, {"address": cluster.scheduler_address}) as pool:
            sweep.run(load(written(tmp_path)), tmp_path / "out", pool)
    assert rows(tmp_path / "out") == undisturbed


@pytest.mark.slow
def test_submitit_jobs_give_the_same_rows(tmp_path, undisturbed):
    pytest.importorskip("submitit")
    text = FILE.replace("[3 TB/s, 8 TB/s]", "[3 TB/s]").replace("[8, 16]", "[8]")
    with executors.load("slurm")(2, {"cluster": "local", "folder": str(tmp_path / "jobs")}) as pool:
        sweep.run(load(written(tmp_path, text)), tmp_path / "out", pool)
    got = rows(tmp_path / "out")
    assert len(got) == 2 and all(
        undisturbed[key]["decode_time_ns"] == row["decode_time_ns"] for key, row in got.items()
    )


@pytest.mark.slow
def test_two_ranks_of_mpi_give_the_same_rows(tmp_path, undisturbed):
    pytest.importorskip("mpi4py")
    mpiexec = os.path.join(os.path.dirname(sys.executable), "mpiexec")
    if not os.path.exists(mpiexec):
        pytest.skip("no mpiexec beside this Python")
    command = [mpiexec, "-n", "2", sys.executable, "-m", "mpi4py.futures", "-m", "chipweave", "sweep"]
    more = [str(written(tmp_path)), "--out", str(tmp_path / "out"), "--executor", "mpi"]
    done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path / "out") == undisturbed


def test_an_unknown_executor_is_refused_by_name():
    with pytest.raises(BadInput, match="unknown executor 'slrum'.*nearest: slurm"):
        executors.load("slrum")


def test_an_option_that_an_executor_does_not_take_is_refused(tmp_path, capsys):
    with pytest.raises(BadInput, match="executor local takes no option 'slurm_partition'; allowed: none"):
        call(tmp_path, capsys, ("options", ("slurm_partition=cpu",)))


def test_points_that_slurm_refuses_fail_and_are_not_waited_for(monkeypatch):
    """With or without submitit, of which nothing is called here."""
    if importlib.util.find_spec("submitit") is None:
        monkeypatch.setitem(sys.modules, "submitit", types.ModuleType("submitit"))
    spec = importlib.util.find_spec("chipweave.study.executors.slurm")
    slurm = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(slurm)

    class Refusing:
        def batch(self):
            raise RuntimeError("sbatch: invalid partition")

    with pytest.raises(RuntimeError, match="invalid partition"):
        slurm.Arrays(Refusing()).submit(len, "x").result(timeout=20)


# ---- the command


def call(tmp_path, capsys, *options):
    file = written(tmp_path)
    defaults = dict(
        out=str(tmp_path / "out"), executor="local", jobs=1, options=(), only=None, emit=None, listed=False,
        allow_code=False, json_path=None,
    )  # fmt: skip
    run_sweep.command(file, **{**defaults, **dict(options)})
    return capsys.readouterr()


def test_the_command_draws_tables_and_pictures(tmp_path, capsys):
    shown = call(tmp_path, capsys, ("json_path", str(tmp_path / "s.json")))
    document = json.loads((tmp_path / "s.json").read_text())
    assert (document["schema"], document["points"], document["done"]) == ("chipweave.sweep/1", 8, 8)
    assert "speedup" in shown.out and (tmp_path / "out" / "speedup.svg").stat().st_size > 1000
    assert "8 points, 0 done" in shown.err


@pytest.mark.slow
def test_one_point_of_an_array_and_then_the_rest(tmp_path, capsys, undisturbed):
    call(tmp_path, capsys, ("only", 3))
    assert len(rows(tmp_path / "out")) == 1
    assert "8 points, 1 done" in call(tmp_path, capsys).err
    assert rows(tmp_path / "out") == undisturbed


def test_a_job_array_is_printed_and_the_points_are_listed(tmp_path, capsys):
    script = call(tmp_path, capsys, ("emit", "slurm-array"), ("jobs", 4)).out
    assert "#SBATCH --array=0-7%4" in script and '--only "$SLURM_ARRAY_TASK_ID"' in script
    assert "--allow-code" not in script
    assert "--allow-code" in call(tmp_path, capsys, ("emit", "slurm-array"), ("allow_code", True)).out
    assert len(call(tmp_path, capsys, ("listed", True)).out.splitlines()) == 8


def test_what_goes_together_is_compared_together(tmp_path):
    (tmp_path / "s.yaml").write_text(
        "schema: chipweave.sweep/1\nrun: {model: llama4-maverick}\nvary: {batch: [8, 16]}\n"
        "together:\n  - {case: none}\n  - {case: kept, prediction: always}\n  - {case: dealt, placement: in_turn}\n"
        "compare: {case: none}\n"
    )
    found = load(tmp_path / "s.yaml")
    assert found.compare == {"case": "none", "prediction": None, "placement": None}
    rows = [
        {"batch": batch, "case": case, "prediction": kept, "placement": where, "decode_time_ns": time * batch}
        for batch in (8, 16)
        for case, kept, where, time in (
            ("none", None, None, 6),
            ("kept", "always", None, 2),
            ("dealt", None, "in_turn", 3),
        )
    ]
    sweep.fill_speedups(rows, found)
    assert [row["speedup"] for row in rows] == [1.0, 3.0, 2.0] * 2
