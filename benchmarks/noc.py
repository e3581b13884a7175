"""The flit kernel's speed: flit-hops per CPU second, beside BookSim 2 where CHIPWEAVE_BOOKSIM names its binary.

Runs are interleaved and timed in CPU seconds; instructions per flit-hop (callgrind) do not depend on the machine and
are printed where valgrind is installed."""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chipweave.fabric.noc import FlitSimulator
from chipweave.noc.router import Router
from chipweave.noc.routing import grid
from chipweave.traffic import synthetic as traffic

CASES = [(8, 0.2, 100_000, 2000), (8, 0.4, 60_000, 1200), (16, 0.2, 20_000, 400), (32, 0.2, 6_000, 130)]
GOALS = {(8, 0.2): 200, (8, 0.4): 150, (16, 0.2): 350, (32, 0.2): 1000}
MERLIN = {8: 113_000, 16: 24_000}  # packets per CPU second of SST merlin 16.0, same workload, on a 2-core AMD EPYC
DESCRIPTION = """topology = mesh; k = {k}; n = 2; routing_function = dor; num_vcs = 4; vc_buf_size = 8;
vc_allocator = separable_input_first; sw_allocator = separable_input_first; credit_delay = 1; traffic = uniform;
routing_delay = 1; vc_alloc_delay = 1; sw_alloc_delay = 1; st_prepare_delay = 0; st_final_delay = 1;
packet_size = 1; injection_rate_uses_flits = 1; injection_rate = {load}; sim_type = latency; warmup_periods = 1;
sample_period = {period}; max_samples = 4; stopping_thres = -1.0; acc_stopping_thres = -1.0; seed = 1;"""


def load_of(k, share):
    """Flits per node and cycle at a share of a mesh's bisection bound."""
    return share * 4 / k


