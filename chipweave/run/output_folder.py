"""The output folder of a comparison: manifest, result, statistics and links, each written whole or not at all."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import Any

import numpy as np

from chipweave import __version__
from chipweave.io.atomic import replacing, write_json
from chipweave.io.late import late
from chipweave.run.record import column
from chipweave.run.table import with_units
from chipweave.run.why.breakdown import CRITICAL, FLOWS, PARTS

pa = late("pyarrow")
pq = late("pyarrow.parquet")

LINK_UNITS = {"begin_ps": "ps", "end_ps": "ps", "bytes": "B", "wire_bytes": "B", "busy_ps": "ps", "stalled_ps": "ps"}
TEXT = ("class", "part", "network", "link", "from", "to")
ACCOUNTS = [
    (name, list(enumerate((c, "string" if c in TEXT else "int64") for c in columns)), units)
    for name, columns, units in (
        ("critical", CRITICAL, {"ps": "ps"}),
        ("parts", PARTS, {"served": "stages", "busy_ps": "ps", "idle_ps": "ps", "waiting_ps": "ps"}),
        ("flows", FLOWS, {"bytes": "B"}),
    )
]


FILES = ("layers.parquet", "statistics.parquet", "links.parquet", "manifest.json", "result.json")


def write(folder: Any, document: Any, entries: Any, outcomes: Any, state: Any = None) -> None:
    """Write the tables (docs/reference/results.md), manifest.json and, last, result.json into `folder`.

    entries: for each row its RunSpec, or its entry of a manifest; state: what chipweave.run.resume needs to go on.
    """
    entries = [e if isinstance(e, dict) else entry(e, o) for e, o in zip(entries, outcomes, strict=True)]
    for name, table in tables(outcomes).items():
        write_table(folder / f"{name}.parquet", table)
    write_json(folder / "manifest.json", manifest(document, entries, state))
    write_json(folder / "result.json", document)


def tables(outcomes: Any) -> dict[str, Any]:
    """Name -> Arrow table of all rows, with units in the metadata of its fields."""
    return {
        "layers": with_units(layer_table(outcomes), units_of(outcomes)),
        "statistics": with_units(statistics_table(outcomes), {}),
        "links": with_units(link_table(outcomes), LINK_UNITS),
        **{name: with_units(account_table(outcomes, name, columns), units) for name, columns, units in ACCOUNTS},
    }


def manifest(
    document: dict[str, Any], entries: Any, state: Any
) -> dict[str, dict[str, str] | list[dict[str, dict[Any, Any]]] | str]:
    """Everything needed to repeat the runs, and to go on with them."""
    return {
        "schema": "chipweave.manifest/1",
        "version": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "result_sha256": document["result_sha256"],
        "trace": document["trace"],
        **(state or {}),
        "runs": entries,
    }


def entry(run: Any, outcome: Any) -> Any:
    """The manifest's entry of one row."""
    said = {k: v for k, v in asdict(run).items() if k != "folder"}
    return {"run": said, "prefill_steps": outcome.prefill_steps, **outcome.facts}


def labels(outcome: Any) -> dict[str, str]:
    """What tells the rows of one run from another's: strategy, link model, admission."""
    return {k: outcome.row[k] for k in ("strategy", "link_model", "admission")}


def layer_table(outcomes: Any) -> Any:
    """One row per run, step and layer; none of a run by a sample, whose layers are those of the circuit run beside it.

    Of the plans there is no fingerprint: runs do not take one (`keep_plans`).
    """
    tables = []
    for o in (o for o in outcomes if "sample" not in o.row):
        kept = {c: column(o.table, c, o.columns) for c in o.columns if c != "plan_crc32"}
        tables.append(pa.table({**_constant(labels(o), len(o.table)), **kept}))
    return pa.concat_tables(tables)


def units_of(outcomes: Any) -> Any:
    """Column of the layer table -> unit."""
    return {"time_ps": "ps"} | {figure.name: figure.unit for outcome in outcomes for figure in outcome.metrics}


def statistics_table(outcomes: Any) -> Any:
    """One row per run, part and statistic."""
    tables = []
    for o in outcomes:
        types = {"part": pa.string(), "statistic": pa.string(), "unit": pa.string(), "value": pa.int64()}
        columns = {
            name: pa.array([row[i] for row in o.statistics], kind) for i, (name, kind) in enumerate(types.items())
        }
        tables.append(pa.table({**_constant(labels(o), len(o.statistics)), **columns}))
    return pa.concat_tables(tables)


def link_table(outcomes: list[Any]) -> Any:
    """One row per run, network, link and time bin in which the link was used or waited for."""
    tables = []
    for o in outcomes:
        for network, names, stats in o.links:
            bins, links = np.nonzero(stats.bins.any(axis=2))
            values = stats.bins[bins, links]
            columns = {
                "network": pa.array([network] * len(bins), pa.string()),
                "link": pa.array([names[i] for i in links], pa.string()),
                "begin_ps": bins * stats.bin_ps,
                "end_ps": (bins + 1) * stats.bin_ps,
                "bytes": values[:, 0],
                "wire_bytes": pa.array(
                    stats.wire[bins, links] if stats.wire is not None else [None] * len(bins), pa.int64()
                ),
                "busy_ps": values[:, 1],
                "stalled_ps": values[:, 2],
            }
            tables.append(pa.table({**_constant(labels(o), len(bins)), **columns}))
    return pa.concat_tables(tables) if tables else pa.table({})


def account_table(outcomes: list[Any], name: str, columns: list[Any]) -> Any:
    """The rows of one table of the breakdown, of all runs that have one."""
    tables = []
    for o in outcomes:
        rows = getattr(o.breakdown, name) if o.breakdown else []
        values = {column: pa.array([row[i] for row in rows], getattr(pa, kind)()) for i, (column, kind) in columns}
        tables.append(pa.table({**_constant(labels(o), len(rows)), **values}))
    return pa.concat_tables(tables)


def _constant(values: dict[str, str], rows: int) -> dict[str, Any]:
    return {name: pa.array([value] * rows, pa.string()).dictionary_encode() for name, value in values.items()}


def write_table(path: Any, table: Any) -> None:
    """Write a Parquet file."""
    with replacing(path, "wb") as file:
        pq.write_table(table, file, compression="zstd")
