"""moe_wideep: expert GEMMs of a decode step under wide expert parallelism, DeepSeek-V3, on the hottest rank.

A kernel-level model: two masked DeepGEMM calls, tiles by the library's rule for the mean rows per expert. Tokens are
those of all ranks together.
"""

from __future__ import annotations

import re
from statistics import fmean
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.chips import calibrated, chip_of
from ..rows.kernel_software import wideep_loads, wideep_seconds
from ..rows.units import SECONDS, count, first_missing, in_unit, no_power

SETTING = re.compile(r"EP(?P<ranks>\d+) (?P<balance>uniform|power_law_[\d.]+)")

MOST_TOKENS = 1 << 20


@case("h100", "moe_wideep", bar=0.13)
def predict(questions: list[Question]) -> Answers:
    """Time of the expert GEMMs."""
    figures = calibrated()
    return {q.id: in_unit(q, _answer(q, figures), SECONDS) for q in questions}


def _answer(q: Any, figures: dict[str, float]) -> NotModelled | float:
    setting, chip, tokens = SETTING.search(q.conditions), chip_of(q, figures), count(q, "tokens", most=MOST_TOKENS)
    if not setting:
        return NotModelled("the conditions name no EP and balance (uniform or power_law_...)")
    balance = setting["balance"].rstrip(".")
    refused = first_missing(chip, tokens, no_power(balance))
    if refused:
        return refused
    if "fp8" not in q.conditions or "prefill" in q.quantity:
        return NotModelled("only the FP8 kernels of a decode step are modelled")
    if "DeepSeek-V3" not in q.quantity:
        return NotModelled("only DeepSeek-V3 expert shapes are known for these kernels")
    if not 1 <= int(setting["ranks"]) <= 256 or 256 % int(setting["ranks"]):
        return NotModelled("256 experts do not divide over the ranks")
    draws = wideep_loads(balance, tokens, int(setting["ranks"]))
    return figures["wideep_floor_s"] + fmean(wideep_seconds(chip, figures, counts) for counts in draws)
