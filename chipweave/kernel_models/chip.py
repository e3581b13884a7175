"""The numbers of a die that the kernel-level models read, and how each follows from structure, datasheet or
calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

ELEMENT_BYTES = {"bfloat16": 2, "float16": 2, "fp8": 1, "fp8_block": 1, "int8": 1, "tf32": 4}
"""Bytes of one operand element; the tensor pipe does 2 / bytes times its 16-bit rate."""


@dataclass(frozen=True)
class Chip:
    """A die as GEMM and launch models see it. Rates in bytes or flop per SM clock, times in seconds, clocks in Hz.

    Structure and datasheet (differ between devices):
        sms, clock_hz (boost), dram_bytes_per_s (pin rate), l2_bytes
    Calibrated (shared by all devices; each with its row in validation/calibrated/kernels.yaml):
        flop_per_clk     16-bit tensor flop of one SM and clock, as achieved by back-to-back wgmma
        tensor_clock_hz  clock that the tensor rate is taken at: boards under full tensor load leave boost
        shared_bytes_per_clk  what one SM writes to its shared memory in a clock: the rate of L1, the same array
        l2_bytes_per_clk read rate of the whole L2
        port_bytes_per_clk  what one SM takes from the crossbar in a clock (DeepGEMM's own model of Hopper uses 64)
        l2_latency_s, dram_latency_s, tma_extra_s   unloaded latencies
        die_memory_bytes_per_s  what the die moves to or from memory at most, however fast the stacks are
    """

    name: str
    sms: int
    clock_hz: float
    dram_bytes_per_s: float
    l2_bytes: int = 50 * 2**20
    flop_per_clk: float = 4096.0
    tensor_clock_hz: float = 1.755e9
    l2_bytes_per_clk: float = 5120.0
    port_bytes_per_clk: float = 64.0
    shared_bytes_per_clk: float = 128.0
    l2_latency_s: float = 0.0
    dram_latency_s: float = 0.0
    tma_extra_s: float = 0.0
    die_memory_bytes_per_s: float = float("inf")

    def with_fit(self, **figures: Any) -> Chip:
        """The same die with calibrated figures."""
        return replace(self, **figures)

    def flop_per_s(self, dtype: str) -> float:
        """Dense tensor rate of the whole die for operands of `dtype`."""
        return self.sms * self.flop_per_clk * 2 / ELEMENT_BYTES[dtype] * min(self.tensor_clock_hz, self.clock_hz)

    @property
    def l2_bytes_per_s(self) -> float:
        """L2 read rate at the boost clock."""
        return self.l2_bytes_per_clk * self.clock_hz

    def memory_bytes_per_s(self, efficiency: float) -> float:
        """Memory rate of an access pattern that reaches `efficiency` of the pin rate, bounded by the die's own
        limit."""
        return min(self.dram_bytes_per_s * efficiency, self.die_memory_bytes_per_s)

    @property
    def shared_bytes_per_s(self) -> float:
        """What one SM writes to its shared memory."""
        return self.shared_bytes_per_clk * self.clock_hz

    @property
    def port_bytes_per_s(self) -> float:
        """What one SM takes from L2."""
        return self.port_bytes_per_clk * self.clock_hz
