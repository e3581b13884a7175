"""Four switch planes at a quarter of the rate beside one plane at the whole rate: what each carries under uniform
traffic.

Under `circuit` and `fair` 600 messages of 64 KiB are sent at once, and what is compared is when all have arrived; a
message goes by all its ways at once, so the two systems are equal. Under `flit` packets are offered at a steady load,
both systems with the same routers and one clock, and what is compared is the load that arrives. Below saturation the
two are equal. At saturation they differ by head-of-line blocking: a packet at the head of a buffer whose output is
taken holds up those behind it; four planes have four buffers where one plane has one, so fewer packets wait behind one
another. Rows with as many VCs a link have no bar there; with as many VCs an endpoint (one plane of 32, four of 8) what
is sent at once takes the same time again.
"""

import numpy as np

from chipweave import fabric, topology
from chipweave.chain import Layout
from chipweave.declare import yamlfile
from chipweave.noc import network as flit_network
from chipweave.run.assemble import add_network
from chipweave.traffic import synthetic

BAR = 0.02
ENDPOINTS, MESSAGES, MESSAGE = 8, 600, 1 << 16
PLANES = {1: "448 GB/s", 4: "112 GB/s"}
LOADS = (0.3, 0.5, 0.7)  # of what an endpoint's links carry together
SATURATED = 1.0
VCS = (8, 16)
SAME_VCS = (32, 8)  # of a link of one plane, and of each of four


def built(planes, model, vcs=8):
    """A System: eight endpoints and switch planes that carry 448 GB/s an endpoint together."""
    network = (
        f"{{routers: {ENDPOINTS}, shape: switch, switches: {planes}, bandwidth: {PLANES[planes]}, latency: 20 ns, "
        f"link_model: {model}, router: {{vcs: {vcs}, vc_depth: 400}}}}"
    )
    return topology.build(yamlfile.loads(f"name: n\nnetworks: {{n: {network}}}", "planes.yaml"))


def uniform(count=MESSAGES, size=MESSAGE):
    """int64 [count, 3]: source, another target, bytes."""
    rng = np.random.default_rng(1)
    source, step = rng.integers(0, ENDPOINTS, count), rng.integers(1, ENDPOINTS, count)
    return np.stack([source, (source + step) % ENDPOINTS, np.full(count, size)], axis=1)


def last_arrival(system, rows, engine="kernel"):
    """(when all messages, sent at once, have arrived in ps, LinkStatistics)."""
    layout = Layout()
    add_network(layout, system, system.networks["n"], None)
    chain = layout.chain("one", ["from", "to", "size"])
    chain.send("data", layout.find("n"), "from", "to", "size")
    running = fabric.build(layout, engine=engine)
    batch = running.issue("one", rows)
    while not running.idle:
        running.advance()
    return int(running.finish_ps(batch).max()), running.link_statistics(layout.find("n"))


def accepted(system, load):
    """Flits an endpoint and cycle that arrive where packets of 8 flits are offered at `load`."""
    spec = flit_network.of(system.networks["n"])
    result = synthetic.run(spec.network, spec.router, "uniform", load, packet_flits="8", warmup=2000, cycles=10_000)
    return result["accepted_flits"]


def burst(model, vcs=(8, 8)):
    """How much more four planes carry in a time than one, where all is sent at once; 0: as much.

    vcs: of a link of the one plane, and of the four.
    """
    systems = [built(planes, model, own) for planes, own in zip(PLANES, vcs, strict=True)]
    one, four = (last_arrival(system, uniform())[0] for system in systems)
    return one / four - 1


def steady(load, vcs=8):
    """The same of a steady load under flit."""
    one, four = (accepted(built(planes, "flit", vcs), load) for planes in PLANES)
    return four / one - 1


def main():
    """Print the table."""
    print(f"| link model, traffic | four planes carry, over one | bar {BAR:.0%} |\n|---|---|---|")
    rows = [(f"{model}, all sent at once", burst(model), True) for model in ("circuit", "fair")]
    rows += [(f"flit, load {load:.0%}", steady(load), True) for load in LOADS]
    rows.append(("flit, all sent at once, 32 VCs an endpoint", burst("flit", SAME_VCS), True))
    rows.append(("flit, all sent at once, 8 VCs a link", burst("flit"), False))
    rows += [(f"flit, saturated, {vcs} VCs a link", steady(SATURATED, vcs), False) for vcs in VCS]
    for what, more, barred in rows:
        word = "no bar: head-of-line blocking" if not barred else "" if abs(more) <= BAR else "missed"
        print(f"| {what} | {more:+.2%} | {word} |", flush=True)


if __name__ == "__main__":
    main()
