"""Routing traces: which experts every token of every request chose, by step and layer.

    trace = chipweave.trace.open("deepseek-syn")
    for step_ids in trace.steps_iter():
        step_ids[0]             # uint8 [rows, top_k] of layer trace.layers[0]
        step_ids.row_request    # which request each row belongs to

docs/guide/traces.md has the formats.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chipweave.trace.library import BatchedTrace, for_run, names
    from chipweave.trace.library import open_trace as open
    from chipweave.trace.store import StepIds, Trace

__all__ = ["StepIds", "Trace", "BatchedTrace", "for_run", "names", "open"]
_HOME = {"StepIds": "store", "Trace": "store", "open": "library"}
_NAME = {"open": "open_trace"}


def __getattr__(name: str) -> object:
    """A name of the face, imported at its first use: who wants a model's sizes alone reads no trace."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOME.get(name, 'library')}")
    globals()[name] = value = getattr(module, _NAME.get(name, name))
    return value
