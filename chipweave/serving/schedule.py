"""Runs the works of a step by a schedule: which stream each is on, what it waits for. Schedules are YAML, one file
each.

streams: {NAME: stream}     works of that name run on that stream; all others on "main"
after: {NAME: [NAME, ...]}  of the same layer: what a work waits for, in place of the one before it
micro_batches: 2            the step's tokens in N parts, each a chain of its own; streams take what is ready
                            first
up_to: 1024                 tokens of a rank up to which streams and waits hold; beyond, works follow each other
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from chipweave.declare import yamlfile
from chipweave.declare.params import check_head
from chipweave.errors import BadInput, Fault, Faults, nearest
from chipweave.io.remembered import by_file

FOLDER = files("chipweave") / "data" / "serving" / "schedules"
KEYS = ("schema", "name", "about", "micro_batches", "streams", "after", "up_to")
MOST = 1 << 24
NAMES = (
    "attention_norm", "qkv", "rope", "attention", "output", "attention_reduce", "mlp_norm", "up", "activation", "down",
    "mlp_reduce", "gate", "dispatch", "experts", "shared", "combine", "experts_reduce",
)  # fmt: skip
"""Works of a layer, in order."""

Ended = tuple[int, int]
"""(number of a part in order of start, ns at which it ends)."""


@dataclass(frozen=True)
class Work:
    """A kernel or message: kind (attention, gemm, moe, dispatch, combine, collective, framework, other), ns, layer."""

    kind: str
    name: str
    layer: int | None
    ns: int
    batch: int = 0


@dataclass(frozen=True)
class Part:
    """A work with its times, ns from the start of the step; critical: on the path that sums to the step's time."""

    work: Work
    start: int
    end: int
    critical: bool = False


@dataclass(frozen=True)
class Schedule:
    name: str
    micro_batches: int
    streams: dict[str, str]
    after: dict[str, list[str]]
    up_to: int = 0

    def of(self, tokens: int) -> Schedule:
        """What holds for a step of `tokens` tokens of a rank."""
        return replace(self, streams={}, after={}) if 0 < self.up_to < tokens else self


@by_file
def load(name: str) -> Schedule:
    """A schedule by name, or a file; BadInput with every fault."""
    known = sorted(f.name.removesuffix(".yaml") for f in FOLDER.iterdir() if f.name.endswith(".yaml"))
    path = Path(name if name.endswith((".yaml", ".yml")) else str(FOLDER / f"{name}.yaml"))
    if not path.is_file():
        raise BadInput(
            Fault(f"unknown schedule '{name}'", allowed=", ".join(known) + ", or a file", nearest=nearest(name, known))
        )
    root = yamlfile.load(path)
    faults = check_head(root, "schedule", "chipweave.schedule/1", KEYS, ("schema", "name"))
    given: dict[str, yamlfile.Node] = root.value
    _check_shape(given, faults)
    faults.raise_if_any()
    plain = root.plain()
    streams, after, count = plain.get("streams") or {}, plain.get("after") or {}, plain.get("micro_batches", 1)
    for key, words in (
        ("streams", list(streams)),
        ("after", [*after, *(w for waits in after.values() for w in waits)]),
    ):
        for word in words:
            if word not in NAMES:
                faults.add(
                    f"{key}: no work '{word}' in a layer",
                    given[key].place,
                    ", ".join(NAMES),
                    nearest(word, NAMES),
                )
    for word, waits in after.items():
        late = [w for w in waits if word in NAMES and w in NAMES and NAMES.index(w) >= NAMES.index(word)]
        if late:
            faults.add(f"after: {word} cannot wait for {', '.join(late)}, which comes no earlier", given["after"].place)
    if type(count) is not int or count not in (1, 2):
        faults.add(f"micro_batches cannot be {count}", given["micro_batches"].place, "1 or 2")
    up_to = plain.get("up_to", MOST)
    if type(up_to) is not int or not 1 <= up_to <= MOST:
        faults.add(f"up_to cannot be {up_to}", given["up_to"].place, f"a whole number from 1 to {MOST}")
    faults.raise_if_any()
    return Schedule(str(plain["name"]), count, streams, after, up_to)


def _check_shape(given: dict[str, yamlfile.Node], faults: Faults) -> None:
    """Streams are a mapping of texts, waits a mapping of lists of texts."""
    for key in ("streams", "after"):
        table = given.get(key)
        if table is None or table.value is None:
            continue
        if not table.is_map:
            faults.add(f"{key} must be a mapping, not {table.shape()}", table.place)
            continue
        for word, node in table.value.items():
            if key == "streams" and not isinstance(node.value, str):
                faults.add(f"{key}: {word} must be a text, not {node.shape()}", node.place)
            if key == "after" and not (node.is_list and all(isinstance(n.value, str) for n in node.value)):
                faults.add(f"{key}: {word} must be a list of works, not {node.shape()}", node.place)


def play(works: list[list[Work]], schedule: Schedule) -> tuple[list[Part], dict[str, int]]:
    """(parts in order of start, {kind: ns on the critical path}) of chains of works, one a micro-batch.

    The critical path sums to the time of the step: each part on it starts when the one before it on the path ends.
    """
    ends: list[dict[tuple[str, int | None], Ended]] = [{} for _ in works]
    free: dict[str, Ended] = {}
    parts: list[tuple[Part, int | None]] = []
    last: list[Ended | None] = [None] * len(works)
    waiting = [0] * len(works)
    while any(at < len(chain) for at, chain in zip(waiting, works, strict=True)):
        ready = [
            (_ready(works[i][at], ends[i], last[i], schedule, free), i)
            for i, at in enumerate(waiting)
            if at < len(works[i])
        ]
        (start, cause), i = min(ready, key=lambda r: (r[0][0], waiting[r[1]]))  # of two, the one that is behind
        work = works[i][waiting[i]]
        part = (Part(work, start, start + work.ns), cause)
        parts.append(part)
        ends[i][work.name, work.layer] = last[i] = len(parts) - 1, part[0].end
        free[schedule.streams.get(work.name, "main")] = len(parts) - 1, part[0].end
        waiting[i] += 1
    return _ordered(parts)


def _ready(
    work: Work,
    ends: dict[tuple[str, int | None], Ended],
    last: Ended | None,
    schedule: Schedule,
    free: dict[str, Ended],
) -> tuple[int, int | None]:
    """(ns at which a work can start, the part that it waited for last or None)."""
    names = schedule.after.get(work.name)
    waits = [ends[n, work.layer] for n in names if (n, work.layer) in ends] if names else []
    if not waits and last is not None:
        waits = [last]
    stream = free.get(schedule.streams.get(work.name, "main"))
    causes = [*waits, stream] if stream else waits
    if not causes:
        return 0, None
    at, end = max(causes, key=lambda c: c[1])
    return end, at


def _ordered(parts: list[tuple[Part, int | None]]) -> tuple[list[Part], dict[str, int]]:
    """(parts by start, ns by kind on the critical path): from the part that ends last back through
    what each waited for.
    """
    at: int | None = max(range(len(parts)), key=lambda i: parts[i][0].end)
    critical: dict[str, int] = {}
    while at is not None:
        part, cause = parts[at]
        critical[part.work.kind] = critical.get(part.work.kind, 0) + part.end - part.start
        parts[at] = replace(part, critical=True), cause
        at = cause
    return sorted((p for p, _ in parts), key=lambda p: (p.start, p.end)), critical
