"""`RUN.yaml` of a server read, played and summed up: schema `chipweave.serve_run/1`, result `chipweave.serve/1`.

Times inside are seconds of simulated time from the first instant; the document has ms. TTFT, TPOT
and ITL are as serving benchmarks define them: first token after arrival; mean time of the tokens
after the first; each gap between two tokens of one request.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from chipweave.declare import registry, yamlfile
from chipweave.declare.params import check_head
from chipweave.declare.user_code import Gate, is_code
from chipweave.errors import BadInput, Fault, Faults, Stuck, nearest
from chipweave.serving import load as loads
from chipweave.serving.composed import choice_of
from chipweave.serving.policies import ROLES, BatchingPolicy, PreemptionPolicy, Request
from chipweave.serving.server import Engine, Limits, World
from chipweave.serving.setup import setup
from chipweave.serving.step import Setup
from chipweave.serving.system import load as load_system

UNDER = ("strategy", "link_model", "preset")
"""Under what the experts of a composed system run (chipweave.serving.composed.Choice)."""

KEYS = (
    "schema",
    "name",
    "about",
    "system",
    "model",
    "parallel",
    "precision",
    "framework",
    "balance",
    *UNDER,
    "requests",
    "server",
    "prefill",
    "seed",
)
SERVER = ("batching", "preemption", "step_tokens", "running", "block")
BATCHING = {"vllm": "chunked", "sglang": "prefill_first", "trtllm": "inflight", "deepseek": "chunked"}
"""What each framework does where a run does not say."""


@dataclass(frozen=True)
class ServerRun:
    """A run as read.

    prefill: the setup that computes prompts where it is apart from the one that decodes; None: one
    engine does both. source: the file it was read from, its path and what it says.
    """

    setup: Setup
    prefill: Setup | None
    load: loads.Load
    limits: Limits
    batching: BatchingPolicy
    preemption: PreemptionPolicy
    source: dict[str, Any]


def read(path: str | Path, allow_code: bool = False) -> ServerRun:
    """A run file; BadInput with every fault.

    allow_code: whether a policy may be code of the user's. The model is laid out for the longest
    request, so that a layout without room for it is refused before the run.
    """
    root, gate = yamlfile.load(Path(path)), Gate(allow_code)
    faults = check_head(
        root, "run of a server", "chipweave.serve_run/1", KEYS, ("schema", "system", "model", "requests")
    )
    given: dict[str, yamlfile.Node] = root.value
    text = lambda key, default="": _text(given, key, default, faults)  # noqa: E731
    framework, seed = text("framework", "vllm"), given["seed"].value if "seed" in given else 1
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        faults.add(f"seed cannot be {given['seed'].shape()}", given["seed"].place, "a whole number")
        seed = 1
    wanted = loads.read(given["requests"], seed, Path(path).parent, faults)
    server = given["server"] if "server" in given else yamlfile.Node({}, root.place)
    if not server.is_map:
        faults.add(f"server must be a mapping, not {server.shape()}", server.place, ", ".join(SERVER))
        server = yamlfile.Node({}, server.place)
    for key in server.value:
        if key not in SERVER:
            faults.add(f"server has no {key!r}", server.keys[key], ", ".join(SERVER), nearest(key, SERVER))
    limits = Limits(
        *(_whole(server, k, d, faults) for k, d in (("step_tokens", 8192), ("running", 256), ("block", 16)))
    )
    policies = [
        _policy(server, role, default, gate, Path(path).parent, faults)
        for role, default in (("batching", BATCHING.get(framework, "chunked")), ("preemption", "newest"))
    ]
    system, model, ways = text("system"), text("model"), text("parallel")
    formats, balance = text("precision", "bf16"), text("balance", "popular")
    under = choice_of({key: text(key) for key in UNDER})
    gate.raise_if_refused()
    faults.raise_if_any()
    assert wanted is not None  # or there were faults
    longest = max(p + o for p, o in zip(wanted.prompts, wanted.outputs, strict=True))
    common = (formats, framework, "plain", balance, 1, longest, under, True)
    made = setup(system, model, ways, *common)
    apart = None
    if "prefill" in given:
        node = given["prefill"]
        if not node.is_map or set(node.value) - {"system", "parallel"}:
            raise BadInput(Fault(f"prefill must be a mapping of system and parallel, not {node.shape()}", node.place))
        own: dict[str, yamlfile.Node] = node.value
        where, ranks = _text(own, "system", system, faults), _text(own, "parallel", "", faults)
        faults.raise_if_any()
        if made.kernels.server.composed or load_system(where).composed:
            what = f"prefill apart: no link leads from {where} to {system}"
            raise BadInput(Fault(what, node.place, "prefill and decode together, or systems of nodes with adapters"))
        apart = setup(where, model, ranks, *common)
    source = {"path": str(Path(path).resolve()), "settings": root.plain()}
    batching, preemption = policies
    return ServerRun(made, apart, wanted, limits, batching, preemption, source)


def _text(given: dict[str, yamlfile.Node], key: str, default: str, faults: Faults) -> str:
    """The text under `key`; a fault where it is a mapping or a list."""
    node = given.get(key)
    if node is None:
        return default
    if not node.is_scalar:
        faults.add(f"{key} must be a text, not {node.shape()}", node.place)
        return default
    return node.text


def _whole(server: yamlfile.Node, key: str, default: int, faults: Faults) -> int:
    """A whole number of `server`, 1 to 2^24; the default where it is left out or wrong (with a fault)."""
    node = server.get(key)
    if node is None:
        return default
    if not isinstance(node.value, int) or isinstance(node.value, bool) or not 1 <= node.value <= 1 << 24:
        faults.add(f"{key} cannot be {node.shape()}", node.place, f"a whole number from 1 to {1 << 24}")
        return default
    return node.value


def _policy(server: yamlfile.Node, role: str, default: str, gate: Gate, folder: Path, faults: Faults) -> Any:
    """The policy of a role: a name, a full kind, or code; None after a fault."""
    node = server.get(role)
    name, place = (node.text, node.place) if node is not None else (default, server.place)
    if is_code(name):
        cls = gate.load(name, folder, ROLES[role], place)
        return cls(role) if cls else None
    kinds = [k for k in registry.serving_policies.kinds() if k.startswith(f"{role}.")]
    full = name if name.startswith(f"{role}.") else f"{role}.{name}"
    if full not in kinds:
        names = [k.partition(".")[2] for k in kinds]
        faults.add(f"unknown {role} policy {name!r}", place, ", ".join(names), nearest(name, names))
        return None
    return registry.serving_policies.find(full)(role)


def play(run: ServerRun, left: Callable[[World], None] | None = None) -> dict[str, Any]:
    """The result document; runs until every request has left, and then calls `left`."""
    world = World()
    parts = [(run.prefill, "prefill"), (run.setup, "decode")] if run.prefill else [(run.setup, "")]
    world.engines = [Engine(world, s, run.batching, run.preemption, run.limits, only) for s, only in parts]
    requests = [Request(i, 0.0, p, o) for i, (p, o) in enumerate(zip(run.load.prompts, run.load.outputs, strict=True))]
    if run.load.arrivals is None:
        _closed_loop(world, requests, run.load.loop)
    else:
        world.env.process(_arrive(world, requests, run.load.arrivals))
    world.env.run()
    if left:
        left(world)
    found = summary(world, len(requests), sum(s.layout.gpus for s, _ in parts))
    return {**found, "inherited": dict(run.setup.kernels.server.inherited), "run": run.source}


def _closed_loop(world: World, requests: Sequence[Request], loop: int) -> None:
    """Keep `loop` requests in the server: each that leaves lets the next one arrive."""
    left = iter(requests)

    def next_one(_: Request | None = None) -> None:
        request = next(left, None)
        if request is not None:
            request.arrived = world.env.now
            world.engines[0].put(request)

    world.on_leave.append(next_one)
    for _ in range(min(loop, len(requests))):
        next_one()


def _arrive(world: World, requests: Sequence[Request], times: Sequence[float]) -> Generator[simpy.Event, Any, None]:
    """The arrivals of an open loop, `times` seconds apart: the clock starts at the first of them, whatever it says."""
    for request, at in zip(requests, times, strict=True):
        yield world.env.timeout(max(0.0, at - times[0] - world.env.now))
        request.arrived = world.env.now
        world.engines[0].put(request)


def summary(world: World, count: int, gpus: int) -> dict[str, Any]:
    """The document `chipweave.serve/1`.

    Rates are over the whole run, first arrival to last token, start and drain included. TPOT leaves
    out requests of one token.

    Raises:
        Stuck: a policy left requests that it never began.
    """
    done = sorted(world.left, key=lambda r: r.number)
    if len(done) != count:
        kinds = ", ".join(dict.fromkeys(e.batching.kind for e in world.engines))
        raise Stuck(f"{kinds}: {len(done)} of {count} requests were answered, the others are never begun")
    seconds = max(r.last for r in done) - min(r.arrived for r in done)
    tokens = sum(r.output for r in done)
    several = [r for r in done if r.output > 1]
    per_user = [(r.output - 1) / (r.last - r.first) for r in several if r.last > r.first]
    engines = [
        {
            "does": e.only or "prefill and decode",
            "steps": e.steps,
            "busy": e.busy / seconds,
            "step_shapes_computed": e.times.computed,
            "step_shapes_reused": e.times.reused,
            "largest_error_of_reuse": max(e.times.largest_error, _between_sizes(e.setup)),
            "rounding_refined": e.times.refined,
            "kv_blocks": e.blocks,
            "kv_blocks_peak": e.peak,
            "preemptions": e.preemptions,
        }
        for e in world.engines
    ]
    return {
        "schema": "chipweave.serve/1",
        "requests": count,
        "seconds": seconds,
        "gpus": gpus,
        "ttft_ms": spread([r.first - r.arrived for r in done]),
        "request": life(done),
        "queue_ms": spread([r.began - r.arrived for r in done]),
        "tpot_ms": spread([(r.last - r.first) / (r.output - 1) for r in several]),
        "itl_ms": spread(world.gaps),
        "output_tokens_per_s": tokens / seconds,
        "output_tokens_per_s_per_gpu": tokens / seconds / gpus,
        "output_tokens_per_s_per_user": float(np.mean(per_user)) if per_user else None,
        "engines": engines,
        "composed": [e.setup.kernels.composed.document() for e in world.engines if e.setup.kernels.composed],
    }


def life(done: Sequence[Request]) -> dict[str, Any]:
    """Where the mean request spends its time from arrival to last token: {"mean_ns", "where": {class: ns}}, which sums.

    `queue` until its prompt begins; a kind of work: what its engine spent on that meanwhile, for whomever; `waiting`:
    the rest, its cache on the way to another engine or an engine without a step.
    """
    sums = {"queue": sum(round((r.began - r.arrived) * 1e9) for r in done)}
    for request in done:
        for kind, ns in request.where.items():
            sums[kind] = sums.get(kind, 0) + ns
    whole = sum(round((r.last - r.arrived) * 1e9) for r in done)
    sums["waiting"] = max(0, whole - sum(sums.values()))
    where = {name: ns // len(done) for name, ns in sums.items()}
    return {"mean_ns": sum(where.values()), "where": where}


def _between_sizes(made: Setup) -> float:
    """The largest error found between two sizes of a step that a composed system simulated; 0 where none did."""
    return made.kernels.composed.largest_error if made.kernels.composed else 0.0


def spread(seconds: Sequence[float]) -> dict[str, float | None]:
    """Mean, median and 99th percentile in ms; null where there is nothing."""
    values = np.asarray(seconds, float) * 1e3
    if not len(values):
        return {"mean": None, "p50": None, "p99": None}
    p50, p99 = np.percentile(values, [50, 99])
    return {"mean": float(values.mean()), "p50": float(p50), "p99": float(p99)}
