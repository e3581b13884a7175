"""Each expert lives where a file says.

Question   Which die keeps the weights of an expert?
Answer     A CSV file with the header `expert,die` and one line for each expert, in any order.
Source     The user's.
Beside     placement_contiguous.py
"""

import csv
from pathlib import Path

import numpy as np

from chipweave.errors import Faults, Place
from chipweave.policy import Param, PlacementPolicy, policy

LONGEST_LINE = 200  # characters; "expert,die" needs a dozen


@policy("placement.from_file")
class FromFile(PlacementPolicy):
    """Each expert lives where a file says."""

    path = Param("str", doc="CSV file with the header expert,die; relative to the file that names it")
    folder = Path(".")  # of the strategy or run file

    def place(self, experts, dies):
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

    def _lines(self, experts, faults):
        """(line number, expert, die) of every readable line; at most twice as many as there are experts."""
        try:
            with open(self.folder / self.path, encoding="utf-8", newline="") as file:
                lines = [file.readline(LONGEST_LINE) for _ in range(2 * experts + 2)]
        except (OSError, UnicodeDecodeError) as error:
            faults.add(
                f"cannot be read: {getattr(error, 'strerror', None) or error}", Place(str(self.folder / self.path))
            )
            return
        rows = list(csv.reader(line for line in lines if line))
        if not rows or [cell.strip() for cell in rows[0]] != ["expert", "die"]:
            faults.add("the first line is not the header", Place(str(self.folder / self.path), 1), "expert,die")
            return
        for number, row in enumerate(rows[1:], 2):
            if not row:
                continue
            try:
                expert, die = (int(cell) for cell in row)
            except ValueError:
                faults.add(
                    f"{','.join(row)!r} is not two whole numbers",
                    Place(str(self.folder / self.path), number),
                    "expert,die",
                )
                continue
            yield number, expert, die
