"""The time of every kernel and message of a step on a GPU of several dies, as one framework runs them. Seconds.

A linear layer inside a server's graph has a shorter floor than alone: the kernel before it quantises its operands. What
it takes beyond the shortest kernel, and the host's time, follow from servers of one dense model.
"""

from __future__ import annotations

import numpy as np

from chipweave.errors import BadInput, Fault
from chipweave.kernel_models.attention import Attention
from chipweave.kernel_models.expert_exchange import exchange_seconds, token_bytes
from chipweave.kernel_models.fused_moe import MoeLayer
from chipweave.kernel_models.nvlink_calls import own_all_reduce
from chipweave.kernel_models.package_library import AttentionRow, Library
from chipweave.serving.kernels import LOW_LATENCY, Kernels
from chipweave.serving.setting import FORMATS
from chipweave.serving.system import Server

FAMILIES = {form: form for form in FORMATS} | {"fp4": "nvfp4", "int4": "bf16"}
"""Format of weights -> operands of the kernels that multiply them: MXFP4 runs at the rate of four bits (a guess)."""
ALL_REDUCES = {"vllm": "vllm", "sglang": "sglang", "trtllm": "trtllm", "deepseek": "trtllm"}
"""Framework -> whose all-reduce."""
EXCHANGES = {"trtllm": "NVLinkOneSided"}
"""Framework -> whose exchange of tokens, DeepEP's where none is named."""
HOSTS = {"sglang": "vllm", "deepseek": "vllm"}
"""Framework -> whose host times are taken, where no calibration row has its own: another server in Python."""
MLA_WIDTH = 160
"""Mean of the values of a head that are multiplied and that are summed, in MLA's prefill: (192 + 128) / 2."""


class PackageKernels(Kernels):
    """Kernels of one framework on one GPU of `server`, a package of dies; every answer is remembered."""

    def __init__(self, server: Server, framework: str, balance: str = "popular") -> None:
        if server.package is None:
            raise BadInput(Fault(f"{server.name} is no server of packages of several dies"))
        self.library: Library = server.package
        super().__init__(server, framework, balance)

    def _prepare(self) -> None:
        """Host times under the names that a step reads."""
        known, name = self.library.figures, HOSTS.get(self.framework, self.framework)
        host = {f"framework.{of}_s": known[f"step_{name}_{of}_s"] for of in ("step", "sequence")}
        self.figures = {**known, **host}

    def small(self, size: float) -> float:
        """A kernel that moves `size` bytes and computes next to nothing."""
        e = self.library.engine
        return self.figures["gemm_floor_bf16_s"] + size / (e.l2 if size <= e.kept / 2 else e.memory)

    def linear(self, m: int, n: int, k: int, form: str) -> float:
        """A linear layer of `m` tokens, weights n x k in a format of `FORMATS`."""
        family = FAMILIES[form]
        floor = self.figures["gemm_floor_bf16_s"] + self.figures.get(f"step_{family}_extra_s", 0.0)
        return self.library.gemm(m, n, k, family, floor)

    def attention(self, call: Attention, form: str, kv: str) -> float:
        """One attention call; form "gqa" or "mla"."""
        latent, eight = form == "mla", kv == "fp8"
        width = MLA_WIDTH if latent else call.qk
        row = AttentionRow(
            call.batch,
            call.heads,
            call.heads if latent else call.kv_heads,
            width,
            call.context,
            latent,
            call.phase == "decode",
            eight,
            eight,
            cast=self.framework == "sglang",
            new=call.queries if call.phase != "decode" else 0,
            bare=self.framework != "trtllm",
        )
        return self.library.attention(row)

    def absorbs(self, phase: str) -> bool:
        """Whether the framework runs MLA absorbed in that phase: in decode."""
        return phase == "decode"

    def _experts(self, layer: MoeLayer, counts: np.ndarray, form: str, sent: bool) -> float:
        """Seconds of a rank's experts with `counts` tokens each, weights in a format of `FORMATS`."""
        size = FORMATS[form][1]
        return self.library.moe(counts, layer.hidden, layer.intermediate, FAMILIES[form], size, "min_latency")

    def all_reduce(self, size: int, ranks: int) -> float:
        """An all-reduce of `size` bytes over `ranks` GPUs, in a CUDA graph."""
        return own_all_reduce(self.library.domain, ALL_REDUCES[self.framework], ranks, size)[0] if ranks > 1 else 0.0

    def exchange(self, phase: str, tokens: int, top_k: int, hidden: int, ranks: int, experts: int) -> float:
        """Dispatch or combine of `tokens` a rank over `ranks` GPUs."""
        if ranks == 1:
            return 0.0
        library = EXCHANGES.get(self.framework, "DeepEP_low_latency" if tokens <= LOW_LATENCY else "DeepEP_normal")
        where = "" if library in EXCHANGES.values() else "_gb200" if self.server.fabric.ranks > 8 else "_b200"
        each = token_bytes(library, phase, "", ranks, hidden, top_k)
        rate = self.library.domain.rate
        return exchange_seconds(self.library.figures, f"{library}_{phase}{where}", tokens, each, rate)


def kernels_of(server: Server, framework: str, balance: str = "popular") -> Kernels:
    """The kernels of a framework on a server, of one die or of several a GPU."""
    return (Kernels if server.package is None else PackageKernels)(server, framework, balance)
