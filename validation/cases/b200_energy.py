"""b200_energy: mean board watts while a kernel runs back to back, from what it moves and multiplies a second.

The energies are chipweave/kernel_models/board_power.py's sum; 16-bit operands take twice the energy of 8-bit ones,
4-bit ones half of it (a guess: as their operands' bits). Rows of medium confidence were sampled too short and have no
bar.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chipweave.kernel_models.board_power import Events, watts
from chipweave.kernel_models.package_library import BYTES, kept_bytes
from chipweave.ledger import NotModelled, Question, case

from ..rows.blackwell import figures, library, link_rate
from ..rows.conditions import conditions, whole
from ..rows.packages import package_named, rules, topology_of
from ..rows.units import Stated, first_missing, stated_x
from . import b200_kernels, b200_links

COLLECTIVE_SHARE = 0.25
"""Of the SMs, that a collective keeps busy: a guess, near the 32 of 148 that NCCL's channels on NVLink take."""
TOUCHES = 3.0
"""Of L2, and of memory where the buffer does not fit it, for a byte that an all-reduce puts on the links: read, partial
sum, result."""
AROUND = 0.5
"""Of the floor of attention, that small kernels before and after it run: a guess with predicted rows in view."""
MEDIUM = ("fp8_block", "nvfp4")


@case("dies", "b200_energy", bar=lambda q: None if conditions(q).get("dtype") in MEDIUM else 0.17)
def predict(questions: list[Question]) -> dict:
    """Watts."""
    return {q.id: _watts(q) for q in questions}


def _watts(q: Question) -> float | NotModelled:
    """Board watts while a kernel runs back to back."""
    x = stated_x(q)
    if (missing := first_missing(package_named(q.device), x)) is not None:
        return missing
    board = rules(topology_of(q.device))
    if board is None or None in (board.power, board.idle, board.busy) or q.unit != "W":
        return NotModelled("the device states no power at rest, or the row is not in W")
    kernel = _collective if "all-reduce" in q.quantity else _gemm if "GEMM" in q.quantity else _attention
    events: Stated = kernel(q, x)
    if isinstance(events, NotModelled):
        return events
    return watts(board, events)


def _time(predict: Any, q: Question) -> Stated:
    """Seconds of the row's kernel."""
    (found,) = predict([replace(q, unit="s")]).values()
    return NotModelled("the kernel's time is not modelled") if found is None else found


def _collective(q: Question, x: int) -> Stated:
    """Events of an all-reduce: its SMs wait in step with the links."""
    seconds, ranks = _time(b200_links.allreduce, q), whole(conditions(q), "gpus")
    if (missing := first_missing(seconds, ranks)) is not None:
        return missing
    moved = 2.0 * x * 2.0 * (ranks - 1) / ranks
    used = min(1.0, moved / seconds / link_rate())
    memory = TOUCHES * moved if _from_memory(q, 2.0 * x) else 0.0
    return Events(seconds, COLLECTIVE_SHARE * used * seconds, 0.0, TOUCHES * moved, memory, moved)


def _gemm(q: Question, x: int) -> Stated:
    """Events of a GEMM; the part of its floor beyond the shortest kernel's is a wait of the SMs."""
    said, seconds = conditions(q), _time(b200_kernels.gemm, q)
    n, k = whole(said, "n"), whole(said, "k")
    if (missing := first_missing(seconds, n, k)) is not None:
        return missing
    dtype, floor, _ = library(q).family(said.get("dtype", ""))
    waiting = max(0.0, floor - figures()["gemm_floor_bf16_s"])
    size = BYTES.get(dtype, 2.0)
    moved = (x * k + k * n) * size + x * n * 2.0
    return Events(seconds, seconds - waiting, _eights(said) * 2.0 * x * n * k, moved, _from_memory(q, moved), 0.0)


def _attention(q: Question, x: int) -> Stated:
    """Events of attention; around its kernel others run for a part of the floor."""
    said = conditions(q)
    latent, phase = "kv_heads" not in said, "decode" if "decode" in q.quantity else "prefill"
    seconds = _time(b200_kernels.mla if latent else b200_kernels.gqa, q)
    batch, heads, kv_heads = whole(said, "batch"), whole(said, "heads"), whole(said, "kv_heads", 1)
    if (missing := first_missing(seconds, batch, heads, kv_heads)) is not None:
        return missing
    floor = figures()[f"{'mla' if latent else 'gqa'}_{phase}_floor_s"]
    width = whole(said, "head_dim", 128)
    pairs = x * x / 2 if phase == "prefill" else x
    cache = batch * x * (576.0 if latent else 2.0 * kv_heads * width) * (1.0 if "fp8" in said.get("kv", "") else 2.0)
    new = 4.0 * batch * heads * width * (x if phase == "prefill" else 1)
    moved = cache + new
    work = _eights(said) * 4.0 * batch * heads * width * pairs
    return Events(seconds, seconds - AROUND * floor, work, moved, _from_memory(q, moved), 0.0)


def _eights(said: dict[str, str]) -> float:
    """Energy of an operation over that of one on 8-bit operands."""
    dtype = said.get("dtype", "")
    return 2.0 if dtype == "bfloat16" else 0.5 if "fp4" in dtype else 1.0


def _from_memory(q: Question, moved: float) -> float:
    """Bytes of `moved` that memory answers when the kernel runs on the same operands again."""
    return moved if moved > kept_bytes(package_named(q.device)) else 0.0
