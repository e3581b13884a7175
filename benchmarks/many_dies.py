"""Many dies as one, and the same parts as one die with one L2: the figures of docs/reference/many_dies.md.

python -m benchmarks many_dies          # prints the tables and draws docs/pictures/many_dies.svg
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from chipweave import topology
from chipweave.kernel_models.package import package_of
from chipweave.kernel_models.pointer_chase import chase_seconds
from chipweave.kernel_models.streams import Launch, stream_bytes_per_s
from chipweave.kernel_models.two_halves import latency_cycles
from chipweave.ledger import asking
from chipweave.ledger import text as ledger_text
from chipweave.validation.rows.figures import figures
from chipweave.validation.suites import dies

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "many_dies.svg"
MEASURED, COMPOSED, ONE = "#333333", "#1f6fb4", "#c8553d"
WAFER = "wafer_5x5"
MIB = 1 << 20


def rows(group, *words):
    """[(question, value)] of the shipped rows of a group whose text holds `words`."""
    found = [(q, float(v)) for q, v in dies.references(groups=(group,))]
    return [
        (q, v)
        for q, v in found
        if q.x is not None and all(w in f"{q.device} {q.quantity} {q.conditions}" for w in words)
    ]


def answers(questions, device=None):
    """{id: value} of the model, on another device where one is named."""
    asked = [replace(q, device=device) if device else q for q in questions]
    return {key: value for key, value in asking.answer("dies", asked).items() if isinstance(value, float)}


def curve(axes, pairs, one, title, x_name, y_name, scale=1.0):
    """Measured points over x, the composition's line and that of one die."""
    pairs = sorted(pairs, key=lambda pair: pair[0].x)
    questions = [q for q, _ in pairs]
    axes.plot([q.x * scale for q in questions], [v for _, v in pairs], "o", color=MEASURED, ms=3.5, label="measured")
    for device, colour, label in ((None, COMPOSED, "composed"), (one, ONE, "one die, one L2")):
        found = answers(questions, device)
        line = [(q.x * scale, found[q.id]) for q in questions if q.id in found]
        axes.plot(*zip(*line, strict=True), "-", color=colour, lw=1.5, label=label)
    axes.set(title=title, xlabel=x_name, ylabel=y_name, xscale="log")


def draw():
    """Four panels: B200's latency and look-ups, MI300X's latency and read rate."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "many_dies"
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 2, figsize=(10.5, 7.5))
    b200, one = (package_of(topology.load(name)) for name in ("b200", "b200_one_die"))
    axes, size = grid[0][0], np.geomspace(16, 2048, 160)
    pairs = sorted((q.x / MIB, v) for q, v in rows("b200_latency") if q.x >= 16 * MIB)
    axes.plot(*zip(*pairs, strict=True), "o", color=MEASURED, ms=3.5, label="measured")
    for package, colour, label in ((b200, COMPOSED, "composed"), (one, ONE, "one die, one L2")):
        axes.plot(size, [latency_cycles(package, s * MIB) for s in size], color=colour, lw=1.5, label=label)
    axes.set(title="B200: load to use", xlabel="footprint, MiB", ylabel="SM cycles", xscale="log")
    cross = [(replace(q, x_value=sharers(q)), v) for q, v in rows("b200_l2cross", "implicit_l2_cross", "L2")]
    cross = [(q, v) for q, v in cross if q.unit == "ratio"]
    curve(grid[0][1], cross, "b200_one_die", "B200: L2 look-ups a sector", "SMs that read the same data", "look-ups")
    chase = rows("amd_latency", "MI300X", "pointer chase")
    curve(grid[1][0], chase, "mi300x_one_l2", "MI300X: load to use", "footprint, MiB", "cycles", 1 / 1024)
    reads(grid[1][1])
    for axes in grid.flat:
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})


def reads(axes):
    """Rate of reads that walk an array round and round: measured at blocks of 1024; at 96 a die meets other places on
    each pass, so that each of the eight L2s has to hold all of it."""
    measured = sorted(
        (q.x / 1024, v) for q, v in rows("amd_cache", "MI300X", "read bandwidth over array", "block=1024")
    )
    axes.plot(*zip(*measured, strict=True), "o", color=MEASURED, ms=3.5, label="measured, blocks of 1024")
    share = figures("dies")["cyclic_memory_share"]
    for name, threads, groups, colour, label in (
        ("mi300x", 1024, 2, COMPOSED, "composed, blocks of 1024"),
        ("mi300x", 96, 16, "#7fb2dd", "composed, blocks of 96"),
        ("mi300x_one_l2", 1024, 2, ONE, "one die, blocks of 1024"),
        ("mi300x_one_l2", 96, 16, "#e6a998", "one die, blocks of 96"),
    ):
        package = package_of(topology.load(name))
        launch = Launch(1, 0, threads, groups)
        found = [(x, stream_bytes_per_s(package, replace(launch, array_bytes=x * MIB), share)) for x, _ in measured]
        axes.plot([x for x, _ in found], [rate / 1e9 for _, rate in found], color=colour, lw=1.5, label=label)
    axes.set(title="MI300X: reads over an array", xlabel="array, MiB", ylabel="GB/s", xscale="log")


def sharers(question):
    """How many SMs read the same data, as text; 1 where the row does not say."""
    words = dict(part.split("=", 1) for part in question.conditions.split("; ") if "=" in part)
    return words.get("sharers", "1")


def distances():
    """Latency that the network between dies adds, there and back, where addresses lie on all dies in turn."""
    cells = []
    for name in ("b200", "mi300x"):
        package = package_of(topology.load(name))
        far = float(package.hop_seconds.max())
        own = chase_seconds(package, 1 << 30) if name == "mi300x" else latency_cycles(package, 1 << 40) / 1.965e9
        cells.append(
            [
                name,
                len(package.io),
                f"{package.mean_hop_seconds * 1e9:.1f}",
                f"{far * 1e9:.1f}",
                share(own, package.mean_hop_seconds),
            ]
        )
    system = topology.load(WAFER)
    net = system.networks["d2d"]
    ways = [(a, b) for a in net.endpoints for b in net.endpoints]
    added = [
        2e-12 * sum(net.graph.edges[link]["latency_ps"] for link in net.route(a, b)) if a != b else 0.0 for a, b in ways
    ]
    mean = sum(added) / len(added)
    cells.append([WAFER, len(net.endpoints), f"{mean * 1e9:.1f}", f"{max(added) * 1e9:.1f}", "prediction"])
    return ledger_text.table(["package", "memories", "mean added, ns", "furthest, ns", "of a load from memory"], cells)


def share(whole, part):
    """`part` of `whole`, in words."""
    return ledger_text.percent(part / whole)


def main():
    """Print both tables and draw the picture."""
    print(dies.extra(dies.results())[-1], distances(), sep="\n\n")
    draw()
