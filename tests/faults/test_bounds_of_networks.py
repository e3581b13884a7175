"""Do the suites of engines keep to what wires and memories carry: artifact, booksim, analytic?"""

from collections import defaultdict

import pytest

from chipweave.fabric.noc import replay
from chipweave.validation.booksim import files, traces
from chipweave.validation.suites import analytic, artifact, booksim

from .suite_rows import keeps_below

HBM, LINK = 3.35, 1.741  # bytes a ps of a die and of a mesh link each way, as the artifact has them: x 1000 for a ns


def layers(device, *groups):
    """{row: {quantity: simulated}} of the artifact's rows, with the rows and columns of the mesh."""
    found = defaultdict(dict)
    for r in artifact.results(groups=groups, device=device):
        found[r.id.rpartition(":")[0]][r.quantity] = r.simulated
    return {name: (values, [int(n) for n in name.split("/")[1].split("x")]) for name, values in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("device, groups, least", [(None, ("micro",), 30), ("deepseek 5x5", ("base", "norm_ep"), 700)])
def test_layers_of_the_artifact_keep_to_memories_and_links(device, groups, least):
    read, sent = {}, {}
    for name, (v, (rows, columns)) in layers(device, *groups).items():
        links = 2 * (rows * (columns - 1) + columns * (rows - 1))
        ns = max(v["time_ns"], 1)
        read[name] = (v["local_read_bytes"] + v["remote_read_bytes"]) / (rows * columns * HBM * 1000 * ns)
        sent[name] = v["remote_read_bytes"] / (max(links, 1) * LINK * 1000 * ns)
    assert len(read) >= least
    keeps_below(read, 0.05)
    keeps_below(sent, 0.05)


def trace_rows():
    return traces.trace_rows(files.Folder(booksim.REFERENCES))


@pytest.mark.slow
@pytest.mark.parametrize("task", trace_rows(), ids=lambda task: task.id)
def test_packets_of_a_trace_are_no_faster_than_alone_and_ports_carry_a_flit_a_cycle(task):
    network, options = task.data.network(task.row), files.router(task.row)
    packets = [tuple(int(p[c]) for c in ("src", "dst", "size", "ctime")) for p in task.packets]
    arrived = replay(network, options, packets, limit=1 << 20)
    least = {}
    for src, dst, size, _ in packets:
        if len(least) < 150 and (src, dst, size) not in least:
            ((start, end, hops),) = replay(network, options, [(src, dst, size, 0)], limit=1 << 20)
            least[src, dst, size] = (end - start, hops)
    ports = defaultdict(list)
    for (src, dst, size, created), (start, end, hops) in zip(packets, arrived, strict=True):
        fastest, shortest = least.get((src, dst, size), (0, 0))
        assert created <= start and end - start >= fastest and hops >= shortest
        ports["out", src].append((start, end, size))
        ports["in", dst].append((start, end, size))
    for port, moved in ports.items():
        assert sum(size for *_, size in moved) <= max(e for _, e, _ in moved) - min(s for s, *_ in moved), port
        ends = [end for _, end, _ in moved] if port[0] == "in" else [start for start, *_ in moved]
        assert len(set(ends)) == len(ends), port


@pytest.mark.parametrize(
    "config", ["O15"] + [pytest.param(name, marks=pytest.mark.slow) for name in ("O02", "O08", "O11")]
)
def test_curves_lie_between_the_empty_network_and_its_cut(config):
    """Latency above that of the hops made; uniform traffic on a k x k mesh crosses its middle: 4 / k flits a node."""
    rows = {f"{r['config_id']}:{r['point']}": r for r in files.Folder(booksim.REFERENCES).rows("reference.csv")}
    tasks = booksim.curve_rows(files.Folder(booksim.REFERENCES))
    judged = [booksim.judge(task) for task in tasks if task.id.split(":")[0] == config]
    latencies = 0
    for r in judged:
        row = rows[r.id]
        if "latency" in r.quantity:
            latencies += 1
            assert r.simulated >= 0.98 * float(row["zero_load_nlat_from_hops"]), r.id  # the draw of hops, 2 %
        else:
            cut = 4 / int(row["k"]) if row["topology"] == "mesh" and row["traffic"] == "uniform" else 1
            assert r.simulated <= min(1.03 * float(row["offered_flits"]), cut), r.id
    assert latencies > 2 and len(judged) >= 10


@pytest.mark.slow
def test_analytic_rows_are_the_closed_forms_and_never_faster():
    rows = [r for r in analytic.results() if r.group in ("circuit_serialisation", "zero_load", "roofline")]
    assert len(rows) >= 50 and all(r.simulated >= r.reference * (1 - 1e-9) for r in rows)
