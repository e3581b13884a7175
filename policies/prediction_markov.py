"""The experts that most tokens are expected to choose next are kept, by a first-order Markov chain.

Question   Should a die keep a copy of an expert that arrives?
Answer     If it is among the `top_n` of its layer by expected tokens: this step's counts times how often each
           expert followed each so far (rows of the heat map as shares).
Source     First-order Markov predictors of expert caches; a plain rival of the published heat map, which asks for
           the union of rows and so for nearly everything.
Beside     prediction_cross_token_heatmap.py, prediction_popularity.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import nothing, part_of, policy

from .prediction_cross_token_heatmap import CrossTokenHeatmap


@policy("prediction.markov")
class Markov(CrossTokenHeatmap):
    """The experts that most tokens are expected to choose next are kept, by a first-order Markov chain."""

    def mask(self, view: Any, plan: Any) -> Any:
        mask, table = nothing(view), self.table(view)
        expected = view.counts @ (table / np.maximum(table.sum(axis=1, keepdims=True), 1))
        mask[:, np.argsort(expected, kind="stable")[-part_of(self.top_n, view.experts) :]] = 1
        return mask
