"""What one run leaves behind, before it is written or shown."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipweave.run.metrics import COUNTED
from chipweave.run.record import HEAD, column
from chipweave.run.why.breakdown import Breakdown


@dataclass
class Outcome:
    """What a run leaves: values of the `compare` row, layer table, statistics, link statistics, manifest facts, and
    where the time went."""

    row: dict
    table: np.ndarray
    statistics: list = field(default_factory=list)  # (part, statistic, unit, value)
    links: list = field(default_factory=list)  # (network, names of its links, LinkStatistics)
    facts: dict = field(default_factory=dict)
    prefill_steps: int = 1
    metrics: list = field(default_factory=lambda: COUNTED)  # what the columns of the layer table after HEAD count
    breakdown: Breakdown | None = None  # where the time went; None where no accounts were kept

    @property
    def columns(self) -> list[str]:
        """Names of the layer table's columns: those of every run, then one for each metric that a part counts."""
        return [*HEAD, *(figure.name for figure in self.metrics)]

    @property
    def total_ps(self) -> int:
        """Time of all layer-steps, prefill included."""
        return int(column(self.table, "time_ps").sum())
