"""pplx: pplx-kernels' dispatch and combine inside one node, and what they are compared with; x is tokens of a GPU."""

from __future__ import annotations

import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.comm_stacks import fabric, memory, stack
from ..rows.units import count, first_missing, in_time, no_gate, out_of_range
from .deepep_ll import KIND as DEEPEP
from .deepep_ll import MOST_SIZE, MOST_TOKENS

SHAPE = re.compile(r"(?P<experts>\d+) experts, top-(?P<topk>\d+), (?P<hidden>\d+)")
EP = re.compile(r"\bEP(\d+)\b")
DTYPE = re.compile(r"\b(FP8|BF16) dispatch\b", re.IGNORECASE)
KIND = "comm.pplx"


@case("h100", "pplx", bar=0.15)
def predict(questions: list[Question]) -> Answers:
    """Time of a call."""
    return {q.id: in_time(q, simulate(q)) for q in questions}


def simulate(question: Any, figures: dict[str, dict[str, str]] | None = None) -> NotModelled | float:
    """Microseconds for one question; `figures` take the place of the fitted ones."""
    shape, ep, node = (
        SHAPE.search(question.conditions),
        EP.search(f"{question.device} {question.conditions}"),
        fabric(question.device),
    )
    if not shape or not ep:
        return NotModelled("the row names no EP, experts, top-k and hidden size")
    ranks, tokens = int(ep[1]), count(question, "tokens/GPU", most=MOST_TOKENS)
    missing = first_missing(node, tokens)
    if missing:
        return missing
    if ranks > node.ranks:
        return NotModelled(f"EP{ranks} leaves the node: no model of the network between nodes")
    experts, topk, hidden = (int(shape[k]) for k in ("experts", "topk", "hidden"))
    refused = out_of_range(experts, topk, hidden, most=MOST_SIZE) or no_gate(experts, topk, ranks)
    if refused:
        return refused
    figures = figures or {}
    own, deepep = (stack(kind, **memory(question.device), **figures.get(kind, {})) for kind in (KIND, DEEPEP))
    nccl = stack("comm.nccl", **figures.get("comm.nccl", {}))
    phase = next((p for p in ("dispatch", "combine") if p in question.quantity), None)
    stated = DTYPE.search(question.conditions)
    dispatched = stated[1].upper() if stated else "FP8"
    if question.quantity.startswith("torch all-to-all"):
        return own.torch_time(tokens, hidden, experts, ranks, nccl, node, dispatched) / 1e6
    if phase and question.quantity.startswith("NVLINK"):
        return own.time(phase, tokens, topk, hidden, ranks, node, dispatched if phase == "dispatch" else None) / 1e6
    if phase and question.quantity.startswith("DeepEP"):
        return deepep.time(phase, tokens, topk, hidden, ranks, node) / 1e6
    return NotModelled("NVSHMEM's host-called all-to-all: its schedule is not published and no calibration row sets it")
