"""A die small enough for the plain twins: 4 SMs, 4 slices, 2 channels, tiny caches."""

from types import MappingProxyType

from chipweave.line_rate import sm_program
from chipweave.line_rate.endpoints import Endpoints

KERNEL, ORDER, LAUNCH = sm_program.KERNEL, sm_program.ORDER, sm_program.LAUNCH
LOAD, STORE, CHASE, WAIT, LOOP, WORK, JUMP, GATHER, SHARED, COPY, BARRIER = (
    getattr(sm_program.lib, f"SM_OP_{name}")
    for name in "LOAD STORE CHASE WAIT LOOP WORK JUMP GATHER SHARED COPY BARRIER".split()
)

# Numbers of no device, near those of an H100: what the closed forms of the tests are worked out with.
SM = {
    "clock": 1_755_000_000,
    "l1_sets": 933,
    "l1_ways": 2,
    "hit_cycles": 32,
    "miss_cycles": 83,
    "lsu_bytes": 128,
    "lsu_banks": 32,
    "lsu_tags": 4,
    "shared_cycles": 29,
    "load_sectors": 384,
    "store_sectors": 384,
    "turnaround": 450,
    "warp_launch": 1,
    "slices": 80,
    "unit": 4,
}
LLC = {
    "sets": 320,
    "ways": 16,
    "latency": 40_000,
    "sector_fs": 370_000,
    "slices": 80,
    "fill": 2,
    "write_backs": 32,
    "unit": 4,
}
JEDEC = {
    "nBL": 2,
    "nCL": 20,
    "nCWL": 10,
    "nRCDRD": 31,
    "nRCDWR": 15,
    "nRP": 26,
    "nRAS": 45,
    "nRC": 72,
    "nWR": 33,
    "nRTP": 9,
    "nCCDS": 2,
    "nCCDL": 4,
    "nRRDS": 4,
    "nRRDL": 5,
    "nFAW": 24,
    "nWTRS": 7,
    "nWTRL": 10,
    "nRTW": 20,
    "nRREFD": 13,
    "nRFC": 560,
    "nRFCpb": 320,
    "nREFI": 6240,
}
HBM = {
    "tck": 625_000,
    "pseudo_channels": 2,
    "bank_groups": 8,
    "banks": 32,
    "row_lines": 8,
    "high_mark": 48,
    "low_mark": 16,
    "unit": 2,
    **JEDEC,
}


NO = MappingProxyType({})  # parameters beside those of the small die


def small(engine="kernel", sm=NO, llc=NO, hbm=NO, sms=4):
    """(Endpoints, SMs, slices, channels). Slice j of partition p is number 2 p + j."""
    e = Endpoints(64, 256, seed=3, engine=engine)
    m = [
        e.add(
            "sm",
            **{
                **SM,
                "clock": 10**9,
                "l1_sets": 4,
                "l1_ways": 2,
                "slices": 4,
                "partition": i % 2,
                "load_sectors": 24,
                "store_sectors": 12,
                "turnaround": 20,
                **sm,
            },
        )
        for i in range(sms)
    ]
    s = [
        e.add("llc_slice", **{**LLC, "sets": 4, "ways": 4, "slices": 4, "partition": p, "write_backs": 3, **llc})
        for p in (0, 1)
        for j in (0, 1)
    ]
    h = [e.add("hbm_channel", **{**HBM, "phase": 1000 * i, "high_mark": 8, "low_mark": 2, **hbm}) for i in range(4)]
    for i, part in enumerate(m):
        e.rate(part, "memory", 16000, 16000)
        for j in (0, 1):
            e.wire(part, "memory", s[2 * (i % 2) + j], "near", 30_000)
    for j in (0, 1):
        e.wire(s[j], "peer", s[2 + j], "peer", 20_000)
        for p in (0, 1):
            e.wire(s[2 * p + j], "memory", h[2 * j + p], "access", 5_000)
    return e, m, s, h


def program(e, sm, ops, threads=32, at_once=1, first=0, step=1, blocks=1):
    """Give an SM its kernel and launch it."""
    words = [threads, at_once, first, step, blocks, 0, 0]
    for op in ops:
        words += [*op, *[0] * (10 - len(op))]
    e.attach(sm, KERNEL, words)
    e.start(sm, LAUNCH)


def outcome(e, parts):
    """All that can be seen from outside."""
    return e.now, e.events, [e.statistics(p) for p in parts]
