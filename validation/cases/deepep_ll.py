"""deepep_ll: DeepEP's low-latency dispatch and combine inside one node; x is tokens of a GPU."""

from __future__ import annotations

import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.comm_stacks import fabric, memory, stack
from ..rows.units import count, first_missing, in_time, no_gate, out_of_range

SHAPE = re.compile(r"hidden (?P<hidden>\d+), top-(?P<topk>\d+), (?P<experts>\d+) experts")
EP = re.compile(r"\bEP ?(\d+)\b")
MOST_TOKENS, MOST_SIZE = 1 << 24, 1 << 20
KIND = "comm.deepep_low_latency"


@case("h100", "deepep_ll", bar=0.15)
def predict(questions: list[Question]) -> Answers:
    """Time of a call."""
    return {q.id: in_time(q, simulate(q)) for q in questions}


def simulate(question: Any, figures: dict[str, dict[str, str]] | None = None) -> NotModelled | float:
    """Microseconds for one question; `figures` take the place of the fitted ones."""
    shape, ep, node = SHAPE.search(question.conditions), EP.search(question.conditions), fabric(question.device)
    phase = next((p for p in ("dispatch", "combine") if p in question.quantity), None)
    if not shape or not ep or not phase:
        return NotModelled("the row names no dispatch or combine with EP, hidden size, top-k and experts")
    tokens = count(question, "tokens/GPU", most=MOST_TOKENS)
    missing = first_missing(node, tokens)
    if missing:
        return missing
    if int(ep[1]) > node.ranks and not node.adapter:
        return NotModelled(f"EP{ep[1]} leaves the node, and the node has no adapter")
    topk, hidden, experts = (int(shape[k]) for k in ("topk", "hidden", "experts"))
    refused = out_of_range(topk, hidden, experts, most=MOST_SIZE) or no_gate(experts, topk, int(ep[1]))
    if refused:
        return refused
    own = stack(KIND, **memory(question.device), **(figures or {}).get(KIND, {}))
    return own.time(phase, tokens, topk, hidden, int(ep[1]), node) / 1e6
