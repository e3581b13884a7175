"""NumPy files of a few arrays that are read whole, .npy or .npz: whatever is wrong with one is its author's to mend."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place

# What NumPy and zipfile raise of a file that is cut short, damaged or no such file; RuntimeError where it is encrypted,
# or compressed as no zipfile knows (NotImplementedError).
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError)
MOST_BYTES = 256 << 20  # a thousand layers of 16,384 experts, and their pairs
OF_VALUES = (TypeError, KeyError, IndexError, MemoryError)  # records for numbers, a head that is no head


def read(path: Path, names: Sequence[str], what: str, dtype: Any = float) -> dict[str, np.ndarray]:
    """name -> array of those of `names` that the file has; the one array of a .npy file has the first name.

    Args:
        what: what the file is to hold, in words ("loads").
        dtype: what the numbers are turned into; None: as they stand.

    Raises:
        BadInput: the file is not there, no NumPy file, damaged, or holds no numbers.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)  # a .npy is looked at before it is read
        if isinstance(found, np.ndarray):
            _check_size(found.shape, found.dtype)
            return {names[0]: np.array(found, dtype)}
        with found:
            for name in names:
                if name in found.files:
                    with found.zip.open(f"{name}.npy") as member:
                        shape, _, kept = head(member)
                        _check_size(shape, kept)
            return {name: np.asarray(found[name], dtype) for name in names if name in found.files}
    except (*DAMAGED, *OF_VALUES) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise BadInput(Fault(f"{what} that cannot be read: {why}", Place(str(path)))) from None


def head(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, whether columns come first, type of the values) of an array, of which nothing more is read."""
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, columns_first, dtype = read_header(file)
    return shape, columns_first, dtype


def _check_size(shape: tuple[int, ...], dtype: np.dtype) -> None:
    """ValueError for an array that would be larger in memory than any such file holds."""
    size = math.prod(shape) * dtype.itemsize
    if size > MOST_BYTES:
        raise ValueError(f"an array of {shape} values takes {size:,} bytes, more than {MOST_BYTES:,}")
