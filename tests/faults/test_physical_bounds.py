"""Does anything that is simulated pass what cannot be passed: pins, peaks, link rates, the latency of an empty
network?"""

import csv
from importlib.resources import files

import numpy as np
import pytest

import chipweave as cw
from chipweave.noc.router import Router
from chipweave.noc.routing import grid
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.traffic import replay
from chipweave.traffic import synthetic as traffic
from chipweave.validation.bench.bandwidth import Stream

VALIDATION = files("chipweave.validation")
PINS = {"GH200 (H100 96GB)": "gh200", "H100 PCIe": "h100_pcie"}
PEAK_FP8 = 1979.0  # TFLOP/s, dense, H100/H800 SXM5 (NVIDIA H100 datasheet)
ENDS = 1e-4  # lines that are on the bus when a window begins or ends


def ledger():
    """(reference row, simulated value) of all answered rows of the H100 ledger."""
    with (VALIDATION / "references" / "h100" / "h100_reference.csv").open(encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    with (VALIDATION / "ledger_h100.csv").open(encoding="utf-8") as file:
        return [
            (rows[r["id"]], float(r["simulated"])) for r in csv.DictReader(file) if r["simulated"] and r["id"] in rows
        ]


def test_streams_from_memory_keep_to_the_pins():
    pins = {name: float(cw.load(topology).parts["hbm"].bandwidth) / 1e9 for name, topology in PINS.items()}
    streams = [(row, value) for row, value in ledger() if row["group"] == "stream" and row["device"] in pins]
    shares = {row["id"]: value / pins[row["device"]] for row, value in streams}
    assert len(streams) > 400
    assert 0.97 < max(shares.values()) <= 1 + ENDS, max(shares.items(), key=lambda item: item[1])


@pytest.mark.slow
@pytest.mark.parametrize("device, kernel, arrays", [("h100_pcie", "init", 3), ("gh200", "triad", 4)])
def test_a_window_of_a_stream_catches_no_more_than_the_pins_carry(device, kernel, arrays):
    """Rates of one short window lay up to 6 % above them, where it caught the ends of a wave more."""
    pins = float(cw.load(device).parts["hbm"].bandwidth)
    stream = Stream(device, kernel, arrays)
    assert max(stream.bandwidth(threads) for threads in (768, 1024)) <= pins * (1 + ENDS)


def test_gemms_keep_to_the_peak():
    values = [value for row, value in ledger() if row["group"] == "deepgemm" and row["unit"] == "TFLOP/s"]
    assert values and max(values) <= PEAK_FP8


def test_every_simulated_value_is_a_positive_number():
    assert all(value > 0 and np.isfinite(value) for _, value in ledger())


@pytest.mark.parametrize("link_model", ["circuit", "fair", pytest.param("flit", marks=pytest.mark.slow)])
def test_no_link_carries_more_than_its_rate(link_model):
    """In no bin of time, under no link model."""
    spec = RunSpec("micro_2x2", "paper", "deepseek-v2-lite", "esft-law", 8, 2, "base", link_model)
    outcome = cw.simulate(spec)
    network = simulate.mesh_of(cw.load(spec.topology, preset=spec.preset))
    rates = {f"{a} -> {b}": float(edge["bandwidth"]) for a, b, edge in network.graph.edges(data=True)}
    total = 0
    for _, names, stats in outcome.outcome.links:
        most = np.array([rates[name] for name in names]) * stats.bin_ps * 1e-12
        message = 2**24  # bytes are counted when a message, under flit a flit, begins or ends
        assert (
            np.cumsum(stats.bins[:, :, 0], axis=0) <= np.outer(np.arange(1, len(stats.bins) + 1), most) + message
        ).all()
        assert (stats.bins[:, :, 1] <= stats.bin_ps).all() or link_model == "fair"
        total += int(stats.bytes.sum())
    assert total > 0


def test_memories_read_no_more_than_their_rate():
    spec = RunSpec("micro_2x2", "paper", "deepseek-v2-lite", "esft-law", 64, 3, "ep")
    row = cw.simulate(spec).row
    parts = cw.load(spec.topology, preset=spec.preset).parts
    rate = sum(float(part.bandwidth) for name, part in parts.items() if name.endswith(".hbm"))
    assert 0 < row["local_read_bytes"] + row["remote_read_bytes"] <= rate * row["decode_time_ns"] * 1e-9


@pytest.mark.parametrize("load", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("pattern", ["uniform", "transpose", "hotspot({5})"])
def test_traffic_keeps_to_one_flit_a_cycle_and_the_empty_network(pattern, load):
    net = grid([4, 4])
    row = traffic.run(net, Router(), pattern, load, "3", cycles=2000, drain_limit=2000)
    alone = [replay.run(net, Router(), [(src, dst, 3, 0)])[0] for src in range(16) for dst in range(16)]
    assert row["accepted_flits_node_max"] <= 1 and row["accepted_flits"] <= 1
    assert row["latency_min"] >= min(atime for _, atime, _ in alone)
    assert row["hops_mean"] <= max(hops for _, _, hops in alone)
    assert row["latency_mean"] >= row["network_latency_mean"] >= row["latency_min"] or row["saturated"]
    assert all(link["busy"] <= 1 for link in row["hottest_links"])
