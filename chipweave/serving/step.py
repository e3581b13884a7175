"""One step of a model on a server: every layer as works, their times, and the schedule that runs them.

A step computes `decode` sequences of one new token each and `prefill` chunks of several; both pass every kernel
together, but for attention, which runs once for each. One rank of the busiest replica is timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from chipweave.kernel_models.attention import Attention
from chipweave.serving.kernels import Kernels
from chipweave.serving.models import Linear, ServingModel
from chipweave.serving.schedule import Part, Schedule, Work, play
from chipweave.serving.setting import Parallel, Precision

GRAPH_HOP = 5e-6
"""Seconds from one pipeline stage to the next beside the bytes: a send and a receive, a guess."""

SAMPLING_KERNELS = 6
"""Launches after the logits: softmax, top-k, top-p, draw, gather, copy; a guess."""


STATE_CHUNK, STATE_KERNELS = 64, 7
"""Tokens of a chunk of linear attention's prompts, and kernels: convolution, six of the chunked rule
(flash-linear-attention, fla/ops/gated_delta_rule/chunk.py)."""

INDEX_KERNELS = 8
"""Norm of the key; rotary embedding, rotation and cast of queries and key; scale of the heads' weights
(deepseek-ai/DeepSeek-V3.2-Exp, inference/model.py, Indexer)."""
INDEX_HEAD = 128
"""Bytes of a token's index key where a model states no size of its heads."""


@dataclass(frozen=True)
class Batch:
    """What a step computes, over all replicas: `decode` sequences that see `context` tokens, and `prompts` chunks of
    `new` tokens that see `seen` each (themselves included)."""

    decode: int = 0
    context: int = 0
    prompts: int = 0
    new: int = 0
    seen: int = 0


@dataclass(frozen=True)
class Step:
    """The result: parts in order, time on the critical path by kind; both in ns.

    Work that overlaps with work on the critical path is in parts alone.
    """

    parts: list[Part]
    critical: dict[str, int]

    @property
    def ns(self) -> int:
        """Time of the step, ns."""
        return sum(self.critical.values())


