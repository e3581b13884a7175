"""One trace a model for a whole study.

Made by its law for the largest batch, or the user's copy of the published ones.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, Place
from chipweave.trace import library, models
from chipweave.trace.importer import import_paths

# model -> where the published data set keeps it
PUBLISHED = {
    "deepseek-v3": "cognitivecomputations/DeepSeek-R1-AWQ",
    "qwen3-235b": "Qwen/Qwen3-235B-A22B-FP8",
    "kimi-k2": "moonshotai/Kimi-K2-Thinking",
    "llama4-maverick": "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
}
SUBSETS = ("mmlu", "mmlu_ZH_CN")  # which the published artifact reads, in this order


def of_model(
    name: str,
    requests: int,
    steps: int,
    seed: int,
    folder: Any = None,
    progress: Any = lambda text, done, total: None,
    tasks: int = 1,
) -> Any:
    """The open Trace of a model: generated where `folder` is None, else found in it; made once, then from the cache.

    folder: has MODEL.parquet (or a folder or file MODEL, MODEL.jsonl, ...), or the layout of the published data set.
    tasks: that take turns in a made trace.
    """
    model = models.load(name)
    if folder is None:
        return library.generated(model, requests, steps, seed, progress, library.Recipe(tasks=tasks))
    folder = Path(folder)
    for path in (folder / f"{name}.parquet", folder / name, *sorted(folder.glob(f"{name}.*"))):
        if path.exists():
            return library.open_trace(path, name, progress=progress)
    for root in (folder, folder / "profiling_result"):
        place = root / PUBLISHED.get(name, name)
        paths = [place / subset for subset in SUBSETS if (place / subset).is_dir()]
        if paths:
            key = {"published": [library.fingerprint(path) for path in paths]}
            return library.cached(
                f"{name}-published",
                key,
                partial(import_paths, paths, model=name, name=name, progress=progress),
            )
    allowed = f"{name}.parquet, or {PUBLISHED.get(name, name)}/mmlu as in the published data set"
    raise BadInput(Fault(f"no trace of {name}", Place(str(folder)), allowed=allowed))
