"""custar: vLLM's custom all-reduce, in a CUDA graph and eager; x is the number of 2-byte elements. Reported, no bar."""

from __future__ import annotations

from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.comm_stacks import fabric, memory, stack
from ..rows.units import count, first_missing, in_time
from .nccl import GPUS

MODES = {"vllm_graph": "graph", "vllm_eager": "eager"}


@case("h100", "custar")
def predict(questions: list[Question]) -> Answers:
    """Time of a call."""
    return {q.id: in_time(q, simulate(q)) for q in questions}


def simulate(question: Any, figures: dict[str, dict[str, str]] | None = None) -> NotModelled | float:
    """Microseconds for one question; `figures` take the place of the fitted ones."""
    mode = next((m for word, m in MODES.items() if word in question.quantity), None)
    gpus, node = GPUS.search(question.conditions), fabric(question.device)
    if not mode or not gpus:
        return NotModelled(f"the row names no mode ({', '.join(MODES)}) or no number of GPUs")
    elements = count(question, "message_size", most=1 << 40)
    missing = first_missing(node, elements)
    if missing:
        return missing
    if not 2 <= int(gpus[1]) <= node.ranks:
        return NotModelled(f"{gpus[1]} GPUs on a node of {node.ranks}")
    figures = figures or {}
    nccl = stack("comm.nccl", **figures.get("comm.nccl", {}))
    own = stack("comm.custom_allreduce", **memory(question.device), **figures.get("comm.custom_allreduce", {}))
    return own.time(mode, int(gpus[1]), 2 * elements, nccl, node) / 1e6
