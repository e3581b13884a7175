"""A first look at an array of ids: padding, absent choices, a shared expert's column, fillers that look like experts.

Servers fill rows of padding with -1, and the places of tokens that use fewer experts with -1 or with the number of
experts; a server that fuses the shared expert appends its number as one more column. The first look finds these;
`Reading.of_block` then takes them out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from chipweave.errors import BadInput, Fault, Place

NO_CHOICE = 65_535  # in ids on their way to the store
FIRST_NAMED = 4  # tokens that a note names


@dataclass
class Reading:
    """How blocks of an array are read: what to drop, what is absent, notes for the user.

    moe: index of the MoE layers' rows; columns: of the top_k kept; absent: values that are no choice; padded: bool
    [tokens];
    filler: a number that is no choice where it ends a row; table: int [layers, physical] or None; experts: how
    many, or None; layers: ids of the MoE layers; place: for faults.
    """

    moe: slice | list[int]
    columns: list[int]
    absent: tuple[int, ...]
    experts: int | None
    layers: tuple[int, ...]
    place: Place
    table: np.ndarray | None = None
    padded: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    filler: int | None = None
    notes: list[str] = field(default_factory=list)
    absent_choices: int = 0

    def chosen(self, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(int32 ids [tokens, layers, top_k], bool where there is no choice) of a block."""
        ids = block[:, self.moe][:, :, self.columns].astype(np.int64)
        none = np.isin(ids, self.absent)
        if self.filler is not None:
            filled = none | (ids == self.filler)
            none |= np.logical_and.accumulate(filled[..., ::-1], axis=2)[..., ::-1]
        return ids, none

    def of_block(self, block: np.ndarray, first: int) -> np.ndarray:
        """uint16 ids of a block that begins at token `first`, padding left out.

        raises `BadInput` at ids out of range.
        """
        ids, none = self.chosen(block)
        most = self.table.shape[1] if self.table is not None else self.experts or NO_CHOICE
        wrong = ~none & ((ids < 0) | (ids >= most))
        if wrong.any():
            token, layer, slot = (int(i[0]) for i in np.nonzero(wrong))
            hint = "" if self.experts is None or self.table is not None else _hint(int(ids[wrong].max()), self.experts)
            raise BadInput(
                Fault(
                    (
                        f"token {first + token}, layer {self.layers[layer]}: "
                        f"expert id {ids[token, layer, slot]} out of range"
                    ),
                    self.place,
                    allowed=f"0 to {most - 1}{hint}",
                )
            )
        if self.table is not None:
            ids = np.take_along_axis(
                self.table[None], np.where(none, 0, ids).reshape(len(ids), len(self.layers), -1), 2
            )
        ids = np.where(none, NO_CHOICE, ids).astype(np.uint16)
        return ids[~self.padded[first : first + len(block)]]

    def look(self, blocks: Iterable[np.ndarray], dtype: np.dtype) -> None:
        """The first pass: find padding, count absent choices, note what looks like a filler."""
        at, largest, everywhere, parts = 0, np.iinfo(dtype).max, [], []
        for block in blocks:
            ids, none = self.chosen(block)
            padded = none.all(axis=(1, 2))
            parts.append(padded)
            self.absent_choices += int(none[~padded].sum())
            if dtype == np.uint8 and largest not in self.absent:
                everywhere += (at + np.flatnonzero((ids == largest).any(axis=2).all(axis=1))).tolist()
            at += len(block)
        self.padded = np.concatenate(parts)
        if self.padded.all():
            raise BadInput(Fault("only padding in it", self.place, allowed="at least one token with experts"))
        if self.padded.any():
            self.notes.append(
                f"{self.place.file}: {int(self.padded.sum())} tokens have no expert anywhere: padding, left out"
            )
        if self.absent_choices:
            words = f" (-1, or {self.filler} at the end of a row)" if self.filler is not None else ""
            self.notes.append(f"{self.place.file}: {self.absent_choices} choices are absent{words}")
        if everywhere and len(self.layers) > 3:
            some = ", ".join(map(str, everywhere[:FIRST_NAMED])) + (", ..." if len(everywhere) > FIRST_NAMED else "")
            self.notes.append(
                f"{self.place.file}: {len(everywhere)} tokens ({some}) name expert {largest} in every layer: "
                f"a -1 kept in {dtype}? `--absent {largest}` reads it so"
            )


def _hint(worst: int, experts: int) -> str:
    """What an id just beyond the experts usually is."""
    return "; physical ids of a server with EPLB need --expert-map" if worst < 4 * experts else ""


def shared_columns(blocks: Iterable[np.ndarray], moe: slice | list[int], experts: int, count: int) -> list[int] | None:
    """The `count` columns that hold one number, `experts` or more, in every row with experts.

    None where there are fewer or more.
    """
    low = high = None
    for block in blocks:
        ids = block[:, moe].astype(np.int64)
        ids = ids[(ids >= 0).all(axis=(1, 2))]
        if not len(ids):
            continue
        least, most = ids.min(axis=(0, 1)), ids.max(axis=(0, 1))
        low = least if low is None else np.minimum(low, least)
        high = most if high is None else np.maximum(high, most)
    if low is None:
        return None
    found = np.flatnonzero((low == high) & (low >= experts)).tolist()
    return found if len(found) == count else None
