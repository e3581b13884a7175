"""Links from a CSV file with the columns source, target and, if wanted, latency, bandwidth, one_way.

    source,target,latency,bandwidth,one_way
    0,1,200 ns,1.7 TB/s,
    1,2,,850 GB/s,true

Empty cells mean the network's own figure. Checked by: tests/flit/test_edge_files.py; the same links as `edges`.
"""

import csv
import io
from pathlib import Path

from chipweave.errors import BadInput, Fault, Place, nearest
from chipweave.noc.edge_file import EdgeFile, Row, text_of
from chipweave.noc.shape import shape

COLUMNS = ("source", "target", "latency", "bandwidth", "one_way")


@shape("csv")
class CsvEdges(EdgeFile):
    """The links of a CSV file, named by `file`."""

    def rows(self, path: Path) -> tuple[list[str], list[Row]]:
        """One link a line; wrong columns, missing and additional cells are faults with their line."""
        faults, found = [], []
        try:
            table = csv.reader(io.StringIO(text_of(path)), strict=True)
            head = [name.strip() for name in next(table, [])]
            for name in head:
                if name not in COLUMNS or head.count(name) > 1:
                    what = f"column {name!r} is given twice" if name in COLUMNS else f"there is no column {name!r}"
                    faults.append(Fault(what, Place(str(path), 1), ", ".join(COLUMNS), nearest(name, COLUMNS)))
            if not {"source", "target"} <= set(head):
                faults.append(Fault("columns source and target are needed", Place(str(path), 1), ", ".join(COLUMNS)))
            for cells in table if not faults else ():
                if not any(cell.strip() for cell in cells):
                    continue
                place = Place(str(path), table.line_num)
                if len(cells) != len(head):
                    faults.append(Fault(f"{len(cells)} cells, and {len(head)} columns", place))
                    continue
                row = {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
                found.append((row.pop("source"), row.pop("target"), row, place))
        except csv.Error as error:
            faults.append(Fault(f"not CSV: {error}", Place(str(path), table.line_num)))
        if faults:
            raise BadInput(faults[:100])
        return [], found
