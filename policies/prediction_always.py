"""Everything is kept: a copy on the first remote read, as a cache would.

Question   Should a die keep a copy of an expert that arrives?
Answer     Yes.
Source     The baseline any forecast has to beat where room for copies is short; with room to spare the published
           heat map comes close to it, because the union of its rows covers most experts.
Beside     prediction_none.py, prediction_cross_token_heatmap.py, prediction_popularity.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import PredictionPolicy, policy


@policy("prediction.always")
class Always(PredictionPolicy):
    """Everything is kept: a copy on the first remote read, as a cache would."""

    reads_ids = False

    def mask(self, view: Any, plan: Any) -> Any:
        return np.ones((view.dies, view.experts), np.uint8)
