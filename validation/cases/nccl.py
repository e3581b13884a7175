"""nccl: time of one collective as nccl-tests measures it, on one NVSwitch node; x is the bytes of the larger buffer.

The schedule that NCCL would choose, run on the node's links. `busbw` peaks are the same calls seen as bandwidth.
"""

from __future__ import annotations

import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.comm_stacks import fabric, stack
from ..rows.units import BYTES_PER_S, in_time, in_unit, size

QUANTITY = re.compile(r"^(all_gather|alltoall|all_reduce|reduce_scatter) (time|(?:peak )?(?:busbw|algbw))")
GPUS = re.compile(r"\b(\d+) ?(?:x ?)?(?:GPUs?|ranks)\b")
NO_NVLS = re.compile(r"\b(?:without|no|non)[ -]?NVLS|NVLS[ _]?(?:is )?(?:off|disabled|ENABLE=0)", re.IGNORECASE)
PEAK_BYTES = 4 * 2**30
"""A peak is what the largest usual message reaches: nccl-tests up to 4 GiB."""


def bar(question: Any) -> float:
    """10 % from 64 KiB up, 20 % below."""
    moved = size(question)
    return 0.20 if not isinstance(moved, NotModelled) and moved < 65536 else 0.10


@case("h100", "nccl", bar=bar)
def predict(questions: list[Question]) -> Answers:
    """Time of a call, or the bandwidth that the row asks for."""
    return {q.id: _in_unit(q, simulate(q)) for q in questions}


def _in_unit(question: Any, answer: NotModelled | float) -> NotModelled | float:
    """Times are in microseconds, bandwidths in GB/s."""
    quantity = QUANTITY.match(question.quantity)
    if isinstance(answer, NotModelled) or quantity is None or quantity[2] == "time":
        return in_time(question, answer)
    return in_unit(question, answer * 1e9, BYTES_PER_S)


def simulate(
    question: Any, figures: dict[str, dict[str, str]] | None = None, in_ll: bool = False
) -> NotModelled | float:
    """Microseconds, or GB/s, for one question; `figures` take the place of the fitted ones, `in_ll` forces the LL
    protocol."""
    quantity, gpus = QUANTITY.match(question.quantity), GPUS.search(question.conditions)
    node = fabric(question.device)
    if not quantity or not gpus:
        return NotModelled("the row names no collective that is modelled, with time or bandwidth, or no number of GPUs")
    if isinstance(node, NotModelled):
        return node
    if int(gpus[1]) < 2:
        return NotModelled("one GPU exchanges nothing")
    if int(gpus[1]) > node.ranks:
        return NotModelled(f"{gpus[1]} GPUs leave the node of {node.ranks}: no model of the network between nodes")
    nccl, ranks = stack("comm.nccl", **(figures or {}).get("comm.nccl", {})), int(gpus[1])
    collective, nvls = quantity[1], not NO_NVLS.search(f"{question.quantity} {question.conditions}")
    if "bw" in quantity[2]:
        moved = size(question) if question.x else PEAK_BYTES
        if isinstance(moved, NotModelled):
            return moved
        share = nccl.bus_share(collective, ranks) if "busbw" in quantity[2] else 1
        return 1e3 * moved / nccl.time(collective, ranks, moved, node, nvls=nvls) * share
    moved = size(question)
    if isinstance(moved, NotModelled):
        return moved
    return nccl.time(collective, ranks, moved, node, "LL" if in_ll else None, nvls) / 1e6


def simulate_in_ll(question: Any, figures: dict[str, dict[str, str]] | None = None) -> NotModelled | float:
    """The same with the LL protocol, whatever NCCL would choose."""
    return simulate(question, figures, in_ll=True)
