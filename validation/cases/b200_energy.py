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
from ..rows.units import stated_x
from . import b200_kernels

COLLECTIVE_SHARE = 0.25
"""Of the SMs, that a collective keeps busy: NCCL's channels on NVLink, 32 of 148 SMs."""


@case("dies", "b200_energy", bar=0.17)
def predict(questions: list[Question]) -> dict:
    """Watts."""
    return {q.id: _watts(q) for q in questions}


def _watts(q: Question) -> float | NotModelled:
    """Board watts while a kernel runs back to back; see the head for the formula."""
    found = package_named(q.device)
    if isinstance(found, NotModelled):
        return found
    board = rules(topology_of(q.device))
    if board is None or None in (board.power, board.idle, board.busy) or q.unit != "W":
        return NotModelled("the device states no power at rest, or the row is not in W")
    x = stated_x(q)
    timed, said, known = replace(q, unit="s"), conditions(q), figures()
    limit, rest, busy = (float(w) for w in (board.power, board.idle, board.busy))
    if "all-reduce" in q.quantity:
        return min(limit, rest + busy * COLLECTIVE_SHARE)
    if isinstance(x, NotModelled):
        return x
    if "GEMM" in q.quantity:
        seconds = b200_kernels.gemm([timed])[q.id]
        dtype = said.get("dtype", "")
        floor = known.get(f"gemm_floor_{'bf16' if dtype == 'bfloat16' else dtype}_s", 0.0)
        work = 2.0 * x * whole(said, "n", 1) * whole(said, "k", 1)
        waiting = max(0.0, floor - known["gemm_floor_bf16_s"])
    else:
        latent = "kv_heads" not in said
        seconds = (b200_kernels.mla if latent else b200_kernels.gqa)([timed])[q.id]
        phase = "decode" if "decode" in q.quantity else "prefill"
        waiting, dtype = known[f"{'mla' if latent else 'gqa'}_{phase}_floor_s"], said.get("dtype", "")
        heads, width = whole(said, "heads", 1), whole(said, "head_dim", 128)
        pairs = x * x / 2 if phase == "prefill" else x
        work = 4.0 * whole(said, "batch", 1) * heads * width * pairs
    if seconds is None or isinstance(seconds, NotModelled):
        return seconds or NotModelled("the kernel's time is not modelled")
    joules = board.energy_8 * (2.0 if dtype == "bfloat16" else 0.5 if "fp4" in dtype else 1.0)
    return min(limit, rest + busy * (1.0 - waiting / seconds) + joules * work / seconds / 1e15)
