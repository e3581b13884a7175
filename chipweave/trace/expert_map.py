"""From physical ids, as a server with EPLB records them, to the experts of the model, layer by layer.

Read are {"physical_to_logical_map": [layers][physical]} (SGLang, vLLM), vllm-ascend's expert_map.json (layer_list
of device_list
of device_expert: physical slots are numbered device after device), CSV layer,physical,expert, and NumPy [layers,
physical].
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.io import numpyfile, strictjson
from chipweave.trace import torch_file
from chipweave.trace.limits import MAX_DOCUMENT_BYTES, MAX_EXPERTS

CSV_HEAD = ["layer", "physical", "expert"]


def read_map(path: Any, model: Any) -> np.ndarray:
    """int64 [MoE layers, physical] -> expert, for a Model; raises `BadInput`."""
    path, place = Path(path), Place(str(path))
    try:
        found, layers = _read(path, place)
        return fitted(found, layers, model, place)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, EOFError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise BadInput(Fault(f"a map of experts that cannot be read: {why}", place)) from None


def fitted(found: Any, layers: Any, model: Any, place: Any) -> np.ndarray:
    """The map of the model's MoE layers; `layers`: ids of the rows, or None for all layers or all MoE layers.

    Every expert must have a slot in every layer: a map with a hole would send its tokens to another
    expert unseen.
    """
    table = np.asarray(found)
    if table.ndim != 2 or table.dtype.kind not in "iu" or table.shape[1] > MAX_EXPERTS:
        raise BadInput(Fault(f"a map of shape {table.shape}", place, "whole numbers [layers, physical]"))
    if layers is None:
        if len(table) not in (model.layers, len(model.moe_layers)):
            allowed = f"{len(model.moe_layers)} or, dense ones too, {model.layers}"
            raise BadInput(Fault(f"a map of {len(table)} layers", place, allowed))
        layers = range(model.layers) if len(table) == model.layers else model.moe_layers
    row = {int(layer): index for index, layer in enumerate(layers)}
    missing = [layer for layer in model.moe_layers if layer not in row]
    if missing:
        raise BadInput(Fault(f"the map lacks layer {missing[0]}", place, f"all {len(model.moe_layers)} MoE layers"))
    table = table[[row[layer] for layer in model.moe_layers]].astype(np.int64)
    for layer, experts in zip(model.moe_layers, table, strict=True):
        absent = np.setdiff1d(np.arange(model.experts), experts)
        if experts.max() >= model.experts or experts.min() < 0 or len(absent):
            what = f"no slot for expert {absent[0]}" if len(absent) else f"expert {experts.max()}"
            raise BadInput(Fault(f"layer {layer}: {what}", place, f"each of 0 to {model.experts - 1} at least once"))
    return table


def _read(path: Any, place: Any) -> Any:
    """(rows, layer ids or None) of a file, chosen by its ending and its keys."""
    if path.suffix == ".npy":
        return numpyfile.read(path, ("map",), "a map of experts", None).get("map"), None
    if path.suffix == ".csv":
        return _of_csv(path, place)
    if torch_file.is_torch(path):
        document = torch_file.load(path)
    else:
        text = path.read_bytes()[: MAX_DOCUMENT_BYTES + 1]
        if len(text) > MAX_DOCUMENT_BYTES:
            raise ValueError(f"more than {MAX_DOCUMENT_BYTES >> 20} MiB")
        document = strictjson.loads(text)
    for key in ("physical_to_logical_map", "last_physical_to_logical_map"):
        if isinstance(document, dict) and key in document:
            return document[key], None
    if isinstance(document, dict) and "layer_list" in document:
        rows = [
            [
                expert
                for device in sorted(layer["device_list"], key=lambda d: d["device_id"])
                for expert in device["device_expert"]
            ]
            for layer in document["layer_list"]
        ]
        return rows, [layer["layer_id"] for layer in document["layer_list"]]
    raise BadInput(Fault("no map of experts", place, "physical_to_logical_map, or layer_list of vllm-ascend"))


def _of_csv(path: Any, place: Any) -> Any:
    """(rows, layer ids) of layer,physical,expert lines; each slot once, the same slots in every layer."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    if not rows or [cell.strip() for cell in rows[0]] != CSV_HEAD:
        raise BadInput(Fault("the first line is not the header", Place(place.file, 1), ",".join(CSV_HEAD)))
    found: dict[Any, Any] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        try:
            layer, physical, expert = (int(cell) for cell in row)
        except ValueError:
            raise BadInput(
                Fault(f"{','.join(row)[:60]!r} is not three whole numbers", Place(place.file, number))
            ) from None
        if physical in found.setdefault(layer, {}):
            raise BadInput(Fault(f"layer {layer}, physical {physical} is there twice", Place(place.file, number)))
        found[layer][physical] = expert
    sizes = {tuple(sorted(slots)) for slots in found.values()}
    if len(sizes) != 1 or next(iter(sizes)) != tuple(range(len(next(iter(sizes))))):
        raise BadInput(Fault("layers do not have the same physical slots 0, 1, 2, ...", place))
    return [[slots[i] for i in range(len(slots))] for _, slots in sorted(found.items())], sorted(found)
