"""Are the blocks really components: does any of them, swapped by one line for its plain Python twin, change nothing?"""

import functools
from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from chipweave import topology
from chipweave.run import compare
from chipweave.run import simulate as serving
from chipweave.run.record import COLUMNS
from chipweave.run.spec import RunSpec
from chipweave.validation.suites import artifact as suite_artifact

TWINS = {
    "sm cluster": "die.sm.kind=sm.utilisation_table_plain",
    "llc": "die.llc.kind=memory.llc_plain",
    "hbm": "die.hbm.kind=memory.hbm_plain",
    "d2d router": "die.d2d.kind=d2d.router_plain",
    "atu": "die.d2d.atu.kind=d2d.atu_plain",
}
SWAPS = {**{name: (line,) for name, line in TWINS.items()}, "all": tuple(TWINS.values())}
REFERENCES = [row for row in suite_artifact.read(suite_artifact.FOLDER) if row["trace_set"].startswith("micro:")]
CASES = sorted({(row["model"], row["mesh"], row["trace_set"].removeprefix("micro:")) for row in REFERENCES})


@functools.cache
def shipped(model, mesh, case):
    return suite_artifact.run_micro(suite_artifact.MODELS[model], mesh, case)[0]


@pytest.mark.slow
@pytest.mark.parametrize("swap", SWAPS)
def test_every_micro_case_of_every_model_is_the_published_simulators_with_a_twin_in_place(swap):
    assert len(CASES) >= 35
    for model, mesh, case in CASES:
        found = suite_artifact.run_micro(suite_artifact.MODELS[model], mesh, case, SWAPS[swap])
        rows = [
            row for row in REFERENCES if (row["model"], row["mesh"], row["trace_set"]) == (model, mesh, f"micro:{case}")
        ]
        wrong = [r for row in rows for r in suite_artifact.compare(row, found) if r.status != "holds"]
        assert rows and not wrong, wrong
        assert np.array_equal(found[0], shipped(model, mesh, case)), (model, mesh, case)


def test_a_twin_is_named_by_one_line_of_a_topology_that_extends_ours(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: micro_line_2\nname: mine\nassemblies: {die: {parts: {hbm: {kind: memory.hbm_plain}}}}\n")
    system = topology.load(str(path), preset="artifact")
    assert {part.kind for part in system.of_kind("memory.hbm")} == {"memory.hbm_plain"}
    assert (
        system.parts["die[0][0].hbm"].values
        == topology.load("micro_line_2", preset="artifact").parts["die[0][0].hbm"].values
    )


@functools.cache
def small_run(strategy, sets=(), engine="kernel", **more):
    """The `compare` row of three layers of a real trace on six dies, and the statistics of every part."""
    spec = RunSpec(
        topology="wafer",
        model="deepseek-v2-lite",
        trace="esft-law",
        batch=64,
        steps=4,
        strategy=strategy,
        sets=("parts.die.grid=[3, 2]", *sets),
        engine=engine,
        **more,
    )
    loaded = serving.load(spec)
    trace = copy(loaded.routing.trace)
    trace.layers = trace.layers[:3]
    outcome = serving.simulate(spec, loaded=replace(loaded, routing=replace(loaded.routing, trace=trace)))
    return outcome, compare.result_sha256([outcome.row])


@pytest.mark.parametrize("strategy", ["base", "pred"])
@pytest.mark.slow
def test_a_real_trace_gives_one_result_on_the_kernel_the_plain_engine_and_the_plain_components(strategy):
    kernel, sha = small_run(strategy)
    plain, plain_sha = small_run(strategy, engine="plain")
    twins, twins_sha = small_run(strategy, SWAPS["all"])
    assert kernel.row["hops"] > 0
    assert plain_sha == twins_sha == sha
    assert np.array_equal(kernel.table, plain.table) and np.array_equal(kernel.table, twins.table)
    assert sorted(kernel.statistics) == sorted(plain.statistics) == sorted(twins.statistics)


@pytest.mark.slow
def test_on_the_characterised_die_twins_and_kernel_agree_and_the_die_is_another():
    kernel, sha = small_run("pred", preset="h100")
    for twin, twin_sha in (
        small_run("pred", SWAPS["all"], preset="h100"),
        small_run("pred", engine="plain", preset="h100"),
    ):
        assert twin_sha == sha and np.array_equal(kernel.table, twin.table)
    _, assumed = small_run("pred", preset="paper")
    for part in ("hbm", "llc", "sm"):
        _, measured = small_run("pred", (f"die.{part}.table=h100_sxm",), preset="paper")
        assert measured not in (assumed, sha), part


@pytest.mark.parametrize("swap", ["atu", "all"])
def test_a_bounded_table_of_copies_evicts_alike(swap):
    bounded = ("die.d2d.atu.entries=7",)
    ours, sha = small_run("pred", bounded)
    twin, twin_sha = small_run("pred", (*bounded, *SWAPS[swap]))
    unbounded, _ = small_run("pred")
    copies = COLUMNS.index("copies")
    assert twin_sha == sha
    assert ours.table[:, copies].sum() != unbounded.table[:, copies].sum()


def test_a_twin_differs_where_its_parameter_does():
    """The equality above is not blind: one picosecond of the twin's own parameter shows."""
    line = "die.hbm.kind=memory.hbm_plain"
    slower = suite_artifact.run_micro("qwen3-235b", "2x1", "M2", (line, "die.hbm.latency=300001 ps"))[0]
    assert slower[0, COLUMNS.index("time_ps")] == 14814 * 1000 + 1