@dataclass(frozen=True)
class Setup:
    """A model laid over a server: what does not change from step to step.

    without: a kind of work taken as infinitely fast (chipweave.serving.why); "": none.
    """

    model: ServingModel
    kernels: Kernels
    layout: Parallel
    formats: Precision
    schedule: Schedule
    without: str = ""

    def step(self, batch: Batch) -> Step:
        """Times one step, part by part: what `chipweave step` shows."""
        share = min(self.schedule.micro_batches, self._sequences(batch))
        chains = [list(_works(self, _slice(batch, share, i), i)) for i in range(share)]
        parts, critical = play(chains, self._schedule(batch))
        return Step(parts, critical)

    def _sequences(self, batch: Batch) -> int:
        """Sequences of the fullest rank's micro-batch; at least 1. One alone is not divided further."""
        ways = self.layout.dp * self.layout.pp
        return max(1, -(-batch.decode // ways) + -(-batch.prompts // ways))

    def _schedule(self, batch: Batch) -> Schedule:
        return self.schedule.of(_Rank(self, batch).tokens)

    def seconds(self, batch: Batch) -> float:
        """Seconds of one step; equal layers are timed once, where nothing overlaps.

        Equal to step(batch).ns, at a cost that does not grow with the layers.
        """
        return sum(self.kinds(batch).values()) * 1e-9

    def kinds(self, batch: Batch) -> dict[str, int]:
        """ns of one step by kind of work on its critical path: what `serve` calls for each step."""
        if self.schedule.micro_batches > 1 or self._schedule(batch).streams:
            return self.step(batch).critical
        sums: dict[str, int] = {}
        for count, works in _groups(self, _Rank(self, batch, exactly=False)):
            for kind, _, seconds in works:
                sums[kind] = sums.get(kind, 0) + count * (0 if kind == self.without else _ns(seconds))
        return sums

    @property
    def alike(self) -> list[list[int]]:
        """Layers that take equally long, list by list; on a composed system every MoE layer is simulated on its own."""
        sorts = list(self.model.sorts.values())
        if self.kernels.composed is None:
            return sorts
        routed = self.model.moe_layers
        return [each for layers in sorts for each in ([[i] for i in layers] if layers[0] in routed else [layers])]


def _slice(batch: Batch, shares: int, i: int) -> Batch:
    """The i-th of `shares` even parts of a batch."""
    part = lambda n: n // shares + (i < n % shares)  # noqa: E731
    return replace(batch, decode=part(batch.decode), prompts=part(batch.prompts))


def _ns(seconds: float) -> int:
    """Whole ns of a time in seconds; sums of parts are exact from here on."""
    return max(0, round(seconds * 1e9))


def _groups(setup: Setup, rank: _Rank) -> Iterator[tuple[int, list[tuple[str, str, float]]]]:
    """(times, [(kind, name, seconds)]) of what stands before the layers, each sort of layer, and what stands after."""
    if not rank.tokens:
        return
    f = setup.kernels.figures
    host = f.get("framework.step_s", 0.0) + f.get("framework.sequence_s", 0.0) * (rank.decode + rank.prompts)
    embedding = rank.kernels.small(4 * rank.tokens * setup.model.hidden)
    yield 1, [("framework", "host", host), ("other", "embedding", embedding)]
    for layers in setup.alike:
        yield len(layers), list(rank.layer(layers[0]))
    yield 1, list(rank.head())


def work_values(setup: Setup, batch: Batch) -> Iterator[tuple[int, list[tuple[str, str, Any]]]]:
    """(times, [(kind, name, what the kernels of `setup` answer)]) of one rank's works: seconds, or what other kernels
    give in their place."""
    yield from _groups(setup, _Rank(setup, batch))


def _works(setup: Setup, batch: Batch, number: int) -> Iterator[Work]:
    """The works of a step in order, those of no time left out; the host works once for all micro-batches."""
    rank = _Rank(setup, batch)
    if not rank.tokens:
        return
    before, *sorts, after = [
        [(k, n, 0 if k == setup.without else _ns(s)) for k, n, s in works if _ns(s)]
        for _, works in _groups(setup, rank)
    ]
    yield from (Work(k, n, None, ns, number) for k, n, ns in before if number == 0 or k != "framework")
    of_layer = {i: works for works, layers in zip(sorts, setup.alike, strict=True) for i in layers}
    for layer in range(setup.model.layers):
        yield from (Work(k, n, layer, ns, number) for k, n, ns in of_layer[layer])
    yield from (Work(k, n, None, ns, number) for k, n, ns in after)


class _Rank:
    """Shapes and times of one rank's share of a batch: the rank with the most tokens, as all wait for it."""

    def __init__(self, setup: Setup, batch: Batch, exactly: bool = True) -> None:
        """Divide the batch over the dp replicas, rounding up; `every` counts the tokens of all
        replicas, which experts serve. exactly: whether a composed system simulates just these tokens.

        With pp stages as many micro-batches are under way, one in each: the step is the way of one through all stages.
        """
        self.model, self.kernels, self.layout, self.formats = setup.model, setup.kernels, setup.layout, setup.formats
        dp, pp = self.layout.dp, self.layout.pp
        batch = replace(batch, decode=-(-batch.decode // pp), prompts=-(-batch.prompts // pp))
        self.decode, self.prompts = -(-batch.decode // dp), -(-batch.prompts // dp)
        self.batch = batch
        self.tokens = self.decode + self.prompts * batch.new
        self.every = batch.decode + batch.prompts * batch.new
        self.exactly = exactly

    @cached_property
    def simulated(self) -> dict[int, tuple[float, float, float]]:
        """MoE layer -> seconds of dispatch, experts and combine on a composed system; empty on others."""
        m = self.model
        if self.kernels.composed is None:
            return {}
        times = self.kernels.simulated(self.every, self.tokens, m.top_k, m.hidden, self.exactly)
        return dict(zip(sorted(m.moe_layers), times, strict=True))

    def layer(self, layer: int) -> Iterator[tuple[str, str, float]]:
        """(kind, name, seconds) of a layer's works, in order.

        Activations are bf16 (2 bytes): `size` bytes for a vector a token. Kernels named "small" are
        bound by the bytes they read and write: a norm reads input and residual and writes both, 4 x
        size.
        """
        m, k, tokens = self.model, self.kernels, self.tokens
        size = 2 * tokens * m.hidden
        yield "other", "attention_norm", k.small(4 * size)
        yield "gemm", "qkv", self._qkv(layer)
        yield "other", "rope", k.small(2 * 2 * tokens * m.head * (m.heads // self.layout.tp + 2))
        yield "attention", "attention", self._attention(layer)
        yield "gemm", "output", self._output(layer)
        yield "collective", "attention_reduce", k.all_reduce(size, self.layout.tp)
        yield "other", "mlp_norm", k.small(4 * size)
        yield from (
            self._experts(self.simulated.get(layer))
            if layer in m.moe_layers
            else self._mlp(m.intermediate, ("up", "activation", "down", "mlp_reduce"))
        )

    def _qkv(self, layer: int) -> float:
        """Projections to queries, keys and values.

        With MLA (DeepSeek-V2, arXiv 2405.04434, section 2.1): one down projection to the ranks of q
        and kv and the shared RoPE key, then queries up; keys and values go up in `_call`. kv heads
        are replicated where there are fewer than tp.
        """
        m, k, tp, form = self.model, self.kernels, self.layout.tp, self.formats.dense
        if m.linear and layer in m.linear_layers:
            gates = k.linear(self.tokens, 2 * m.linear.value_heads // tp, m.hidden, "bf16")
            return gates + k.linear(self.tokens, m.linear.columns // tp, m.hidden, form)
        if m.mla is None:
            heads = (2 if m.gated else 1) * m.heads // tp + 2 * max(1, m.kv_heads // tp)
            return k.linear(self.tokens, heads * m.head, m.hidden, form)
        a, heads = m.mla, m.heads // tp
        down = k.linear(self.tokens, a.q_rank + a.kv_rank + a.rope, m.hidden, form)
        return down + k.linear(self.tokens, heads * (a.nope + a.rope), a.q_rank or m.hidden, form)

    def _output(self, layer: int) -> float:
        """The projection of attention's heads back to the hidden size."""
        m, k, tp, form = self.model, self.kernels, self.layout.tp, self.formats.dense
        if m.linear and layer in m.linear_layers:
            return k.linear(self.tokens, m.hidden, m.linear.value_heads // tp * m.linear.value, form)
        return k.linear(self.tokens, m.hidden, m.heads // tp * (m.mla.v if m.mla else m.head), form)

    def _attention(self, layer: int) -> float:
        """Seconds of attention: one call for sequences that decode, one for chunks of prompts."""
        b, total = self.batch, 0.0
        for phase, count, context, new in (
            ("decode", self.decode, b.context, 0),
            ("prefill", self.prompts, b.seen, b.new),
        ):
            if count:
                total += self._call(layer, phase, count, context, new)
        return total

    def _call(self, layer: int, phase: str, count: int, context: int, new: int) -> float:
        """Seconds of one attention call; context and new are tokens of each sequence.

        Windowed layers see at most a window. A sparse layer (index_top_k) reads every token's index
        key, then attends to its picks. MLA either absorbs its up projections (cache read once for
        all heads) or expands the cache for the tokens it sees.
        """
        m, tp, kv = self.model, self.layout.tp, self.formats.kv
        heads, kv_heads = m.heads // tp, max(1, m.kv_heads // tp)
        if m.linear and layer in m.linear_layers:
            return self._state(m.linear, count, new)
        if layer in m.windowed:
            context = max(min(context, m.window), new)
        extra = self._index(count, context, new) if m.index_top_k else 0.0
        if m.index_top_k and context > m.index_top_k:
            context = max(m.index_top_k, new)
        form = "gqa" if m.mla is None else "mla"
        width = self.formats.kv_bytes
        if m.mla is None:
            call = Attention(phase, count, context, heads, kv_heads, m.head, m.head, False, width, new)
        elif self.kernels.absorbs(phase):
            call = Attention(
                phase, count, context, heads, 1, m.mla.kv_rank + m.mla.rope, m.mla.kv_rank, True, width, new
            )
            extra += self._absorb(count * max(new, 1), heads)
        else:
            call = Attention(phase, count, context, heads, heads, m.mla.nope + m.mla.rope, m.mla.v, False, 2, new)
            extra += self.kernels.linear(
                count * context, heads * (m.mla.nope + m.mla.v), m.mla.kv_rank, self.formats.dense
            )
        return extra + self.kernels.attention(call, form, kv)

    def _state(self, linear: Linear, count: int, new: int) -> float:
        """Linear attention: split of the projection, short convolution, state with its gate, norm. A decode reads and
        writes each sequence's state; a prompt writes and reads one for every chunk of `STATE_CHUNK` tokens, and its
        rows twice."""
        k, tp = self.kernels, self.layout.tp
        if not new:
            return 3 * k.small(4 * count * linear.columns // tp) + k.small(2 * 4 * count * linear.state // tp)
        rows, chunks = 2 * count * new * linear.columns // tp, count * -(-new // STATE_CHUNK)
        return (STATE_KERNELS - 1) * k.small(2 * rows) + k.small(2 * 2 * chunks * linear.state // tp)

    def _index(self, count: int, context: int, new: int) -> float:
        """The index of sparse attention: projections to queries, one key and the weights of its heads, `INDEX_KERNELS`
        small ones over queries and key, scores over every token's key of 8 bits, and the picks."""
        m, k, tokens = self.model, self.kernels, count * max(new, 1)
        scores = k.small(count * context * (m.index_head or INDEX_HEAD))
        if not m.index_heads:
            return scores if context > m.index_top_k else 0.0
        columns, rank = m.index_heads * m.index_head, m.mla.q_rank if m.mla else m.hidden
        made = k.linear(tokens, columns, rank, self.formats.dense) + k.linear(tokens, m.index_head, m.hidden, "bf16")
        made += k.linear(tokens, m.index_heads, m.hidden, "bf16")
        picks = k.small(4 * tokens * context)
        return made + INDEX_KERNELS * k.small(4 * tokens * columns) + scores + picks

    def _absorb(self, tokens: int, heads: int) -> float:
        """Queries into the space of the cache, and results out of it: one product a head, all in two kernels."""
        a = self.model.mla
        assert a is not None, "called for models with MLA alone"
        into = self.kernels.linear(tokens, heads * a.kv_rank, a.nope, "bf16")
        return into + self.kernels.linear(tokens, heads * a.v, a.kv_rank, "bf16")

    def _mlp(self, intermediate: int, names: tuple[str, str, str, str]) -> Iterator[tuple[str, str, float]]:
        """A gated MLP: gate and up in one product, their activation, down, and the sum over tp ranks."""
        m, k, tp, form, tokens = self.model, self.kernels, self.layout.tp, self.formats.dense, self.tokens
        columns = -(-intermediate // tp)
        yield "gemm", names[0], k.linear(tokens, 2 * columns, m.hidden, form)
        yield "other", names[1], k.small(2 * 3 * tokens * columns)
        yield "gemm", names[2], k.linear(tokens, m.hidden, columns, form)
        yield "collective", names[3], k.all_reduce(2 * tokens * m.hidden, tp)

    def _experts(self, simulated: tuple[float, float, float] | None) -> Iterator[tuple[str, str, float]]:
        """An MoE layer: gate, dispatch, experts, shared experts, combine.

        Tokens are sent between ranks only with data parallelism; without it every rank has all of
        them, and one all-reduce sums the results. simulated: seconds of dispatch, experts and combine
        on a composed system.
        """
        m, k, layout, tokens = self.model, self.kernels, self.layout, self.tokens
        sent = layout.dp > 1
        yield "gemm", "gate", k.linear(tokens, m.experts, m.hidden, "bf16")
        if sent:
            yield "dispatch", "dispatch", simulated[0] if simulated else self._exchange("dispatch")
        fused = k.fuses_shared(m.experts, m.shared, sent) and layout.ep == 1
        yield "moe", "experts", simulated[1] if simulated else self._routed(sent, m.shared if fused else 0)
        if m.shared and not fused:
            shared = self._mlp(m.shared * m.expert_intermediate, ("", "", "", ""))
            yield "gemm", "shared", sum(s for kind, _, s in shared if kind != "collective")
        if sent:
            yield "combine", "combine", simulated[2] if simulated else self._exchange("combine")
        else:
            yield "collective", "experts_reduce", k.all_reduce(2 * tokens * m.hidden, layout.tp)

    def _exchange(self, phase: str) -> float:
        """Dispatch or combine between ranks, each with its share of the replica's tokens."""
        m, layout = self.model, self.layout
        own = max(1, self.tokens // layout.tp)
        return self.kernels.exchange(phase, own, m.top_k, m.hidden, layout.ranks, m.experts)

    def _routed(self, sent: bool, shared: int) -> float:
        """The routed experts of the busiest rank; `sent`: tokens came from other ranks; `shared` experts with them."""
        m, layout, form = self.model, self.layout, self.formats.experts
        columns = m.expert_intermediate // layout.moe_tp
        call = self.every, m.top_k, m.hidden, columns, m.experts, layout.ep, form, m.groups, sent
        return self.kernels.moe(*call, shared)

    def head(self) -> Iterator[tuple[str, str, float]]:
        """Final norm, logits of each sequence's last token, sampling; pipeline hops before them."""
        m, k, tp = self.model, self.kernels, self.layout.tp
        rows = self.decode + self.prompts
        hops = self.layout.pp - 1
        if hops:
            yield (
                "collective",
                "stages",
                hops * (GRAPH_HOP + 2 * self.tokens * m.hidden / float(k.server.fabric.bandwidth)),
            )
        yield "gemm", "logits", k.linear(rows, -(-m.vocab // tp), m.hidden, "bf16")
        yield "collective", "logits_gather", k.all_reduce(4 * rows * m.vocab // tp, tp)
        yield "other", "sampling", (SAMPLING_KERNELS - 1) * k.small(0) + k.small(3 * 4 * rows * m.vocab)
