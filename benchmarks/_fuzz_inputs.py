"""The inputs that benchmarks.fuzz changes: small files of every kind that is read, and the commands that read them."""

import csv
import io
import json
import pickle
import zipfile
from pathlib import Path

REFERENCES = Path(__file__).parents[1] / "validation" / "references"
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
SWEEP = """schema: chipweave.sweep/1
name: tiny
doc: strategies and a bandwidth
run: {topology: micro_2x2, model: mini.yaml, trace: t.jsonl, batch: 2, steps: 3, preset: artifact}
vary:
  strategy: [base, ep]
  die.hbm.bandwidth: [3 TB/s, 8 TB/s]
compare: {strategy: base}
skip: [{strategy: ep, die.hbm.bandwidth: 8 TB/s}]
plot: [{x: strategy, y: decode_time_ns, colour: die.hbm.bandwidth, kind: bar}]
"""
SERVE = """schema: chipweave.serve_run/1
name: s
system: dgx_h100
model: config.json
parallel: tp=2
precision: bf16
framework: vllm
requests:
  count: 6
  arrivals: {closed_loop: 2}
  prompt: {uniform: [8, 16]}
  output: {uniform: [4, 8]}
server: {batching: chunked, preemption: newest, step_tokens: 64, running: 4, block: 16}
seed: 1
"""
SCHEDULE = """schema: chipweave.schedule/1
name: mine
micro_batches: 2
streams: {dispatch: side, combine: side}
after: {shared: [gate]}
"""
LAW_MODEL = json.dumps(
    {
        "model_type": "qwen3_moe",
        "num_hidden_layers": 3,
        "hidden_size": 1024,
        "intermediate_size": 512,
        "moe_intermediate_size": 512,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 128,
        "vocab_size": 1000,
        "num_experts": 8,
        "num_experts_per_tok": 2,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [0],
    },
    indent=1,
)
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
PROMPTS = (
    json.dumps({"path": "p", "trace": [{"1": [[i % 7, (i + 2) % 7] for i in range(40)], "2": [[1, 5]] * 40}]}) + "\n"
)
PACKETS = "src,dst,size,ctime\n" + "".join(f"{i % 12},{(5 * i + 1) % 12},{1 + i % 4},{i // 3}\n" for i in range(30))
MAP = "expert,die\n" + "".join(f"{e},{e % 4}\n" for e in range(7))
TABLE = "".join(f"{i} {(i + 5) % 12} 0.0{i + 1}\n" for i in range(9))
EDGES = "source,target\n0,1\n1,2\n2,3\n3,0\n"
EDGE_MESH = """schema: chipweave.topology/1
name: e
networks:
  e: {shape: csv, file: links.csv, latency: 1 ns, bandwidth: 32 GB/s, link_model: flit}
"""
GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">
<node id="a"/><node id="b"/><node id="c"/>
<edge source="a" target="b"/><edge source="b" target="c"/><edge source="c" target="a"/>
</graph></graphml>
"""


def _table(path: str, groups: dict[str, int]) -> str:
    """The head of a shipped reference table, and the first rows of some of its groups."""
    text = (REFERENCES / path).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    left, kept = dict(groups), [lines[0]]
    for line, row in zip(lines[1:], csv.DictReader(io.StringIO(text)), strict=False):
        group = row.get("group", "")
        if left.get(group, left.get("*", 0)) > 0:
            left[group if group in left else "*"] -= 1
            kept.append(line)
    return "".join(kept)


def _torch(content: object) -> bytes:
    """What torch.save writes of plain lists."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def seeds() -> dict[str, bytes]:
    """Name -> bytes of every input file."""
    texts = {
        "mini.yaml": MINI,
        "wafer.yaml": WAFER,
        "mesh.yaml": MESH,
        "preset.yaml": PRESET,
        "strategy.yaml": STRATEGY,
        "run.yaml": RUN,
        "sweep.yaml": SWEEP,
        "serve.yaml": SERVE,
        "schedule.yaml": SCHEDULE,
        "config.json": LAW_MODEL,
        "t.jsonl": TRACE,
        "prompts.jsonl": PROMPTS,
        "p.csv": PACKETS,
        "map.csv": MAP,
        "table.txt": TABLE,
        "perm.txt": " ".join(str((i + 1) % 12) for i in range(12)),
        "edges.yaml": EDGE_MESH,
        "links.csv": EDGES,
        "graph.graphml": GRAPHML,
        "h100/h.csv": _table("h100/h100_reference.csv", {"launch": 1, "gemm": 1, "nccl": 1, "spec": 1}),
        "serving/step.csv": _table("serving/step.csv", {"step": 2}),
        "serving/moe_skew.csv": _table("serving/moe_skew.csv", {"moe_skew": 2}),
        "dies/mi300.csv": _table("dies/mi300.csv", {"amd_partition": 1, "amd_collective": 1, "spec": 1}),
        "booksim/microbench.csv": _table("booksim/microbench.csv", {"*": 3}),
        "booksim/anynet_links.csv": _table("booksim/anynet_links.csv", {"*": 80}),
        "booksim/anynet_routes.csv": _table("booksim/anynet_routes.csv", {"*": 20}),
        "artifact/oracle.csv": _table("artifact/oracle.csv", {"*": 1}).replace("deepseek-syn", "none"),
    }
    return {name: text.encode() for name, text in texts.items()} | {
        "counts.pt": _torch({"logical_count": [[3, 1, 4, 1, 5, 9, 2], [2, 7, 1, 8, 2, 8, 1]]})
    }


