"""Pointer chase through a working set, as gpu-benches' gpu-latency does it: one block follows a random closed chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.line_rate.sm_program import ORDER, Chase, Loop

from .die import KIB, MIB, Die, scattered

L1_REACH = 2 * MIB  # below this L1 matters, and so does that a launch begins with it empty
NO_REUSE = 150 * MIB  # beyond this no line lives in any L2 of the family until its next turn
HOPS = 8192


@dataclass(frozen=True)
class Program:
    """One version of the benchmark.

    spacing  bytes between elements of the chain
    threads  of the one block; every lane follows the same chain
    hops     steps of one launch; a launch finds L1 empty
    """

    spacing: int = 128
    threads: int = 1
    hops: int = 1_000_000


PROGRAM_2023 = Program(spacing=64, threads=64)
PROGRAM_2024 = Program()
"""te42kyfo/gpu-benches a7dc559 (with which the H100 PCIe log was taken) and RRZE-HPC/gpu-benches 3be3ab1 and later."""


def cycles(topology: Any, size: int, program: Program = PROGRAM_2024, seed: int = 0, **options: Any) -> float:
    """SM cycles a hop for a working set of `size` bytes, in the steady state."""
    n = max(2, int(size) // program.spacing)
    die = Die(topology, sms=3, seed=seed + n, **options)  # SMs 0 and 2 share a partition
    endpoints = die.endpoints
    warm = n if size < NO_REUSE else 200_000
    hops = max(HOPS, n) if size < L1_REACH else HOPS
    order = scattered(n, min(n, warm + hops), seed + n).astype(np.int64)
    endpoints.attach(die.sms[0], ORDER, order)
    addresses = order.astype(np.uint64) * np.uint64(program.spacing)
    if size < L1_REACH:
        endpoints.touch([die.sms[2]], addresses, mask=0)
        first = _run(die, program, n, 0)
        steady = _run(die, program, hops, 0)
        return (first + steady / hops * (program.hops - n)) / program.hops / die.period_ps
    begin = 0 if size < NO_REUSE else warm
    for _ in range(2 if size < NO_REUSE else 1):
        endpoints.touch([die.sms[0]], addresses[:warm], mask=0)
    return _run(die, program, hops, begin) / hops / die.period_ps


def _run(die: Die, program: Program, hops: int, begin: int) -> int:
    """ps that `hops` steps take from place `begin` of the chain."""
    lanes = min(program.threads, 32)
    ops = [Chase(0, program.spacing, begin, 0, 0, 0, 8, lanes), Loop(0, hops)]
    start = die.endpoints.now
    die.program(die.sms[0], ops, program.threads)
    die.launch(die.sms[0])
    die.endpoints.run()
    return die.endpoints.now - start


def working_set(x_kib: float) -> int:
    """Bytes of a row's x: the programs print KiB."""
    return round(x_kib * KIB)
