"""What a policy sees and what it answers: plain data, read-only, no time.

Arrays are NumPy; E experts, D dies, k experts chosen per token. A view is handed to policies of every role for one
layer of one step; the run loop builds it and gets plans and masks back.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, overload

import numpy as np

from chipweave.policy.figures import DieFigures


@dataclass(frozen=True)
class Costs:
    """What an estimate of time may build on: the system's own parameters, exact, without any efficiency.

    expert_bytes       weights of one whole expert
    slices             parts an expert is moved in (its matrices: 3)
    flop_per_token     of one whole expert
    compute            of one die, flop/s
    hbm_bandwidth      of one die, bytes/s
    hbm_latency_ps     of one access
    link_bandwidth     between neighbouring dies, bytes/s
    hop_latency_ps     of one link
    dies               chipweave.policy.figures.DieFigures: these for each die and each route

    The single figures are those of the first die that computes and of the first link. Where dies or links differ,
    `dies` says what each can do; a policy that shares work out builds on that.
    """

    expert_bytes: int
    slices: int
    flop_per_token: int
    compute: Fraction
    hbm_bandwidth: Fraction
    hbm_latency_ps: int
    link_bandwidth: Fraction
    hop_latency_ps: int
    dies: DieFigures | None = None

    @property
    def slice_bytes(self) -> Any:
        return self.expert_bytes // self.slices


@dataclass(frozen=True, init=False)
class LayerView:
    """One layer of one step, as the global command processor knows it when the layer begins.

    layer, step        numbers as in the trace
    prefill            True while the prompt is computed
    counts             int32[E], tokens that chose the expert
    first_appearance   int32[E], rank of the expert by first appearance in the trace's order; -1: not chosen
    home               int32[E], the die that keeps the expert's weights
    holders            uint8[E, D], how many slices of the expert the die holds (home: all); 0: none. A die with some
                       but not all counts as a holder when work is given away, and reads the rest remotely
    distance           int32[D, D], hops
    sources            int32[E, D], the die that each die reads an expert from where experts live on several dies (its
                       own replica, or the nearest); None: all read from the home
    costs              Costs
    ids                [rows, k] uint8 or uint16, this step's choices, a row per token; rows of fewer than k choices are
                       filled with the largest number of the type, which is then no expert; None, as the three below,
                       where no policy of the run says that it `reads_ids`
    previous_ids       [rows, k], row for row the choice of the same request one token earlier; None in the first step
    paired             int64[p] where requests leave layers out of the trace: previous_ids has p rows, its row i
                       belonging to row paired[i] of ids; None: row for row
    prompt_starts      int64[requests + 1] in the first step: request q has rows prompt_starts[q] up to
                       prompt_starts[q + 1] of ids; None otherwise
    popularity         int64[E], tokens that chose the expert in this layer in the steps before, prompts included;
                       None: not counted
    pairs              int64[E, E], tokens that chose both in this layer in the steps before; None where no policy of
                       the run `sees_pairs`

    Arrays are wrapped read-only, not copied; those that never change are best handed in read-only once. `popularity`
    and `pairs` go on counting once the layer is over: copy what is to be kept.
    """

    layer: int
    step: int
    prefill: bool
    counts: np.ndarray
    first_appearance: np.ndarray
    home: np.ndarray
    holders: np.ndarray
    distance: np.ndarray
    costs: Costs
    ids: np.ndarray | None = None
    previous_ids: np.ndarray | None = None
    prompt_starts: np.ndarray | None = None
    paired: np.ndarray | None = None
    popularity: np.ndarray | None = None
    pairs: np.ndarray | None = None
    sources: np.ndarray | None = None

    def __init__(
        self,
        layer: int,
        step: int,
        prefill: bool,
        counts: np.ndarray,
        first_appearance: np.ndarray,
        home: np.ndarray,
        holders: np.ndarray,
        distance: np.ndarray,
        costs: Costs | None,
        ids: np.ndarray | None = None,
        previous_ids: np.ndarray | None = None,
        prompt_starts: np.ndarray | None = None,
        paired: np.ndarray | None = None,
        popularity: np.ndarray | None = None,
        pairs: np.ndarray | None = None,
        sources: np.ndarray | None = None,
    ) -> None:
        # Thousands of views are made in a run: one update is several times quicker than a frozen dataclass's own way.
        self.__dict__.update(
            layer=layer,
            step=step,
            prefill=prefill,
            counts=read_only(counts),
            first_appearance=read_only(first_appearance),
            home=read_only(home),
            holders=read_only(holders),
            distance=read_only(distance),
            costs=costs,
            ids=read_only(ids),
            previous_ids=read_only(previous_ids),
            prompt_starts=read_only(prompt_starts),
            paired=paired,
            popularity=read_only(popularity),
            pairs=read_only(pairs),
            sources=read_only(sources),
        )

    @property
    def phase(self) -> str:
        """What is computed: "prefill" or "decode"."""
        return "prefill" if self.prefill else "decode"

    @property
    def lives(self) -> np.ndarray | None:
        """bool[E, D], the dies that the placement keeps the expert's weights on, home and replicas: those that read it
        from themselves; None: the home alone."""
        return None if self.sources is None else self.sources == np.arange(self.dies)

    @property
    def experts(self) -> int:
        return int(self.holders.shape[0])

    @property
    def dies(self) -> int:
        return int(self.holders.shape[1])

    @property
    def figures(self) -> DieFigures:
        """`costs.dies`; of a view made without it, dies that are all alike."""
        if self.costs.dies is not None:
            return self.costs.dies
        one, none, hop = np.full(self.dies, 1.0), np.zeros(self.dies, np.int64), self.costs.hop_latency_ps
        return DieFigures(one, one, none, none, lambda: (self.distance * hop, np.full(self.distance.shape, np.inf)))


@overload
def read_only(array: np.ndarray) -> np.ndarray: ...
@overload
def read_only(array: np.ndarray | None) -> np.ndarray | None: ...
def read_only(array: np.ndarray | None) -> np.ndarray | None:
    """The same data, not to be written through; None stays None."""
    if array is not None and array.flags.writeable:
        array = array.view()
        array.setflags(write=False)
    return array


@dataclass(frozen=True)
class Plan:
    """Who computes what: entry i gives tokens[i] tokens of expert[i] to die[i]. int32 arrays of one length, in the
    order of issue: rising expert, and within an expert as the policy ranked its dies; (expert, die) occurs once."""

    expert: np.ndarray
    die: np.ndarray
    tokens: np.ndarray

    def __len__(self) -> int:
        return len(self.expert)

    def crc32(self) -> int:
        """CRC-32 of "e:n:d;e:n:d" in order of issue: the fingerprint that the published artifact's rows carry."""
        rows = zip(self.expert.tolist(), self.tokens.tolist(), self.die.tolist(), strict=False)
        return zlib.crc32(";".join(f"{e}:{n}:{d}" for e, n, d in rows).encode())

    def check(self, view: LayerView) -> None:
        """Raise ValueError unless every token of the view is given away exactly once, to dies that exist."""
        for what, named, count in (("expert", self.expert, view.experts), ("die", self.die, view.dies)):
            outside = named[(named < 0) | (named >= count)]
            if len(outside):
                raise ValueError(f"a plan names {what} {outside[0]} of {count}")
        given = np.zeros(view.experts, np.int64)
        np.add.at(given, self.expert, self.tokens)
        if (self.tokens <= 0).any():
            raise ValueError("a plan has an entry without tokens")
        if (given != view.counts).any():
            e = int(np.flatnonzero(given != view.counts)[0])
            raise ValueError(f"a plan gives away {given[e]} tokens of expert {e}, which {view.counts[e]} chose")
        if (np.diff(self.expert) < 0).any():
            raise ValueError("a plan is not in rising order of experts")
        pairs = self.expert.astype(np.int64) * view.dies + self.die
        if len(np.unique(pairs)) < len(pairs):
            raise ValueError("a plan gives an expert to a die twice")


@dataclass(frozen=True)
class CopyRoom:
    """What copies have to fit into: bytes of one slice; per die (int64[D]) its HBM and what its home weights take."""

    slice_bytes: int
    hbm_bytes: np.ndarray
    home_bytes: np.ndarray


@dataclass(frozen=True)
class CopyStore:
    """Parameters of the keyed store that holds the copies of one die. Home weights are never in it.

    capacity            int64[D], slices a die may keep; None: no bound
    order               "lru": the least recently used goes first; "none" where nothing ever goes
    refresh_on_read     whether a read counts as use (a store always does)
    """

    capacity: np.ndarray | None = None
    order: str = "none"
    refresh_on_read: bool = False
