"""NumPy files of a few arrays that are read whole, .npy or .npz: whatever is wrong with one is its author's to mend."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place

# What NumPy and zipfile raise of a file that is cut short, damaged, encrypted or no such file.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError)
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
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {names[0]: np.asarray(found, dtype)}
        with found:
            return {name: np.asarray(found[name], dtype) for name in names if name in found.files}
    except (*DAMAGED, *OF_VALUES) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise BadInput(Fault(f"{what} that cannot be read: {why}", Place(str(path)))) from None
