"""Each expert lives where a file says.

Question   Which die keeps the weights of an expert?
Answer     A CSV file with the header `expert,die` and one line for each expert, in any order.
Source     The user's.
Beside     placement_contiguous.py
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import Faults, Place
from chipweave.io import csvfile
from chipweave.policy import Param, PlacementPolicy, policy

MOST = 1 << 40  # a number beyond it is no expert and no die


@policy("placement.from_file")
class FromFile(PlacementPolicy):
    """Each expert lives where a file says."""

    path = Param("str", doc="CSV file with the header expert,die; relative to the file that names it")
    names_dies = True
    folder = Path(".")  # of the strategy or run file

    def place(self, experts: Any, dies: Any) -> Any:
        """int32 [experts] of the file's lines; BadInput with every expert missing, twice, or out of range."""
        faults, home = Faults(), np.full(experts, -1, np.int32)
        for line, expert, die in self._lines(experts, faults):
            place = Place(str(self.folder / self.path), line)
            if not 0 <= expert < experts:
                faults.add(f"expert {expert} does not exist", place, f"0 .. {experts - 1}")
            elif not 0 <= die < dies:
                faults.add(f"die {die} does not exist", place, f"0 .. {dies - 1}")
            elif home[expert] >= 0:
                faults.add(f"expert {expert} is placed twice", place)
            else:
                home[expert] = die
        missing = np.flatnonzero(home < 0)
        if len(missing) and not faults.found:
            faults.add(
                f"{len(missing)} experts have no die, the first is expert {missing[0]}",
                Place(str(self.folder / self.path)),
            )
        faults.raise_if_any()
        return home

    def _lines(self, experts: int, faults: Faults) -> Iterator[Any]:
        """(line number, expert, die) of every readable line; at most twice as many as there are experts."""
        rows = csvfile.rows(self.folder / self.path, ("expert", "die"), faults, others=False)
        for row, place in islice(rows, 2 * experts + 2):
            expert, die = (csvfile.whole(row[name], -MOST, MOST) for name in ("expert", "die"))
            if expert is None or die is None:
                faults.add(f"'{row['expert']},{row['die']}' is not two whole numbers", place, "expert,die")
            else:
                yield place.line, expert, die
