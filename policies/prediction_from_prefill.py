"""The experts that the prompts chose most are kept, and nothing is learnt afterwards.

Question   Should a die keep a copy of an expert that arrives?
Answer     If it is among the `top_n` of its layer by tokens of the prompts.
Source     Insight 1 of arXiv 2510.05497: what an answer will need shows in its prompt (rank correlation of about
           .7 to .9).
Beside     prediction_popularity.py, which goes on counting
"""

from __future__ import annotations

from typing import Any

from chipweave.policy import policy

from .prediction_popularity import Popularity


@policy("prediction.from_prefill")
class FromPrefill(Popularity):
    """The experts that the prompts chose most are kept, and nothing is learnt afterwards."""

    def observe(self, view: Any) -> None:
        if view.prefill:
            super().observe(view)
