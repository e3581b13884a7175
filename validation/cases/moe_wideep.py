"""moe_wideep: expert GEMMs of a decode step under wide expert parallelism, DeepSeek-V3, on the hottest rank.

A kernel-level model: two masked DeepGEMM calls, tiles by the library's rule for the mean rows per expert. Tokens are
those of all ranks together.
"""

import re
from statistics import fmean

from chipweave.ledger import NotModelled, case
from chipweave.validation.chips import calibrated, chip_of
from chipweave.validation.kernel_software import wideep_loads, wideep_seconds

SETTING = re.compile(r"EP(?P<ranks>\d+) (?P<balance>uniform|power_law_[\d.]+)")

MOST_TOKENS = 1 << 20


@case("h100", "moe_wideep", bar=0.13)
def predict(questions):
    """Microseconds."""
    figures = calibrated()
    return {q.id: _answer(q, figures) for q in questions}


def _answer(q, figures):
    setting, chip = SETTING.search(q.conditions), chip_of(q.device, figures)
    if not setting or not chip or not q.x:
        return NotModelled("setting or device not recognised in the row")
    if "DeepSeek-V3" not in q.quantity:
        return NotModelled("only DeepSeek-V3 expert shapes are known for these kernels")
    if 256 % int(setting["ranks"]) or not 1 <= q.x <= MOST_TOKENS:
        return NotModelled("256 experts do not divide over the ranks, or the token count is out of range")
    draws = wideep_loads(setting["balance"].rstrip("."), int(q.x), int(setting["ranks"]))
    return 1e6 * (figures["wideep_floor_s"] + fmean(wideep_seconds(chip, figures, counts) for counts in draws))
