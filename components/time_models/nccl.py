"""NCCL on one NVSwitch node: the schedules of collective_schedules.py, in the protocols and channels NCCL would choose.

What a call costs: a fixed cost, then the schedule's ops. Channels are equal, so one op stands for all channels of a
rank's step. In each protocol a thread block moves bytes at a rate of its own (LL: flags beside every 4 bytes and no
bulk stores; Simple: plain copies, a fence and a flag for every slice), and may be held back by the links.

Leaves out  registered buffers, other tuners, more than one node, the memory behind the links.
Checked by  tests/comm/test_nccl.py; the ledger's group nccl
"""

from __future__ import annotations

from typing import Any

from chipweave.component.time_model import TimeModel, time_model
from chipweave.declare import Param

from . import collective_schedules as schedules
from . import nccl_choice as choice
from .nccl_choice import KIB, LL, LL128, SIMPLE
from .transfer_program import Op, pieces, run

US = 10**6
SCHEDULES = {
    "all_gather": schedules.ring_all_gather,
    "reduce_scatter": schedules.ring_reduce_scatter,
    "all_reduce": schedules.ring_all_reduce,
}
WIRE = {LL: 2, LL128: 128 / 120, SIMPLE: 1}  # bytes on the link for a byte of payload
RING_THREADS, P2P_THREADS = 512, 288  # that copy, in a ring's thread block; in the send or receive half of an exchange
RING_CHUNK = 4 * 512 * KIB  # 4 of the 8 steps of a 4 MiB buffer (chunkSteps)


