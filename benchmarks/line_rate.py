"""Line accesses per CPU second through SM, crossbar, L2 slice and HBM channel: the kernel's engine beside the plain
twin's.

A stream of reads that miss every cache on a quarter of an H100: 32 SMs, 20 slices and channels. One access is one line
of 128 B."""

import time

from chipweave.line_rate.endpoints import Endpoints
from chipweave.line_rate.sm_program import LAUNCH, Load, Loop, Program, Wait

SMS, SLICES = 32, 20
# Near an H100's, of no device: a benchmark of the engine, not of hardware.
SM = dict(
    clock=1_755_000_000,
    l1_sets=933,
    l1_ways=2,
    hit_cycles=32,
    miss_cycles=83,
    lsu_bytes=128,
    lsu_banks=32,
    lsu_tags=4,
    shared_cycles=29,
    load_sectors=384,
    store_sectors=384,
    turnaround=450,
    warp_launch=1,
    unit=4,
)
LLC = dict(sets=320, ways=16, latency=40_000, sector_fs=370_000, fill=2, write_backs=32, unit=4)
HBM = dict(
    tck=625_000,
    pseudo_channels=2,
    bank_groups=8,
    banks=32,
    row_lines=8,
    high_mark=48,
    low_mark=16,
    unit=2,
    nBL=2,
    nCL=20,
    nCWL=10,
    nRCDRD=31,
    nRCDWR=15,
    nRP=26,
    nRAS=45,
    nRC=72,
    nWR=33,
    nRTP=9,
    nCCDS=2,
    nCCDL=4,
    nRRDS=4,
    nRRDL=5,
    nFAW=24,
    nWTRS=7,
    nWTRL=10,
    nRTW=20,
    nRREFD=13,
    nRFC=560,
    nRFCpb=320,
    nREFI=6240,
)


def build(engine, blocks):
    """The parts, wired, with `blocks` blocks of 256 threads that read 8 KiB each."""
    e = Endpoints(SMS + 2 * SLICES, SMS * SLICES + 2 * SLICES, engine=engine)
    sms = [e.add("sm", **SM, slices=SLICES, partition=i % 2) for i in range(SMS)]
    slices = [e.add("llc_slice", **LLC, slices=SLICES, partition=p) for p in (0, 1) for _ in range(SLICES // 2)]
    channels = [e.add("hbm_channel", **HBM, phase=300 * i) for i in range(SLICES)]
    half = SLICES // 2
    for i, sm in enumerate(sms):
        for j in range(half):
            e.wire(sm, "memory", slices[i % 2 * half + j], "near", 30_000)
        read = Load(block_step=8192, warp_step=256, loop_step=2048)
        Program([read, Loop(to=0, times=4), Wait()], 256, 4, i, SMS, blocks).attach(e, sm)
        e.start(sm, LAUNCH)
    for j in range(half):
        e.wire(slices[j], "peer", slices[half + j], "peer", 24_000)
        for p in (0, 1):
            e.wire(slices[p * half + j], "memory", channels[2 * j + p], "access", 5_000)
    return e, sms, channels


def main():
    rates = {}
    for engine, blocks in (("kernel", 4096), ("plain", 64)):
        e, sms, channels = build(engine, blocks)
        start = time.process_time()
        e.run()
        spent = time.process_time() - start
        lines = e.total(sms, "misses")
        rates[engine] = lines / spent
        print(
            f"{engine:7} {lines:8} line accesses, {e.events:9} events, "
            f"{spent:6.2f} CPU s: {lines / spent:12,.0f} accesses/s"
        )
    print(f"kernel / plain: {rates['kernel'] / rates['plain']:.0f}")


if __name__ == "__main__":
    main()
