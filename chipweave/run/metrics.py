"""The dictionary of metrics: every figure of a result, with its unit, owner and definition.

The figures of `FIGURES` belong to the run itself. The others are counted by components: a `Stat` declared with
`metric="name"` adds to the figure of that name. A name that is not in `COUNTED` is a new metric: it gets a column of
its own, with the unit and the words of its Stat. `docs/reference/metrics.md` is generated from this (`python -m
chipweave.run.metrics`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chipweave.component.component import Component
from chipweave.errors import BadInput, Fault


@dataclass(frozen=True)
class Figure:
    """One value of a result: its name is the column, its definition what docs/reference/metrics.md prints."""

    name: str
    unit: str
    definition: str


# What the shipped components count.
COUNTED = [
    Figure(
        "hops",
        "hops",
        (
            "links passed by request messages of remote slice reads "
            "(Manhattan distance on a mesh; data messages are not counted)"
        ),
    ),
    Figure(
        "local_read_bytes",
        "B",
        "bytes read from the HBM of the executing die: weights (home or copy) and the activations charged with them",
    ),
    Figure("remote_read_bytes", "B", "weight bytes read from the HBM of another die"),
    Figure("copy_write_bytes", "B", "bytes written to HBM as copies of remote weights"),
    Figure("local_slice_reads", "slices", "reads served by the HBM of the executing die, copies included"),
    Figure("remote_slice_reads", "slices", "reads served by the HBM of another die"),
    Figure("remote_llc_hits", "slices", "reads of another die's weights served by that die's LLC"),
    Figure("local_llc_hits", "slices", "reads served by the LLC of the executing die"),
    Figure("copies", "slices", "slices stored as copies"),
]

# What a run says of itself.
FIGURES = [
    Figure(
        "decode_time_ns",
        "ns",
        (
            "sum of the layer times of the decode steps that were run (prefill not included); a layer "
            "lasts from the start of its kernel to the end of its last data movement or computation"
        ),
    ),
    Figure("prefill_time_ns", "ns", "the same for step 0, where it is a prefill"),
    Figure(
        "throughput_tokens_per_s",
        "tokens/s",
        (
            "tokens decoded / decode time: the rows of the trace's decode steps that were "
            "run, of requests that had not ended; under preset artifact batch x steps / "
            "decode time (it counts the prefill step and ended requests, as the paper "
            "does); `notes.tokens_counted` is the numerator; 0 where no decode step was run"
        ),
    ),
    Figure(
        "speedup",
        "1",
        (
            "decode time of strategy base over this row's, under the same link model "
            "and admission; null where base was not run or there is no decode step"
        ),
    ),
    Figure(
        "hops_prefill",
        "hops",
        "hops of step 0, where it is a prefill; all other counts below are of the decode steps alone",
    ),
    Figure("events", "events", "stage events that the kernel processed, prefill included"),
    Figure("cpu_s", "s", "user and system time of this row's simulation, trace reading and planning included"),
    Figure("wall_s", "s", "elapsed time of this row's simulation"),
    Figure("peak_rss_bytes", "B", "largest resident memory of the process until the row was done"),
]

# What `step` and `serve` say; JSON of docs/commands.md.
OF_A_STEP = [
    Figure("time_ns", "ns", "a step, from its first work to the end of its last"),
    Figure("critical", "ns", "by kind of work, the critical path: what was waited for; sums to `time_ns`"),
    Figure("tokens", "tokens", "that the step computes on all GPUs: one a sequence that decodes, all of a prompt"),
]
SPREAD = "mean, p50 and p99 over "
OF_A_SERVER = [
    Figure("seconds", "s", "first arrival to last token, start and drain included"),
    Figure("ttft_ms", "ms", SPREAD + "requests: first token after arrival, queue and prompt included"),
    Figure("queue_ms", "ms", SPREAD + "requests: from arrival until the prompt begins"),
    Figure(
        "tpot_ms",
        "ms",
        SPREAD + "requests of several tokens: time from first to last token over tokens after the first",
    ),
    Figure("itl_ms", "ms", SPREAD + "all gaps between two tokens of a request, preemption included"),
    Figure("output_tokens_per_s", "tokens/s", "tokens made, first ones too, over `seconds`; prompts are not counted"),
    Figure("output_tokens_per_s_per_gpu", "tokens/s", "the same over all GPUs, those of a prefill apart included"),
    Figure("output_tokens_per_s_per_user", "tokens/s", "mean over requests of several tokens: 1 / TPOT"),
    Figure("busy", "1", "of an engine: share of `seconds` in which it computed a step"),
    Figure("steps", "steps", "that an engine computed"),
    Figure("step_shapes_computed", "steps", "shapes of a step that were timed, each once"),
    Figure("step_shapes_reused", "steps", "steps that took the time of one of like shape"),
    Figure("largest_error_of_reuse", "1", "largest difference found between a reused time and its own; at most 0.01"),
    Figure("rounding_refined", "times", "how often shapes had to be rounded more finely to keep that bound"),
    Figure("kv_blocks", "blocks", "cache blocks that an engine has, over all replicas"),
    Figure("kv_blocks_peak", "blocks", "most of them held at once"),
    Figure("preemptions", "times", "how often a request gave its blocks back and was computed again"),
    Figure("simulated", "sizes", "of a step, in tokens, that were simulated on a composed system"),
]

NAMES = [figure.name for figure in COUNTED]
OF_A_RUN = (
    "strategy",
    "link_model",
    "admission",
    "layers",
    "sample",
    "step",
    "layer",
    "time_ps",
    "plan_entries",
    "plan_crc32",
)
TAKEN = {*OF_A_RUN, *(figure.name for figure in FIGURES)}
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def counted_by(parts: Iterable[Component]) -> list[Figure]:
    """The counted metrics of a system: those of `COUNTED`, then the new ones its parts declare, by name.

    Raises:
        BadInput: a Stat's metric is no name, is a figure of the run itself, or is counted in another unit elsewhere.
    """
    known = {figure.name: figure for figure in COUNTED}
    new: dict[str, Figure] = {}
    faults: list[Fault] = []
    for part in parts:
        for name, stat in part.statistics.items():
            if not stat.metric:
                continue
            where = f"{part.name}: statistic {name} counts for metric {stat.metric!r}"
            there = known.get(stat.metric) or new.get(stat.metric)
            if not NAME.fullmatch(stat.metric):
                faults.append(Fault(where, allowed="small letters, digits and _, the first a letter"))
            elif stat.metric in TAKEN:
                faults.append(Fault(f"{where}, which the run itself states", allowed="another name"))
            elif there and there.unit != stat.unit:
                faults.append(Fault(f"{where} in {stat.unit}", allowed=f"its unit, {there.unit}, or another name"))
            elif not there:
                new[stat.metric] = Figure(stat.metric, stat.unit, stat.doc)
    if faults:
        raise BadInput(faults)
    return [*COUNTED, *(new[name] for name in sorted(new))]


def as_markdown() -> Any:
    """The dictionary as the table of docs/reference/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Generated by `python -m chipweave.run.metrics`; do not edit.",
        "",
        "| figure | unit | owner | definition |",
        "|---|---|---|---|",
    ]
    tables = ("run", FIGURES), ("components", COUNTED), ("step", OF_A_STEP), ("serve", OF_A_SERVER)
    for owner, figures in tables:
        lines += [f"| `{f.name}` | {f.unit} | {owner} | {f.definition} |" for f in figures]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
