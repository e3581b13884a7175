"""What the next step of the trace will choose is kept: the best that any forecast of experts could say.

Question   Should a die keep a copy of an expert that arrives?
Answer     If a token of the batch chooses it in the same layer of the next step. Which die will have the work is
           not foreseen.
Source     The bound for predictors, not a predictor: it reads the trace ahead.
Beside     prediction_always.py: at large batches nearly every expert is chosen in every step, and the two are one
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault
from chipweave.policy import Param, PredictionPolicy, nothing, policy
from chipweave.policy.tally import tally


@policy("prediction.oracle")
class Oracle(PredictionPolicy):
    """What the next step of the trace will choose is kept: the best that any forecast of experts could say."""

    trace = Param("str", doc="the run's trace: a store, or a name that `trace names` lists")
    requests = Param("count", default=None, low=1, doc="the run's batch, where it is less than the trace's requests")

    _ids: Any  # the choices of the next step

    @property
    def opened(self) -> Any:
        """The trace, cut to the batch; opened once."""
        if "_opened" not in vars(self):
            from chipweave.trace import library

            whole = library.open_trace(self.trace)
            vars(self)["_opened"] = whole.take(min(self.requests or whole.requests, whole.requests))
        return vars(self)["_opened"]

    def mask(self, view: Any, plan: Any) -> Any:
        """uint8 [dies, experts]: exactly the experts of the next step, read from the trace: an
        upper bound, no policy.
        """
        mask, step = nothing(view), view.step + 1
        if step < self.opened.steps:
            if vars(self).get("_step") != step:
                vars(self).update(_step=step, _ids=self.opened.read(step))
            counts, _ = tally(self._ids[self.index_of(view.layer)], view.experts)
            mask[:, np.flatnonzero(counts)] = 1
        return mask

    def index_of(self, layer: int) -> int:
        """The place of a layer in the trace.

        Raises:
            BadInput: it has none, as a trace of another model.
        """
        layers = self.opened.layers
        if layer not in layers:
            named = ", ".join(map(str, layers))
            raise BadInput(Fault(f"{self.kind}: trace {self.trace} has no layer {layer}", allowed=f"layers {named}"))
        return layers.index(layer)
