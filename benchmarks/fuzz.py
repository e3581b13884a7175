"""Mutated inputs of all kinds: YAML files, traces, packet lists, tables and command lines, each run as a user would.

    python -m benchmarks.fuzz [NUMBER] [SEED]

Every command must end with exit 0 or 2 (3: the simulation is stuck, 4: a bar is missed), without a traceback, within
20 s, by no signal, and with nothing half-written. Commands run in a worker process that is started anew when it dies.
Prints what did not, with the seed of each input, and exits 1 where there is any.
"""

import contextlib
import io
import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

LIMIT_S = 20
ALLOWED = (0, 2, 3, 4)
MINI = """schema: chipweave.model/1
name: mini
title: mini
layers: 3
moe_layers: {first: 1, last: 2, every: 1}
experts: 7
top_k: 2
groups: 1
groups_used: 1
shared_experts: 0
hidden: 1024
intermediate: 512
weight_bytes: 2
hbm_efficiency: 0.9
utilisation: [{tokens: any, share: 0.7}]
"""
WAFER = """schema: chipweave.topology/1
extends: micro_2x2
name: mine
assemblies:
  die:
    parts:
      hbm: {kind: memory.hbm, latency: 300 ns, bandwidth: {value: 3.35 TB/s, source: a sheet, kind: datasheet}}
      llc: {kind: memory.llc, capacity: 64 MiB, ways: 2}
parts:
  die: {override: {"[0][1]": {hbm: {bandwidth: 1 TB/s}}}}
networks:
  d2d: {latency: 200 ns, bandwidth: 1.7 TB/s, routing: xy, router: {vcs: 4, vc_depth: 8}}
"""
MESH = """schema: chipweave.topology/1
name: m
networks:
  m: {grid: [3, 4], shape: mesh, order: columns, latency: 1 ns, bandwidth: 32 GB/s, link_model: flit,
      override: [{between: ["[0][1]", "[0][2]"], bandwidth: 16 GB/s}]}
"""
PRESET = """schema: chipweave.preset/1
name: p
kinds: {memory.hbm: {round_to: 1 ns}, cp.global: {capacity: reported}}
networks: {d2d: {admission: head_only}}
run: {replacement: lru_free_hbm}
"""
STRATEGY = """placement: {kind: from_file, path: map.csv}
allocation: {kind: placement_aware, block: 512, dies: 5, distance: 1}
prediction: cross_token_heatmap
replacement: {kind: lru, slices: 10}
"""
RUN = """schema: chipweave.run/1
topology: wafer.yaml
preset: preset.yaml
model: mini.yaml
trace: t.jsonl
batch: 2
steps: 3
strategy: strategy.yaml
link_model: circuit
set: ["die.hbm.latency=310 ns"]
"""
TRACE = "".join(
    json.dumps(
        {
            "path": name,
            "trace": [{"0": None, "1": [[0, 1]] * rows, "2": [[4, 5]] * rows}]
            + [{"0": None, "1": [[k, k + 1]], "2": [[6, 0]]} for k in range(3)],
        }
    )
    + "\n"
    for name, rows in (("a", 4), ("b", 1))
)
PACKETS = "src,dst,size,ctime\n" + "".join(f"{i % 12},{(5 * i + 1) % 12},{1 + i % 4},{i // 3}\n" for i in range(30))
MAP = "expert,die\n" + "".join(f"{e},{e % 4}\n" for e in range(7))
TABLE = "".join(f"{i} {(i + 5) % 12} 0.0{i + 1}\n" for i in range(9))
SEEDS = {
    "mini.yaml": MINI,
    "wafer.yaml": WAFER,
    "mesh.yaml": MESH,
    "preset.yaml": PRESET,
    "strategy.yaml": STRATEGY,
    "run.yaml": RUN,
    "t.jsonl": TRACE,
    "p.csv": PACKETS,
    "map.csv": MAP,
    "table.txt": TABLE,
    "perm.txt": " ".join(str((i + 1) % 12) for i in range(12)),
}
RUN_IT = ["compare run.yaml --json o.json --out out", "run run.yaml", "check run.yaml"]
COMMANDS = {
    "mini.yaml": [*RUN_IT, "info mini.yaml", "check mini.yaml"],
    "wafer.yaml": [*RUN_IT, "check wafer.yaml", "info wafer.yaml --json", "draw wafer.yaml -o w.svg"],
    "mesh.yaml": [
        "traffic mesh.yaml --load 0.1 --cycles 50 --json o.json",
        "replay mesh.yaml p.csv",
        "check mesh.yaml",
    ],
    "preset.yaml": [*RUN_IT, "check preset.yaml", "check wafer_5x5 --preset preset.yaml"],
    "strategy.yaml": [*RUN_IT, "check strategy.yaml"],
    "run.yaml": [f"{line} --batch 2 --steps 3 --model mini.yaml" for line in RUN_IT],  # what it no longer says is small
    "t.jsonl": ["trace import t.jsonl --out o.parquet --experts 7", RUN_IT[0]],
    "p.csv": ["replay mesh.yaml p.csv --csv o.csv"],
    "map.csv": [*RUN_IT],
    "table.txt": ["traffic mesh.yaml --load 0.02 --cycles 50 --pattern table(table.txt)"],
    "perm.txt": ["traffic mesh.yaml --load 0.02 --cycles 50 --pattern permutation(perm.txt)"],
}
LINES = [
    "traffic mesh_4x4 --load 0.1 --cycles 50 --packet-flits 1,5 --packet-weights 3,1 --injection on_off(0.2,0.2)",
    "traffic mesh_4x4 --load 0.1,0.2 --cycles 50 --pattern hotspot({{1,2},{3,1}}) --seed 3 --set vcs=2 --json -",
    "compare --topology micro_2x2 --model mini.yaml --trace t.jsonl --batch 2 --steps 3 --strategies base,ep --seed 1",
    "compare --topology micro_2x2 --model mini.yaml --batch 2 --steps 2 --strategies allo --link-models circuit,fair",
    "check micro_2x2 mesh_4x4 --set d2d.latency=1ns --preset paper --link-model fair --json -",
    "info micro_2x2 --sources --preset artifact",
    "trace generate deepseek-v2-lite --requests 2 --steps 2 --seed 1 --out g.parquet",
    "trace show esft-law --json -",
    "trace names",
    "replay mesh.yaml p.csv --set vcs=2 --seed 1",
    "validate analytic --group links --device x",
    "draw mesh_4x4 -o o.svg --set grid=[2,2]",
]
WORDS = [
    *(
        "",
        "0",
        "-1",
        "1e400",
        ".nan",
        "-.inf",
        "2147483648",
        "18446744073709551616",
        "0.5",
        "1e-9",
        "null",
        "~",
        "true",
    ),
    *("[]", "{}", "[1, 2]", "{a: 1}", "'", '"', ":", "- ", "\t"),
    *("\x00", "\x1b[2J", "é", "\u202e", "\ufeff", "9" * 100),
    *(
        "1 xs",
        "5 GB",
        "200 ns",
        "64kb",
        "base",
        "flit",
        "fair",
        "xy",
        "torus",
        "ring",
        "[0][9]",
        "..",
        "/",
        "*a",
        "&a",
        "!!x",
    ),
    *("{value: 1 ns, source: s, kind: assumed}", "mini.yaml", "t.jsonl", "wafer_5x5", "./x.py:X", "<<: {}", "é" * 200),
]