@time_model("comm.nccl")
class Nccl(TimeModel):
    "Collectives as NCCL 2.29-2.30 does them on one node."

    floor = Param(
        "time",
        default="5.9 us",
        rounding=True,
        doc="a call before its first byte: launch, start, end (calibration nccl-0022)",
    )
    ll_rate = Param("bandwidth", default="8.2 GB/s", doc="one thread block of 512 threads, LL (calibration nccl-0014)")
    copy_rate = Param(
        "bandwidth", default="25 GB/s", doc="one thread block of 512 threads, Simple, ring (calibration nccl-0018)"
    )
    send_rate = Param(
        "bandwidth", default="19 GB/s", doc="the sending half of a thread block, exchange (calibration nccl-0042)"
    )
    unpack_rate = Param(
        "bandwidth", default="31 GB/s", doc="the receiving half, out of the buffer (calibration nccl-0033)"
    )
    ll_hop = Param("time", default="0.6 us", doc="a step's latency, LL: NCCL's hwLatencies")
    ll128_hop = Param("time", default="1.9 us", doc="the same, LL128")
    slice_sync = Param(
        "time", default="1.7 us", doc="wait, fence and flag of one slice, Simple: NCCL's 3.4 us a step of two slices"
    )
    nvls_latency = Param(
        "time", default="25 us", doc="one chunk through scatter, reduce and gather: NCCL's hwLatencies"
    )
    ll128_rate = Param("bandwidth", default="36.7 GB/s", doc="one channel, LL128: NCCL's perChMaxRingLL128Bws")

    def time(
        self, collective: str, ranks: int, size: int, fabric: Any, protocol: str | None = None, nvls: bool = True
    ) -> int:
        """ps of one call.

        Args:
            collective: all_gather, reduce_scatter, all_reduce or alltoall.
            size: bytes of the larger buffer of a rank, as nccl-tests counts.
            fabric: the `Fabric` of the node.
            protocol: None, or "LL", "LL128", "Simple" to have a ring in that protocol whatever NCCL would choose.
            nvls: False where in-switch reduction is turned off.
        """
        fabric.links(ranks)  # refuses ranks that are not there
        if collective == "alltoall":
            return self.floor + self._exchange(ranks, size, fabric)
        bandwidth = float(fabric.bandwidth) / 1e9
        if protocol:
            chosen = choice.with_channels("ring", protocol, ranks, size, bandwidth)
        else:
            chosen = choice.choose(collective, ranks, size, bandwidth, nvls)
        return self.time_of(chosen, collective, ranks, size, fabric)

    @staticmethod
    def bus_share(collective: Any, ranks: Any) -> Any:
        """nccl-tests' bus bandwidth over size / time: what each link must carry at least, over the size."""
        return (2 if collective == "all_reduce" else 1) * (ranks - 1) / ranks

    def time_of(self, chosen: choice.Choice, collective: str, ranks: int, size: int, fabric: Any) -> int:
        """The same with a given `Choice`."""
        links = fabric.links(ranks)
        if chosen.algorithm == "nvls":
            return self.floor + self._nvls(ranks, size, links)
        if chosen.algorithm == "tree":
            steps = schedules.chain_all_reduce(ranks, size)
            return self.floor + max(run(self._ops(steps, chosen), links))
        chunk = (
            RING_CHUNK if chosen.protocol == SIMPLE else size
        )  # LL and LL128 stream: their flags travel with the data
        program = lambda block: self._ops(SCHEDULES[collective](ranks, block), chosen)  # noqa: E731
        return self.floor + pieces(program, choice.ring_pieces(-(-size // ranks), chosen.channels, chunk), links)

    def _ops(self, steps: list[schedules.Step], chosen: choice.Choice) -> list[Op]:
        """The steps of a ring or chain as ops of all `chosen.channels`."""
        cap = chosen.channels * self._rate(chosen)
        wire, ops = WIRE[chosen.protocol], []
        for step in steps:
            links = {("out", step.rank): wire, ("in", step.to): wire} if step.to is not None else {}
            ops.append(Op(step.rank, step.size, cap, links, step.after, self._latency(step, chosen)))
        return ops

    def _rate(self, chosen: choice.Choice) -> Any:
        """Bytes/s that one channel's thread block moves under the protocol; Simple's grows with its threads."""
        if chosen.protocol == LL:
            return self.ll_rate
        return (
            self.ll128_rate
            if chosen.protocol == LL128
            else self.copy_rate * min(chosen.threads, RING_THREADS) / RING_THREADS
        )

    def _latency(self, step: schedules.Step, chosen: choice.Choice) -> int:
        if chosen.protocol == SIMPLE:
            return self.slice_sync * (2 if step.size > chosen.channels * 32 * KIB else 1)
        return 0 if not step.after else self.ll_hop if chosen.protocol == LL else self.ll128_hop

    def _nvls(self, ranks: int, size: int, links: dict[tuple[str, int], Any]) -> int:
        """Scatter, reduce in the switch, gather: three stages that work on successive chunks. All heads reduce at once
        and share the links evenly: a slice goes n + 1 times over a link (n pulled, one sum), that is the reducing
        stage's rate."""
        chunk = choice.nvls_chunk(size, ranks)
        warps = 20 - (7 if ranks <= 6 else 5)  # of the 20: those that scatter and gather
        per_thread = choice.NVLS_CHANNELS * self.unpack_rate / P2P_THREADS
        caps = {
            "scatter": (warps + 1) // 2 * 32 * per_thread,
            "gather": warps // 2 * 32 * per_thread,
            "reduce": links["out", 0] / (ranks + 1),
        }
        latency = (self.nvls_latency - self.floor) // 3

        def program(slice_: Any) -> Any:
            ops = []
            for step in schedules.switch_all_reduce(ranks, slice_):
                used = (
                    {}
                    if step.kind != "reduce"
                    else {**{("out", r): 1 for r in range(ranks)}, **{("in", r): 1 for r in range(ranks)}}
                )
                if used:  # pulls its slice from all ranks, sends the sum to all
                    used[("out", step.rank)], used[("in", step.rank)] = 2, 2
                ops.append(Op((step.rank, step.kind), step.size, caps[step.kind], used, step.after, latency))
            return ops

        return pieces(program, choice.ring_pieces(-(-size // ranks), choice.NVLS_CHANNELS, chunk), links)

    def _exchange(self, ranks: int, size: int, fabric: Any) -> int:
        """All-to-all by sends and receives, every pair at once, each on thread blocks of its own."""
        part = -(-size // ranks)
        count = choice.exchange_channels(ranks, part, float(fabric.bandwidth) / 1e9)
        links = fabric.links(ranks, exchange=True)
        simple = part > count * 16 * KIB
        latency = self.slice_sync if simple else self.ll_hop
        send = count * (self.send_rate if simple else self.ll_rate * P2P_THREADS / RING_THREADS)
        wire = 1 if simple else WIRE[LL]

        def program(bytes_: Any) -> Any:
            ops = []
            for step in schedules.exchange(ranks, lambda a, b: bytes_):
                if step.kind == "send":
                    ops.append(
                        Op(
                            (step.rank, "to", step.to),
                            bytes_,
                            send,
                            {("out", step.rank): wire, ("in", step.to): wire},
                            (),
                            latency,
                        )
                    )
                elif simple:  # LL lines are read as they come
                    ops.append(
                        Op((step.rank, "from", step.block), bytes_, count * self.unpack_rate, {}, step.after, latency)
                    )
            return ops

        return pieces(program, choice.ring_pieces(part, count, 512 * KIB), links)
