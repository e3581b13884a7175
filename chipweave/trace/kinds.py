"""What kind of file a user gives to `trace import`.

Recognised by its first bytes, so that each parser only meets its own format.
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, Place
from chipweave.trace import torch_file
from chipweave.trace.counts import CSV_HEAD

MOE_TRACE_HEAD = ["layer", "expert"]
COUNTS_CURE = "the tokens' ids; counts alone make a trace with `chipweave trace generate MODEL --counts FILE`"
# first bytes -> (what it is, what to do)
REFUSED = (
    (b"PAR1", "a store already", "nothing to import: name it where a trace is needed"),
    (b"GGUF", "weights of a model", "what the model's gates chose"),
    (b"\x89PNG", "a picture", "ids of experts"),
    (b"\x89HDF", "an HDF5 file", "ids saved with numpy.save"),
    (b"\x80", "a pickle: pickles are never loaded", "ids saved with numpy.save(ids.cpu().numpy())"),
)


def recognise(path: Any) -> str:
    """folder, numpy, torch, moe_trace or documents (JSON of any packing); raises `BadInput` for what is no trace."""
    path = Path(path)
    if path.is_dir():
        return "folder"
    place = Place(str(path))
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except (FileNotFoundError, OSError):
        return "documents"  # which says what is wrong with it
    if path.suffix in (".npy", ".npz") or head.startswith(b"\x93NUMPY"):
        return "numpy"
    if head.startswith(b"PK\x03\x04"):
        return _archive(path, place)
    for begin, what, allowed in REFUSED:
        if head.startswith(begin):
            raise BadInput(Fault(what, place, allowed=allowed))
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 30 and b"\0" in head[:8]:
        raise BadInput(Fault("a safetensors file", place, allowed="ids saved with numpy.save"))
    return _table(path, head, place)


def _archive(path: Any, place: Any) -> Any:
    """torch or numpy, by the members of a zip archive; BadInput for one without ids."""
    if torch_file.is_torch(path):
        return "torch"
    try:
        with zipfile.ZipFile(path) as members:
            if any(name.endswith(".npy") for name in members.namelist()):
                return "numpy"
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        pass
    raise BadInput(Fault("a zip archive without ids", place, allowed="JSON, .tar, .npy, .npz or .pt; unpack it"))


def _table(path: Any, head: Any, place: Any) -> Any:
    """moe_trace or documents, by the first line of a text file."""
    try:
        first = next(csv.reader(io.StringIO(head.decode("utf-8-sig", errors="replace").splitlines()[0])))
    except (IndexError, StopIteration, csv.Error):
        return "documents"
    cells = [cell.strip() for cell in first]
    if cells == MOE_TRACE_HEAD:
        return "moe_trace"
    if cells == CSV_HEAD:
        raise BadInput(Fault("counts without tokens: no trace can be made of them", place, allowed=COUNTS_CURE))
    if path.suffix == ".csv":
        raise BadInput(
            Fault(
                f"a table with the columns {', '.join(ascii(c)[1:-1][:20] for c in cells[:6])}",
                Place(place.file, 1),
                allowed="layer,expert (llama.cpp's moe-trace), or one of the other formats of docs/guide/traces.md",
            )
        )
    return "documents"
