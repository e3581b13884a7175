"""Is a coarser grain the same network with larger flits, in both engines, and does a row say what it changes?"""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from chipweave import fabric, topology
from chipweave.__main__ import main
from chipweave.chain import DONE, Constant, Layout
from chipweave.errors import BadInput
from chipweave.fabric import grain as grains
from chipweave.noc import network as flit_network
from chipweave.run import assemble, beside, compare
from chipweave.run import flit_sample as sample
from chipweave.run import simulate as serving
from chipweave.run.probe import Watched
from chipweave.run.spec import RunSpec

TOPOLOGY = "schema: chipweave.topology/1\nname: t\nnetworks:\n  n:\n    link_model: flit\n    "
MESH = "grid: [2, 3]\nshape: mesh\nlatency: 20 ns\nbandwidth: 32 GB/s"
NETWORKS = [
    MESH,
    MESH + "\nrouter: {vcs: 2, routing_delay: 2, vc_alloc_delay: 3}",
    MESH.replace("32 GB", "31.7 GB"),
    MESH + "\nrouter: {speculative: 1}",
    MESH + "\noverride:\n  - {between: [0, 2], bandwidth: 10 GB/s}",
    "grid: [4, 4]\nshape: torus\nlatency: 30 ns\nbandwidth: 32 GB/s\nrouter: {vcs: 4}",
    "routers: 4\nshape: switch\nlatency: 5 ns\nbandwidth: 32 GB/s\nrouter: {sw_allocator: islip(2)}",
    "routers: 4\nshape: full\nlatency: 25 ns\nbandwidth: 32 GB/s\nrouter: {internal_speedup: 1.5}",
]
SMALL = dict(topology="micro_2x2", preset="physical", model="qwen3-30b-a3b", batch=2, steps=3)


@pytest.fixture
def layout_of(tmp_path):
    """A layout over one network: a request of 16 B, a hold at the target, and `size` bytes back."""

    def made(text, **usual):
        file = tmp_path / "t.yaml"
        file.write_text(TOPOLOGY + text.replace("\n", "\n    "))
        system = topology.load(file)
        layout = Layout()
        layout.usual = usual
        assemble.add_network(layout, system, system.networks["n"], None)
        network, ports = layout.find("n"), layout.resources("port", 64)
        layout.chain("one", ["from", "to", "size"]).send("data", network, "from", "to", "size")
        both = layout.chain("both", ["from", "to", "size"])
        both.send("request", network, "from", "to", 16, then="serve")
        both.hold("serve", ports.at("to"), Constant(1500), then="reply")
        both.send("reply", network, "to", "from", "size", then=DONE)
        return layout

    return made


def finish(layout, chain, rows, engine="kernel", starts=None):
    running = fabric.build(layout, engine=engine)
    batch = running.issue(chain, rows, starts)
    while not running.idle:
        running.advance()
    return running.finish_ps(batch), running


def grain_of(running):
    return running.core.compiled.networks["n"].grain


@pytest.mark.slow
@pytest.mark.parametrize("text", NETWORKS)
def test_a_lone_message_of_one_fine_flit_takes_as_long_as_in_the_fine_network(layout_of, text):
    exact, coarse = layout_of(text), layout_of(text + "\ngrain: 4")
    for source, target in ((0, 1), (1, 3), (3, 0), (2, 2)):
        for sent in (0, 1, 999, 1000, 12_345):
            rows, at = [(source, target, 32)], [sent]
            assert finish(coarse, "one", rows, starts=at)[0] == finish(exact, "one", rows, starts=at)[0]