def mutated(text: str, draw: random.Random) -> bytes:
    """A text changed in one to three places: words, lines and bytes put in, taken away, doubled or swapped."""
    data = text
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        lines, kind = data.splitlines(keepends=True), draw.randrange(8)
        at = draw.randrange(len(lines)) if lines else 0
        if kind == 0 and lines:
            del lines[at]
            data = "".join(lines)
        elif kind == 1 and lines:
            data = "".join([*lines[:at], lines[at], *lines[at:]])
        elif kind == 2 and lines:
            other = draw.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
            data = "".join(lines)
        elif kind == 3:
            data = data[: draw.randrange(len(data) + 1)]
        else:
            data = _word_changed(data, draw)
    raw = data.encode("utf-8", "surrogatepass")
    if draw.random() < 0.1 and raw:
        where = draw.randrange(len(raw))
        raw = raw[:where] + bytes([draw.randrange(256)]) + raw[where + draw.randrange(2) :]
    return raw


def _word_changed(data: str, draw: random.Random) -> str:
    """One word (between blanks, commas, colons and brackets) replaced, or another put before it."""
    starts = [i for i in range(len(data)) if data[i].isalnum() and (i == 0 or not data[i - 1].isalnum())]
    if not starts:
        return data + draw.choice(WORDS)
    begin = draw.choice(starts)
    end = begin
    while end < len(data) and data[end].isalnum():
        end += 1
    return data[:begin] + draw.choice(WORDS) + data[end if draw.random() < 0.8 else begin :]


