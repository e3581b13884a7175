"""Synthetic traffic of the flit kernel (csrc/flit/traffic.h) for Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.fabric import ffi, lib

UNIFORM, ASYMMETRIC, DIAGONAL = lib.NOC_UNIFORM, lib.NOC_ASYMMETRIC, lib.NOC_DIAGONAL
HOT_SPOT, TARGETS = lib.NOC_HOT_SPOT, lib.NOC_TARGETS
BINS = lib.NOC_LATENCY_BINS


def run(
    kernel: Any,
    pattern: Any,
    load: Any,
    sizes: Any = ((1, 1),),
    targets: Any = None,
    weights: Any = None,
    on_off: Any = None,
    warmup: int = 1000,
    cycles: int = 1000,
    drain_limit: int = 100_000,
    seed: int = 1,
    empty: bool = False,
) -> Any:
    """Run warm-up, measurement and drain on an open `FlitSimulator`.

    sizes: (flits, weight) pairs; on_off: (alpha, beta, rate while on), one may be negative.
    Returns (dict of the fields of struct noc_traffic_result, latency histogram uint64[classes, 65536],
    flits ejected per endpoint uint64[E]).
    """
    c = ffi.new("struct noc_traffic *")
    keep = [ffi.new("int32_t[]", [int(s) for s, _ in sizes]), ffi.new("double[]", [float(w) for _, w in sizes])]
    c.pattern, c.load, c.sizes, c.size, c.size_weight = pattern, load, len(sizes), keep[0], keep[1]
    if targets is not None:
        keep.append(ffi.new("int32_t[]", [int(t) for t in targets]))
        c.target, c.targets = keep[-1], len(targets)
    if weights is not None:
        keep.append(ffi.new("double[]", [float(w) for w in weights]))
        c.target_weight = keep[-1]
    c.on_off, c.on_rate = on_off is not None, -1.0
    if on_off:
        c.alpha, c.beta, c.on_rate = on_off
    c.warmup, c.cycles, c.drain_limit, c.seed, c.empty = warmup, cycles, drain_limit, seed, empty
    result = ffi.new("struct noc_traffic_result *")
    bins = np.zeros((kernel.router.vc_classes, BINS), np.uint64)
    ejected = np.zeros(kernel.network.endpoints, np.uint64)
    kernel._check(
        lib.noc_run_traffic(
            kernel.net, c, result, ffi.from_buffer("uint64_t[]", bins), ffi.from_buffer("uint64_t[]", ejected)
        )
    )
    names = [name for name, _ in ffi.typeof("struct noc_traffic_result").fields]
    return {name: int(getattr(result, name)) for name in names}, bins, ejected
