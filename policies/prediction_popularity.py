"""The experts chosen most so far are kept, whichever die they arrive on.

Question   Should a die keep a copy of an expert that arrives?
Answer     If it is among the `top_n` of its layer by tokens so far (prompt included); among equals the larger number.
Source     The plain baseline for prediction_cross_token_heatmap.py: most of what "the next token's experts" covers is
           popularity.
Beside     prediction_cross_token_heatmap.py, prediction_always.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import CountOrShare, Param, PredictionPolicy, nothing, part_of, policy


@policy("prediction.popularity")
class Popularity(PredictionPolicy):
    """The experts chosen most so far are kept, whichever die they arrive on."""

    reads_ids = False
    top_n = CountOrShare("20 %", doc="experts of a layer that are kept, a number or a share of all")
    lookahead = Param(
        "choice",
        default="causal",
        choices=["causal", "artifact"],
        doc="causal: counts up to the step before; artifact: this step's too",
    )

    def _fill(self, name: str, values: dict[Any, Any], sources: dict[Any, Any]) -> None:
        super()._fill(name, values, sources)
        self.observes_first = self.lookahead == "artifact"

    @property
    def totals(self) -> dict[int, np.ndarray]:
        """layer -> int64[E], tokens so far."""
        return self.__dict__.setdefault("_totals", {})

    def observe(self, view: Any) -> None:
        totals = self.totals.setdefault(view.layer, np.zeros(view.experts, np.int64))
        totals += view.counts

    def mask(self, view: Any, plan: Any) -> Any:
        """uint8 [dies, experts]: the top_n experts chosen most so far in this layer, the same for all dies."""
        mask = nothing(view)
        totals = self.totals.get(view.layer)
        if totals is not None:
            order = np.argsort(totals, kind="stable")
            mask[:, order[-part_of(self.top_n, view.experts) :]] = 1
        return mask
