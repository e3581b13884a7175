"""Routed experts as NumPy arrays: `[tokens, layers, top_k]` ids, as vLLM, SGLang and router logs give them.

A file is one array (.npy: one sequence) or several (.npz): the ids under `expert_ids` or `routed_experts`, or the
only array of three dimensions; `seq_len` splits the tokens into sequences; `prompt_len` says how many tokens of
each are prefill (all, without it); `step_rows` how many rows each decode step has, where several. Files are read
as streams, a block of tokens at a time; pickled objects are refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.io import numpyfile
from chipweave.trace.limits import MAX_LAYERS, MAX_REQUESTS, MAX_TOP_K

IDS = ("expert_ids", "routed_experts", "topk_ids")
BLOCK_TOKENS = 4096
LENGTHS = ("seq_len", "prompt_len", "step_rows")


class Log:
    """An open file of ids. `shape` = (tokens, layers, top_k); `seq_len`, `prompt_len`: int64 [sequences].

    `step_rows`: int64, rows of the decode steps one after the other, None where every step has one.
    Sequences lie one behind the other along the tokens.
    """

    def __init__(
        self,
        stream: Any,
        shape: tuple[int, int, int],
        dtype: Any,
        seq_len: np.ndarray,
        prompt_len: np.ndarray,
        place: Place,
        step_rows: Any = None,
    ) -> None:
        """stream stands at the first id; place is what faults name."""
        self.shape, self.seq_len, self.prompt_len, self.place = shape, seq_len, prompt_len, place
        self.step_rows, self.dtype, self._stream = step_rows, dtype, stream

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield ids [tokens, layers, top_k] as they stand in the file, from first to last token; once."""
        token_bytes = self.shape[1] * self.shape[2] * self.dtype.itemsize
        first = 0
        while first < self.shape[0]:
            count = min(BLOCK_TOKENS, self.shape[0] - first)
            data = _exactly(self._stream, count * token_bytes)
            yield np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])
            first += count


@contextmanager
def open_log(path: Path, flat: Any = None) -> Iterator[Log]:
    """Open a .npy or .npz file as a `Log`; raises `BadInput` where it is none or damaged.

    flat: (layers, top_k) of an array of one dimension, as SGLang returns it; without it such an array is refused.
    """
    path = Path(path)
    place = Place(str(path))
    try:
        with open(path, "rb") as file:
            if file.read(6) == b"\x93NUMPY":
                file.seek(0)
                yield _log(file, {}, place, flat)
                return
            with zipfile.ZipFile(file) as members:
                twice = sorted({name for name in members.namelist() if members.namelist().count(name) > 1})
                if twice:
                    raise BadInput(Fault(f"{twice[0]} is there twice", place, "each array once"))
                heads = {
                    name.removesuffix(".npy"): _head(members, name)
                    for name in members.namelist()
                    if name.endswith(".npy")
                }
                key = _ids_key(heads, place)
                lengths = {name: _small(members, name, heads, place) for name in LENGTHS if name in heads}
                with members.open(key + ".npy") as stream:
                    yield _log(stream, lengths, place, flat)
    except FileNotFoundError:
        raise BadInput(Fault("no such file", place)) from None
    except BadInput:
        raise
    except numpyfile.DAMAGED as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(Fault(f"not a NumPy file, cut short or damaged: {why}", place)) from None


def _log(stream: Any, lengths: dict[Any, Any], place: Place, flat: Any = None) -> Log:
    """The Log of an array's stream, its lengths checked against its shape; BadInput where they do not fit.

    lengths: the small arrays of an .npz, by name. Without seq_len all tokens are one sequence,
    without prompt_len all are prefill.
    """
    shape, dtype = _read_head(stream)
    shape = _unfolded(shape, flat, place)
    _check_shape(shape, dtype, place)
    seq_len = lengths.get("seq_len", np.array([shape[0]]))
    if seq_len.min(initial=1) < 1 or int(seq_len.sum()) != shape[0]:
        raise BadInput(
            Fault(
                f"seq_len: adds to {int(seq_len.sum())}",
                place,
                allowed=f"lengths from 1 that add to the {shape[0]} tokens",
            )
        )
    prompt_len = lengths.get("prompt_len", seq_len)
    if len(prompt_len) != len(seq_len) or prompt_len.min() < 1 or (prompt_len > seq_len).any():
        raise BadInput(Fault("prompt_len: does not fit seq_len", place, allowed="per sequence 1 to its length"))
    step_rows = lengths.get("step_rows")
    if step_rows is not None and (step_rows.min(initial=1) < 1 or step_rows.sum() != shape[0] - prompt_len.sum()):
        allowed = f"numbers from 1 that add to the {shape[0] - int(prompt_len.sum())} tokens after the prompts"
        raise BadInput(Fault(f"step_rows: adds to {int(step_rows.sum())}", place, allowed=allowed))
    return Log(stream, shape, dtype, seq_len, prompt_len, place, step_rows)


