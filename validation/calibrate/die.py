"""Fits the parameters of the line-rate die from calibration rows alone and writes validation/calibrated/die.yaml.

    python -m chipweave.validation.calibrate.die

Each figure is found by running the row's own microbenchmark on the die until it gives the row's value, and is written
with the rows it came from. Rows of any other role are dropped before their value is parsed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from chipweave.line_rate.sm_program import ORDER, Chase, Loop

from ..bench import bandwidth, chase, clusters
from ..bench.die import CALIBRATED, KIB, MIB, Die
from .kernels import calibration_values

LSU_BYTES = 128  # a warp's phase; what the load-store unit would move a cycle without its own losses


class Fit:
    """The figures found so far, as a preset file that the next microbenchmark runs under."""

    def __init__(self, folder: Any) -> None:
        """folder: where the preset file of the fit so far is written."""
        self.path = Path(folder) / "die.yaml"
        self.kinds: dict[str, dict[str, Any]] = {}

    def set(self, kind: Any, name: Any, value: Any, rows: Any) -> None:
        """`value` as YAML text; `rows`: where it came from."""
        self.kinds.setdefault(kind, {})[name] = {
            "value": value,
            "source": f"calibration rows {', '.join(rows)}",
            "kind": "fitted",
        }

    def write(self, path: Any) -> None:
        """Write the fit as a preset, each value with the rows it came from."""
        document = {
            "schema": "chipweave.preset/1",
            "name": "die",
            "about": "figures of the line-rate die that are fitted, shared by all devices",
            "device": "H100",
            "kinds": self.kinds,
        }
        note = "# Written by validation/calibrate/die.py from calibration rows alone. Do not edit.\n"
        Path(path).write_text(note + yaml.safe_dump(document, sort_keys=False, width=140), encoding="utf-8")

    def options(self) -> Any:
        """Keyword arguments of a Die under what has been found; a new file each time, since files are cached by
        name."""
        self.path = self.path.with_name(f"die{len(list(self.path.parent.iterdir()))}.yaml")
        self.write(self.path)
        return {"preset": str(self.path)}


def secant(measure: Any, wanted: Any, x0: Any, x1: Any, steps: int = 7, tolerance: float = 1e-3) -> Any:
    """x with measure(x) = wanted, from two first guesses."""
    y0, y1 = measure(x0), measure(x1)
    for _ in range(steps):
        if abs(y1 / wanted - 1) < tolerance or y1 == y0:
            break
        x0, x1, y0 = x1, x1 + (wanted - y1) * (x1 - x0) / (y1 - y0), y1
        y1 = measure(x1)
    return x1


def near_cycles(topology: Any, **options: Any) -> Any:
    """A chase in 4 MiB: every line has a home or a copy beside the reader."""
    return chase.cycles(topology, 4 * MIB, **options)


def far_cycles(topology: Any, **options: Any) -> Any:
    """Steps to lines whose home is the other partition, each read for the first time by this side."""
    die = Die(topology, sms=3, **options)
    lines = np.arange(8192, dtype=np.int64)
    die.endpoints.touch(
        [die.sms[1]], (lines * 128).astype(np.uint64), mask=15
    )  # all in the other partition or on its side
    before = die.endpoints.total(die.slices, "peer_reads")
    period, hops = die.period_ps, 4096
    die.endpoints.attach(die.sms[0], ORDER, lines)
    die.program(die.sms[0], [Chase(), Loop(0, hops)], 1)
    die.launch(die.sms[0])
    die.endpoints.run()
    far = (die.endpoints.total(die.slices, "peer_reads") - before) / hops
    return (die.endpoints.now / hops / period - (1 - far) * near_cycles(topology, **options)) / far


def fit(v: Any, report: Any = lambda name, value: None) -> Any:
    """The kinds of the preset from the calibration values `v` ({row id: value})."""
    with tempfile.TemporaryDirectory() as folder:
        f = Fit(folder)
        for step in (
            _pipeline,
            _l2_latency,
            _l2_bandwidth,
            _memory_latency,
            _blocks,
            _memory_bandwidth,
            _cluster,
            _copies,
            _launches,
        ):
            step(f, v)
            report(step.__name__.strip("_"), f.kinds)
        return f


def _pipeline(f: Any, v: Any) -> None:
    """Cycles that a row states as they stand: an L1 hit, shared memory, and the share of load-store slots left."""
    f.set("gpu.sm", "hit_cycles", round(v["uarch-0004"]), ["uarch-0004"])
    f.set("gpu.sm", "lsu_slots", round(LSU_BYTES / (LSU_BYTES - v["uarch-0049"])), ["uarch-0049"])
    f.set("gpu.sm", "shared_cycles", round(v["uarch-0001"]), ["uarch-0001"])


def _cluster(f: Any, v: Any) -> None:
    """The network of a GPC: one way, and what an SM's port carries when every SM copies from its neighbour."""
    f.set("gpu.sm_network", "cycles", 76, ["uarch-0033", "uarch-0001"])

    def measure(size: Any) -> Any:
        f.set("gpu.sm_network", "port_bytes", round(size), ["uarch-0038"])
        return clusters.ring_copy("h800_pcie", **f.options()) / 1e12

    f.set("gpu.sm_network", "port_bytes", round(secant(measure, v["uarch-0038"], 1600, 1700)), ["uarch-0038"])
    way = 76
    for _ in range(3):  # linear but for rounding
        way += round((v["uarch-0033"] - clusters.remote_cycles("h800_pcie", **f.options())) / 2)
        f.set("gpu.sm_network", "cycles", way, ["uarch-0033", "uarch-0001"])


