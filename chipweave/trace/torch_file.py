"""What `torch.save` writes, read without torch: dictionaries, lists, numbers, text and dense tensors, nothing else.

A .pt file is an archive: NAME/data.pkl, a pickle in which a tensor is (storage, offset, size, stride), and
NAME/data/KEY, the storages' bytes. A pickle can name any function to call; `Restricted` knows the few names below
and calls none but the functions of this file. Everything is bounded before it is read.
"""

from __future__ import annotations

import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place

MAX_PICKLE_BYTES = 256 << 20
MAX_STORAGE_BYTES = 16 << 30
DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
    "UInt16Storage": "<u2",
    "UInt32Storage": "<u4",
}
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    pickle.UnpicklingError,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RuntimeError,
    ImportError,
)


def is_torch(path: Path) -> bool:
    """Whether a file is an archive with a pickle in it, as `torch.save` writes since 1.6."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.rpartition("/")[2] == "data.pkl" for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return False


def load(path: Any) -> Any:
    """The object of a .pt file, its tensors as NumPy arrays; raises `BadInput` for anything else in it."""
    place = Place(str(path))
    try:
        with zipfile.ZipFile(Path(path)) as archive:
            heads = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
            if len(heads) != 1:
                raise ValueError(f"{len(heads)} pickles in it")
            if archive.getinfo(heads[0]).file_size > MAX_PICKLE_BYTES:
                raise ValueError(f"a pickle of more than {MAX_PICKLE_BYTES >> 20} MiB")
            with archive.open(heads[0]) as stream:
                return _Restricted(stream, archive, heads[0].removesuffix("data.pkl"), place).load()
    except BadInput:
        raise
    except DAMAGED as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise BadInput(Fault(f"a PyTorch file that cannot be read: {why}", place)) from None


class _Storage:
    """The type of a storage: what find_class gives for torch.LongStorage and its like."""

    def __init__(self, dtype: Any) -> None:
        """dtype: what the storage's bytes are."""
        self.dtype = np.dtype(dtype)


class _Restricted(pickle.Unpickler):
    """An unpickler that knows the names of `find_class` and no others."""

    def __init__(self, stream: Any, archive: Any, prefix: Any, place: Any) -> None:
        """prefix: the archive's folder with the storages; place: for faults."""
        super().__init__(stream)
        self._archive, self._prefix, self._place = archive, prefix, place
        self._read: dict[str, bytes] = {}
        self._bytes = 0

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a name; a fault for any that is not known."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch", "Size"):
            return _size
        if module == "torch" and name in DTYPES:
            return _Storage(DTYPES[name])
        raise BadInput(
            Fault(
                (
                    f"a PyTorch file that names {ascii(module)[1:-1][:40]}.{ascii(name)[1:-1][:40]}: "
                    "such objects are never loaded"
                ),
                self._place,
                allowed=(
                    "tensors, dictionaries, lists, numbers and text; save the ids with numpy.save(ids.cpu().numpy())"
                ),
            )
        )

    def persistent_load(self, pid: Any) -> Any:
        """The flat array of a storage: ("storage", type, key, location, elements)."""
        kind, storage, key, _, count = pid
        if kind != "storage" or not isinstance(storage, _Storage) or not isinstance(key, str):
            raise ValueError("a reference that is no storage")
        if key not in self._read:
            info = self._archive.getinfo(f"{self._prefix}data/{key}")
            self._bytes += info.file_size
            if self._bytes > MAX_STORAGE_BYTES or info.file_size != int(count) * storage.dtype.itemsize:
                raise ValueError(f"a storage of {info.file_size} bytes where {count} elements are said")
            self._read[key] = self._archive.read(info)
        return np.frombuffer(self._read[key], storage.dtype)


def _size(sizes: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    """torch.Size: a tuple."""
    return tuple(sizes)


def _tensor(storage: np.ndarray, offset: int, size: Iterable[int], stride: Iterable[int], *_: Any) -> np.ndarray:
    """A copy of the view (offset, size, stride) of a storage, checked to stay inside it."""
    size, stride = [int(n) for n in size], [int(n) for n in stride]
    if not isinstance(storage, np.ndarray) or len(size) != len(stride) or min([offset, *size, *stride], default=0) < 0:
        raise ValueError("a tensor of strange shape")
    if 0 in size:
        return np.empty(size, storage.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    elements = int(np.prod(size, dtype=object))
    if last >= len(storage) or elements > len(storage):
        raise ValueError("a tensor that passes the end of its storage")
    steps = [step * storage.dtype.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).copy()