@pytest.mark.parametrize("text", NETWORKS)
def test_kernel_and_twin_agree_to_the_ps_with_the_same_link_counts(layout_of, text):
    rng = np.random.default_rng(len(text))
    layout = layout_of(text + "\ngrain: 4")
    ends = layout.parts["networks"][0].endpoints
    rows = np.stack([rng.integers(0, ends, 60), rng.integers(0, ends, 60), rng.integers(1, 5000, 60)], axis=1)
    starts = rng.integers(0, 90_000, 60)
    kernel, k = finish(layout, "both", rows, "kernel", starts)
    plain, p = finish(layout, "both", rows, "plain", starts)
    assert kernel.tolist() == plain.tolist() and k.events == p.events
    a, b = (running.link_statistics(layout.find("n")) for running in (k, p))
    assert np.array_equal(a.bytes, b.bytes) and np.array_equal(a.busy_ps, b.busy_ps) and a.bytes.sum() > 0
    assert np.array_equal(a.wire.sum(axis=0), b.wire.sum(axis=0)) and (a.wire.sum(axis=0) >= a.bytes).all()


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_messages_beside_the_routers_are_counted_on_their_links_as_one_fine_flit(layout_of, engine):
    _, running = finish(layout_of(MESH + "\ngrain: 4"), "one", [(0, 1, 16), (0, 3, 20)], engine)
    stats = running.link_statistics(running.layout.find("n"))
    assert stats.bytes.sum() == 16 + 2 * 20 and stats.wire.sum() == 3 * 32 and stats.busy_ps.sum() == 3 * 1000


