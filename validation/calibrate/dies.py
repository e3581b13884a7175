"""The parameters of packages of several dies that follow from calibration rows, each by inverting the model at one row.

    python -m chipweave.validation.calibrate.dies        prints them as the files state them

Latencies stand in the topologies as their rows give them. Rates are what is left of a row when the other bounds of
chipweave.kernel_models.streams are taken out. Rows of any other role are dropped before their value is read.
"""

from __future__ import annotations

from importlib.resources import files

from chipweave import ledger, topology
from chipweave.kernel_models.package import Package, package_of
from chipweave.kernel_models.streams import Launch, apart, slot_seconds

from ..cases.amd_gemm import SHAPE, busy_share, peak_flops

ROWS = files("chipweave.validation") / "references" / "dies" / "mi300.csv"
FULL = 1024, 2
"""Threads of a workgroup, workgroups a unit: full occupancy, as in most calibration rows."""


SI = {"GB/s": 1e9, "TFLOPS": 1e12}


def rows() -> dict[str, tuple[ledger.Question, float]]:
    """{id: (question, value in bytes/s or FLOP/s)} of the calibration rows that are rates."""
    return {
        q.id: (q, float(text) * SI[q.unit])
        for q, text in ledger.read_references(ROWS)
        if q.role == "calibration" and q.unit in SI
    }


def values() -> dict[str, float]:
    """{id: value in bytes/s or FLOP/s} of the calibration rows that are rates."""
    return {row: value for row, (_, value) in rows().items()}


def in_flight(package: Package, launch: Launch, groups: float, past: float) -> float:
    """The bound of a launch by what its threads have under way, bytes/s."""
    threads = launch.threads * launch.workgroups * package.units
    return threads * launch.bytes_of_thread / slot_seconds(package, launch, groups, past)


def wave_rate(package: Package) -> float:
    """Bytes/s of a one-element launch of doubles at one wave a cycle and die."""
    die = package.die
    return len(package.compute) * float(die.clock) * die.wave * 8


def mi300x() -> dict[str, float]:
    """{figure of topologies/mi300x.yaml: its value from the calibration rows}, rates of the whole package in
    bytes/s."""
    package, value = package_of(topology.load("mi300x")), values()
    die = package.die
    read, triad, few = Launch(1, 0, *FULL), Launch(3, 1, *FULL), Launch(1, 0, 128, 2)
    channels = len(package.compute) * die.l2_channels * float(die.clock)
    memory = apart(value["stream-0230"], in_flight(package, read, 1, 1))
    slot = few.threads * few.workgroups * package.units * few.bytes_of_thread / apart(value["stream-0062"], memory)
    return {
        "waves_per_cycle": value["bandwidth-0031"] / wave_rate(package),
        "cache_bandwidth": apart(value["bandwidth-0110"], in_flight(package, read, 1, 0)),
        "l2_mixed_bytes": apart(value["bandwidth-0234"], in_flight(package, triad, 0, 0)) / channels,
        "memory_bandwidth": memory,
        "launch_cycles": (slot - package.behind_l2_seconds(True)) * float(die.clock),
        "mixed_bandwidth": value["bandwidth-0342"],
    }


def programs() -> dict[str, float]:
    """{figure of validation/calibrated/dies.yaml: its value from the calibration rows}, measured on MI300X."""
    package = package_of(topology.load("mi300x"))
    memory = apart(values()["bandwidth-0165"], in_flight(package, Launch(1, 0, *FULL), 1, 1))
    gemm, rate = rows()["gemm-0001"]
    found, peak = SHAPE.search(gemm.conditions), peak_flops(gemm)
    assert found is not None and isinstance(peak, float)  # the shipped row and its die
    m, n, k = map(int, found.groups())
    busy = peak * busy_share(m, n, package.units)
    return {
        "cyclic_memory_share": memory / mi300x()["memory_bandwidth"],
        "matrix_call_s": 2.0 * m * n * k * (1.0 / rate - 1.0 / busy),
    }


def mi210() -> dict[str, float]:
    """{figure of topologies/mi210.yaml: its value from the calibration rows}."""
    package, value = package_of(topology.load("mi210")), values()
    memory = apart(value["bandwidth-1268"], in_flight(package, Launch(1, 0, *FULL), 1, 1))
    return {"waves_per_cycle": value["bandwidth-1222"] / wave_rate(package), "memory_bandwidth": memory}


if __name__ == "__main__":
    for device, figures in (("mi300x", mi300x()), ("mi210", mi210()), ("dies.yaml", programs())):
        for name, figure in figures.items():
            print(f"{device:9s}  {name:22s} {figure:.6g}")
