"""The wafer case study as a chain, put together from separate fragments the way components do it.

Numbers: arXiv 2510.05497 and its public artifact. A transfer is one slice (one of the three matrices of an expert) that
a die computes with. Each fragment function knows only stage names of the others."""

from fractions import Fraction

import networkx as nx
import numpy as np

from chipweave import fabric
from chipweave.chain import Layout, Link, Rate, Steps, amount, equal

NS = 1000
OPERANDS = ("exec", "home", "expert", "key", "tokens", "priority")
# hidden, intermediate, experts, HBM utilisation, (tokens up to, compute utilisation %) steps, LLC sets of 2 ways
MODELS = {
    "deepseek": (7168, 2048, 256, "0.90", ((128, 50), (256, 53), (512, 68), (1024, 70), (None, 69)), 1),
    "kimi": (7168, 2048, 384, "0.90", ((128, 50), (256, 53), (512, 68), (1024, 70), (None, 69)), 1),
    "qwen": (4096, 1536, 128, "0.90", ((128, 70), (256, 60), (1024, 70), (2048, 69), (4096, 71), (None, 70)), 2),
    "llama4": (5120, 8192, 128, "0.85", ((256, 65), (512, 72), (1024, 70), (None, 65)), 1),
}


def llc(chain, layout, dies, sets, miss):
    """The executing die's lookup, the two stores and the read at the home die; goes on at `miss` or `compute`."""
    port = layout.resources("llc.port", dies)
    tags = layout.tags("llc.tags", dies, sets, 2)
    hits = layout.counter("local_llc_hits", dies)
    chain.hold("llc.lookup", [port.at("exec")], then="llc.ask")
    chain.choose("llc.ask", tags.has("exec", "expert", "key"), yes="llc.hit", no="llc.miss")
    chain.outcome("llc.hit", lasts=100 * NS, count=hits.add("exec"), then="compute")
    chain.outcome("llc.miss", lasts=110 * NS, then=miss)
    for die in ("exec", "home"):
        chain.hold(f"llc.store_{die}", [port.at(die)], lasts=30 * NS, mark=tags.insert(die, "expert", "key"))
    chain.hold("llc.read_home", [port.at("home")], lasts=100 * NS, then="d2d.data")
    return tags


def hbm(chain, layout, dies, slice_bytes, activation_bytes, utilisation):
    stack = layout.resources("hbm", dies)
    rate, local = (Fraction(utilisation) * 3350 * 10**9,), amount(slice_bytes, ("tokens", activation_bytes))
    counters = {
        n: layout.counter(n, dies)
        for n in (
            "local_slice_reads",
            "local_read_bytes",
            "remote_slice_reads",
            "remote_read_bytes",
            "copies",
            "copy_write_bytes",
        )
    }
    copies = layout.find("copies")
    chain.hold(
        "hbm.read_local",
        [stack.at("exec")],
        Rate(local, (300 * NS,), rate, quantum_ps=NS),
        spawn="llc.store_exec",
        then="compute",
        count=[counters["local_slice_reads"].add("exec"), counters["local_read_bytes"].add("exec", local)],
    )
    whole = Rate(amount(slice_bytes), (300 * NS,), rate, quantum_ps=NS)
    chain.hold(
        "hbm.read_home",
        [stack.at("home")],
        whole,
        spawn="llc.store_home",
        then="d2d.data",
        count=[counters["remote_slice_reads"].add("home"), counters["remote_read_bytes"].add("home", slice_bytes)],
    )
    chain.hold(
        "hbm.store_copy",
        [stack.at("exec")],
        whole,
        mark=copies.insert("exec", "key"),
        count=[counters["copies"].add("exec"), counters["copy_write_bytes"].add("exec", slice_bytes)],
    )


