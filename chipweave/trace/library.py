"""From what a user writes to an open trace: shipped logs, synthetic sets, stores, and JSON imported once into a cache.

The cache is a folder of the user's (CHIPWEAVE_CACHE, else the platform's), one file for each key:
everything that a trace's content depends on, the version of the generator included, hashed. So it
never has to be emptied by hand.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from chipweave.errors import BadInput, Fault, Place, Unfit, nearest
from chipweave.io.atomic import check_folder
from chipweave.trace import generate, models, syn, windows
from chipweave.trace import law as laws
from chipweave.trace.header import Header, Shape
from chipweave.trace.importer import import_paths
from chipweave.trace.in_turn import InTurn
from chipweave.trace.intake import file_sha256, write_rows
from chipweave.trace.limits import MAX_IDS
from chipweave.trace.spill import Spill
from chipweave.trace.store import Trace, open_store

SHIPPED = Path(__file__).parent.parent / "data" / "traces"
GENERATOR_VERSION = 2  # raised when the same law and seed would come out differently
CACHE_VERSION = 1  # raised when a cached trace would come out differently


def shipped() -> list[str]:
    """The names of the real router logs that come with chipweave."""
    return sorted(path.stem for path in SHIPPED.glob("*.parquet"))


def names() -> list[str]:
    """All names `open_trace` knows."""
    return shipped() + list(syn.SETS)


def describe() -> Iterator[tuple[str, str]]:
    """(name, one line of words) of every trace that needs no file."""
    for name in shipped():
        trace = open_store(SHIPPED / f"{name}.parquet")
        yield (
            name,
            (
                f"router log of {trace.model}: {trace.requests} sequences, "
                f"{int(trace.prompt_rows.sum())} tokens, prefill only"
            ),
        )
    for name, law in syn.SETS.items():
        yield (
            name,
            f"synthetic, {law.model}: {law.requests} requests, 1 + {law.decode_steps} steps, log-normal popularity",
        )


def open_trace(
    source: Path | str,
    model: str | None = None,
    experts: int | None = None,
    progress: Any = lambda text, done, total: None,
    partial: bool = False,
) -> Trace:
    """Open a trace by shipped name, synthetic set, store, or anything `trace import` takes (imported once, then
    cached).

    model: name of the model it must belong to; raises `Unfit` where it does not.
    partial: its requests may leave layers of the model out.
    """
    text = str(source)
    if text in shipped():
        trace = open_store(SHIPPED / f"{text}.parquet")
    elif text in syn.SETS:
        trace = cached(text, {"set": text, "law": syn.SETS[text].sha256}, lambda path: _write_syn(text, path, progress))
    elif not os.path.exists(text):
        raise BadInput(
            Fault(
                f"no such trace: {text!r}",
                allowed="a file, a folder, or one of " + ", ".join(names()),
                nearest=nearest(text, names()),
            )
        )
    elif not (os.path.isfile(text) or os.path.isdir(text)):
        raise BadInput(Fault("no plain file", Place(text), "a file or a folder"))
    elif is_store(text):
        trace = open_store(Path(text))
    else:
        key = {"import": fingerprint(Path(text)), "model": model, "experts": experts} | (
            {"partial": True} if partial else {}
        )
        trace = cached(
            Path(text).name,
            key,
            lambda path: import_paths([Path(text)], path, model, experts, Path(text).name, progress, partial=partial),
        )
    if model:
        check_model(trace, models.load(model), partial)
    return trace


def check_model(trace: Trace, model: models.Model, partial: bool = False) -> None:
    """Raise `Unfit` where the trace does not route like the model, or leaves layers out and may not (`partial`)."""
    if trace.holes and not partial:
        raise Unfit(
            Fault(
                f"leaves layers of {model.name} out, {trace.holes.count} times",
                Place(str(trace.path)),
                allowed="rows for every layer in every step",
            )
        )
    have, want = (trace.layers, trace.experts, trace.top_k), (model.moe_layers, model.experts, model.top_k)
    if have != want:
        raise Unfit(
            Fault(
                f"a trace of another model than {model.name}: {_routing(*have)}",
                Place(str(trace.path)),
                allowed=_routing(*want),
            )
        )


@dataclass(frozen=True)
class BatchedTrace:
    """What a run of a batch reads: a trace, and how many times each of its requests stands in the batch.

    The `replication` copies of a request run in step with each other: they choose equal experts.
    """

    trace: Trace | InTurn
    replication: int


def for_run(
    source: str | None, model: str, batch: int, steps: int, seed: int, progress: Any = lambda text, done, total: None
) -> BatchedTrace:
    """The `BatchedTrace` of `batch` requests and at most `steps` steps (prefill counts as one) of a model.

    source: as for `open_trace`; None generates one for the model from the seed. A prefill-only log is replayed as
    decode on windows drawn from the seed. Otherwise the batch is the first requests of the trace, or all of them in
    turn until it is full."""
    known = models.load(model)
    if source is None:
        return BatchedTrace(generated(known, batch, steps, seed, progress), 1)
    trace = open_trace(source, known.name if known.name in models.names() else None, known.experts, progress)
    check_model(trace, known)
    if trace.prefill_only and steps > 1:
        return BatchedTrace(replayed(trace, batch, steps, seed, progress), 1)
    return batch_of(trace, batch)


def batch_of(trace: Trace, batch: int) -> BatchedTrace:
    """The `BatchedTrace` of a trace's first requests, of whole repetitions of all, or of all in turn until the batch is
    full."""
    if batch <= trace.requests:
        return BatchedTrace(trace.take(batch), 1)
    if batch % trace.requests == 0:
        return BatchedTrace(trace, batch // trace.requests)
    if trace.holes:
        raise Unfit(
            f"{trace.name}: leaves layers out, and a batch of {batch} is no multiple of its {trace.requests} requests; "
            f"allowed: at most {trace.requests}, or a multiple; nearest: {batch // trace.requests * trace.requests}"
        )
    return BatchedTrace(InTurn(trace, batch), 1)


def replayed(log: Trace, requests: int, steps: int, seed: int, progress: Any = lambda text, done, total: None) -> Trace:
    """Windows of a prefill-only log as a decode trace, cached.

    A window is a stretch of a sequence whose tokens are served one a step, as if they were decoded;
    seed picks them.
    """

    def write(path: Any) -> None:
        header, spill = windows.spill_windows(log, requests, steps, seed, path.parent)
        with spill:
            write_rows(path, header, spill, progress)

    key = {"log": log.sha256, "requests": requests, "steps": steps, "seed": seed}
    return cached(f"{log.name}-decode", key, write)


@dataclass(frozen=True)
class Recipe:
    """What a made-up trace is made by: a law, how many tasks and languages take turns, loads of answers in its place.

    law: a chipweave.trace.law.Law, or None for the model's; counts: float [layers, experts] or None.
    """

    law: laws.Law | None = None
    tasks: int = 1
    languages: int = 1
    counts: np.ndarray | None = None

    def key(self, model: models.Model) -> dict[str, Any]:
        """What the trace depends on, as plain data."""
        law = self.law or laws.of_model(model)
        counts = None if self.counts is None else hashlib.sha256(np.ascontiguousarray(self.counts).data).hexdigest()
        return {"law": law.key(), "tasks": self.tasks, "languages": self.languages, "counts_sha256": counts}


def generated(
    model: models.Model,
    requests: int,
    steps: int,
    seed: int,
    progress: Any = lambda text, done, total: None,
    recipe: Recipe = Recipe(),
) -> Trace:
    """A made-up trace of a model (a Model), cached.

    Gate scores are drawn by a law (chipweave.trace.law) whose parameters were set from real logs,
    and the top-k of them chosen as the model's gate does.
    """
    key = {"gate": asdict(generate.Gate.of(model)), "layers": model.moe_layers, **recipe.key(model)}
    key |= {"requests": requests, "steps": steps, "seed": seed, "generator": GENERATOR_VERSION}
    return cached(
        f"{model.name}-generated",
        key,
        lambda path: write_generated(path, model, requests, steps, seed, None, progress, recipe),
    )


def write_generated(
    path: Path | str,
    model: models.Model,
    requests: int,
    steps: int,
    seed: int,
    name: Any = None,
    progress: Any = lambda text, done, total: None,
    recipe: Recipe = Recipe(),
) -> Header:
    """Write a made-up trace of `requests` requests with 1 + (`steps` - 1) steps to `path`; returns its header."""
    law = recipe.law or laws.of_model(model)
    shape = Shape(model.moe_layers, model.experts, model.top_k, model.layers)
    check_size(model, requests, steps, law)
    made = generate.requests(
        law, generate.Gate.of(model), requests, steps - 1, seed, recipe.tasks, recipe.languages, recipe.counts
    )
    facts = {"kind": "generated", **recipe.key(model), "seed": seed}
    return _write_made(path, shape, made, requests, name or f"{model.name}-seed{seed}", model.name, facts, progress)


def check_size(model: models.Model, requests: int, steps: int, law: laws.Law | None = None) -> None:
    """Raise BadInput where a made-up trace of `requests` requests and `steps` steps would have too many ids.

    law: how long its prompts are; the model's where there is none.
    """
    law = law or laws.of_model(model)
    ids = int(requests * (steps - 1 + law.prompt_mean)) * len(model.moe_layers) * model.top_k
    if ids > MAX_IDS:
        raise BadInput(
            Fault(
                f"{requests:,} requests x ({steps - 1:,} steps + {law.prompt_mean:g} prompt tokens) x "
                f"{len(model.moe_layers)} layers x {model.top_k} are {ids:.1e} expert ids to make up",
                allowed=f"up to {MAX_IDS:.0e}: fewer requests or steps",
            )
        )


def cache_folder() -> Path:
    """Where traces that were made or imported are kept, with what was counted of them."""
    return Path(os.environ.get("CHIPWEAVE_CACHE") or platformdirs.user_cache_dir("chipweave")) / "traces"


def cached(name: str, key: dict[str, Any], write: Callable[[Path], Any]) -> Trace:
    """Open the store that `write(path)` makes, written only where the cache has none of this key.

    write must leave `path` whole or not at all (it renames); two processes may write the same file,
    and the last wins with equal content.
    """
    text = json.dumps({"version": CACHE_VERSION, **key}, sort_keys=True, default=str)
    folder = cache_folder()
    path = folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.parquet"
    if not path.exists():
        try:
            check_folder(folder)
        except BadInput as error:
            raise BadInput(
                Fault(f"traces are kept in a cache, and {error}", allowed="another folder for it in CHIPWEAVE_CACHE")
            ) from None
        folder.mkdir(parents=True, exist_ok=True)
        write(path)
    return open_store(path)


def _write_syn(name: str, path: Path, progress: Any) -> Header:
    """Write one of the synthetic sets, which are fixed: their hash is stated in the set and kept in the header."""
    law = syn.SETS[name]
    shape = Shape(tuple(range(law.dense, law.layers)), law.experts, law.top_k, law.layers)
    facts = {"kind": "synthetic", "set": name, "seed": law.seed, "json_lines_sha256": law.sha256}
    return _write_made(path, shape, syn.requests(name), law.requests, name, law.model, facts, progress)


def _write_made(
    path: Path | str,
    shape: Shape,
    made: Iterable[Any],
    count: int,
    name: str,
    model: str,
    facts: dict[str, Any],
    progress: Any,
) -> Header:
    """Write `count` requests from an iterator: spilled as they come, so that memory does not grow with them."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Spill(shape, Path(path).parent) as spill:
        for number, request in enumerate(made):
            spill.add(*request)
            progress("generating", number + 1, count)
        header = Header(
            name, shape, tuple(spill.names), np.array(spill.prompt_rows), np.array(spill.decode_steps), model, facts
        )
        return write_rows(Path(path), header, spill, progress)


def identity(source: Any) -> Any:
    """What tells a trace from another before it is made or imported: its name, or the hash of its content."""
    if source is None or source in names():
        return source
    return open_store(source).sha256 if is_store(source) else fingerprint(Path(source))


def is_store(path: Path | str) -> bool:
    """Whether a path is a file that begins as a Parquet file does."""
    if os.path.isdir(path):
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def fingerprint(path: Path) -> str | list[tuple[str, int, int]]:
    """What changes when a file, or any file of a folder, changes."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        return [(p.relative_to(path).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    stat = path.stat()
    return _hash(path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _hash(path: Path, size: int, mtime_ns: int) -> str:
    """SHA-256 of a file, read once while it stays as it is: every run of a comparison asks."""
    return file_sha256(path)


def _routing(layers: tuple[int, ...], experts: int, top_k: int) -> str:
    """A model's routing in a few words, for faults."""
    return f"top-{top_k} of {experts} experts in {len(layers)} layers ({layers[0]} to {layers[-1]})"