def _check_shape(shape: Any, dtype: Any, place: Any) -> None:
    """Raise `BadInput` unless these are ids [tokens, layers, top_k]."""
    if len(shape) != 3 or dtype.kind not in "iu":
        raise BadInput(
            Fault(
                f"an array of {len(shape)} dimensions of {dtype}",
                place,
                allowed="whole numbers [tokens, layers, top_k]",
            )
        )
    if shape[0] < 1 or not 1 <= shape[1] <= MAX_LAYERS or not 1 <= shape[2] <= MAX_TOP_K:
        raise BadInput(
            Fault(
                f"an array of {shape}",
                place,
                allowed=f"at least 1 token, 1 to {MAX_LAYERS} layers, 1 to {MAX_TOP_K} ids",
            )
        )


def _unfolded(shape: Any, flat: Any, place: Any) -> Any:
    """[tokens, layers, top_k] of a flat array.

    flat: ((numbers of layers that fit), top_k) of the model; the first that divides the length is
    taken. BadInput without a model, or where none divides.
    """
    if len(shape) != 1:
        return shape
    if flat is None:
        raise BadInput(
            Fault(f"{shape[0]} numbers in a row", place, allowed="--model, by which they are [tokens, layers, top_k]")
        )
    fits = [layers for layers in flat[0] if shape[0] and shape[0] % (layers * flat[1]) == 0]
    if not fits:
        allowed = " or ".join(f"a multiple of {layers} layers x top-{flat[1]}" for layers in flat[0])
        raise BadInput(Fault(f"{shape[0]} numbers in a row", place, allowed=allowed))
    return (shape[0] // (fits[0] * flat[1]), fits[0], flat[1])


class InMemory(Log):
    """A sequence that is in memory already: what a server's answer holds."""

    def __init__(self, ids: Any, prompt: Any, place: Any, flat: Any = None) -> None:
        """ids: [tokens, layers, top_k] or flat; prompt: tokens of prefill, all where it is not an int."""
        shape = _unfolded(ids.shape, flat, place)
        _check_shape(shape, ids.dtype, place)
        prompt = shape[0] if type(prompt) is not int else min(max(1, prompt), shape[0])
        super().__init__(None, shape, ids.dtype, np.array([shape[0]]), np.array([prompt]), place)
        self._ids = ids.reshape(shape)

    def blocks(self) -> Iterator[Any]:
        """As Log's."""
        for first in range(0, len(self._ids), BLOCK_TOKENS):
            yield self._ids[first : first + BLOCK_TOKENS]


def _ids_key(heads: dict[str, tuple[Any, ...]], place: Place) -> str:
    """Name of the array of ids in an .npz: by name, else the only one of three dimensions; BadInput otherwise."""
    named = [key for key in IDS if key in heads] or [key for key, (shape, _) in heads.items() if len(shape) == 3]
    if len(named) == 1:
        return named[0]
    raise BadInput(
        Fault(
            "no array of ids" if not named else f"several arrays of ids: {', '.join(map(ascii, named))}",
            place,
            allowed="one array [tokens, layers, top_k], best named expert_ids",
        )
    )


def _small(members: Any, name: Any, heads: Any, place: Any) -> Any:
    """A small array of an .npz, int64 [sequences]; its size is checked by its header before it is read."""
    shape, dtype = heads[name]
    if len(shape) != 1 or dtype.kind not in "iu" or not 1 <= shape[0] <= MAX_REQUESTS:
        raise BadInput(
            Fault(f"{name}: {dtype} {shape}", place, allowed=f"whole numbers [sequences], at most {MAX_REQUESTS}")
        )
    with members.open(name + ".npy") as stream:
        shape, dtype = _read_head(stream)
        return np.frombuffer(_exactly(stream, shape[0] * dtype.itemsize), dtype).astype(np.int64)


def _head(members: zipfile.ZipFile, name: str) -> tuple[Any, ...]:
    """(shape, dtype) of a member of an .npz."""
    with members.open(name) as stream:
        return _read_head(stream)


def _read_head(stream: Any) -> tuple[Any, ...]:
    """(shape, dtype) of an array; ValueError for pickled objects and for columns first."""
    shape, columns_first, dtype = numpyfile.head(stream)
    if dtype.hasobject:
        raise ValueError("pickled objects are never loaded")
    if columns_first and len(shape) > 1:
        raise ValueError("stored with columns first; save np.ascontiguousarray(ids)")
    return shape, dtype


def _exactly(stream: Any, size: Any) -> Any:
    """`size` bytes; EOFError where the stream has fewer."""
    parts, missing = [], size
    while missing:
        part = stream.read(min(missing, 1 << 22))
        if not part:
            raise EOFError("the array ends early")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
