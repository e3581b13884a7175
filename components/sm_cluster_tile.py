"""An SM cluster whose GEMM time comes from tiles and waves, in the place of a measured utilisation table.

Models      an expert's three GEMMs by the fastest tile, cluster and split of a cuBLAS-like set
            (docs/reference/kernels.md); its slices, one matrix each, take a third of their sum. Weights are in the L2:
            reading them is the LLC's and HBM's.
Leaves out  what sm.utilisation_table leaves out but for tiles and waves; the launch.
Checked by  tests/kernels/test_sm_cluster_tile.py
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from chipweave.chain import Asked
from chipweave.component import Param, Stat, component
from chipweave.kernel_models.chip import ELEMENT_BYTES, Chip
from chipweave.kernel_models.gemm import CUBLAS_TILES, Gemm, best_of

from .sm_cluster import SmCluster

CHIP_PARAMETERS = {
    "sms": "sms",
    "clock": "clock_hz",
    "tensor_clock": "tensor_clock_hz",
    "flop_per_clock": "flop_per_clk",
    "l2_bytes_per_clock": "l2_bytes_per_clk",
    "dram_bandwidth": "dram_bytes_per_s",
    "die_bandwidth": "die_memory_bytes_per_s",
    "shared_bytes_per_clock": "shared_bytes_per_clk",
}
TIMES = {"l2_latency": "l2_latency_s", "dram_latency": "dram_latency_s", "tma_latency": "tma_extra_s"}
PICOSECONDS = 10**12
MATRICES = 3  # of an expert: gate, up, down


RESIDENT = "weights come through the die's LLC and HBM, and its GEMMs have them in L2"


@component("sm.tile")
class SmClusterTile(SmCluster):
    """SMs of one die computing GEMMs: the fastest tile, cluster and split of a cuBLAS-like set, in waves over the SMs.

    Defaults are H100 SXM5: structure from its datasheet, the rest from the calibration rows named in
    docs/reference/kernels.md.
    """

    engine = "python"

    sms = Param("int", default=132, low=1, of="H100", doc="streaming multiprocessors")
    clock = Param("frequency", default="1980 MHz", low="1 MHz", of="H100", doc="boost clock")
    tensor_clock = Param("frequency", default="1755 MHz", low="1 MHz", of="H100", doc="clock under full tensor load")
    flop_per_clock = Param(
        "float", default=3645.22417, low=1.0, of="H100", doc="16-bit tensor flop of one SM and clock, as achieved"
    )
    l2_bytes_per_clock = Param("float", default=3942.4, low=1.0, of="H100", doc="read rate of the whole L2")
    shared_bytes_per_clock = Param(
        "float", default=124.1, low=1.0, of="H100", doc="what one SM writes to its shared memory"
    )
    dram_bandwidth = Param(
        "bandwidth", default="3352.32 GB/s", low="1 B/s", outside=RESIDENT, doc="pin rate of the stacks"
    )
    die_bandwidth = Param(
        "bandwidth", default="3942 GB/s", low="1 B/s", outside=RESIDENT, doc="what the die moves to memory at most"
    )
    dram_efficiency = Param(
        "float",
        default=0.937438004,
        low=0.01,
        high=1.0,
        outside=RESIDENT,
        doc="share of the pin rate that operand tiles reach",
    )
    l2_latency = Param("time", default="141616 ps", low="0 ps", of="H100", doc="near hit")
    dram_latency = Param("time", default="343636 ps", low="0 ps", outside=RESIDENT, doc="unloaded access")
    tma_latency = Param(
        "time", default="96866 ps", low="0 ps", of="H100", doc="what a TMA load takes beyond a plain one"
    )
    kernel_floor = Param(
        "time",
        default="1260 ns",
        low="0 ps",
        of="H100",
        doc="cost of the second kernel where the inner dimension is split",
    )
    dtype = Param("choice", choices=sorted(ELEMENT_BYTES), default="bfloat16", doc="type of the operands")
    gemms = Stat("kernels", "GEMMs timed")

    @cached_property
    def chip(self) -> Chip:
        """The die as the pure model sees it."""
        figures: dict[str, Any] = {
            name: float(getattr(self, own)) for own, name in CHIP_PARAMETERS.items() if own != "sms"
        }
        times: dict[str, Any] = {name: getattr(self, own) / PICOSECONDS for own, name in TIMES.items()}
        return Chip(self.name, sms=self.sms, **figures, **times)

    def facts(self) -> dict[str, Any]:
        """What policies may build on: the peak of each die, as its SMs achieve it."""
        peaks = [part.sms * part.flop_per_clock * part.tensor_clock for part in self.replicas if part]
        return {"compute": peaks[0] if len(set(peaks)) == 1 else tuple(peaks)}

    def duration(self, work: Any) -> Any:
        """A slice's share of its expert's three GEMMs, computed for each number of tokens once."""
        return Asked(lambda q: self.replicas[q.operands["die"]].slice_ps(work, q.operands["tokens"]))

    def slice_ps(self, work: Any, tokens: int) -> int:
        """ps of one slice of an expert of this Work for a number of tokens, half a picosecond up."""
        self.gemms += 1
        key = work.hidden, work.intermediate, tokens
        if key not in self.known:
            up, down = (
                self.choose(tokens, n, k, resident=True)[0]
                for n, k in ((work.intermediate, work.hidden), (work.hidden, work.intermediate))
            )
            self.known[key] = max(1, round((2 * up + down) / MATRICES * PICOSECONDS))
        return self.known[key]

    @cached_property
    def known(self) -> dict[tuple[int, int, int], int]:
        """(hidden, intermediate, tokens) -> ps, as far as it was needed."""
        return {}

    def choose(self, m: int, n: int, k: int, resident: bool = False) -> tuple[float, Any, int]:
        """(seconds, tile, split) for C[m, n] = A[m, k] B[n, k]; `resident`: B is in the L2 already."""
        return best_of(
            self.chip,
            Gemm(m, n, k, self.dtype),
            CUBLAS_TILES,
            self.dram_efficiency,
            self.kernel_floor / PICOSECONDS,
            resident=resident,
        )

    def gemm_ps(self, m: int, n: int, k: int) -> int:
        """Execution time in whole picoseconds, without the launch."""
        self.gemms += 1
        return round(self.choose(m, n, k)[0] * PICOSECONDS)
