"""Nothing is kept: every remote expert is read again each time.

Question   Should a die keep a copy of an expert that arrives?
Answer     No.
Beside     prediction_always.py, prediction_cross_token_heatmap.py, prediction_popularity.py
"""

from __future__ import annotations

from typing import Any

from chipweave.policy import PredictionPolicy, nothing, policy


@policy("prediction.none")
class NoPrediction(PredictionPolicy):
    """Nothing is kept: every remote expert is read again each time."""

    reads_ids = False
    predicts = False

    def mask(self, view: Any, plan: Any) -> Any:
        return nothing(view)
