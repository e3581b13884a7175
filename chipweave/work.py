"""The work of a run in plain numbers: what components need to size tables and durations, and nothing of how.

One *slice* is what travels and is cached: one of an expert's weight matrices. A transfer of the chains reads one
slice for the tokens that one die computes with it; its operands are `OPERANDS`.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

OPERANDS = ("die", "home", "expert", "set", "line", "tokens", "slice_bytes", "activation_bytes", "remote")


@dataclass(frozen=True)
class Work:
    """Sizes of the model's MoE layers, and what the run decided once.

    slices              slices of an expert (its three matrices)
    slice_bytes         bytes of one slice: hidden x intermediate x bytes per weight
    flop_per_token      of one slice: 2 x hidden x intermediate
    token_bytes         activations charged with a local read of one slice, per token: (hidden + intermediate) x bytes
    utilisation         rows (tokens up to, share of the peak) of the GEMM table; the last row has None
    memory_efficiency   share of the HBM's peak under this model, or None: the controller's own
    copy_capacity       slices a die may keep as copies, 0: no bound
    keeps_copies        False where dies have no room for a single one
    refresh_copies      whether a read of a copy counts as use
    """

    layers: tuple
    experts: int
    slices: int
    slice_bytes: int
    flop_per_token: int
    token_bytes: int
    utilisation: tuple = ()
    memory_efficiency: Fraction | None = None
    copy_capacity: int = 0
    refresh_copies: bool = False
    keeps_copies: bool = True

    @classmethod
    def of(cls, model, layers, store):
        """The work of a chipweave.models.Model over these layers, copies kept as a policy's CopyStore says.

        Where dies may keep different numbers of copies, all keep the smallest: the fabric's store has one capacity.
        """
        weights = model.weight_bytes
        capacity = None if store.capacity is None else int(store.capacity.min())
        return cls(tuple(layers), model.experts, model.slices, model.slice_bytes,
                   2 * model.hidden * model.intermediate, int((model.hidden + model.intermediate) * weights),
                   model.utilisation, model.hbm_efficiency, capacity or 0, store.refresh_on_read, capacity != 0)

    @property
    def lines(self):
        """Slices of all layers: the keys of the copy tables."""
        return len(self.layers) * self.experts * self.slices

    def operands(self, plan, home, layer_index):
        """int64 [entries, len(OPERANDS)] of a plan, in order of issue: the first slice of each entry. The others differ in
        their `line` alone, which is one more each time."""
        rows = np.empty((len(plan), len(OPERANDS)), np.int64)
        die, owner, expert, tag_set, line, tokens, slice_bytes, activation_bytes, remote = rows.T
        die[:] = plan.die
        owner[:] = home[plan.expert]
        expert[:] = tag_set[:] = plan.expert
        line[:] = (expert + layer_index * self.experts) * self.slices
        tokens[:] = plan.tokens
        slice_bytes[:] = self.slice_bytes
        np.multiply(tokens, self.token_bytes, out=activation_bytes)
        np.not_equal(die, owner, out=remote, casting="unsafe")
        return rows
