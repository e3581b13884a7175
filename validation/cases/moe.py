"""moe: time of a fused MoE layer on one GPU of its group, as the fastest framework runs it.

A kernel-level model: permute, two grouped GEMMs, activation, combine. Tiles: the fastest that a grouped CUTLASS GEMM
allows for the operand type. One prediction per point, the same for every framework's row; the fastest one counts.
"""

from __future__ import annotations

import re
from typing import Any

from chipweave.kernel_models.moe import Layer
from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.chips import calibrated, chip_of
from ..rows.kernel_software import moe_loads, moe_seconds
from ..rows.units import SECONDS, count, first_missing, in_unit, no_power, operand, out_of_range

SETTING = re.compile(
    r"^\S+ (?P<dtype>\w+) TP(?P<tp>\d+) EP(?P<ep>\d+) (?P<balance>balanced|power_law_[\d.]+?);"
    r" h=(?P<hidden>\d+) i=(?P<intermediate>\d+) top(?P<top_k>\d+) E=(?P<experts>\d+)"
)

MOST_TOKENS, MOST_SIZE = 1 << 20, 1 << 20


def point(q: Any) -> tuple[str, str, str, str]:
    """What two frameworks' rows have in common: everything but the framework's name."""
    return q.quantity, q.device, q.conditions.partition(" ")[2], q.x_value


@case("h100", "moe", bar=0.13, point=point)
def predict(questions: list[Question]) -> Answers:
    """Time of a layer."""
    figures = calibrated()
    known = {}
    for q in questions:
        if point(q) not in known:
            known[point(q)] = _answer(q, figures)
    return {q.id: in_unit(q, known[point(q)], SECONDS) for q in questions}


def _answer(q: Any, figures: dict[str, float]) -> NotModelled | float:
    setting, chip, tokens = SETTING.match(q.conditions), chip_of(q, figures), count(q, "tokens", most=MOST_TOKENS)
    if not setting:
        return NotModelled("the conditions name no framework, data type, TP, EP, balance, h, i, top-k and E")
    tp, ep, top_k, experts, hidden, intermediate = (
        int(setting[g]) for g in ("tp", "ep", "top_k", "experts", "hidden", "intermediate")
    )
    refused = first_missing(
        chip,
        tokens,
        out_of_range(tp, ep, top_k, experts, hidden, intermediate, most=MOST_SIZE),
        no_power(setting["balance"]),
    )
    if refused:
        return refused
    dtype = operand(setting["dtype"])
    if dtype not in ("bfloat16", "float16", "fp8", "fp8_block"):
        return NotModelled(f"no kernel model for operands of type {dtype}")
    if experts % ep or intermediate % tp or top_k > experts:
        return NotModelled("experts or columns do not divide over the ranks")
    layer = Layer(hidden, intermediate // tp, dtype)
    model = q.quantity.rpartition(", ")[2]
    draws = moe_loads(model, setting["balance"], tokens, experts, top_k, ep)
    return figures["moe_floor_s"] + moe_seconds(chip, figures, layer, draws, tokens, top_k)
