"""Tables of small numbers as text for a header's JSON: little-endian int32, zlib, base64."""

from __future__ import annotations

import base64
import zlib

import numpy as np


def packed(runs: np.ndarray) -> str:
    """The text of int32 [n, fields]."""
    return base64.b64encode(zlib.compress(runs.tobytes(), 9)).decode()


def unpacked(text: str, fields: int, most: int, what: str) -> np.ndarray:
    """int32 [n, fields] of what `packed` wrote.

    No more than `most` rows are decompressed, however large the text claims to be. Raises ValueError, naming `what`,
    where the text is damaged, is longer, or does not hold whole rows.
    """
    size = fields * 4
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), most * size + 1)
    except zlib.error as error:
        raise ValueError(f"{what}: {error}") from None
    if len(data) > most * size or len(data) % size:
        raise ValueError(f"{what} of a strange length")
    return np.frombuffer(data, "<i4").reshape(-1, fields)