def case(seed: int) -> tuple[dict[str, bytes], list[str]]:
    """(files that are changed, command line) of a seed."""
    draw = random.Random(seed)
    if draw.random() < 0.25:
        words = draw.choice(LINES).split()
        for _ in range(draw.choice((1, 1, 2))):
            at = draw.randrange(1, len(words))
            words[at : at + draw.randrange(2)] = [draw.choice(WORDS) or "''"]
        return {}, [word for word in words if "\x00" not in word]
    name = draw.choice(list(COMMANDS))
    return {name: mutated(SEEDS[name], draw)}, draw.choice(COMMANDS[name]).split()


def run_case(seed: int, folder: str) -> tuple[int, str]:
    """(exit code, what is wrong with it or "") of a seed, run in this process."""
    from chipweave.__main__ import main

    here = Path(folder)
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    files, words = case(seed)
    for name, text in SEEDS.items():
        (here / name).write_text(text)
    for name, data in files.items():
        (here / name).write_bytes(data)
    before = {path.name for path in here.iterdir()}
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(here) if hasattr(contextlib, "chdir") else _chdir(here):
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main(words)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            return 1, f"escaped: {traceback.format_exc()[-800:]}"
    said = err.getvalue()
    left = [path.name for path in here.rglob(".*") if path.name not in before]
    wrong = ""
    if code not in ALLOWED:
        wrong = f"exit {code}: {said.strip()[-400:]}"
    elif "Traceback" in said + out.getvalue():
        wrong = "a traceback"
    elif code == 2 and not said.strip():
        wrong = "exit 2 without a word"
    elif left:
        wrong = f"half-written: {left}"
    return code, wrong


@contextlib.contextmanager
def _chdir(folder: Path):
    """contextlib.chdir of Python 3.11."""
    import os

    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _worker(pipe, folder: str) -> None:
    while (seed := pipe.recv()) is not None:
        pipe.send(run_case(seed, folder))


class Worker:
    """A process that runs cases; it is ended and started anew where one takes too long or kills it."""

    def __init__(self, folder: str):
        self.folder = folder
        self.process: Any = None  # of the spawn context, while it runs

    def run(self, seed: int) -> tuple[int, str]:
        if self.process is None or not self.process.is_alive():
            self.pipe, theirs = multiprocessing.Pipe()
            context = multiprocessing.get_context("spawn")
            self.process = context.Process(target=_worker, args=(theirs, self.folder), daemon=True)
            self.process.start()
            self.patience = LIMIT_S + 40  # the first case imports everything
        self.pipe.send(seed)
        if not self.pipe.poll(self.patience):
            self.process.kill()
            self.process = None
            return -1, f"no end within {LIMIT_S} s"
        self.patience = LIMIT_S
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join(5)
            code, self.process = self.process.exitcode, None
            return -1, f"the process died: {code}"

    def close(self) -> None:
        if self.process is not None and self.process.is_alive():
            self.pipe.send(None)
            self.process.join(10)


def sample(number: int, seed: int = 0) -> tuple[Counter, dict[int, str]]:
    """(how many ended with each code, seed -> what is wrong) of `number` cases from `seed` on."""
    codes: Counter = Counter()
    wrong: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(str(Path(folder) / "case"))
        for each in range(seed, seed + number):
            code, words = worker.run(each)
            codes[code] += 1
            if words:
                wrong[each] = words
        worker.close()
    return codes, wrong


def main(number: int = 5000, seed: int = 0) -> None:
    """Run the sample and print what was wrong."""
    codes, wrong = sample(number, seed)
    for each, words in wrong.items():
        files, command = case(each)
        print(f"seed {each}: chipweave {' '.join(command)} with {list(files)}: {words}")
    print(f"{number} inputs from seed {seed}: exits {dict(sorted(codes.items()))}; {len(wrong)} wrong")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
