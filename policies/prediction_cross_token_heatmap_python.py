"""The cross-token heat map in plain Python: slow, obvious, and equal to the C one.

Question   Should a die keep a copy of expert x that arrives?
Answer     As prediction_cross_token_heatmap.py, whose words and parameters hold here.
Beside     prediction_cross_token_heatmap.py
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from chipweave.policy import nothing, part_of, policy

from .prediction_cross_token_heatmap import CrossTokenHeatmap


@policy("prediction.cross_token_heatmap_python")
class CrossTokenHeatmapPython(CrossTokenHeatmap):
    """The cross-token heat map in plain Python: slow, obvious, and equal to the C one."""

    def add(self, table: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        """Add one to table[i, j] for each pair of choices of two tokens in a row; absent choices count nothing."""
        before, after = np.asarray(before), np.asarray(after)
        no_choice = np.iinfo(before.dtype).max
        for these, those in zip(before.tolist(), after.tolist(), strict=True):
            for i in these:
                for j in those:
                    if not max(i, j) == no_choice >= len(table):
                        table[i, j] += 1

    def add_prompts(self, table: np.ndarray, ids: np.ndarray, starts: np.ndarray) -> None:
        for first, end in itertools.pairwise(starts):
            self.add(table, ids[first : max(end - 1, first)], ids[first + 1 : end])

    def mask(self, view: Any, plan: Any) -> np.ndarray:
        """Every bit, not only those that can be read."""
        mask, top_n = nothing(view), part_of(self.top_n, view.experts)
        for d in range(view.dies):
            for e in self.rows_of(plan, d):
                order = np.argsort(self.table(view)[e], kind="stable")
                mask[d, order[-top_n:]] = 1
        return mask

    def rows_of(self, plan: Any, d: int) -> list[int]:
        """The experts whose rows are looked up on die d, in the order of the plan."""
        experts = plan.expert[plan.die == d].tolist()
        if self.stop_at_own_id and d in experts:
            experts = experts[: experts.index(d) + 1]
        return experts