def test_flits_packets_and_cycles_are_k_times_as_large_and_buffers_keep_their_bytes(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text(TOPOLOGY + MESH.replace("\n", "\n    ") + "\n    router: {vc_depth: 50, max_packet: 128 B}")
    fine, coarse = (flit_network.of(topology.load(file).networks["n"], grain=k) for k in (1, 4))
    assert coarse.flit_bytes == 4 * fine.flit_bytes and coarse.max_packet == 4 * fine.max_packet
    assert coarse.clock == fine.clock / 4 and coarse.packet_flits == fine.packet_flits
    assert [row[4] for row in coarse.network.links.rows[:1]] == [5] and coarse.fine_latency[0] == 20
    assert coarse.router.vc_depth == 12  # 50 / 4, halves to even


@pytest.mark.parametrize(
    "message, latency, grain",
    [(31_858, 332, 64), (3_414, 332, 8), (10**9, 332, 64), (10**9, 3 * 1024, 1024), (499, 332, 1), (500, 332, 2)]
    + [(10**6, 5, 1), (10**6, 6, 2)],
)
def test_auto_keeps_250_slots_in_a_message_and_3_on_a_link(layout_of, message, latency, grain):
    layout = layout_of(MESH.replace("20 ns", f"{latency} ns") + "\ngrain: auto", size=32 * message)
    running = fabric.build(layout)
    assert grain_of(running) == grain


def test_auto_is_1_where_no_size_is_known_before_the_run(layout_of):
    assert grain_of(fabric.build(layout_of(MESH + "\ngrain: auto"))) == 1
    fine = flit_network.of(topology.load("wafer_5x5").networks["d2d"])
    assert grains.choose(fine, [16], Fraction(1, 1024)) == 1  # requests alone


@pytest.mark.parametrize("value", ["0", "3", "2048", "fine"])
def test_other_grains_are_refused_with_their_place(tmp_path, capsys, value):
    file = tmp_path / "t.yaml"
    file.write_text(TOPOLOGY + MESH.replace("\n", "\n    ") + f"\n    grain: {value}\n")
    with pytest.raises(SystemExit) as ended:
        main(["check", str(file)])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "t.yaml:10:12: " in said and "auto, 1, 2, 4" in said


def test_traffic_which_counts_single_flits_refuses_a_grain(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["traffic", "mesh_4x4", "--set", "mesh.grain=4", "--load", "0.1", "--cycles", "10"])
    assert ended.value.code == 2 and "--set mesh.grain=1" in capsys.readouterr().err


@pytest.mark.slow
def test_a_row_of_fair_under_physical_carries_the_difference_of_flit():
    spec = RunSpec(**SMALL)
    row, bare = beside.simulate(spec).row, serving.simulate(spec).row
    said = row.pop("flit")
    assert {k: v for k, v in row.items() if k not in ("cpu_s", "wall_s", "peak_rss_bytes")} == {
        k: v for k, v in bare.items() if k not in ("cpu_s", "wall_s", "peak_rss_bytes")
    }
    assert said["layer_steps"] == 15 and said["of"] == 144 and said["grain"] == 8
    assert said["difference"] == said["decode_time_ns"] / row["decode_time_ns"] - 1 != 0
    assert 0 < abs(said["grain_difference"]) < 0.1 and said["decode_standard_error_ns"] > 0
    assert "flit" not in beside.simulate(RunSpec(**SMALL, sets=("d2d.beside=none",))).row


def test_a_run_without_a_sample_loads_its_system_once_and_says_all_its_faults_at_once(monkeypatch):
    loads, load = [], topology.load
    monkeypatch.setattr(topology, "load", lambda *a, **k: loads.append(a) or load(*a, **k))
    row = beside.simulate(RunSpec(**SMALL, link_model="circuit")).row
    assert len(loads) == 1 and "flit" not in row and row["cpu_s"] > 0
    with pytest.raises(BadInput, match="nowhere") as wrong:
        beside.simulate(RunSpec(topology="nowhere", model="nothing", link_model="circuit"))
    assert len(wrong.value.faults) == 2


@pytest.mark.slow
def test_a_sampled_layer_step_starts_from_the_state_of_the_run(monkeypatch):
    """Its time under the run's own link model is that of the run, less the plan's and reports' way."""
    seen, finish = [], Watched.finish
    monkeypatch.setattr(Watched, "finish", lambda self: (seen.append(self), finish(self)))
    outcome = beside.simulate(RunSpec(**SMALL))
    times, table = seen[0].times, outcome.table[:, 2]
    assert len(times) == 15
    assert {int(table[row]) - took[0] for row, took in times.items()} == {3_200_000}


@pytest.mark.slow
def test_a_run_under_coarse_flit_says_its_grain_and_what_a_finer_one_changes(tmp_path, capsys):
    file = tmp_path / "r.json"
    words = "compare --topology micro_2x2 --model qwen3-30b-a3b --batch 2 --steps 2 --strategies base".split()
    with pytest.raises(SystemExit) as ended:
        main([*words, "--link-model", "flit", "--json", str(file)])
    row, said = json.loads(file.read_text())["rows"][0], capsys.readouterr()
    assert ended.value.code == 0 and row["grain"] == 8 and 0 < abs(row["grain_difference"]) < 0.1
    assert "flit grain 8" in said.out and "grain 4 on the same layer-steps differs by" in said.err


@pytest.mark.slow
def test_a_sample_beside_circuit_says_its_grain_too(tmp_path):
    spec = RunSpec(**SMALL, link_model="circuit")
    estimate, rows = sample.measure(spec, serving.simulate(spec), 15)
    assert estimate["grain"] == 8 and abs(estimate["grain_difference"]) < 0.1
    finer = [row["flit_finer_ns"] for row in rows]
    assert len(finer) == estimate["layer_steps"] >= 15 and finer != [row["flit_ns"] for row in rows]


@pytest.mark.slow
def test_a_folder_whose_row_has_a_sample_beside_it_runs_again_to_the_same_hash(tmp_path, capsys):
    words = "compare --topology micro_2x2 --model qwen3-30b-a3b --batch 2 --steps 2 --strategies base".split()
    with pytest.raises(SystemExit) as ended:
        main([*words, "--out", str(tmp_path / "out")])
    assert ended.value.code == 0
    with pytest.raises(SystemExit) as ended:
        main(["rerun", str(tmp_path / "out")])
    assert ended.value.code == 0, capsys.readouterr()


@pytest.mark.slow
def test_the_twin_says_its_grain_and_the_hash_leaves_out_what_a_sample_says(monkeypatch):
    """The plain engine takes minutes for a run; the kernel stands in for it here, and has no sample beside it."""
    spec, simulate = RunSpec(**SMALL | {"steps": 1}, link_model="flit", sets=("d2d.grain=64",)), serving.simulate
    kernel = beside.simulate(spec).row
    monkeypatch.setattr(serving, "simulate", lambda spec, *a, **k: simulate(replace(spec, engine="kernel"), *a, **k))
    plain = beside.simulate(replace(spec, engine="plain")).row
    assert kernel["grain"] == plain["grain"] == 64 and "grain_difference" not in plain
    assert compare.result_sha256([kernel]) == compare.result_sha256([plain])
    assert compare.result_sha256([kernel]) != compare.result_sha256([kernel | {"grain": 32}])
