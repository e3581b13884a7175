"""Experts are packed again every few steps by what was chosen so far, layer by layer, the busiest on several dies.

Question   Which dies keep the weights of an expert, and for how long?
Answer     In each layer experts by falling tokens (one more than counted), each to the die that is done first with what
           it has: load over compute. Each die keeps its share of the places, so no die needs more memory later on.
           `replicas` further places go to the experts with most tokens a copy; a die holds an expert once, and a place
           is left empty where only dies that hold its expert have room. An expert
           stays where it is unless that die would be done more than `stay` later than the best one. With `apart`
           above 0 experts chosen together count as load on one another. Between steps, what moves is read from the
           nearest die that has it.
Source     The greedy rule of DeepSeek's EPLB (replicate, then pack), by compute where dies differ; `stay` is ours.
Beside     placement_packed.py (loads of a file, once), placement_contiguous.py
"""

from __future__ import annotations

import numpy as np

from chipweave.policy import Param, Placement, PlacementPolicy, PlacementView, policy


@policy("placement.rebalanced")
class Rebalanced(PlacementPolicy):
    """Experts are packed again every few steps by what was chosen so far, layer by layer, the busiest on several
    dies."""

    every = Param("count", default=8, low=0, doc="steps after which weights may move; 0: never")
    replicas = Param("count", default=0, doc="places of a layer beside one for each expert")
    stay = Param("share", default="10 %", low=0, high=1, doc="how much later a die may be done and keep what it has")
    apart = Param("share", default=0, low=0, high=1, doc="how much pairs count against loads; 0: not at all")

    @property
    def sees_pairs(self) -> bool:
        """Only where they count."""
        return bool(self.apart > 0)

    def decide(self, view: PlacementView) -> Placement:
        """Homes and replicas of every layer."""
        homes = np.empty((len(view.layers), view.experts), np.int32)
        replicas: list[tuple[int, int, int]] = []
        places = min(self.replicas, view.experts * (view.dies - 1))
        slots = np.bincount(view.turns(view.experts + places), minlength=view.dies)
        for layer in range(len(view.layers)):
            held = self.pack(view, layer, slots.copy(), places)
            homes[layer] = [dies[0] for dies in held]
            replicas += [(layer, expert, die) for expert, dies in enumerate(held) for die in dies[1:]]
        return Placement(homes, np.array(replicas, np.int64).reshape(-1, 3))

    def pack(self, view: PlacementView, layer: int, slots: np.ndarray, places: int) -> list[list[int]]:
        """The dies of each expert of a layer, its home first; the home stays where it was if that die keeps it."""
        load = view.counts[layer] + 1.0
        copies = np.ones(view.experts, np.int64)
        for _ in range(places):
            copies[np.argmax(np.where(copies < view.dies, load / copies, -1.0))] += 1
        share, rate = load / copies, np.ones(view.dies) if view.alike else np.maximum(view.compute, 1e-300)
        total = np.zeros(view.dies)
        held: list[list[int]] = [[] for _ in range(view.experts)]
        for expert in np.argsort(-share, kind="stable").tolist():
            for _ in range(copies[expert]):
                die = self.choose(view, layer, expert, (total + share[expert]) / rate, slots, held)
                if die is None:
                    break
                held[expert].append(die)
                total[die] += share[expert]
                slots[die] -= 1
        return held

    def choose(
        self,
        view: PlacementView,
        layer: int,
        expert: int,
        done: np.ndarray,
        slots: np.ndarray,
        held: list[list[int]],
    ) -> int | None:
        """The die for one place of an expert, None where all that have room hold it; `done`: when each die would be
        done with it."""
        able = slots > 0
        able[held[expert]] = False
        if not able.any():
            return None
        if view.pairs is not None and self.apart:
            together = [
                view.pairs[layer, expert, [e for e, dies in enumerate(held) if die in dies]].sum()
                for die in range(view.dies)
            ]
            done = done + float(self.apart) * np.array(together) / max(1, int(view.counts[layer].sum())) * done.max()
        best = int(np.argmin(np.where(able, done, np.inf)))
        if view.home is not None and not held[expert]:
            now = int(view.home[layer, expert])
            if now >= 0 and able[now] and done[now] <= (1 + float(self.stay)) * done[best]:
                return now
        return best