def _copies(f: Any, v: Any) -> None:
    """Set-up of a bulk copy: what the row takes longer than the die with no set-up."""
    f.set("gpu.tma", "setup_cycles", 0, ["uarch-0032"])
    setup = v["uarch-0032"] - clusters.copy_extra_cycles("h800_pcie", **f.options())
    f.set("gpu.tma", "setup_cycles", round(setup), ["uarch-0032"])


def _launches(f: Any, v: Any) -> None:
    """The command processor: the host's call, and between the kernels of a train what the 64 kB kernel itself does not
    take."""
    f.set("gpu.command_processor", "call", f"{round(v['uarch-0065'] * 1000)} ps", ["uarch-0065"])
    rows = {"stream": "launch-0001", "graph": "launch-0002"}
    for way in rows:
        f.set("gpu.command_processor", f"{way}_gap", "0 ps", [rows[way]])
    for way, row in rows.items():
        own = clusters.scale_kernel("h200", 65536, way, **f.options())
        f.set("gpu.command_processor", f"{way}_gap", f"{round(v[row] * 1e6 - own * 1e12)} ps", [row])


def _l2_latency(f: Any, v: Any) -> None:
    """Two clocks, two rows: the part in SM cycles and the part in time; then the far hit."""
    rows = {"h800_pcie": v["uarch-0011"], "gh200": v["plateau-0001"]}
    miss, latency = 83, 40_000
    for _ in range(3):  # linear but for rounding
        f.set("gpu.sm", "miss_cycles", miss, ["uarch-0011", "plateau-0001"])
        f.set("gpu.llc_slices", "latency", f"{latency} ps", ["uarch-0011", "plateau-0001"])
        options = f.options()
        off = {name: wanted - near_cycles(name, **options) for name, wanted in rows.items()}
        slow, fast = 1755, 1980  # MHz
        ns = (off["gh200"] - off["h800_pcie"]) / (fast - slow) * 1000
        latency += round(ns * 1000)
        miss += round(off["gh200"] - ns * fast / 1000)
    f.set("gpu.sm", "miss_cycles", miss, ["uarch-0011", "plateau-0001"])
    f.set("gpu.llc_slices", "latency", f"{latency} ps", ["uarch-0011", "plateau-0001"])
    hop = v["uarch-0012"] - v["uarch-0011"]

    def measure(ps: Any) -> Any:
        f.set("gpu.llc_slices", "partition_link", f"{round(ps)} ps", ["uarch-0011", "uarch-0012"])
        options = f.options()
        return far_cycles("h800_pcie", **options) - near_cycles("h800_pcie", **options)

    f.set(
        "gpu.llc_slices",
        "partition_link",
        f"{round(secant(measure, hop, 24_000, 26_000))} ps",
        ["uarch-0011", "uarch-0012"],
    )


def _l2_bandwidth(f: Any, v: Any) -> None:
    """B a clock of the H800 PCIe at 1755 MHz, every block its own data."""

    def measure(rate: Any) -> Any:
        f.set("gpu.llc_slices", "slice_bandwidth", f"{round(rate)} B/s", ["uarch-0050"])
        return bandwidth.private_chunks("h800_pcie", 8192 * KIB, **f.options()) / 1.755e9

    rate = secant(measure, v["uarch-0050"], 90e9, 100e9, steps=5, tolerance=4e-3)
    f.set("gpu.llc_slices", "slice_bandwidth", f"{round(rate)} B/s", ["uarch-0050"])


def _memory_latency(f: Any, v: Any) -> None:
    """Cycles of the memory controller: what a chase in 180 MB of GH200 takes longer than the parts of the way."""

    def measure(cycles: Any) -> Any:
        f.set("gpu.hbm", "controller_cycles", max(0, round(cycles)), ["plateau-0002"])
        return chase.cycles("gh200", 180_000 * KIB, **f.options())

    f.set("gpu.hbm", "controller_cycles", round(secant(measure, v["plateau-0002"], 100, 200)), ["plateau-0002"])


def _blocks(f: Any, v: Any) -> None:
    """Turnaround of a block: the gap between two blocks that the rate of a short-lived kernel shows."""

    def measure(cycles: Any) -> Any:
        f.set("gpu.sm", "turnaround", max(0, round(cycles)), ["stream-0445"])
        return bandwidth.Stream("gh200", "init", **f.options()).bandwidth(128) / 1e9

    f.set("gpu.sm", "turnaround", round(secant(measure, v["stream-0445"], 450, 430, tolerance=3e-3)), ["stream-0445"])


def _memory_bandwidth(f: Any, v: Any) -> None:
    """The door between a slice and its memory channel, where the memory itself would give more than the row."""

    def measure(rate: Any) -> Any:
        f.set("gpu.llc_slices", "memory_port", f"{round(rate)} B/s", ["stream-0613"])
        return bandwidth.Stream("gh200", "init", **f.options()).bandwidth(1024) / 1e9

    rate = secant(measure, v["stream-0613"], 60e9, 41e9, steps=4, tolerance=3e-3)
    f.set("gpu.llc_slices", "memory_port", f"{round(rate)} B/s", ["stream-0613"])


def main() -> None:
    """Fit, print each step's values, and write validation/calibrated/die.yaml."""

    def report(name: Any, kinds: Any) -> None:
        print(name, {k: {n: e["value"] for n, e in entries.items()} for k, entries in kinds.items()}, flush=True)

    fit(calibration_values(), report).write(CALIBRATED)


if __name__ == "__main__":
    main()
