"""uarch: single figures of the die. Those that a mechanism of the model gives are predicted; the others say what is
missing.

What the line-rate die can run is run on it: caches, memory, shared memory and clusters, bulk copies, launches. The
tensor pipe and atomics are not in it: their calibrated figures are carried to the row's device by its clock or its near
L2 latency."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np

from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.line_rate.sm_program import ORDER, Chase, Loop

from ..bench import bandwidth, clusters
from ..bench.chase import PROGRAM_2024, cycles
from ..bench.die import KIB, MIB, Die
from ..calibrate.die import far_cycles, near_cycles
from ..rows.chips import calibrated, chip_of
from ..rows.devices import Device, device_of
from ..rows.units import BYTES_PER_S, FLOP_PER_S, SECONDS, in_cycles, in_unit

PROBED = 4096
CLUSTER = re.compile(r"cluster (?:size )?(\d+)\b|\b(\d+) CTAs")
MAX_CLUSTER = 16
HANDOFF_DEVICE = Device("h100_pcie")  # where the atomic hand-off was measured


def miss_cycles(device: Any, far: Any) -> Any:
    """SM cycles of a chase through lines that no L2 holds, homes of one partition only.

    far: 0 the reader's partition, 1 the other. Lines are spread at random, four apart, so that no
    prefetch or open row helps; their home is found by touching them on a die of its own.
    """
    die = Die(device, sms=1)
    e, sm = die.endpoints, die.sms[0]
    lines = np.random.default_rng(1).permutation(1 << 20)[: 4 * PROBED] * 4
    e.attach(sm, ORDER, lines)
    level = [e.touch([sm], np.array([line * 128], dtype=np.uint64), mask=1) for line in lines]
    by_home = np.array([answered[4] > 0 for answered in level])  # level 1 + 3: memory by way of the other partition
    chosen = lines[by_home == far][:PROBED]
    die = Die(device, sms=1)
    e, sm = die.endpoints, die.sms[0]
    e.attach(sm, ORDER, chosen)
    die.program(sm, [Chase(), Loop(0, len(chosen))], 1)
    die.launch(sm)
    e.run()
    return e.now / len(chosen) / die.period_ps


@cache
def near(device: Any) -> Any:
    """SM cycles of a near L2 hit."""
    return near_cycles(device)


def handoff(device: Any, figures: Any, ways: Any) -> Any:
    """Seconds of `ways` hand-overs of a flag between SMs through an atomic in L2: as long as the way to L2 is."""
    own, measured = (near(d) / d.clock_hz for d in (device, HANDOFF_DEVICE))
    return ways * figures["atomic_handoff_s"] * own / measured


# ---- rules: words of the quantity -> what answers it from (question, device, calibrated figures)
# ---------------------------


def on_die(measure: Any) -> Any:
    """A rule that runs `measure` on the row's die, which returns SM cycles."""
    return lambda q, device, figures: in_cycles(q, measure(device), device.clock_hz)


def cluster_of(question: Any) -> Any:
    """SMs of the cluster that a row's words name; 2 where they name none."""
    found = CLUSTER.search(f"{question.quantity} {question.conditions}")
    return int(found[1] or found[2]) if found else 2


def remote(q: Any, device: Any, _: Any) -> Any:
    """The nearest neighbour's shared memory: every SM of a GPC is equally far."""
    if cluster_of(q) > MAX_CLUSTER:
        return NotModelled(f"a cluster has at most {MAX_CLUSTER} SMs")
    return in_cycles(q, clusters.remote_cycles(device, cluster_of(q)), device.clock_hz)


def cold(device: Any) -> Any:
    """SM cycles of a chase whose lines are not in L2: 1 GiB, by the program of 2024 that the rows cite."""
    return cycles(device, 1024 * MIB, PROGRAM_2024)


def per_clock(q: Any, device: Any, rate: Any, sms: int = 1) -> Any:
    """Bytes/s as the row asks for them: a clock (of `sms` SMs together), or a second."""
    return rate / device.clock_hz / sms if q.unit.startswith("B/cl") else in_unit(q, rate, BYTES_PER_S)


def l1_rate(q: Any, device: Any, _: Any) -> Any:
    """Bytes of L1 by one SM whose 1024 threads read 16 bytes each from one buffer of 64 KiB."""
    die = Die(device, sms=2)
    return per_clock(q, device, bandwidth.same_buffer(device, 64 * KIB, threads=1024, width=16, sms=2), len(die.sms))


