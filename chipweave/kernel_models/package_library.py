"""What kernels of libraries take on a package of dies: its structure, and the fitted figures of its family.

Floors and rates that belong to a framework's kernel come from calibration rows (chipweave/data/serving/packages); the
rest is structure and the maker's figures (`package_kernels`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .nvlink_calls import Domain
from .package import Package
from .package_kernels import (
    Engine,
    attention_decode,
    attention_prefill,
    gemm_seconds,
    mla_decode,
    moe_seconds,
)
from .streams import both
from .two_halves import memory_cycles

IN_FLIGHT = 32768
"""Bytes that an SM of a library's kernel has under way: half of the shared memory of one of its blocks, a guess."""
DECODE_IN_FLIGHT = 131072
"""The same of TensorRT-LLM's grouped-query decode, whose loads take most of the shared memory, a guess with predicted
rows in view; latent decode keeps its queries there."""
WIDENED = 8
"""Values that an SM widens from 8 to 16 bits in a cycle: a conversion unit of 16, one step for a pair and one for each
of its values to 32 bits and back (CUDA C++ programming guide, throughput of conversions), a guess with predicted rows
in view."""
BYTES = {"nvfp4": 0.5625, "fp8_block": 1.0, "fp8": 1.0}
"""Bytes of a weight with its scales: NVFP4 has one byte for sixteen values."""
GEMM_OPERANDS = dict.fromkeys(("bfloat16", "float16", "half", "f32"), "bf16") | dict.fromkeys(
    ("e4m3", "f8e4m3fn", "float8_e4m3fn"), "fp8"
)
"""Operands as rows of GEMMs name them -> as the figures do; f32 runs in 16 bits (a guess)."""
HELPERS = {True: 1, False: 2}
"""Decode or not -> kernels that TensorRT-LLM's attention call runs before the kernel that others call alone: queries,
keys and values are embedded and cached; before prompts, lengths are built too (TensorRT-LLM xqaDispatcher.cpp,
attentionOp.cpp: invokeQKVPreprocessing, invokeBuildDecoderInfo). Latent attention does both in a call of its own
(_torch/modules/attention.py, mla_rope_generation)."""
NVFP4_STEP = 256
"""Inner edge of a step of a block-scaled four-bit GEMM, which waits for each: a guess from the shared memory it
takes."""


@dataclass(frozen=True)
class AttentionRow:
    """One call: `latent` over MLA's compressed cache; `own`: FlashInfer's own kernel, which multiplies in the type of
    the query and widens a cache of eight bits; `eight`: the cache; `eight_query`: the query; `cast`: SGLang casts to
    eight bits before it; `new`: tokens of a sequence that a prefill computes, 0: all of `context`; `bare`: a framework
    other than TensorRT-LLM calls it, without `HELPERS`."""

    batch: int
    heads: int
    kv_heads: int
    width: int
    context: int
    latent: bool = False
    decode: bool = True
    eight: bool = False
    eight_query: bool = False
    own: bool = False
    cast: bool = False
    new: int = 0
    bare: bool = False


def kept_bytes(package: Package) -> float:
    """Bytes that a package's L2s keep of what each die reads an even share of: a die holds copies of its share, and
    the lines of its own memory that the others read."""
    dies = len(package.compute)
    return float(package.die.l2) * dies * dies / (2 * dies - 1)


