"""Signs that a run went wrong in a way no figure shows: thrashing copies, a stale table of holders, forecasts that
miss.

They are looked for where copies are kept, from what the dies report and what is planned; `words` says what was found.
Bounds are
ours: half of all stores are of copies that were dropped before; a fifth of the copies is ever used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

THRASHING, USEFUL, ENOUGH = 0.5, 0.2, 200


class Symptoms:
    """Watches one run. holders: uint8 [layers, experts, dies], the table that plans are made from; slices of an
    expert."""

    def __init__(self, holders: np.ndarray, home: np.ndarray, slices: int) -> None:
        self.holders, self.slices = holders, slices
        self.home = np.broadcast_to(home, holders.shape[:2])  # of all layers, or of each
        self.truth = holders.astype(np.int16)
        self.stored = self.again = 0
        self.before = np.zeros(holders.shape, bool)  # whether a copy of it was dropped before
        self.kept = np.zeros(holders.shape, bool)
        self.used = np.zeros(holders.shape, bool)

    def changed(self, changes: np.ndarray) -> None:
        """Copies stored and dropped: rows (die, line, +1 or -1)."""
        if not len(changes):
            return
        die, line, sign = changes.T
        layer, expert = np.divmod(line // self.slices, self.truth.shape[1])
        np.add.at(self.truth, (layer, expert, die), sign.astype(np.int16))
        new, gone = sign > 0, sign < 0
        self.stored += int(new.sum())
        self.again += int(self.before[layer[new], expert[new], die[new]].sum())
        self.before[layer[gone], expert[gone], die[gone]] = True
        self.kept[layer[new], expert[new], die[new]] = True

    def planned(self, layer_index: int, plan: Any) -> None:
        """A plan, before its copies: work on a die that holds a copy uses it."""
        away = plan.die != self.home[layer_index][plan.expert]
        expert, die = plan.expert[away], plan.die[away]
        self.used[layer_index, expert, die] |= self.truth[layer_index, expert, die] > 0

    def words(self) -> list[str]:
        """What was found, one line each."""
        found = []
        stale = int((self.truth != self.holders).sum())
        if stale:
            found.append(
                f"stale distribution table: {stale} entries are not what the dies hold; plans were made on them"
            )
        if self.stored >= ENOUGH and self.again > THRASHING * self.stored:
            found.append(
                f"copies thrash: {self.again / self.stored:.0%} of "
                f"{self.stored:,} stores are of slices that were dropped before"
            )
        kept = int(self.kept.sum())
        if kept >= ENOUGH and (self.kept & self.used).sum() < USEFUL * kept:
            share = (self.kept & self.used).sum() / kept
            found.append(f"forecasts miss: {share:.0%} of {kept:,} experts kept on a die were used there again")
        return found
