"""deepep_readme: DeepSeek's own figures on H800 nodes with one 400 Gb/s adapter a GPU; x is the EP degree.

Inside one node (EP8) the low-latency kernels use NVLink; from EP16 on, what leaves the node goes through each GPU's own
adapter, the network behind it taken as full. The bandwidth rows hold two numbers each.
"""

from __future__ import annotations

import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.comm_stacks import fabric, memory, stack
from ..rows.units import count, first_missing, in_time, out_of_range
from .deepep_ll import KIND, MOST_SIZE

CONDITIONS = re.compile(r"(?P<tokens>\d+) tok/GPU, (?P<hidden>\d+), top-(?P<topk>\d+)")


@case("h100", "deepep_readme")
def predict(questions: list[Question]) -> Answers:
    """Time of a call."""
    return {q.id: in_time(q, _answer(q)) for q in questions}


def _answer(question: Any) -> NotModelled | float:
    shape, node = CONDITIONS.search(question.conditions), fabric(question.device)
    phase = next((p for p in ("dispatch", "combine") if p in question.quantity), None)
    if not shape or not phase or not question.quantity.startswith("low-latency"):
        return NotModelled(
            "no low-latency dispatch or combine with tokens, hidden "
            "size and top-k; two numbers in one row have no answer"
        )
    ranks = count(question, "EP", most=4096)
    missing = first_missing(node, ranks)
    if missing:
        return missing
    if ranks < 2:
        return NotModelled("one GPU exchanges nothing")
    if ranks > node.ranks and not node.adapter:
        return NotModelled("leaves the node, and the node has no adapter")
    tokens, hidden, topk = (int(shape[k]) for k in ("tokens", "hidden", "topk"))
    refused = out_of_range(tokens, hidden, topk, most=MOST_SIZE)
    if refused:
        return refused
    return stack(KIND, **memory(question.device)).time(phase, tokens, topk, hidden, ranks, node) / 1e6
