"""What a run keeps of each layer of each step, and the figures made from it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from chipweave.io.process import peak_rss_bytes
from chipweave.run.metrics import NAMES

PS_PER_NS = 1000
HEAD = ("step", "layer", "time_ps", "events", "plan_entries", "plan_crc32")
COLUMNS = [*HEAD, *NAMES]  # of every run; new metrics of its parts follow


class LayerRecords:
    """A growing table, one row per (step, layer) in order of execution.

    Args:
        names: the counted metrics of the run; those of `metrics.COUNTED` come first.
    """

    def __init__(self, names: list[str] = NAMES) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.columns = [*HEAD, *names]

    def add(
        self, step: int, layer: int, time_ps: int, events: int, plan_entries: int, plan_crc32: int, counted: list[int]
    ) -> None:
        """`counted`: one number for each metric, what components counted during this layer."""
        self.rows.append((step, layer, time_ps, events, plan_entries, plan_crc32, *counted))

    def table(self) -> np.ndarray:
        """int64 [rows, columns]."""
        return np.array(self.rows, dtype=np.int64).reshape(len(self.rows), len(self.columns))


def column(table: np.ndarray, name: str, columns: list[str] = COLUMNS) -> np.ndarray:
    """int64 [rows]: a column of a layer table; `columns` where a run has new metrics."""
    return table[:, columns.index(name)]


def nanoseconds(ps: int) -> int:
    """Whole nanoseconds, half up."""
    return (int(ps) + PS_PER_NS // 2) // PS_PER_NS


def figures(table: np.ndarray, tokens: Any, prefill_steps: int, columns: list[str] = COLUMNS) -> dict[Any, Any]:
    """The deterministic values of one row of `compare` (see chipweave/run/metrics.py).

    prefill_steps  how many leading steps are prefill: 1, or 0 where the trace starts with decode
    tokens  what the throughput counts
    """
    decode = table[column(table, "step") >= prefill_steps]
    prefill = table[column(table, "step") < prefill_steps]
    time_ps = int(column(decode, "time_ps").sum())
    row = {
        "decode_time_ns": nanoseconds(time_ps),
        "prefill_time_ns": nanoseconds(column(prefill, "time_ps").sum()),
        "throughput_tokens_per_s": tokens / (time_ps / 1e12) if time_ps else 0.0,
        "speedup": None,
        "hops": int(column(decode, "hops").sum()),
        "hops_prefill": int(column(prefill, "hops").sum()),
    }
    for name in columns[len(HEAD) :]:
        row[name] = int(column(decode, name, columns).sum())
    row["events"] = int(column(table, "events").sum())
    row["layers"] = _per_layer(decode)
    return row


def _per_layer(decode: np.ndarray) -> list[dict[str, int]]:
    """Sums over the decode steps, one entry per layer."""
    layers = column(decode, "layer")
    out = []
    for layer in np.unique(layers):
        of_layer = decode[layers == layer]
        time = nanoseconds(column(of_layer, "time_ps").sum())
        out.append({"layer": int(layer), "decode_time_ns": time, "hops": int(column(of_layer, "hops").sum())})
    return out


class Meter:
    """CPU seconds (user + system), wall seconds and peak memory of this process since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """CPU and wall seconds since it was made, and the peak memory of the process."""
        return {
            "cpu_s": round(time.process_time() - self.cpu, 6),
            "wall_s": round(time.perf_counter() - self.wall, 6),
            "peak_rss_bytes": peak_rss_bytes(),
        }
