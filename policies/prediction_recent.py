"""What a die read in one of the last steps is kept: a die's own memory, without any table of experts.

Question   Should a die keep a copy of an expert that arrives?
Answer     If the die had work of that expert in one of the last `steps` steps of the layer. With room for few
           copies this is
           what LRU amounts to, one step later: the first read never makes a copy.
Source     Caches that admit on the second touch.
Beside     prediction_always.py (admits on the first), replacement_lru.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import Param, PredictionPolicy, nothing, policy


@policy("prediction.recent")
class Recent(PredictionPolicy):
    """What a die read in one of the last steps is kept: a die's own memory, without any table of experts."""

    reads_ids = False
    steps = Param("count", default=4, low=1, doc="steps back that count")

    @property
    def last(self) -> Any:
        """layer -> int64[D, E], the last step in which the die had work of the expert; -1: never."""
        return vars(self).setdefault("_last", {})

    def mask(self, view: Any, plan: Any) -> Any:
        """uint8 [dies, experts]: those a die worked on in the last `steps` steps."""
        mask = nothing(view)
        last = self.last.setdefault(view.layer, np.full(mask.shape, -1, np.int64))
        mask[(last >= 0) & (last >= view.step - self.steps)] = 1
        last[plan.die, plan.expert] = view.step
        return mask
