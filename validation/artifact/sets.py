"""The trace sets of suite artifact: each a file of the reference folder, or one that chipweave makes, opened once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Unfit
from chipweave.trace import models
from chipweave.trace.library import open_trace
from chipweave.trace.syn import SETS

MODELS = {"deepseek": "deepseek-v3", "qwen": "qwen3-235b", "kimi": "kimi-k2", "llama4": "llama4-maverick"}
ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")


def open_sets(folder: Path, settings: list[tuple[str, ...]]) -> dict[Any, Any]:
    """(model, trace set) of the settings -> the Path of its store, or a text that says why it cannot be had.

    Raises:
        BadInput: a file is no trace, or damaged. One that is a trace of another model is a reason like others.
    """
    wanted = dict.fromkeys(
        (model, name) for model, _, name, *_ in settings if model in MODELS and not name.startswith("micro:")
    )
    return {(model, name): open_set(folder, model, name) for model, name in wanted}


def open_set(folder: Any, model: Any, name: Any) -> Any:
    """See `open_sets`."""
    if "/" in name or "\\" in name:
        return f"trace set {name} is no name of a file in the folder"
    file = next((f for f in (folder / f"{name}{ending}" for ending in ENDINGS) if f.is_file()), None)
    if file is None and name not in SETS:
        return f"trace set {name} has no file in the folder and is none that chipweave makes"
    model = models.load(MODELS[model])
    try:
        return Path(open_trace(file or name, model.name, model.experts, partial=True).path)
    except Unfit as error:
        return f"trace set {name}: {reason(error)}"


def reason(error: BadInput) -> str:
    """The faults of a BadInput in one line."""
    return "; ".join(map(str, error.faults))