def d2d(chain, layout, mesh, tags, dies, experts, keys, slice_bytes):
    copies, cp_en = layout.keyed("copies", dies, keys), layout.bits("cp_en", dies, experts)
    hops, remote_hits = layout.counter("hops", dies), layout.counter("remote_llc_hits", dies)
    chain.choose("d2d.where", equal("exec", "home"), yes="hbm.read_local", no="d2d.copy")
    chain.choose("d2d.copy", copies.has("exec", "key"), yes="hbm.read_local", no="d2d.remote")
    chain.outcome("d2d.remote", count=hops.add_hops("exec", mesh, "exec", "home"), then="d2d.home_tags")
    chain.choose("d2d.home_tags", tags.has("home", "expert", "key"), yes="d2d.home_hit", no="d2d.request")
    chain.outcome("d2d.home_hit", count=remote_hits.add("exec"), then="d2d.request_llc")
    for name, then in (("d2d.request", "hbm.read_home"), ("d2d.request_llc", "llc.read_home")):
        chain.send(name, mesh, "exec", "home", 16, NS, Fraction("0.9"), then=then)
    chain.send("d2d.data", mesh, "home", "exec", slice_bytes, NS, Fraction("0.9"), then="d2d.predicted")
    chain.choose("d2d.predicted", cp_en.at("exec", "expert"), yes="d2d.replicate", no="compute")
    chain.outcome("d2d.replicate", spawn="hbm.store_copy", then="compute")


def sm(chain, layout, dies, flop, table):
    unit = layout.resources("compute", dies)
    chain.hold(
        "compute",
        [unit.at("exec")],
        Steps(
            "tokens",
            amount(("tokens", flop)),
            tuple(upto for upto, _ in table[:-1]),
            tuple(Fraction(u, 100) * 10**15 for _, u in table),
            quantum_ps=NS,
        ),
    )


def mesh_links(rows, columns):
    graph = nx.DiGraph()
    for die in range(rows * columns):
        y, x = die % rows, die // rows
        for y2, x2 in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            if 0 <= y2 < rows and 0 <= x2 < columns:
                graph.add_edge(die, y2 + x2 * rows)
    return [Link(f"{a}->{b}", a, b, 200 * NS, Fraction(1741 * 10**9)) for a, b in graph.edges]


def xy_routes(rows, links):
    number = {(link.source, link.target): i for i, link in enumerate(links)}

    def route(source, target):
        """x first, then y; die id = y + x * rows."""
        found, at = [], source
        while at != target:
            (x, y), (tx, ty) = divmod(at, rows), divmod(target, rows)
            step = (rows if tx > x else -rows) if tx != x else (1 if ty > y else -1)
            found.append(number[at, at + step])
            at += step
        return found

    return route


def layout(model="deepseek", rows=5, columns=5, layers=1, directed=False, link_model="circuit"):
    hidden, intermediate, experts, utilisation, table, sets = MODELS[model]
    slice_bytes, dies = hidden * intermediate * 2, rows * columns
    made = Layout()
    links = mesh_links(rows, columns)
    mesh = made.network("mesh", link_model, dies, links, xy_routes(rows, links), directed=directed)
    chain = made.chain("slice", OPERANDS, priority="priority")
    tags = llc(chain, made, dies, sets, "d2d.where")
    d2d(chain, made, mesh, tags, dies, experts, layers * experts * 3, slice_bytes)
    hbm(chain, made, dies, slice_bytes, (hidden + intermediate) * 2, utilisation)
    sm(chain, made, dies, 2 * hidden * intermediate, table)
    return made


def rows_of(plan, model, layer=0, matrices=3):
    """Operands of the slices of a plan [(expert, tokens, exec, home)], in the artifact's order of issue."""
    expert, tokens, die, home = np.array(plan, np.int64).reshape(-1, 4).T
    key = (layer * MODELS[model][2] + expert) * 3
    each = [np.repeat(column, matrices) for column in (die, home, expert, key, tokens, (die != home).astype(np.int64))]
    each[3] = each[3] + np.tile(np.arange(matrices), len(expert))
    return np.stack(each, axis=1)


def artifact(made, **more):
    return fabric.build(made, **{"admission": "early_booking", "wait_queue": "artifact_heap", **more})


def run_layer(engine, plan, model, layer=0, matrices=3):
    """Time of one layer in ns."""
    start = engine.now_ps
    batch = engine.issue("slice", rows_of(plan, model, layer, matrices))
    [(number, time)] = engine.advance()
    assert number == batch
    return (time - start) // 1000
