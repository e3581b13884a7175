"""Whether a trace fits a run, as far as that is known before it is made or imported."""

from __future__ import annotations

import os
from pathlib import Path

from chipweave.errors import BadInput, Fault, Place
from chipweave.trace import library, models, syn, windows
from chipweave.trace.store import open_store


def check(source: str | None, model: str, batch: int, steps: int) -> None:
    """Raise BadInput where `chipweave.trace.for_run` would, without making or importing anything.

    A JSON or NumPy trace is looked into only when it is imported.
    """
    known = models.load(model)
    if source is None:
        library.check_size(known, batch, steps)
    elif source in syn.SETS:
        _check_set(syn.SETS[source], known, source)
    elif source in library.shipped():
        _check_store(library.SHIPPED / f"{source}.parquet", known, batch, steps)
    elif not os.path.exists(source):
        library.open_trace(source)
    elif not (os.path.isfile(source) or os.path.isdir(source)):
        raise BadInput(Fault("no plain file", Place(source), "a file or a folder"))
    elif library.is_store(source):
        _check_store(source, known, batch, steps)


def _check_store(path: str | Path, model: models.Model, batch: int, steps: int) -> None:
    """Whether a stored trace fits the model, batch and steps of a run; BadInput otherwise."""
    trace = open_store(Path(path))
    library.check_model(trace, model)
    if trace.prefill_only and steps > 1:
        windows.check(trace, batch, steps)
    else:
        library.batch_of(trace, batch)


def _check_set(law: syn.SynSet, model: models.Model, name: str) -> None:
    """The same of a synthetic set, without making it."""
    routing = tuple(range(law.dense, law.layers)), law.experts, law.top_k
    if routing != (model.moe_layers, model.experts, model.top_k):
        raise BadInput(Fault(f"{name} is a trace of {law.model}, not of {model.name}", allowed=f"--model {law.model}"))