PREPARE = [
    "compare run.yaml --strategies base,ep --out r",
    "run run.yaml --set die.hbm.latency=500ns --out q",
    "sweep sweep.yaml --out s",
    "trace import t.jsonl --out t.parquet --experts 7",
    "trace loads t.parquet --out loads.npz",
]
"""What is run once to have results, stores and tables to change."""
MADE = ("r/manifest.json", "r/result.json", "r/layers.parquet", "s/points.parquet", "t.parquet", "loads.npz")

RUN_IT = ["compare run.yaml --json o.json --out out", "run run.yaml", "check run.yaml"]
FOLDER = ["why r --json o.json", "diff r q", "rerun r", "diff q r --json -", "compare run.yaml --out r"]
STUDY = "study chaos --models mini.yaml --topologies micro_2x2 --batches 2 --steps 2 --requests 2 --no-host"
STORE = [
    "trace stats t.parquet --json o.json",
    "trace show t.parquet --verify",
    "trace analyse t.parquet --out a",
    "trace loads t.parquet --out l.npz",
    "compare --topology micro_2x2 --model mini.yaml --trace t.parquet --batch 2 --steps 3 --strategies allo+pred",
]
STEP = (
    "step dgx_h100 --model config.json --batch 4 --context 64 --parallel tp=2,ep=2 --schedule schedule.yaml "
    "--json o.json"
)
COMMANDS = {
    "mini.yaml": [*RUN_IT, "info mini.yaml", "check mini.yaml", f"{STUDY} --strategies base,ep --json o.json"],
    "wafer.yaml": [*RUN_IT, "check wafer.yaml", "info wafer.yaml --json", "draw wafer.yaml -o w.svg"],
    "mesh.yaml": [
        "traffic mesh.yaml --load 0.1 --cycles 50 --json o.json --links k.json --picture p.svg",
        "replay mesh.yaml p.csv",
        "check mesh.yaml",
        "draw mesh.yaml -o m.png",
    ],
    "preset.yaml": [*RUN_IT, "check preset.yaml", "check wafer_5x5 --preset preset.yaml"],
    "strategy.yaml": [*RUN_IT, "check strategy.yaml"],
    "run.yaml": [f"{line} --batch 2 --steps 3 --model mini.yaml" for line in RUN_IT],  # what it no longer says is small
    "sweep.yaml": [
        "sweep sweep.yaml --out z --json o.json",
        "check sweep.yaml",
        "sweep sweep.yaml --list",
        "leaderboard sweep.yaml --out z",
    ],
    "serve.yaml": ["serve serve.yaml --json o.json", "check serve.yaml"],
    "schedule.yaml": [STEP, "check schedule.yaml"],
    "config.json": [STEP, "trace generate config.json --requests 2 --steps 2 --out g.parquet", "serve serve.yaml"],
    "t.jsonl": [
        "trace import t.jsonl --out o.parquet --experts 7",
        RUN_IT[0],
    ],
    "prompts.jsonl": ["trace import prompts.jsonl --out o.parquet --experts 7 --as-decode --requests 2 --steps 2"],
    "p.csv": ["replay mesh.yaml p.csv --csv o.csv"],
    "map.csv": [*RUN_IT, "trace import t.jsonl --out o.parquet --experts 7 --expert-map map.csv"],
    "table.txt": ["traffic mesh.yaml --load 0.02 --cycles 50 --pattern table(table.txt)"],
    "perm.txt": ["traffic mesh.yaml --load 0.02 --cycles 50 --pattern permutation(perm.txt)"],
    "edges.yaml": ["traffic edges.yaml --load 0.1 --cycles 50", "check edges.yaml", "draw edges.yaml -o e.pdf"],
    "links.csv": ["traffic edges.yaml --load 0.1 --cycles 50", "check edges.yaml"],
    "graph.graphml": ["traffic edges.yaml --load 0.1 --cycles 50 --set e.shape=graphml --set e.file=graph.graphml"],
    "h100/h.csv": ["validate h100 --reference h100/h.csv --out v --json o.json"],
    "serving/step.csv": ["validate serving --reference serving --json o.json"],
    "serving/moe_skew.csv": ["validate serving --reference serving --out v"],
    "dies/mi300.csv": ["validate dies --reference dies/mi300.csv --json o.json"],
    "booksim/microbench.csv": ["validate booksim --reference booksim"],
    "booksim/anynet_links.csv": ["validate booksim --reference booksim"],
    "booksim/anynet_routes.csv": ["validate booksim --reference booksim --json o.json"],
    "artifact/oracle.csv": ["validate artifact --reference artifact --json o.json"],
    "counts.pt": ["trace generate mini.yaml --requests 2 --steps 2 --counts counts.pt --out g.parquet"],
    "r/manifest.json": FOLDER,
    "r/result.json": FOLDER,
    "r/layers.parquet": FOLDER,
    "s/points.parquet": [
        "plot s/points.parquet --x strategy --y decode_time_ns -o o.svg",
        "plot s --x key --y hops -o o.pdf",
    ],
    "t.parquet": STORE,
    "loads.npz": ["trace generate mini.yaml --requests 2 --steps 2 --counts loads.npz --out g.parquet"],
}
"""The commands that read each file."""
LINES = [
    "traffic mesh_4x4 --load 0.1 --cycles 50 --packet-flits 1,5 --packet-weights 3,1 --injection on_off(0.2,0.2)",
    "traffic mesh_4x4 --load 0.1,0.2 --cycles 50 --pattern hotspot({{1,2},{3,1}}) --seed 3 --set vcs=2 --json -",
    "compare --topology micro_2x2 --model mini.yaml --trace t.jsonl --batch 2 --steps 3 --strategies base,ep --seed 1",
    "compare --topology micro_2x2 --model mini.yaml --batch 2 --steps 2 --strategies allo --link-models circuit,fair",
    "check micro_2x2 micro_line_2 --set d2d.latency=1ns --preset paper --link-model fair --json -",
    "info micro_2x2 --sources --preset artifact",
    "trace generate deepseek-v2-lite --requests 2 --steps 2 --seed 1 --out g.parquet",
    "trace show esft-law --json -",
    "trace names",
    "replay mesh.yaml p.csv --set vcs=2 --seed 1",
    "validate analytic --group littles_law --jobs 1",
    "draw mesh_4x4 -o o.svg --set latency=2ns --preset paper",
    f"{STUDY} --strategies base,ep --seed 1 --preset artifact --link-model circuit --out z",
    "study remap --model qwen3-30b-a3b --batches 2,4 --steps 2 --seed 1 --forecast answers --cost tokens --json -",
    "why r --layer 1 --strategy ep --link-model circuit --part die[0][0].hbm",
    "diff r r --strategy base --link-model circuit --json -",
    "rerun q --json o.json",
    "step dgx_h100 --model llama-3.1-8b --batch 2 --context 64 --parallel tp=2,pp=2 --precision fp8 --framework sglang "
    "--balance forced --picture p.svg --json -",
    "serve serve.yaml --json -",
    "sweep sweep.yaml --out z --jobs 1 --executor local --only 1",
    "sweep sweep.yaml --out z --emit slurm-array --executor-option a=b",
    "leaderboard sweep.yaml --out z --jobs 1 --json -",
    "plot s --x strategy --y decode_time_ns --colour key --facet strategy --where strategy=ep --kind bar --title t "
    "-o o.svg",
    "characterise micro_2x2 --out o.yaml --seed 1 --jobs 1",  # no die at line rate: one that is takes minutes
    "new component thing --folder .",
    "new policy thing --folder .",
    "trace analyse t.parquet --out a --layer 1 --force",
    "trace loads t.parquet --out l.npz --force",
    "trace stats t.parquet --json -",
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
    *("1 xs", "5 GB", "200 ns", "64kb", "base", "flit", "fair", "xy", "torus", "ring", "[0][9]", "..", "/"),
    *("*a", "&a", "!!x", "{value: 1 ns, source: s, kind: assumed}", "mini.yaml", "t.jsonl", "wafer_5x5", "./x.py:X"),
    *("<<: {}", "é" * 200, "1_000", "0x10", "1,5", "=", "--", "-", "o.json", "r", "/dev/null", "\r\n", "NaN", "∞"),
]
