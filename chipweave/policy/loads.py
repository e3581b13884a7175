"""Loads of experts counted beforehand, as `chipweave trace loads` writes them, for placements that build on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chipweave.errors import Faults, Place
from chipweave.io import numpyfile

LOADS, PAIRS = "loads", "pairs"


def read_loads(
    path: Path, experts: int, layers: int | None = None, of: str = LOADS, pairs: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """(share of each expert in its layer's load [layers, experts], how often two are chosen together [experts, experts]
    or None) of a file; NumPy .npz, or .npy with loads alone.

    Args:
        layers: how many there must be; None: any, and [experts] is one.
        of: name of the loads' array; pairs: whether they are needed.

    Raises:
        BadInput: the file cannot be read, lacks an array, or has one of another shape or below 0.
    """
    faults, place = Faults(), Place(str(path))
    found = numpyfile.read(path, list(dict.fromkeys((LOADS, of, *([PAIRS] if pairs else ())))), LOADS)
    wanted = {of: (layers, experts), **({PAIRS: (experts, experts)} if pairs else {})}
    arrays = {name: np.atleast_2d(found[name]) for name in wanted if name in found}
    for name, shape in wanted.items():
        if name not in arrays:
            faults.add(f"no array {name!r}", place, "what `chipweave trace loads` writes")
        elif not _fits(arrays[name], shape):
            sizes = ", ".join("layers" if size is None else str(size) for size in shape)
            faults.add(f"{name} of shape {arrays[name].shape}", place, f"[{sizes}], from 0")
    faults.raise_if_any()
    loads = arrays[of]
    return loads / np.maximum(loads.sum(axis=1, keepdims=True), 1e-300), arrays.get(PAIRS)


def _fits(array: np.ndarray, shape: tuple[int | None, ...]) -> bool:
    """Whether an array has this shape (None: any length from 1) and holds numbers from 0 on."""
    if array.ndim != len(shape) or any(
        size not in (None, there) for size, there in zip(shape, array.shape, strict=True)
    ):
        return False
    return array.size > 0 and bool(np.isfinite(array).all()) and array.min() >= 0
