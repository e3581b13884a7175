"""deepep_normal: DeepEP's normal dispatch and combine inside one node by the SMs they get; x is tokens of a GPU."""

from __future__ import annotations

import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.comm_stacks import fabric, stack
from ..rows.units import count, first_missing, in_time, no_gate, out_of_range
from .deepep_ll import MOST_SIZE, MOST_TOKENS, SHAPE

SMS, GPUS, NODES = re.compile(r"\b(\d+) SMs"), re.compile(r"\b(\d+) GPUs"), re.compile(r"\b(\d+) nodes?\b")
KIND = "comm.deepep_normal"


@case("h100", "deepep_normal", bar=0.15)
def predict(questions: list[Question]) -> Answers:
    """Time of a call."""
    return {q.id: in_time(q, simulate(q)) for q in questions}


def simulate(question: Any, figures: dict[str, dict[str, str]] | None = None) -> NotModelled | float:
    """Microseconds for one question; `figures` take the place of the fitted ones."""
    words = f"{question.device} {question.conditions}"
    shape, sms, gpus = SHAPE.search(question.conditions), SMS.search(question.conditions), GPUS.search(words)
    phase, node = next((p for p in ("dispatch", "combine") if p in question.quantity), None), fabric(question.device)
    if "notify" in question.quantity:
        return NotModelled("the exchange of counts before a dispatch is not modelled by itself")
    if not shape or not sms or not gpus or not phase:
        return NotModelled("the row names no dispatch or combine with SMs, GPUs, hidden size, top-k and experts")
    tokens, nodes = count(question, "tokens/GPU", most=MOST_TOKENS), NODES.search(words)
    missing = first_missing(node, tokens)
    if missing:
        return missing
    if (nodes and nodes[1] != "1") or int(gpus[1]) > node.ranks:
        return NotModelled("more than one node: no model of the network between nodes")
    if int(gpus[1]) < 2 or int(sms[1]) < 2:
        return NotModelled("fewer than two GPUs or two SMs: nothing is exchanged")
    topk, hidden, experts = (int(shape[k]) for k in ("topk", "hidden", "experts"))
    refused = out_of_range(topk, hidden, experts, int(sms[1]), most=MOST_SIZE) or no_gate(experts, topk, int(gpus[1]))
    if refused:
        return refused
    own = stack(KIND, **(figures or {}).get(KIND, {}))
    return own.time(phase, tokens, topk, hidden, experts, int(sms[1]), int(gpus[1]), node) / 1e6
