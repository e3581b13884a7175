"""Fits the communication stacks to calibration rows alone and writes validation/calibrated/comm.yaml.

    python -m chipweave.validation.calibrate.comm

One figure for one row: it is moved until the model gives the row's value. Rows of any other role are dropped before
their value is parsed. Figures that meet in one row are set in rounds until none moves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chipweave import ledger

from ..cases import custar, deepep_ll, deepep_normal, nccl, pplx
from ..rows import comm_stacks
from ..suites.h100 import REFERENCES

FITS = (
    # kind, parameter, unit, low, high, row, asks, what it is
    ("comm.nccl", "floor", "ns", 10, 30_000, "nccl-0022", nccl.simulate, "a call before its first byte"),
    (
        "comm.nccl",
        "ll_rate",
        "MB/s",
        100,
        100_000,
        "nccl-0014",
        nccl.simulate_in_ll,
        "LL, one thread block of 512 threads; the row where LL and Simple cost the same",
    ),
    (
        "comm.nccl",
        "send_rate",
        "MB/s",
        1_000,
        100_000,
        "nccl-0042",
        nccl.simulate,
        "sending half of a thread block of an exchange",
    ),
    ("comm.nccl", "unpack_rate", "MB/s", 1_000, 1_000_000, "nccl-0033", nccl.simulate, "receiving half of it"),
    (
        "comm.nccl",
        "copy_rate",
        "MB/s",
        1_000,
        1_000_000,
        "nccl-0018",
        nccl.simulate,
        "Simple, one ring thread block of 512 threads",
    ),
    (
        "comm.custom_allreduce",
        "graph_floor",
        "ns",
        10,
        30_000,
        "custar-0001",
        custar.simulate,
        "a call in a CUDA graph",
    ),
    (
        "comm.custom_allreduce",
        "eager_floor",
        "ns",
        10,
        90_000,
        "custar-0002",
        custar.simulate,
        "an eager call: the host",
    ),
    (
        "comm.deepep_low_latency",
        "dispatch_floor",
        "ns",
        10,
        90_000,
        "deepep_ll-0001",
        deepep_ll.simulate,
        "low-latency dispatch",
    ),
    (
        "comm.deepep_low_latency",
        "combine_floor",
        "ns",
        10,
        90_000,
        "deepep_ll-0002",
        deepep_ll.simulate,
        "low-latency combine",
    ),
    (
        "comm.deepep_normal",
        "warp_rate",
        "kB/s",
        100_000,
        100_000_000,
        "deepep_normal-0091",
        deepep_normal.simulate,
        "a warp copying one token",
    ),
    (
        "comm.deepep_normal",
        "dispatch_floor",
        "ns",
        10,
        90_000,
        "deepep_normal-0047",
        deepep_normal.simulate,
        "normal dispatch",
    ),
    (
        "comm.deepep_normal",
        "combine_floor",
        "ns",
        10,
        90_000,
        "deepep_normal-0094",
        deepep_normal.simulate,
        "normal combine",
    ),
    ("comm.pplx", "dispatch_floor", "ns", 10, 90_000, "pplx-0001", pplx.simulate, "pplx dispatch"),
    ("comm.pplx", "combine_floor", "ns", 10, 90_000, "pplx-0002", pplx.simulate, "pplx combine"),
    ("comm.pplx", "torch_floor", "ns", -90_000, 90_000, "pplx-0003", pplx.simulate, "what torch adds to NCCL's call"),
)
ROUNDS = 12
GH200_MHZ, PCIE_MHZ = 1980, 1755
GH200_PEAK = 4023  # GB/s of its HBM3 (structure)
DERIVED = (
    # kind, parameter, row, its value -> text, what it is
    (
        "comm.deepep_normal",
        "token_latency",
        "plateau-0002",
        lambda v: f"{round(2e6 * v / GH200_MHZ)} ps",
        "two DRAM accesses, at 1980 MHz",
    ),
    ("comm.pplx", "l1_latency", "uarch-0004", lambda v: f"{round(1e6 * v / GH200_MHZ)} ps", "an L1 hit, at 1980 MHz"),
    (
        "comm.pplx",
        "l2_latency",
        "plateau-0001",
        lambda v: f"{round(1e6 * v / GH200_MHZ)} ps",
        "a near L2 hit, at 1980 MHz",
    ),
    (
        "comm.pplx",
        "shared_latency",
        "uarch-0001",
        lambda v: f"{round(1e6 * v / PCIE_MHZ)} ps",
        "a shared-memory load, at 1755 MHz",
    ),
    *(
        (
            kind,
            "memory_efficiency",
            "stream-0613",
            lambda v: f"{100 * v / GH200_PEAK:.2f} %",
            "streaming rate over the 4023 GB/s of that part",
        )
        for kind in ("comm.deepep_low_latency", "comm.pplx", "comm.custom_allreduce")
    ),
)
"""Figures that a row gives without a model."""


def calibration_rows(path: Any = REFERENCES) -> Any:
    """{id: (Question, value)} of the rows with role calibration."""
    return {q.id: (q, ledger.number(text)) for q, text in ledger.read_references(path) if q.role == "calibration"}


def fit(rows: Any) -> Any:
    """{kind: {parameter: (text with unit, row id, words)}} from the calibration `rows`.

    DERIVED parameters are functions of one row. FITS are searched by bisection, one parameter for
    one row; those that meet in one row are set in rounds, at most ROUNDS, until none moves.
    """
    found: dict[str, dict[str, tuple[str, str, str]]] = {}
    for kind, parameter, row, text_of, words in DERIVED:
        found.setdefault(kind, {})[parameter] = (text_of(rows[row][1]), row, words)
    for _ in range(ROUNDS):
        before = {k: dict(v) for k, v in found.items()}
        for kind, parameter, unit, low, high, row, simulate, words in FITS:
            question, value = rows[row]

            def simulated(
                x: Any,
                simulate: Any = simulate,
                q: Any = question,
                at: tuple[str, str] = (kind, parameter),
                unit: str = unit,
            ) -> Any:
                return simulate(q, **_values(found, *at, f"{x} {unit}"))

            number = _solve(simulated, value, low, high)
            found.setdefault(kind, {})[parameter] = (f"{number} {unit}", row, words)
        if found == before:
            break
    return found


def _values(
    found: dict[str, dict[str, tuple[str, str, str]]], kind: str, parameter: str, text: str
) -> dict[str, dict[str, dict[str, str]]]:
    """{kind: {parameter: text}} of all figures found so far, with one tried."""
    values = {k: {p: entry[0] for p, entry in v.items()} for k, v in found.items()}
    values.setdefault(kind, {})[parameter] = text
    return {"figures": values}


def _solve(simulate: Any, value: float, low: int, high: int) -> int:
    """The whole number in [low, high] that brings a monotone `simulate` nearest to `value`.

    Whole, since parameters are written in whole ps or bytes: a finer one would suggest a precision
    that rows have not.
    """
    falls = simulate(low) > simulate(high)
    while high - low > 1:
        middle = (low + high) // 2
        if (simulate(middle) > value) == falls:
            low = middle
        else:
            high = middle
    return min((low, high), key=lambda x: abs(simulate(x) - value))


def main() -> None:
    """Write validation/calibrated/comm.yaml and print it."""
    rows = calibration_rows()
    document = {
        kind: {
            p: {"value": text, "source": f"{words}; set by calibration row {row}", "kind": "fitted"}
            for p, (text, row, words) in v.items()
        }
        for kind, v in fit(rows).items()
    }
    target = Path(str(comm_stacks.CALIBRATED))
    target.write_text(
        "# Written by validation/calibrate/comm.py from calibration rows; do not edit.\n"
        + yaml.safe_dump(document, sort_keys=False, width=160)
    )
    print(target.read_text())


if __name__ == "__main__":
    main()
