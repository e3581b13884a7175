"""Expert counts without tokens: how often each expert of each layer was chosen. No trace, but a law's popularity.

Read are: SGLang's `expert_distribution_recorder_*.pt` in mode `stat` (`logical_count` [steps, layers, experts]),
its older CSV (layer_id,expert_id,count), JSON {"logical_count": [[...]]} as `--init-expert-location` takes it, and
NumPy [layers, experts].
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.io import numpyfile, strictjson
from chipweave.trace import torch_file
from chipweave.trace.limits import MAX_DOCUMENT_BYTES, MAX_EXPERTS, MAX_LAYERS

CSV_HEAD = ["layer_id", "expert_id", "count"]
KEYS = ("logical_count", "counts", "expert_counts", "loads")


def read_counts(path: Any, model: Any) -> np.ndarray:
    """float [MoE layers, experts] of a file that must fit a Model; raises `BadInput`."""
    path, place = Path(path), Place(str(path))
    try:
        found, layers = _read(path, model, place)
    except (OSError, ValueError, RecursionError, EOFError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise BadInput(Fault(f"counts that cannot be read: {why}", place)) from None
    return fitted(found, layers, model, place)


def fitted(counts: Any, layers: Any, model: Any, place: Any) -> np.ndarray:
    """Counts of the model's MoE layers; `counts` [.., layers, experts], `layers` their ids or None.

    Steps, if there are any, are added up. BadInput for another shape, and for an MoE layer that is
    missing or all zero: its popularity would be made up.
    """
    counts = np.asarray(counts, float)
    if counts.ndim == 3:
        counts = counts.sum(axis=0)
    if counts.ndim != 2 or counts.shape[1] != model.experts or not np.isfinite(counts).all() or (counts < 0).any():
        raise BadInput(
            Fault(f"counts of shape {counts.shape}", place, allowed=f"numbers from 0, [layers, {model.experts}]")
        )
    if layers is None:
        if len(counts) not in (model.layers, len(model.moe_layers)):
            raise BadInput(
                Fault(
                    f"{len(counts)} layers",
                    place,
                    allowed=f"{len(model.moe_layers)} or, dense ones too, {model.layers}",
                )
            )
        layers = range(model.layers) if len(counts) == model.layers else model.moe_layers
    row = {int(layer): index for index, layer in enumerate(layers)}
    missing = [layer for layer in model.moe_layers if layer not in row or not counts[row[layer]].any()]
    if missing:
        raise BadInput(
            Fault(
                f"no counts of {len(missing)} of the {len(model.moe_layers)} MoE layers of {model.name}, "
                f"first of layer {missing[0]}",
                place,
                allowed="counts of every MoE layer",
            )
        )
    return counts[[row[layer] for layer in model.moe_layers]]


def _read(path: Path, model: Any, place: Place) -> tuple[Any, np.ndarray | None]:
    """(array, ids of its layers or None) of a file, chosen by its ending."""
    if path.suffix in (".npy", ".npz"):
        arrays = numpyfile.read(path, (*KEYS, "layer"), "counts")
        key = next((key for key in KEYS if key in arrays), None)
        if key is None:
            raise BadInput(Fault("no array of counts", place, allowed="one named " + ", ".join(KEYS)))
        return arrays[key], arrays.get("layer")
    if torch_file.is_torch(path):
        return of_document(torch_file.load(path), place), None
    text = path.read_bytes()[: MAX_DOCUMENT_BYTES + 1]
    if len(text) > MAX_DOCUMENT_BYTES:
        raise BadInput(Fault(f"more than {MAX_DOCUMENT_BYTES >> 20} MiB", place))
    if path.suffix == ".csv":
        return _of_csv(text.decode("utf-8-sig").splitlines(), model, place)
    return of_document(strictjson.loads(text), place), None


def of_document(document: Any, place: Any) -> Any:
    """The counts of a dictionary that holds them."""
    key = next((key for key in KEYS if isinstance(document, dict) and key in document), None)
    if key is None:
        raise BadInput(Fault("no counts in it", place, allowed='{"logical_count": [layers][experts]}'))
    return document[key]


def _of_csv(lines: Any, model: Any, place: Any) -> Any:
    """Counts of layer_id,expert_id,count lines, each pair once; pairs that are not there count 0."""
    rows = list(csv.reader(lines))
    if not rows or [cell.strip() for cell in rows[0]] != CSV_HEAD:
        raise BadInput(Fault("the first line is not the header", Place(place.file, 1), ",".join(CSV_HEAD)))
    found = np.full((min(model.layers, MAX_LAYERS), model.experts), -1.0)
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        try:
            layer, expert, count = (int(cell) for cell in row)
        except ValueError:
            raise BadInput(
                Fault(f"{','.join(row)[:60]!r} is not three whole numbers", Place(place.file, number))
            ) from None
        if not (0 <= layer < len(found) and 0 <= expert < min(model.experts, MAX_EXPERTS) and 0 <= count < 1 << 62):
            allowed = f"layers to {len(found) - 1}, experts to {model.experts - 1}, counts from 0"
            raise BadInput(Fault(f"layer {layer}, expert {expert}, count {count}", Place(place.file, number), allowed))
        if found[layer, expert] >= 0:
            raise BadInput(Fault(f"layer {layer}, expert {expert} is there twice", Place(place.file, number)))
        found[layer, expert] = count
    return np.maximum(found, 0), None
