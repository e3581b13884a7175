"""Instructions of the kernels on fixed work, by callgrind: a figure that does not depend on how busy the machine is.

    python -m benchmarks kernels                       prints them beside the last ones of benchmarks/history.csv
    python -m benchmarks.kernels --record              appends a line of each to benchmarks/history.csv
    python -m benchmarks.kernels --check               exit 1 where one grew by more than 5 %, the wafer by 3 %

A commit that costs more on purpose says why on a line `Instructions: ...` of its message; then --check passes.
Lines of another C compiler are not compared with. Only instructions within the kernels count (stages_advance,
noc_run_traffic, cw_engine_run), not those of Python around them.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HISTORY = Path(__file__).with_name("history.csv")
MORE = {"wafer": 1.03}  # times the last line; 1.05 elsewhere
SIDE, ROUNDS, MESSAGES = 5, 12, 300  # of the mesh that messages cross
CASES = {
    "circuit": "stages_advance",
    "fair": "stages_advance",
    "flit": "noc_run_traffic",
    "wafer": "stages_advance",
    "line_rate": "cw_engine_run",
}


def messages(model):
    """Rounds of messages between the routers of a mesh, all released at once: queues, admissions and shares at work."""
    from random import Random

    from chipweave import fabric
    from chipweave.chain import Layout, Link, amount

    places = [(x, y) for x in range(SIDE) for y in range(SIDE)]
    ends = [
        (a, b) for a, p in enumerate(places) for b, q in enumerate(places) if abs(p[0] - q[0]) + abs(p[1] - q[1]) == 1
    ]
    number = {end: i for i, end in enumerate(ends)}

    def route(a, b):
        found = []
        while a != b:
            (x, y), (u, v) = places[a], places[b]
            there = places.index((x + (u > x) - (u < x), y) if x != u else (x, y + (v > y) - (v < y)))
            found.append(number[a, there])
            a = there
        return found

    made, random = Layout(), Random(1)
    links = [Link(f"{a}->{b}", a, b, 200_000, 10**12) for a, b in ends]
    net = made.network("mesh", model, SIDE * SIDE, links, route, directed=True)
    chain = made.chain("c", ["a", "b", "bytes"])
    chain.send("request", net, "a", "b", 16, then="reply")
    chain.send("reply", net, "b", "a", amount("bytes", 1))
    engine = fabric.build(made)
    for _ in range(ROUNDS):
        rows = [[random.randrange(SIDE * SIDE), random.randrange(SIDE * SIDE), 1 << 20] for _ in range(MESSAGES)]
        engine.issue("c", rows)
        while not engine.idle:
            engine.advance()
    return engine.events


def flits():
    """Uniform traffic at 20 % of capacity on an 8 x 8 mesh."""
    from benchmarks.noc import ours

    return ours(8, 0.2, 1500)["flit_hops"]


def wafer():
    """A step of `base` on the 5 x 5 wafer of equal dies: what their chains cost where dies may differ and do not."""
    from chipweave.run import simulate as serving
    from chipweave.run.spec import RunSpec

    named = dict(preset="artifact", trace="qwen-syn", model="qwen3-235b", batch=16, steps=1, link_model="circuit")
    return serving.simulate(RunSpec(strategy="base", **named)).row["events"]


def lines():
    """Reads that miss every cache on a quarter of an H100, 16,384 lines."""
    from benchmarks.line_rate import build

    engine, sms, _ = build("kernel", 256)
    engine.run()
    return engine.total(sms, "misses")


def counted(case):
    """(instructions within the kernel, events, flit-hops or line accesses) of a case."""
    work = {"flit": "flits()", "line_rate": "lines()", "wafer": "wafer()"}.get(case, f"messages({case!r})")
    if case == "wafer":
        wafer()  # makes the trace, which would take minutes under valgrind
    code = f"from benchmarks import kernels; print('events', kernels.{work})"
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", f"--toggle-collect={CASES[case]}"]
        run = subprocess.run([*tool, sys.executable, "-c", code], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(run.stderr)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1]), int(re.search(r"events (\d+)", run.stdout)[1])


def compiler():
    """The C compiler's own first line: another one makes other instructions."""
    tool = shutil.which(os.environ.get("CC", "cc"))
    return subprocess.run([tool, "--version"], capture_output=True, text=True).stdout.split("\n")[0] if tool else ""


def last():
    """kernel -> its last line in the history by this compiler."""
    if not HISTORY.is_file():
        return {}
    with HISTORY.open(newline="") as file:
        return {row["kernel"]: row for row in csv.DictReader(file) if row["compiler"] == compiler()}


def git(*words):
    """What git prints, or nothing where there is none."""
    run = subprocess.run(["git", *words], capture_output=True, text=True, cwd=HISTORY.parent)
    return run.stdout.strip() if run.returncode == 0 else ""


def record(found):
    """Append a line of each kernel to the history."""
    new = not HISTORY.is_file()
    with HISTORY.open("a", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        if new:
            out.writerow(["after_commit", "kernel", "instructions", "events", "compiler"])
        for kernel, (instructions, events) in found.items():
            out.writerow([git("rev-parse", "--short=12", "HEAD"), kernel, instructions, events, compiler()])


def grown(found, before):
    """Kernels with more instructions an event than the line before, beyond what is allowed."""
    return [
        kernel
        for kernel, (instructions, events) in found.items()
        if kernel in before
        and instructions / events
        > MORE.get(kernel, 1.05) * int(before[kernel]["instructions"]) / int(before[kernel]["events"])
    ]


def main(words=()):
    """Print the table; `--record` and `--check` as the module says."""
    if not shutil.which("valgrind"):
        print("valgrind is not installed: no instructions are counted")
        return
    found, before = {case: counted(case) for case in CASES}, last()
    print(
        "| kernel | instructions | events, hops, lines | an event | the line before | bar |\n|---|---|---|---|---|---|"
    )
    for kernel, (instructions, events) in found.items():
        was = before.get(kernel)
        old = f"{int(was['instructions']) / int(was['events']):.1f}" if was else "-"
        each, bar = instructions / events, MORE.get(kernel, 1.05)
        print(f"| {kernel} | {instructions:,} | {events:,} | {each:.1f} | {old} | x {bar} |")
    if "--record" in words:
        record(found)
    more = grown(found, before)
    if "--check" in words and more and not re.search(r"^Instructions: \S", git("log", "-1", "--format=%B"), re.M):
        sys.exit(f"more instructions an event than allowed: {', '.join(more)}; say why on a line `Instructions: ...`")


if __name__ == "__main__":
    main(sys.argv[1:])
