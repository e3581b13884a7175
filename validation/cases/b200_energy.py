"""b200_energy: mean board watts while a kernel runs back to back.

    rest + busy x share of the time that SMs work + energy of an operation x operations a second, held by the limit

The share is the kernel's time without the part of its floor that no SM works in; 16-bit operations take twice the
energy of 8-bit ones, 4-bit ones half of it (a guess: as their operands' bits).
"""

from __future__ import annotations

from dataclasses import replace

from chipweave.ledger import NotModelled, Question, case

from ..rows.blackwell import figures
from ..rows.conditions import conditions, whole
from ..rows.packages import package_named, rules, topology_of
from ..rows.units import first_missing, stated_x
from . import b200_kernels

COLLECTIVE_SHARE = 0.25
"""Of the SMs, that a collective keeps busy: a guess, near the 32 of 148 that NCCL's channels on NVLink take."""


@case("dies", "b200_energy", bar=0.17)
def predict(questions: list[Question]) -> dict:
    """Watts."""
    return {q.id: _watts(q) for q in questions}


def _watts(q: Question) -> float | NotModelled:
    """Board watts while a kernel runs back to back; see the head for the formula."""
    x = stated_x(q)
    if (missing := first_missing(package_named(q.device), x)) is not None:
        return missing
    board = rules(topology_of(q.device))
    if board is None or None in (board.power, board.idle, board.busy) or q.unit != "W":
        return NotModelled("the device states no power at rest, or the row is not in W")
    timed, said, known = replace(q, unit="s"), conditions(q), figures()
    limit, rest, busy = (float(w) for w in (board.power, board.idle, board.busy))
    if "all-reduce" in q.quantity:
        return min(limit, rest + busy * COLLECTIVE_SHARE)
    gemm, latent, dtype = "GEMM" in q.quantity, "kv_heads" not in said, said.get("dtype", "")
    kernel = b200_kernels.gemm if gemm else b200_kernels.mla if latent else b200_kernels.gqa
    seconds = kernel([timed])[q.id]
    if seconds is None or isinstance(seconds, NotModelled):
        return seconds or NotModelled("the kernel's time is not modelled")
    if gemm:
        _, floor, _ = b200_kernels.family(dtype)
        work = 2.0 * x * whole(said, "n") * whole(said, "k")
        waiting = max(0.0, floor - known["gemm_floor_bf16_s"])
    else:
        phase = "decode" if "decode" in q.quantity else "prefill"
        waiting = known[f"{'mla' if latent else 'gqa'}_{phase}_floor_s"]
        pairs = x * x / 2 if phase == "prefill" else x
        work = 4.0 * whole(said, "batch") * whole(said, "heads") * whole(said, "head_dim", 128) * pairs
    joules = board.energy_8 * (2.0 if dtype == "bfloat16" else 0.5 if "fp4" in dtype else 1.0)
    return min(limit, rest + busy * (1.0 - waiting / seconds) + joules * work / seconds / 1e15)