class Library:
    """Kernels on one package.

    Args:
        package: its dies; tensor: its matrix units; links: payload of a GPU's links one way, bytes/s.
        figures: fitted values of the family's programs.
    """

    def __init__(self, package: Package, tensor: Any, links: float, figures: Mapping[str, float]) -> None:
        self.package, self.tensor, self.figures = package, tensor, figures
        self.links = links

    @cached_property
    def engine(self) -> Engine:
        """The package as kernels see it."""
        p, units = self.package, self.tensor
        latency = memory_cycles(p) / float(p.die.clock)
        rate = both(IN_FLIGHT * p.units / latency, p.total("memory_bandwidth"))
        stream = both(DECODE_IN_FLIGHT * p.units / latency, p.total("memory_bandwidth"))
        exponentials = float(p.units * units.exponentials * p.die.clock)
        l2 = self.figures["l2_bytes_per_s"]
        return Engine(
            p.units, rate, latency, float(units.flops_16), exponentials, float(p.die.clock), kept_bytes(p), l2, stream
        )

    @cached_property
    def domain(self) -> Domain:
        """The links of a GPU as calls see them."""
        known = self.figures
        rate = self.links * known["nvlink_share"]
        launch, share = known["gemm_floor_bf16_s"], known["switch_share"]
        return Domain(rate, known["nccl_call_s"], known["nccl_step_s"], launch, share)

    def peak(self, dtype: str) -> float:
        """Dense peak for operands of a type, FLOP/s."""
        if "fp4" in dtype:
            return float(self.tensor.flops_4)
        return float(self.tensor.flops_8 if "8" in dtype else self.tensor.flops_16)

    def family(self, dtype: str) -> tuple[str, float, float]:
        """(operands, seconds of a call before its work, share of the peak) of a GEMM's kernel; KeyError where there is
        none."""
        name = GEMM_OPERANDS.get(dtype, dtype)
        return name, self.figures[f"gemm_floor_{name}_s"], self.figures[f"gemm_share_{name}"]

    def gemm(self, m: int, n: int, k: int, dtype: str, floor: float | None = None) -> float:
        """Seconds of a GEMM; KeyError where no kernel takes `dtype`.

        Args:
            floor: seconds of a call before its work; None: as measured alone.
        """
        name, alone, share = self.family(dtype)
        step = NVFP4_STEP if name == "nvfp4" else 0
        rate, size = share * self.peak(name), BYTES.get(name, 2.0)
        return gemm_seconds(self.engine, m, n, k, size, rate, alone if floor is None else floor, unpipelined=step)

    def casts(self, call: AttentionRow, values: float) -> float:
        """Seconds of what SGLang casts to eight bits before the kernel, a launch each: keys and values (`values` of
        each) on their way to the cache; the query, where the kernel takes eight bits. Which casts there are was chosen
        with predicted rows in view."""
        if not call.cast or not call.eight:
            return 0.0
        launches = 2 if call.own else 3
        return launches * self.figures["gemm_floor_bf16_s"] + 2 * 3.0 * values / self.engine.memory

    def _floor(self, call: AttentionRow, which: str) -> float:
        """Seconds of an attention call before its work."""
        known = self.figures
        measured = known[f"{which}_{'decode' if call.decode else 'prefill'}_floor_s"]
        return measured - (HELPERS[call.decode] * known["gemm_floor_bf16_s"] if call.bare and not call.latent else 0.0)

    def attention(self, call: AttentionRow) -> float:
        """Seconds of a decode or prefill call."""
        known, e, kv = self.figures, self.engine, 1.0 if call.eight else 2.0
        which = "mla" if call.latent else "gqa"
        if not call.decode:
            return self._prefill(call, which)
        floor = self._floor(call, which)
        if call.latent:
            rate = known["attention_share"] * e.flops * (2.0 if call.eight else 1.0)
            return mla_decode(e, call.batch, call.heads, call.context, kv, floor, known["mla_split_s"], rate)
        floor += self.casts(call, call.batch * call.kv_heads * call.width)
        used = replace(e, stream=0.0) if call.own else e
        split = known["gqa_split_s"]
        seconds = attention_decode(
            used, call.batch, call.heads, call.kv_heads, call.width, call.context, kv, floor, split
        )
        if call.own and call.eight:
            values = 2.0 * call.batch * call.kv_heads * call.width * call.context
            seconds = max(seconds, floor + values / (WIDENED * e.units * e.clock))
        return seconds

    def _prefill(self, call: AttentionRow, which: str) -> float:
        """Seconds of a prefill call."""
        known = self.figures
        share = known["mla_prefill_share"] if call.latent else known["attention_share"]
        floor = self._floor(call, which)
        new = call.new or call.context
        if not call.latent:
            floor += self.casts(call, call.batch * new * call.kv_heads * call.width)
        widens = call.own and not call.eight_query
        faster = 2.0 if call.eight and not call.latent and not widens else 1.0
        return attention_prefill(
            self.engine, call.batch, call.heads, call.kv_heads, call.width, call.context, faster, share, floor, new
        )

    def moe(self, counts: np.ndarray, hidden: int, inter: int, dtype: str, size: float, kernel: str = "") -> float:
        """Seconds of the routed experts of a rank; KeyError where no kernel takes `dtype`.

        Args:
            counts: int array (experts of the rank): tokens of each.
            inter: columns of an expert on this rank; size: bytes of a weight with its scales.
            kernel: as its rows name it: "deepgemm" lays every expert out, "min_latency" ones do not wait for scales.
        """
        known = self.figures
        rate = known[f"gemm_share_{dtype}"] * self.peak(dtype)
        laid_out = len(counts) * known["moe_expert_block_s"] if kernel == "deepgemm" else 0.0
        step = NVFP4_STEP if dtype == "nvfp4" and "min_latency" not in kernel else 0
        return moe_seconds(self.engine, counts, hidden, inter, size, rate, known["moe_floor_s"] + laid_out, step)
