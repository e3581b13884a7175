"""What whole commands cost, each beside its bar, and how it grows: cost = a * work ^ x, by least squares of logarithms.

CPU seconds are scaled to a machine on which BookSim 2 does 4.1e5 flit-hops a CPU second (8 x 8 mesh, 20 % of capacity)
where CHIPWEAVE_BOOKSIM names its binary, and are this machine's own otherwise. Ratios need no scale.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import grain
from benchmarks.noc import CASES, GOALS, booksim, ours
from chipweave.traffic import network_of, synthetic

REFERENCE = 4.1e5  # flit-hops a CPU second of BookSim 2 on the machine that the bars are of
MESHES = {32: 1, 64: 2, 128: 6, 256: 20}  # side of a mesh: bar of `traffic`, s
MEMORY = {128: 300e6, 256: 1.2e9}  # bytes
EXACT = 16.6 / 2 * 2.3e5 / REFERENCE  # s of an exact layer-step, scaled: half of 16.6 s where BookSim 2 does 2.3e5
MESH = """schema: chipweave.topology/1
name: mesh_{k}
networks:
  mesh: {{link_model: flit, grid: [{k}, {k}], shape: mesh, order: rows, routing: xy, latency: 1 ns, bandwidth: 32 GB/s}}
"""
LONG, SHORT = (128, 400), (8, 100_000)  # (side, cycles) of the meshes whose flit-hops are compared
WAFER = "schema: chipweave.topology/1\nextends: wafer\nname: w{k}\nparts:\n  die: {{grid: [{k}, {k}]}}\n"
PATIENCE = 200  # s of a command
# The artifact's own CPU s of the main job (Python 3.11, 2-core AMD EPYC guest): base 10 min, allo+pred 11 min and about
# 30 min of heat maps, extrapolated from its CPU per layer-step.
ARTIFACT_CPU_S = {"base": 600, "allo+pred": 2460}


def command(*words):
    """(CPU s, peak MiB) of a command, or None where it fails or takes too long."""
    code = (
        "import resource, subprocess, sys; status = subprocess.run(sys.argv[1:], capture_output=True).returncode; "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
    )
    try:
        run = subprocess.run(
            [sys.executable, "-c", code, sys.executable, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return None
    status, cpu, peak = map(float, run.stdout.split())
    return None if status else (cpu, peak)


def chipweave(*words):
    """`command` of `python -m chipweave ...`."""
    return command("-m", "chipweave", *words)


def least(times, *words):
    """The least CPU of several runs: start-up is short, and so easily disturbed."""
    return min(command(*words)[0] for _ in range(times))


def power(points):
    """x of cost = a * work ^ x through [(work, cost)]."""
    logs = [(math.log(work), math.log(cost)) for work, cost in points]
    mean_w, mean_c = (sum(column) / len(logs) for column in zip(*logs, strict=True))
    return sum((w - mean_w) * (c - mean_c) for w, c in logs) / sum((w - mean_w) ** 2 for w, _ in logs)


def row(what, figure, bar, good):
    """One row of the table."""
    print(f"| {what} | {figure} | {bar} | {'' if good else 'missed'} |", flush=True)


def whole_job(folder, factor):
    """DeepSeek-V3 on the 5 x 5 wafer, 4,096 requests x 128 steps, as the artifact has it; reading the trace counts."""
    for strategy, published in ARTIFACT_CPU_S.items():
        words = ("--topology", "wafer_5x5", "--model", "deepseek-v3", "--batch", 4096, "--steps", 128)
        found = compared(folder, *words, "--strategies", strategy, "--link-model", "circuit", preset="artifact")
        cpu, each = found["cpu_s"] / factor, found["cpu_s"] / found["events"] * 1e9
        figure = f"{cpu:.1f} s, {each:.0f} ns each; the artifact {published / cpu:.0f} x as long"
        row(f"main job, {strategy}, {found['events']:,} events", figure, "3.0 s", cpu <= 3)


def kernels(binary):
    """The flit kernel beside BookSim 2 in interleaved runs, and what a flit-hop costs on a mesh past the caches."""
    for k, share, cycles, period in CASES if binary else ():
        mine = other = 0.0
        for _ in range(3):
            mine = max(mine, ours(k, share, cycles)["flit_hops_per_cpu_s"])
            other = max(other, booksim(binary, k, share, period))
        bar = GOALS[k, share]
        row(
            f"flit kernel over BookSim 2, {k} x {k}, {share:.0%}",
            f"{mine / other:.0f} x",
            f"{bar} x",
            mine / other >= bar,
        )
    far, near = (
        1e9 / max(ours(k, 0.2, cycles)["flit_hops_per_cpu_s"] for _ in range(2)) for k, cycles in (LONG, SHORT)
    )
    what = f"a flit-hop, {LONG[0]} x {LONG[0]} over {SHORT[0]} x {SHORT[0]}"
    row(what, f"{far / near:.1f} x ({far:.0f} and {near:.0f} ns)", "2 x", far / near <= 2)


def start():
    """Start-up over what the libraries alone take."""
    bare, libraries = least(3, "-c", "pass"), least(3, "-c", "import numpy, networkx, yaml")
    for what, words, bar in (
        ("import chipweave", ("-c", "import chipweave"), 0.15),
        ("--help", ("-m", "chipweave", "--help"), 0.3),
    ):
        cpu = least(3, *words) - bare
        row(f"{what}, over bare Python", f"{cpu:.2f} s", f"{bar} s", cpu <= bar)
    for name in ("check", "info"):
        ratio = least(3, "-m", "chipweave", name, "wafer_5x5") / libraries
        row(f"{name} wafer_5x5 over numpy, networkx, yaml", f"{ratio:.2f} x", "1.2 x", ratio <= 1.2)


def meshes(folder, factor):
    """`traffic`, whole, on growing meshes."""
    points = []
    for k, bar in MESHES.items():
        path = folder / f"mesh_{k}.yaml"
        path.write_text(MESH.format(k=k))
        options = ("--pattern", "uniform", "--load", f"{0.8 / k:.6f}", "--cycles", 500, "--warmup", 200)
        cost = chipweave("traffic", path, *options, "--json", folder / "out.json")
        if cost is None:
            row(f"traffic {k} x {k}", f"fails or takes over {PATIENCE} s", f"{bar} s", False)
            break
        points.append((k * k, cost[0]))
        room = MEMORY.get(k)
        bars = f"{bar} s" + (f", {room / 1e6:,.0f} MB" if room else "")
        good = cost[0] / factor <= bar and (not room or cost[1] * 2**20 <= room)
        row(f"traffic {k} x {k}", f"{cost[0] / factor:.1f} s, {cost[1] * 1.048576:.0f} MB", bars, good)
    if len(points) > 1:
        row("growth with routers n", f"n^{power(points):.2f}", "n^1.1", power(points) <= 1.1)


def compared(folder, *words, preset="paper"):
    """The row of one `compare`."""
    out = folder / "out.json"
    if chipweave("compare", "--preset", preset, *words, "--json", out) is None:
        raise SystemExit(f"compare {' '.join(map(str, words))} fails")
    return json.loads(out.read_text())["rows"][0]


def dies(folder):
    """The same events on growing wafers."""
    points = []
    for k in (10, 14, 20):
        path = folder / f"w{k}.yaml"
        path.write_text(WAFER.format(k=k))
        words = ("--topology", path, "--model", "qwen3-235b", "--batch", 1024, "--steps", 2, "--strategies", "ep")
        runs = [compared(folder, *words, "--link-model", "circuit")["cpu_s"] for _ in range(3)]
        points.append((k * k, min(runs)))
    ratio = points[-1][1] / points[0][1]
    row("the same events, 400 dies over 100", f"{ratio:.1f} x, n^{power(points):.2f}", "1.5 x", ratio <= 1.5)


def fair(folder):
    """An event under `fair` over one under `circuit`: of a run of 6 steps, and with set-up cancelled by a run of 2."""
    cost, alone = {}, {}
    for model in ("circuit", "fair"):
        runs = []
        for steps in (2, 6):  # the least of two runs of each: neighbours on the machine only add
            words = ("--model", "deepseek-v3", "--batch", 4096, "--steps", steps, "--strategies", "base")
            both = [compared(folder, "--topology", "wafer_5x5", *words, "--link-model", model) for _ in range(2)]
            runs.append(min(both, key=lambda each: each["cpu_s"]))
        cost[model] = runs[1]["cpu_s"] / runs[1]["events"]
        alone[model] = (runs[1]["cpu_s"] - runs[0]["cpu_s"]) / (runs[1]["events"] - runs[0]["events"])
    per = ", ".join(f"{model} {seconds * 1e9:.0f} ns" for model, seconds in alone.items())
    for what, costs, note in (
        ("CPU an event, fair over circuit, 6 steps", cost, ""),
        ("the same without set-up", alone, f" ({per})"),
    ):
        ratio = costs["fair"] / costs["circuit"]
        row(what, f"{ratio:.1f} x{note}", "2.5 x", ratio <= 2.5)


def layer_steps(factor):
    """DeepSeek `base` under exact flit and at `grain: auto`, on the same layer-steps (benchmarks/grain.py has more)."""
    found = grain.measured("deepseek-base")
    each, error = found["exact_cpu_s"] / found["layer_steps"] / factor, found["error"]
    row("a layer-step of DeepSeek base, exact flit", f"{each:.1f} s", f"{EXACT:.1f} s", each <= EXACT)
    what = f"the same at grain {found['grain']}: CPU; error of decode time"
    good = found["cheaper"] >= grain.CHEAPER and abs(error) <= grain.ERROR
    row(what, f"{found['cheaper']:.0f} x cheaper; {error:+.1%}", f"{grain.CHEAPER} x; {grain.ERROR:.0%}", good)


def threads():
    """What two threads gain by the wall clock; two free cores are needed to see it."""
    made = network_of.load_flit("mesh_32x32")
    loads, wall, rows = [0.02, 0.02], [], []
    for count in (1, 2):
        begin = time.perf_counter()
        found = synthetic.curve(made.network, made.router, "uniform", loads, threads=count, cycles=4000)
        wall.append(time.perf_counter() - begin)
        rows.append([(each["packets"], each["latency_mean"], each["flit_hops"]) for each in found])
    gain = wall[0] / wall[1]
    what, good = "two loads of a 32 x 32 mesh, two threads over one", gain >= 1.7 and rows[0] == rows[1]
    row(what, f"{gain:.1f} x", "1.7 x", good)
    row("one load of a 64 x 64 mesh at 40 %, two threads", "one load takes one core", "1.7 x", False)
    row("DeepSeek base in full, two threads", "one run takes one core", "1.6 x", False)


def main():
    """Print the table."""
    binary = os.environ.get("CHIPWEAVE_BOOKSIM")
    rate = booksim(binary, 8, 0.2, 2000) if binary else None
    factor = REFERENCE / rate if rate else 1.0
    print(f"BookSim 2: {rate:.3g} flit-hops a CPU second" if rate else "BookSim 2 is not named: seconds are not scaled")
    print("\n| what | figure | bar | |\n|---|---|---|---|")
    start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole_job(folder, factor)
        fair(folder)
        kernels(binary)
        meshes(folder, factor)
        dies(folder)
    layer_steps(factor)
    threads()
