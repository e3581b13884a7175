"""`chipweave timeline`: a run as a trace that Perfetto shows: a track for each resource, transfers as flows, links as
counters.

The rule of sampling: layer-steps are kept whole or not at all. Every one has its slice; of each n-th, from the first
on, all stages are kept, n being the smallest with which about `most` stages are left. Counters are of the whole run.
Exact times stand in each slice's `args` (`start_ps`, `ps`), since the format's own are in microseconds.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.chain.nouns import Take
from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import check_file, replacing
from chipweave.run import simulate
from chipweave.run.why.folder import Kept, again
from chipweave.run.why.stretches import ASKED, BATCH, CHAIN, END, NUMBER, START, TRANSFER, Stretches

MOST_STAGES = 60_000
MARK = "chipweave.timeline/1"
PS_PER_US = 1_000_000
RUN = "run"  # the process of what belongs to no die


@dataclass(frozen=True)
class Slice:
    """What one track shows from `begin` to `end`, ps. transfer: what joins the stages of one transfer; "" for none."""

    process: str
    track: str
    name: str
    begin: int
    end: int
    args: dict[str, Any]
    transfer: str = ""


class Stages(Stretches):
    """A fabric that keeps the stages of every n-th layer-step."""

    def __init__(self, fabric: Any, every: int) -> None:
        super().__init__(fabric)
        self.every = every
        self.slices: list[Slice] = []
        self.layer_steps = 0

    def take(self) -> None:
        """The stages since the last barrier become slices, where their layer-step is kept."""
        if self.issued and self.layer_steps % self.every == 0:
            for event in self.fabric.recorded().tolist():
                if event[END] >= 0:
                    self.slices += self.of_stage(event)
        for network in self.fabric.layout.parts["networks"]:
            self.fabric.trails(network)  # not shown, and would pile up
        self.issued = {}

    def layer_ended(self, run: Any, job: Any, begin: int, end: int) -> None:
        """A layer-step has ended; it has a slice of its own, kept or not."""
        self.take()
        args = {"step": job.step, "layer": job.layer, "stages_kept": self.layer_steps % self.every == 0}
        self.slices.append(Slice(RUN, "layer-steps", f"step {job.step}, layer {job.layer}", begin, end, args))
        self.layer_steps += 1

    def of_stage(self, event: list[int]) -> Iterator[Slice]:
        """The slices of one stage: what it waited, then what it held, on the track of each thing it took."""
        stage, of = self.stage(event), self.operands(event)
        args = {"chain": self.chains[event[CHAIN]].name, **of, "number": event[NUMBER]}
        transfer = f"{event[BATCH]}.{event[TRANSFER]}"
        for process, track, route in _places(stage, of):
            more = {**args, "route": route} if route else args
            if event[START] > event[ASKED]:
                yield Slice(process, f"{track}: waiting", stage.name, event[ASKED], event[START], more)
            yield Slice(process, track, stage.name, event[START], event[END], more, transfer)


def _places(stage: Any, of: dict[str, int]) -> Iterator[tuple[str, str, str]]:
    """(die, resource, links of the route) of all that a stage takes; a send stands at the die that sends."""
    for take in stage.take:
        if isinstance(take, Take):
            die, _, name = take.resources.label(of[take.operand]).rpartition(".")
            yield die or RUN, name, ""
    route = stage.message or next((take for take in stage.take if not isinstance(take, Take)), None)
    if route is not None:
        crossed = dict.fromkeys(route.network.routes(of[route.source], of[route.target]))
        links = [route.network.links[i].name for i in crossed]
        die = links[0].partition(" -> ")[0].rpartition(".")[0] if links else ""
        yield die or RUN, f"{route.network.name}: sending", ", ".join(links)


def of(kept: Kept, most: int = MOST_STAGES) -> dict[str, Any]:
    """The trace of a run, as the JSON that Perfetto reads.

    most: about how many stages are kept.

    Raises:
        BadInput: run again, it gives other figures than its folder's.
    """
    every = max(1, -(-int(kept.row["events"]) // most))
    watched: list[Stages] = []

    def around(fabric: Any, work: Any) -> Stages:
        watched.append(Stages(fabric, every))
        return watched[0]

    outcome = again(kept, around)
    rule = f"stages of every {every}. layer-step" if every > 1 else "all stages"
    return {
        "displayTimeUnit": "ns",
        "otherData": {
            "schema": MARK,
            "strategy": kept.row["strategy"],
            "link_model": kept.row["link_model"],
            "topology": kept.spec.topology,
            "every": every,
            "layer_steps": watched[0].layer_steps,
            "rule": f"every layer-step as a slice; {rule}; counters of the whole run",
        },
        "traceEvents": [*events(watched[0].slices), *counters(outcome)],
    }


def events(slices: list[Slice]) -> Iterator[dict[str, Any]]:
    """Slices on tracks, each track split into lanes where slices overlap, and arrows from stage to stage."""
    numbers: dict[str, int] = {}
    tracks: dict[tuple[str, str], list[Slice]] = {}
    for each in slices:
        tracks.setdefault((each.process, each.track), []).append(each)
    ends: dict[str, list[tuple[int, Slice, int, int]]] = {}
    thread = 0
    for (process, track), own in sorted(tracks.items()):
        first = process not in numbers
        pid = numbers.setdefault(process, len(numbers) + 1)
        if first:
            yield {"ph": "M", "pid": pid, "name": "process_name", "args": {"name": process}}
        for lane, members in enumerate(lanes(own)):
            thread += 1
            name = track if not lane else f"{track} ({lane + 1})"
            yield {"ph": "M", "pid": pid, "tid": thread, "name": "thread_name", "args": {"name": name}}
            for each in members:
                exact = {"start_ps": each.begin, "ps": each.end - each.begin}
                yield {"ph": "X", "pid": pid, "tid": thread, "name": each.name, "cat": each.track, "ts": us(each.begin),
                       "dur": us(each.end - each.begin), "args": {**each.args, **exact}}  # fmt: skip
                if each.transfer:
                    ends.setdefault(each.transfer, []).append((each.args["number"], each, pid, thread))
    for i, (transfer, own_ends) in enumerate(ends.items()):
        yield from flow(i + 1, transfer, sorted(own_ends, key=lambda e: (e[1].begin, e[0])))


def flow(number: int, transfer: str, ends: list[tuple[int, Slice, int, int]]) -> Iterator[dict[str, Any]]:
    """The arrows of one transfer through its stages in time: from request to data to computation."""
    for i, (_, each, pid, thread) in enumerate(ends if len(ends) > 1 else ()):
        phase = "s" if i == 0 else "f" if i == len(ends) - 1 else "t"
        more = {"bp": "e"} if phase == "f" else {}
        yield {"ph": phase, "id": number, "pid": pid, "tid": thread, "ts": us(each.begin), "cat": "transfer",
               "name": f"transfer {transfer}", **more}  # fmt: skip


def lanes(slices: list[Slice]) -> list[list[Slice]]:
    """Slices in as few rows as have no overlap, first come first."""
    rows: list[list[Slice]] = []
    for each in sorted(slices, key=lambda s: (s.begin, s.end)):
        free = next((row for row in rows if row[-1].end <= each.begin), None)
        if free is None:
            rows.append([each])
        else:
            free.append(each)
    return rows


def counters(outcome: simulate.Outcome) -> Iterator[dict[str, Any]]:
    """For each link its bytes, busy and stalled time in each bin; 0 behind the last."""
    pid = 1_000_000
    for network, names, stats in outcome.links:
        pid += 1
        yield {"ph": "M", "pid": pid, "name": "process_name", "args": {"name": f"links of {network}"}}
        for i, name in enumerate(names):
            values = stats.bins[:, i]
            last = int(np.flatnonzero(values.any(axis=1))[-1]) if values.any() else -1
            for k in range(last + 1 + (last >= 0)):
                size, busy, stalled = values[k].tolist() if k <= last else (0, 0, 0)
                yield {"ph": "C", "pid": pid, "name": name, "ts": us(k * stats.bin_ps),
                       "args": {"bytes": size, "busy_ps": busy, "stalled_ps": stalled}}  # fmt: skip


def us(ps: int) -> float:
    """Microseconds of whole ps."""
    return ps / PS_PER_US


def write(kept: Kept, path: str | Path, most: int = MOST_STAGES, force: bool = False) -> dict[str, Any]:
    """Write the trace; compressed where the path ends with .gz. Returns what it says of itself (`otherData`).

    Raises:
        BadInput: the file is there and no timeline.
    """
    path = Path(path)
    check_file(path)
    if path.is_file() and not force and MARK not in _head(path):
        raise BadInput(Fault(f"{path} is there and no timeline", allowed="another name, or --force"))
    found = of(kept, most)
    text = json.dumps(found, separators=(",", ":"), allow_nan=False).encode()
    with replacing(path, "wb") as file:
        file.write(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    about: dict[str, Any] = found["otherData"]
    return about


def _head(path: Path) -> str:
    """The first characters of a file, unpacked where it is compressed."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(400).decode(errors="replace")
    except (OSError, EOFError):
        return ""
