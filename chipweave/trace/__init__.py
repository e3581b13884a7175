"""Routing traces: which experts every token of every request chose, by step and layer.

    trace = chipweave.trace.open("deepseek-syn")
    for step_ids in trace.steps_iter():
        step_ids[0]             # uint8 [rows, top_k] of layer trace.layers[0]
        step_ids.row_request    # which request each row belongs to

docs/traces.md has the formats.
"""

from chipweave.trace.library import Workload, for_run, names
from chipweave.trace.library import open_trace as open
from chipweave.trace.store import StepIds, Trace

__all__ = ["StepIds", "Trace", "Workload", "for_run", "names", "open"]
