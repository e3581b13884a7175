"""A predictor of one's own, in one file: what was busy a token ago is kept.

Question   Should a die keep a copy of an expert that arrives?
Answer     If at least `least` tokens chose the expert in the step before, in the same layer.
Beside     policies/prediction_cross_token_heatmap.py, which learns pairs of experts instead
"""

import numpy as np

from chipweave.policy import Param, PredictionPolicy, nothing


class LastSeen(PredictionPolicy):
    """Keeps what was busy a token ago."""

    least = Param("count", default=32, low=1, doc="tokens of the step before that make an expert worth a copy")

    def observe(self, view):
        """Remember the counts of this layer."""
        vars(self).setdefault("counts", {})[view.layer] = np.array(view.counts)

    def mask(self, view, plan):
        """The same bits for every die."""
        mask, counts = nothing(view), vars(self).get("counts", {}).get(view.layer)
        if counts is not None:
            mask[:, counts >= self.least] = 1
        return mask