def ours(k, share, cycles):
    return traffic.run(grid([k, k]), Router(), "uniform", load_of(k, share), warmup=cycles // 10, cycles=cycles)


def booksim(binary, k, share, period):
    """Flit-hops per CPU second of one BookSim 2 run."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "run").write_text(DESCRIPTION.format(k=k, load=load_of(k, share), period=period))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = subprocess.run([binary, "run"], cwd=folder, capture_output=True, text=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    hops = float(re.findall(r"Hops average = ([\d.]+)", text)[-1])
    cycles = int(re.findall(r"Time taken is (\d+)", text)[-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return load_of(k, share) * k * k * cycles * hops / cpu


CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


def instructions(k, share, cycles):
    """Instructions of the kernel per flit-hop by callgrind, set-up cancelled by a run of twice the length; None without
    valgrind."""
    if not shutil.which("valgrind"):
        return None
    counts = []
    for length in (cycles, 2 * cycles):
        code = f"from benchmarks.noc import ours; print('flit-hops', ours({k}, {share}, {length})['flit_hops'])"
        done = subprocess.run(
            [*CALLGRIND, "--toggle-collect=noc_run_traffic", sys.executable, "-c", code],
            capture_output=True,
            text=True,
        )
        total, hops = re.search(r"Collected : (\d+)", done.stderr), re.search(r"flit-hops (\d+)", done.stdout)
        if not total or not hops:
            return None
        counts.append((int(total[1]), int(hops[1])))
    return (counts[1][0] - counts[0][0]) / (counts[1][1] - counts[0][1])


def counted():
    print(
        "\ninstructions a flit-hop (callgrind)"
        if shutil.which("valgrind")
        else "\n(no valgrind: no instruction counts)"
    )
    for k, share, cycles, _ in CASES:
        count = instructions(k, share, cycles // 30)
        if count:
            print(f"{k}x{k} {share:.0%}: {count:.0f}", flush=True)


def beside_booksim(binary):
    print("mesh, uniform, 1-flit packets, per-link statistics on, traffic generation included")
    print(f"{'case':>14} {'flit-hops/CPU s':>16} {'ns each':>8} {'BookSim 2':>10} {'ratio':>6} {'goal':>5}")
    for k, share, cycles, period in CASES:
        mine, other = 0.0, 0.0
        for _ in range(3):
            mine = max(mine, ours(k, share, cycles)["flit_hops_per_cpu_s"])
            other = max(other, booksim(binary, k, share, period)) if binary else 0.0
        beside = f"{other:10.3g} {mine / other:6.0f}" if binary else f"{'-':>10} {'-':>6}"
        print(f"{k}x{k} {share:>8.0%} {mine:16.3g} {1e9 / mine:8.1f} {beside} {GOALS[k, share]:5}", flush=True)
    if not binary:
        print("(set CHIPWEAVE_BOOKSIM to a BookSim 2 binary for the ratio)")


def beside_merlin():
    print("\nSST merlin's workload: 64 B packets of 8 flits, 2 VCs x 64 flits, uniform, saturating")
    for k, published in MERLIN.items():
        row = traffic.run(
            grid([k, k]), Router(vcs=2, vc_depth=64), "uniform", 8.0, "8", warmup=0, cycles=4000, drain_limit=0
        )
        rate = row["accepted_flits"] / 8 * k * k * 4000 / row["cpu_s"]
        print(f"{k}x{k}: {rate:.3g} packets/CPU s; merlin's published figure {published:.3g}", flush=True)


def growth():
    print("\ngrowth, 20 % of capacity, kernel memory per router")
    for k, cycles in ((32, 1000), (64, 400), (128, 150)):
        kernel = FlitSimulator(grid([k, k]), Router())
        row = traffic.run(
            kernel.network, kernel.router, "uniform", load_of(k, 0.2), warmup=0, cycles=cycles, kernel=kernel
        )
        print(
            f"{k}x{k}: {1e9 / row['flit_hops_per_cpu_s']:.1f} ns a "
            f"flit-hop, {kernel.memory / k / k / 1024:.1f} KiB a router, "
            f"{kernel.memory / 2**20:.0f} MiB held, process peak {row['peak_rss_bytes'] / 2**20:.0f} MiB",
            flush=True,
        )


CROSSING = [(0, 24), (4, 20), (20, 4), (2, 22), (10, 14), (5, 24)]


def stepped(kernel):
    """Cycles stepped, those of single groups that were stepped alone included."""
    return kernel.now - kernel.skipped["skipped"] + kernel.skipped["replayed"]


TRAINS = (
    ("one packet each", 1 << 30, 1),
    ("4 KiB packets, 2 VCs a message", 64, 4),
    ("4 KiB packets, 1 VC a message", 64, 8),
)
GENERAL = {
    "separable_output_first": {"vc_allocator": "separable_output_first", "sw_allocator": "separable_output_first"},
    "islip(2)": {"vc_allocator": "islip(2)", "sw_allocator": "islip(2)"},
    "wavefront": {"vc_allocator": "wavefront", "sw_allocator": "wavefront"},
    "matrix arbiters": {
        "vc_allocator": "separable_input_first(matrix)",
        "sw_allocator": "separable_input_first(matrix)",
    },
    "oldest first": {"priority": "age"},
    "by age in the network": {"priority": "network_age"},
    "by age in the router": {"priority": "local_age"},
    "by queue length": {"priority": "queue_length"},
    "speculative": {"speculative": 1},
    "piggyback": {"speculative": 1, "vc_allocator": "piggyback"},
    "hold_switch_for_packet": {"hold_switch_for_packet": 1},
    "speedups 2, 2, 1.5": {"input_speedup": 2, "output_speedup": 2, "internal_speedup": 1.5},
    "stages of 2 cycles": {"routing_delay": 2, "vc_alloc_delay": 2, "sw_alloc_delay": 2, "st_final_delay": 2},
}
PATIENCE_S = 2.0  # CPU; a longer size of what did not recur is not run


def crossing(size, packet, classes, **options):
    """(CPU s, kernel) of the six messages of `size` bytes each."""
    kernel = FlitSimulator(grid([5, 5]), Router(vcs=8, vc_classes=classes, **options))
    flits = size // 64
    kernel.send([(i, 0, flits, s, d, i % classes, min(packet, flits)) for i, (s, d) in enumerate(CROSSING)])
    cpu = time.process_time()
    kernel.drain(1 << 40)
    return time.process_time() - cpu, kernel


def curve(name, sizes, packet, classes, **options):
    """One line: CPU and cycles stepped against size; the longest stretch that did not recur."""
    cells, named = [], ""
    for size in sizes:
        cpu, kernel = crossing(1 << size, packet, classes, **options)
        cells.append(f"2^{size} B {1e3 * cpu:.1f} ms {stepped(kernel):,}/{kernel.now:,}")
        missed = kernel.unrepeated()[:1]
        named = (
            f"; did not recur: {missed[0]['flows']} flows for {missed[0]['cycles']:,} cycles"
            if missed and missed[0]["cycles"] > 10_000
            else ""
        )
        if cpu > PATIENCE_S / 30 and stepped(kernel) > kernel.now / 2:
            cells.append("longer ones not run")
            break
    print(f"{name}: " + "; ".join(cells) + named, flush=True)


def skipping():
    print("\nsix crossing messages on a 5x5 mesh, 8 VCs, 64 B flits: CPU ms, cycles stepped of all")
    for name, packet, classes in (*TRAINS, ("4 KiB packets, all VCs", 64, 1)):
        curve(name, (10, 16, 20, 26, 30), packet, classes)
    print("the same on the general engine")
    for option, values in GENERAL.items():
        for name, packet, classes in TRAINS:
            curve(f"{option}, {name}", (16, 20, 26, 30), packet, classes, **values)


def main():
    beside_booksim(os.environ.get("CHIPWEAVE_BOOKSIM"))
    counted()
    skipping()
    beside_merlin()
    growth()