def ring_copy(q: Any, device: Any, _: Any) -> Any:
    """Bytes/s of all SMs that read their neighbour's shared memory in a cluster."""
    if cluster_of(q) > MAX_CLUSTER:
        return NotModelled(f"a cluster has at most {MAX_CLUSTER} SMs")
    return in_unit(q, clusters.ring_copy(device, cluster_of(q)), BYTES_PER_S)


def tensor(dtype: Any) -> Any:
    """At the clock of the calibration row: the rows of one board differ in shape and type alone."""
    return lambda q, device, figures: in_unit(q, chip_of(q, figures).flop_per_s(dtype), FLOP_PER_S)


RULES = (
    ("own shared memory through DSM", on_die(lambda d: clusters.remote_cycles(d, peer=0))),
    ("shared memory load latency", on_die(clusters.shared_cycles)),
    (
        "shared-memory atomic CAS handoff",
        on_die(lambda d: 2 * clusters.shared_cycles(d)),
    ),  # the one that changes it, the one that sees it
    ("DSMEM remote l", remote),
    ("DSMEM ring-copy aggregate", ring_copy),
    ("DSMEM aggregate", ring_copy),
    ("TMA load extra latency", on_die(clusters.copy_extra_cycles)),
    ("TMA L2->SM", lambda q, d, _: per_clock(q, d, clusters.copy_rate(d), d.sms)),
    ("L1 hit latency", on_die(lambda d: cycles(d, 16 * KIB, PROGRAM_2024))),
    ("L1 throughput", l1_rate),
    ("L2 near-partition hit", on_die(near)),
    ("L2 hit latency", on_die(near)),
    ("L2 far-partition hit", on_die(far_cycles)),
    ("L2 miss via near", on_die(lambda d: miss_cycles(d, False))),
    ("L2 miss via far", on_die(lambda d: miss_cycles(d, True))),
    ("DRAM latency", on_die(cold)),
    ("L2 throughput", lambda q, d, f: per_clock(q, d, bandwidth.private_chunks(d, 8 * MIB))),
    ("global atomic CAS one-way", lambda q, d, f: in_unit(q, handoff(d, f, 1), SECONDS)),
    ("flag ping-pong round trip", lambda q, d, f: in_unit(q, handoff(d, f, 2), SECONDS)),
    ("wgmma m64n256k16 FP16 SS throughput", tensor("float16")),
    ("wgmma m64n256k32 FP8 SS throughput", tensor("fp8")),
    ("kernel launch call -> start", lambda q, d, _: in_unit(q, clusters.launch_call(d), SECONDS)),
)

MISSING = (
    ("multicast", "a bulk copy to several SMs is not modelled"),
    ("DSMEM", "the kernel of one pair of SMs is not stated: how many loads it keeps under way"),
    ("cluster.sync", "barriers of a cluster are not modelled: no calibration row sets their cost"),
    ("ClusterReduce", "a kernel of another project; its schedule is not in the model"),
    ("through global memory", "the fence and the polling between store and load are not stated"),
    ("constant", "constant caches are not modelled"),
    ("read-only", "the texture path is not modelled"),
    ("wgmma m64n256k16", "a single wgmma's latency is not used: the tensor pipe is taken at its rate"),
    ("mma", "mma of earlier generations and sparse wgmma are not modelled"),
    ("megakernel", "a kernel of another project; its schedule is not in the model"),
    ("bandwidth", "the kernel that measured it is not stated"),
    ("fabric", "a ratio over several devices"),
)


@case("h100", "uarch")
def predict(questions: list[Question]) -> Answers:
    """The figure of each row that a rule fits."""
    figures = calibrated()
    return {q.id: _answer(q, figures) for q in questions}


def _answer(q: Any, figures: Any) -> Any:
    """The answer of the first rule whose words stand in the row's quantity, or why there is none."""
    device = device_of(q)
    if isinstance(device, NotModelled):
        return device
    rule = next((answer for words, answer in RULES if words in q.quantity), None)
    if rule:
        return rule(q, device, figures)
    why = next((why for words, why in MISSING if words in q.quantity), "no part of the model measures this")
    return NotModelled(why)
