"""The time of every kernel and message of a step on one GPU of a server, as one framework runs them. Seconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from math import ceil
from typing import Any

import numpy as np

from chipweave.declare import registry
from chipweave.errors import BadInput, Fault, nearest
from chipweave.kernel_models import attention, deepgemm, fused_moe, gemm, loads
from chipweave.serving import library, routed
from chipweave.serving.composed import Composed
from chipweave.serving.setting import FORMATS, WIDENED
from chipweave.serving.system import Server

FRAMEWORKS = {
    "vllm": ("vllm-triton", "vllm-cutlass"),
    "sglang": ("sglang-triton", "vllm-cutlass"),
    "trtllm": ("trtllm-cutlass", "trtllm-cutlass"),
    "deepseek": ("deepgemm", "deepgemm"),
}
"""Framework -> MoE stack where every rank sees all tokens, and where tokens are sent to their experts."""

SKEW, SEED, DRAWS = 0.7, 1, 4
"""Popularity of experts: the middle of the spreads measured on DeepSeek-V3 (loads.popular)."""

DRIFT = 0.34
"""Spread by which popularity moves between a placement and its use: with SKEW, rank correlation 0.9, as between
workloads of one phase (SGLang's expert statistics of DeepSeek-V3: 0.88 to 1)."""

FUSED_SHARED = {"sglang": 256}
"""Framework -> routed experts of the models whose one shared expert it computes as one more of the routed ones, where
every rank sees all tokens (SGLang's shared experts fusion, sgl-project/sglang #4918: DeepSeek-V3 and R1 alone)."""

LOW_LATENCY = 512
"""Tokens of a rank up to which the low-latency kernels run: their buffers are made for decode (DeepEP's read-me)."""

NODE_HOP_PS = 5e6
"""One step of a ring around nodes beside its bytes, ps: a guess, as step.GRAPH_HOP."""

PS = 1e12


class Kernels:
    """Kernels of one framework on one GPU of `server`; every answer is remembered.

    balance  "popular": experts are as unequally popular as measured; "replicated": the most popular have copies,
             placed for a popularity that has drifted since; "forced": all are equal; "trace:NAME": as a routing
             trace has them
    composed the system that simulates the MoE layers, or None: then `moe` and `exchange` time them
    """

    composed: Composed | None = None

    def __init__(self, server: Server, framework: str, balance: str = "popular") -> None:
        if framework not in FRAMEWORKS:
            raise BadInput(
                Fault(
                    f"unknown framework '{framework}'",
                    allowed=", ".join(FRAMEWORKS),
                    nearest=nearest(framework, FRAMEWORKS),
                )
            )
        traced = balance.startswith(routed.PREFIX)
        if not traced and balance not in BALANCES:
            raise BadInput(
                Fault(
                    f"unknown balance '{balance}'",
                    allowed=", ".join(BALANCES) + f", {routed.PREFIX}NAME",
                    nearest=nearest(balance, BALANCES),
                )
            )
        self.routed = routed.load(balance.removeprefix(routed.PREFIX)) if traced else None
        self.server, self.framework, self.balance = server, framework, balance
        self._prepare()
        for name in ("linear", "moe", "all_reduce", "exchange"):
            setattr(self, name, lru_cache(maxsize=1 << 16)(getattr(self, name)))

    def _prepare(self) -> None:
        """Figures and rates of the GPU."""
        self.figures = library.figures()
        chip, f = self.server.chip, self.figures
        mixed = chip.memory_bytes_per_s(f["dram_efficiency"]) * f["turn_efficiency"]
        self.machine = fused_moe.Machine(chip, chip.memory_bytes_per_s(f["weights_dram_efficiency"]), mixed)

    def small(self, size: float) -> float:
        """A kernel that moves `size` bytes and computes next to nothing."""
        chip = self.server.chip
        rate = chip.l2_bytes_per_s if size <= chip.l2_bytes / 2 else self.machine.mixed
        return self.figures["graph_kernel_s"] + size / rate

    def linear(self, m: int, n: int, k: int, form: str) -> float:
        """A linear layer of `m` tokens, weights n x k in a format of `FORMATS`."""
        chip, f, dtype = self.server.chip, self.figures, FORMATS[form][0]
        shape, efficiency = gemm.Gemm(m, n, k, dtype), f["weights_dram_efficiency"]
        if dtype == "bfloat16":
            return (
                f["linear_bfloat16_floor_s"]
                + gemm.best_of(chip, shape, gemm.CUBLAS_TILES, efficiency, f["graph_kernel_s"])[0]
            )
        tiles = (deepgemm.choose(chip.sms, m, n),) if dtype == "fp8_block" else gemm.vllm_fp8_tiles(m)
        product = gemm.best_of(chip, shape, tiles, efficiency, f["graph_kernel_s"], splits=(1,))[0]
        return f["linear_fp8_floor_s"] + product + gemm.elementwise_seconds(chip, 3 * m * k, efficiency)

    def attention(self, call: attention.Attention, form: str, kv: str) -> float:
        """One attention call; form "gqa" or "mla"."""
        kernel = library.attention_kernel(self.framework, form, call.phase, "fp8" if kv == "fp8" else "bfloat16")
        return attention.seconds(
            self.server.chip, self.figures["turnaround_s"], self.figures["weights_dram_efficiency"], call, kernel
        )

    def fuses_shared(self, experts: int, shared: int, sent: bool) -> bool:
        """Whether the shared expert is computed with the routed ones."""
        return not sent and shared == 1 and FUSED_SHARED.get(self.framework) == experts

    def absorbs(self, phase: str) -> bool:
        """Whether the framework runs MLA absorbed in that phase."""
        return library.attention_kernel(self.framework, "mla", phase, "bfloat16").absorbed

    def moe(
        self,
        tokens: int,
        top_k: int,
        hidden: int,
        columns: int,
        experts: int,
        ranks: int,
        form: str,
        groups: int,
        sent: bool,
        shared: int = 0,
    ) -> float:
        """The routed experts of the busiest of `ranks`, mean of draws; `sent`: rows of other ranks' experts are not
        here; shared: experts beside them that every token passes."""
        dtype, width = FORMATS[form]
        layer = fused_moe.MoeLayer(
            tokens,
            top_k + shared,
            hidden,
            columns,
            experts + shared,
            dtype,
            groups > 1,
            width if form in WIDENED else 0.0,
        )
        draws = self.draws(tokens, top_k, experts, ranks)
        draws = tuple(np.append(counts, [tokens] * shared) for counts in draws) if shared else draws
        return float(np.mean([self._experts(layer, counts, form, sent) for counts in draws]))

    def draws(self, tokens: int, top_k: int, experts: int, ranks: int) -> tuple[np.ndarray, ...]:
        """Tokens per expert of the busiest of `ranks`, one array a draw."""
        if self.routed:
            return self.routed.busiest(tokens, ranks)
        return BALANCES[self.balance](tokens, experts, top_k, ranks)

    def _experts(self, layer: fused_moe.MoeLayer, counts: np.ndarray, form: str, sent: bool) -> float:
        """Seconds of a rank's experts with `counts` tokens each, weights in a format of `FORMATS`."""
        stack = library.moe_stack(FRAMEWORKS[self.framework][int(sent)])
        return fused_moe.seconds(self.machine, layer, counts, stack)

    def simulated(
        self, every: int, tokens: int, top_k: int, hidden: int, exactly: bool
    ) -> list[tuple[float, float, float]]:
        """Seconds of dispatch, experts and combine of every MoE layer on the composed system, for `every` tokens of
        which this die has `tokens`.

        Beside what is simulated stand the launches: of the framework's kernels around the experts, and one a message
        that packs what is sent (8 bit) or sums what came (16 bit) out of memory.
        """
        assert self.composed is not None, "called for composed systems alone"
        stack = library.moe_stack(FRAMEWORKS[self.framework][1])
        sent = tokens * top_k * hidden
        pack, launches, total = (
            self.small(2 * sent),
            stack.kernels * stack.kernel_s,
            self.small(2 * (sent + tokens * hidden)),
        )
        found = self.composed.of(every) if exactly else self.composed.near(every)
        return [(t.dispatch + pack, t.experts + launches, t.combine + total) for t in found]

    def all_reduce(self, size: int, ranks: int) -> float:
        """An all-reduce of `size` bytes over `ranks` GPUs, in a CUDA graph."""
        if ranks == 1:
            return 0.0
        inside = min(ranks, self.server.fabric.ranks)
        nccl = _model("comm.nccl")
        ps = (
            _model("comm.custom_allreduce").time("graph", inside, int(size), nccl, self.server.fabric)
            if inside > 1
            else 0
        )
        if ranks > inside:  # reduced inside each node, then around the nodes, every GPU with its share
            nodes = ceil(ranks / inside)
            ps += (
                2 * (nodes - 1) / nodes * size / inside / float(self.server.fabric.adapter) * PS
                + 2 * nodes * NODE_HOP_PS
            )
        return ps / PS

    def exchange(self, phase: str, tokens: int, top_k: int, hidden: int, ranks: int, experts: int) -> float:
        """Dispatch or combine of `tokens` a rank over `ranks` GPUs: DeepEP, low latency up to `LOW_LATENCY` tokens,
        else normal.

        Where experts are unequally popular, so are the ranks that tokens go to.
        """
        if ranks == 1:
            return 0.0
        inside = self.server.fabric.ranks
        floors = {}
        if ranks > inside:
            floors = {
                f"{p}_floor": f"{round(self.figures[f'deepep_nodes.{p}_floor_s'] * PS)} ps"
                for p in ("dispatch", "combine")
            }
        kind = "comm.deepep_low_latency"
        model = registry.time_models.find(kind)(**{**library.fitted_stacks()[kind], **floors})
        copies = self._copies(tokens, top_k, ranks, experts) if tokens <= LOW_LATENCY else None
        if copies is not None:
            return model.time_of(phase, copies, tokens, hidden, self.server.fabric) / PS
        if tokens <= LOW_LATENCY:
            return model.time(phase, tokens, top_k, hidden, ranks, self.server.fabric) / PS
        return model.time(phase, 0, top_k, hidden, ranks, self.server.fabric) / PS + self._normal(
            phase, tokens, top_k, hidden, ranks
        )

    def _copies(self, tokens: int, top_k: int, ranks: int, experts: int) -> np.ndarray | None:
        """[ranks, ranks] copies that ranks send to each other; None: as many to each."""
        if self.routed:
            return self.routed.copies(tokens, ranks)
        if self.balance == "popular" and experts % ranks == 0:
            return tokens * top_k * np.tile(_shares(tokens * ranks, experts, top_k, ranks), (ranks, 1))
        return None

    def _normal(self, phase: str, tokens: int, top_k: int, hidden: int, ranks: int) -> float:
        """The bytes of DeepEP's normal kernels: one copy to each other node that has an expert of the token, over the
        adapter, and from there one to each such GPU, over NVLink; the slower of the two shows. Of a routing trace the
        busiest GPU's."""
        fabric, size = self.server.fabric, hidden * (1 + 4 / 128 if phase == "dispatch" else 2)
        nodes = ceil(ranks / fabric.ranks)
        if self.routed and ranks % nodes == 0:
            link = float(fabric.links(min(ranks, fabric.ranks), exchange=True)["out", 0])
            return tokens * size * self._busiest(ranks, nodes, link, float(fabric.adapter))

        def reach(places: int) -> float:
            """Expected number of `places` that hold any of a token's top_k experts, each drawn evenly."""
            return places * (1 - (1 - 1 / places) ** top_k)

        outside = reach(nodes) * (nodes - 1) / nodes if nodes > 1 else 0.0
        links = float(fabric.links(min(ranks, fabric.ranks), exchange=True)["out", 0])
        return tokens * size * max(reach(ranks) / links, outside / float(fabric.adapter) if outside else 0.0)

    def _busiest(self, ranks: int, nodes: int, link: float, adapter: float) -> float:
        """Seconds of one byte a token on the busiest link or adapter of the normal kernels, of the sampled layer where
        that is in the middle.

        A GPU's adapter sends to the GPU of its number on each other node, which forwards over NVLink; results come
        back by the same ways.
        """
        assert self.routed is not None, "called where a trace says who sends what"
        inside, found = ranks // nodes, []
        for to_rank, to_node in zip(self.routed.reach(ranks, ranks), self.routed.reach(ranks, nodes), strict=True):
            copies = to_rank.reshape(nodes, inside, nodes, inside)  # source node and number, target node and number
            forwarded = copies.sum(axis=(0, 3))  # by number and target node: what a GPU there hands on
            busiest = max(forwarded.max(), to_rank.sum(axis=0).max()) / link
            if nodes > 1:
                far = to_node.reshape(nodes, inside, nodes) * ~np.eye(nodes, dtype=bool)[:, None, :]
                busiest = max(busiest, max(far.sum(axis=2).max(), far.sum(axis=0).max()) / adapter)
            found.append(busiest)
        return float(sorted(found)[len(found) // 2])


@cache
def _model(kind: str) -> Any:
    return registry.time_models.find(kind)(**library.fitted_stacks()[kind])


def _even(tokens: int, experts: int, top_k: int, ranks: int) -> tuple[np.ndarray, ...]:
    """Equal shares: a rank's experts, each with its part of all tokens, the rest one by one."""
    local = max(1, experts // ranks)
    each, rest = divmod(tokens * top_k // ranks, local)
    return (np.full(local, each) + (np.arange(local) < rest),)


@lru_cache(maxsize=4096)
def _popular(tokens: int, experts: int, top_k: int, ranks: int) -> tuple[np.ndarray, ...]:
    """Draws of the busiest rank's tokens per expert."""
    rng = np.random.default_rng(SEED)
    return tuple(loads.hottest(loads.popular(tokens, experts, top_k, SKEW, rng), ranks) for _ in range(DRAWS))


@lru_cache(maxsize=4096)
def _shares(tokens: int, experts: int, top_k: int, ranks: int) -> np.ndarray:
    """Each rank's share of all tokens' choices, of the draw whose busiest rank is in the middle."""
    rng = np.random.default_rng(SEED)
    drawn = [loads.popular(tokens, experts, top_k, SKEW, rng).reshape(ranks, -1).sum(axis=1) for _ in range(DRAWS)]
    middle = sorted(drawn, key=lambda counts: counts.max())[DRAWS // 2]
    return middle / middle.sum()


@lru_cache(maxsize=1024)
def _replicated(tokens: int, experts: int, top_k: int, ranks: int) -> tuple[np.ndarray, ...]:
    """The busiest rank where each has one slot more than its experts, for copies of the popular ones (greedy)."""
    rng, draws = np.random.default_rng(SEED), []
    slots = -(-experts // ranks) + 1
    for _ in range(DRAWS):
        believed = rng.lognormal(0.0, SKEW, experts)
        true = believed * rng.lognormal(0.0, DRIFT, experts)
        loads_true = true / true.sum() * tokens * top_k
        copies = np.ones(experts, int)
        for _ in range(slots * ranks - experts):
            copies[int(np.argmax(believed / copies))] += 1
        placed: list[list[int]] = [[] for _ in range(ranks)]
        load, room = np.zeros(ranks), np.full(ranks, slots)
        for e in np.argsort(-believed / copies, kind="stable"):
            for _ in range(copies[e]):
                rank = int(np.argmin(np.where(room > 0, load, np.inf)))
                placed[rank].append(e)
                load[rank] += believed[e] / copies[e]
                room[rank] -= 1
        shares = [loads_true[p] / copies[p] for p in placed]
        draws.append(np.rint(max(shares, key=np.sum)).astype(int))
    return tuple(draws)


BALANCES: dict[str, Callable[[int, int, int, int], tuple[np.ndarray, ...]]] = {
    "popular": _popular,
    "replicated": _replicated,
    "forced": _even,
}
"""How tokens fall on experts: (tokens, experts, top-k, ranks) -> draws of the busiest rank's tokens per expert."""
