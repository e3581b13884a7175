"""The work of a run in plain numbers: what components need to size tables and durations, and nothing of how.

One *slice* is what travels and is cached: one of an expert's weight matrices. A transfer of the chains reads one
slice for the tokens that one die computes with it; its operands are `OPERANDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

OPERANDS = ("die", "home", "expert", "set", "line", "tokens", "slice_bytes", "activation_bytes", "remote")
MOVES = "weights"  # the chain by which a slice comes to live on die `die`, from `home`
DIE, HOME, EXPERT, SET, LINE, TOKENS, SLICE_BYTES, ACTIVATION_BYTES, REMOTE = range(len(OPERANDS))


@dataclass(frozen=True)
class Work:
    """Sizes of the model's MoE layers, and what the run decided once.

    slices              slices of an expert (its three matrices)
    slice_bytes         bytes of one slice: hidden x intermediate x bytes per weight
    flop_per_token      of one slice: 2 x hidden x intermediate
    token_bytes         activations charged with a local read of one slice, per token: (hidden + intermediate) x bytes
    utilisation         rows (tokens up to, share of the peak) of the GEMM table; the last row has None
    memory_efficiency   share of the HBM's peak under this model, or None: the controller's own
    copy_capacity       slices a die may keep as copies, 0: no bound; one number, or one for each die
    keeps_copies        False where no die has room for a single one; one answer for each die where they differ
    refresh_copies      whether a read of a copy counts as use
    hidden, intermediate  widths of an expert's matrices
    moves_weights       whether experts move from die to die between steps, as the placement says
    moves_tokens        whether tokens' vectors travel between dies (chipweave.component.token_moves)
    """

    layers: tuple[int, ...]
    experts: int
    slices: int
    slice_bytes: int
    flop_per_token: int
    token_bytes: int
    utilisation: tuple[tuple[int | None, Fraction], ...] = ()
    memory_efficiency: Fraction | None = None
    copy_capacity: int | tuple[int, ...] = 0
    refresh_copies: bool = False
    keeps_copies: bool | tuple[bool, ...] = True
    hidden: int = 0
    intermediate: int = 0
    moves_tokens: bool = False
    moves_weights: bool = False

    @classmethod
    def of(cls, model: Any, layers: tuple[int, ...], store: Any) -> Work:
        """The work of a chipweave.trace.models.Model over these layers, copies kept as a policy's CopyStore says."""
        weights = model.weight_bytes
        capacity: int | tuple[int, ...] = 0
        keeps: bool | tuple[bool, ...] = True
        if store.capacity is not None:
            lines = len(layers) * model.experts * model.slices  # there are no more copies than these
            rooms = tuple(min(int(room), lines) for room in store.capacity)
            same = len(set(rooms)) == 1 or not any(rooms)
            capacity = rooms[0] if same else tuple(room or 1 for room in rooms)  # dies without room keep no copies
            keeps = bool(rooms[0]) if same else tuple(room > 0 for room in rooms)
        return cls(
            tuple(layers),
            model.experts,
            model.slices,
            model.slice_bytes,
            2 * model.hidden * model.intermediate,
            int((model.hidden + model.intermediate) * weights),
            model.utilisation,
            model.hbm_efficiency,
            capacity,
            store.refresh_on_read,
            keeps,
            model.hidden,
            model.intermediate,
        )

    def capacities(self, dies: int) -> tuple[int, ...]:
        """`copy_capacity` of each die."""
        return self.copy_capacity if isinstance(self.copy_capacity, tuple) else (self.copy_capacity,) * dies

    @property
    def lines(self) -> int:
        """Slices of all layers: the keys of the copy tables."""
        return len(self.layers) * self.experts * self.slices


class Rows:
    """The operands of the transfers of plans, one row for each entry: the first slice's. The others of an expert differ
    in their `line` alone, which is one more each time.

    Layers mostly give work of the same experts, so what does not depend on the rest of the plan is kept.
    """

    def __init__(self, work: Work, home: np.ndarray, sources: np.ndarray | None = None) -> None:
        """home: int32 [layers, E], read as plans come; sources: int32 [layers, E, dies], the die each die reads an
        expert from, where experts have several homes."""
        self.work, self.home, self.sources = work, home, sources
        self.kept: bytes | None = None
        self.columns = np.zeros((len(OPERANDS), 0), np.int64)

    def of(self, plan: Any, layer_index: int) -> np.ndarray:
        """int64 [entries, len(OPERANDS)] of a plan, in order of issue."""
        work, experts = self.work, plan.expert.tobytes()
        if experts != self.kept:
            self.keep(plan.expert)
            self.kept = experts
        columns = self.columns.copy()
        columns[DIE] = plan.die
        if self.sources is None:
            columns[HOME] = self.home[layer_index][plan.expert]
        else:
            columns[HOME] = self.sources[layer_index, plan.expert, plan.die]
        columns[LINE] += layer_index * work.experts * work.slices
        columns[TOKENS] = plan.tokens
        columns[ACTIVATION_BYTES] = columns[TOKENS] * work.token_bytes
        columns[REMOTE] = columns[DIE] != columns[HOME]
        return np.ascontiguousarray(columns.T)

    def keep(self, experts: np.ndarray) -> None:
        """The columns that follow from the experts alone."""
        self.columns = np.zeros((len(OPERANDS), len(experts)), np.int64)
        self.columns[EXPERT] = self.columns[SET] = experts
        self.columns[LINE] = self.columns[EXPERT] * self.work.slices
        self.columns[SLICE_BYTES] = self.work.slice_bytes
