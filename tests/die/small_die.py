"""A die small enough for the plain twins: 4 SMs, 4 slices, 2 channels, tiny caches."""

from chipweave.line_rate.endpoints import Endpoints

KERNEL, ORDER, LAUNCH = 1, 3, 1
LOAD, STORE, CHASE, WAIT, LOOP, WORK, JUMP, GATHER = range(1, 9)


def small(engine="kernel", sm={}, llc={}, hbm={}, sms=4):
    """(Endpoints, SMs, slices, channels). Slice j of partition p is number 2 p + j."""
    e = Endpoints(64, 256, seed=3, engine=engine)
    m = [
        e.add(
            "sm",
            **{
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
        e.add("llc_slice", **{"sets": 4, "ways": 4, "slices": 4, "partition": p, "write_backs": 3, **llc})
        for p in (0, 1)
        for j in (0, 1)
    ]
    h = [e.add("hbm_channel", **{"phase": 1000 * i, "high_mark": 8, "low_mark": 2, **hbm}) for i in range(4)]
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
