"""Line accesses per CPU second through SM, crossbar, L2 slice and HBM channel: the kernel's engine beside the plain twin's.

A stream of reads that miss every cache on a quarter of an H100: 32 SMs, 20 slices and channels. One access is one line of 128 B.
"""

import time

from chipweave.line_rate.endpoints import Endpoints

SMS, SLICES = 32, 20
LOAD, WAIT, LOOP = 1, 4, 5
KERNEL, LAUNCH = 1, 1


def build(engine, blocks):
    """The parts, wired, with `blocks` blocks of 256 threads that read 8 KiB each."""
    e = Endpoints(SMS + 2 * SLICES, SMS * SLICES + 2 * SLICES, engine=engine)
    sms = [e.add("sm", slices=SLICES, partition=i % 2) for i in range(SMS)]
    slices = [e.add("llc_slice", slices=SLICES, partition=p) for p in (0, 1) for _ in range(SLICES // 2)]
    channels = [e.add("hbm_channel", phase=300 * i) for i in range(SLICES)]
    half = SLICES // 2
    for i, sm in enumerate(sms):
        for j in range(half):
            e.wire(sm, "memory", slices[i % 2 * half + j], "near", 30_000)
        load = [LOAD, 0, 8192, 1 << 40, 256, 2048, 8, 8, 32, 0]
        e.attach(sm, KERNEL, [256, 4, i, SMS, blocks, 0, 0, *load, LOOP, 0, 4, *[0] * 7, WAIT, *[0] * 9])
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
            f"{engine:7} {lines:8} line accesses, {e.events:9} events, {spent:6.2f} CPU s: {lines / spent:12,.0f} accesses/s"
        )
    print(f"kernel / plain: {rates['kernel'] / rates['plain']:.0f}")


if __name__ == "__main__":
    main()
